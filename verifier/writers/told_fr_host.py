"""What the examination of this host says, and what the settings mean, in French (told_fr.py)."""

HOST_FR = {
    "DNS resolver": "résolveur DNS",
    "block lists": "listes noires",
    "public address": "adresse publique",
    "HELO name": "nom HELO",
    "data folder": "dossier de données",
    "data": "données",
    "no answer within 2 seconds": "pas de réponse en 2 secondes",
    "not asked yet": "pas encore demandé",
    "Redis does not answer": "Redis ne répond pas",
    "the store of keys cannot be read": "les clés ne peuvent pas être lues",
    "the resolver {} knows {}, a name that does not exist": "le résolveur {0} connaît {1}, un nom qui n’existe pas",
    "the resolver {} finds no mail host for {}, a domain that takes mail": "le résolveur {0} ne trouve pas de "
    "serveur de messagerie pour {1}, un domaine qui en a",
    "the resolver {} could not be tested: it does not find any of the domains that "
    "must exist": "le résolveur {0} n’a pas pu être essayé : il ne trouve aucun des domaines qui doivent exister",
    "the resolver {} could not be tested: it does not say of any made-up name that "
    "it does not exist": "le résolveur {0} n’a pas pu être essayé : d’aucun nom inventé il ne dit qu’il n’existe pas",
    "Try again later.": "Réessayez plus tard.",
    "The {} is of {} (age in days: {}).": "La liste des domaines jetables est du {1} (âge en jours : {2}).",
    "No domain lists were found.": "Aucune liste de domaines n’a été trouvée.",
    "Install verifier anew, or run `verifier data`.": "Réinstallez verifier, ou lancez `verifier data`.",
    "Run `verifier data` to refresh the domain lists.": "Lancez `verifier data` pour rafraîchir les listes.",
    "{} can be written, and its database is sound.": "{0} est accessible en écriture, et sa base de données est saine.",
    "Make it writable for this user, or set VERIFIER_DATA_DIR to a folder that is.": "Rendez-le accessible en "
    "écriture, ou mettez dans VERIFIER_DATA_DIR un dossier qui l’est.",
    "Not used: facts and pacing are kept in this process.": "Pas utilisé : ce processus garde lui-même ce qu’il sait.",
    "{} does not answer: {}.": "{0} ne répond pas : {1}.",
    "Start it, or correct VERIFIER_REDIS_URL; without it, work goes on in this "
    "process alone.": "Démarrez-le, ou corrigez VERIFIER_REDIS_URL ; sans lui, le travail continue dans ce "
    "seul processus.",
    "{} answers.": "{0} répond.",
    "No name server answers ({}).": "Aucun serveur de noms ne répond ({0}).",
    "Check the network, or set VERIFIER_DNS_NAMESERVERS to name servers that can be "
    "reached.": "Vérifiez le réseau, ou mettez dans VERIFIER_DNS_NAMESERVERS des serveurs de noms joignables.",
    "The resolver ({}) invents addresses for names that do not exist.": "Le résolveur ({0}) invente des "
    "adresses pour des noms qui n’existent pas.",
    "Set VERIFIER_DNS_NAMESERVERS to a resolver without a filter; until then no “no "
    "such domain” is believed.": "Mettez dans VERIFIER_DNS_NAMESERVERS un résolveur sans filtre ; jusque-là, "
    "aucun « domaine inexistant » n’est cru.",
    "{} of {} well-known domains do not resolve ({}).": "{0} domaines connus sur {1} ne se résolvent pas ({2}).",
    "{} answers truly.": "{0} répond juste.",
    "{} is listed by {}.": "{0} est sur la liste noire de {1}.",
    "Mail servers will refuse us: find the cause, then ask at {} to be taken off.": "Des serveurs nous "
    "refuseront : trouvez la cause, puis demandez le retrait à {0}.",
    "{} is on none that answered; {} did not answer this resolver.": "{0} n’est sur aucune de celles qui ont "
    "répondu ; {1} n’a pas répondu à ce résolveur.",
    "Block lists answer no public resolver: use one of your own.": "Les listes noires ne répondent à aucun "
    "résolveur public : utilisez le vôtre.",
    "{} is on none of {}.": "{0} n’est sur aucune des {1} listes noires.",
    "Set VERIFIER_SMTP_ENABLED=true to have mailboxes asked.": "Mettez VERIFIER_SMTP_ENABLED=true pour "
    "interroger les boîtes.",
    "Mailboxes are not asked: SMTP is switched off.": "Les boîtes ne sont pas interrogées : SMTP est désactivé.",
    "Port 25 is open: {} of {} large mail hosts answered.": "Le port 25 est ouvert : {0} grands serveurs de "
    "messagerie sur {1} ont répondu.",
    "Port 25 is open: {} of {} large mail hosts answered. {} refused us: {}": "Le port 25 est ouvert : {0} "
    "grands serveurs sur {1} ont répondu. {2} nous a refusés : {3}",
    "See to this host's name, PTR and block lists, below.": "Voyez ci-dessous le nom, le PTR et les listes noires.",
    "Too few of the large mail hosts could be looked up to test port 25.": "Trop peu de grands serveurs de "
    "messagerie ont été trouvés pour essayer le port 25.",
    "None of {} large mail hosts could be reached: port 25 is closed on the way out "
    "of here.": "Aucun des {0} grands serveurs de messagerie n’a pu être joint : le port 25 est fermé en sortie d’ici.",
    'Every mail host answers as "{}": a relay or filter on the way out speaks in '
    "their place.": "Tous les serveurs répondent « {0} » : un relais ou un filtre parle à leur place.",
    "The proxy does not answer or does not let us through: see to it and to "
    "VERIFIER_SMTP_PROXY.": "Le proxy ne répond pas, ou ne nous laisse pas passer : voyez-le, et VERIFIER_SMTP_PROXY.",
    "Ask your hoster to open port 25, run verifier on a host that has it open, or "
    "send the probes through a SOCKS5 proxy there (VERIFIER_SMTP_PROXY). Without it all but the mailbox is still "
    "checked.": "Demandez à l’hébergeur d’ouvrir le port 25, lancez verifier là où il est ouvert, ou passez "
    "par un proxy SOCKS5 (VERIFIER_SMTP_PROXY). Sans cela, tout est vérifié sauf la boîte.",
    "Switch off the relay or the antivirus' mail filter, or use another host.": "Désactivez le relais ou le "
    "filtre de l’antivirus, ou prenez une autre machine.",
    "Set VERIFIER_DNS_CANARIES to three or more large mail domains that resolve here.": "Mettez dans "
    "VERIFIER_DNS_CANARIES au moins trois grands domaines de messagerie qui se résolvent ici.",
    "Mail servers see us as {}.": "Les serveurs de messagerie nous voient comme {0}.",
    "No mail server told us our public address.": "Aucun serveur ne nous a dit notre adresse publique.",
    "Set VERIFIER_SMTP_SOURCE_ADDRESSES to it to have its name and block lists "
    "examined.": "Mettez-la dans VERIFIER_SMTP_SOURCE_ADDRESSES pour que son nom et les listes noires soient examinés.",
    "{} is a bare IP address, not a host name.": "{0} est une adresse IP, pas un nom de machine.",
    "{} is not an e-mail address.": "{0} n’est pas une adresse e-mail.",
    "{} is no name of a host on the internet.": "{0} n’est pas le nom d’une machine sur Internet.",
    "{} has no domain.": "{0} n’a pas de domaine.",
    "{} lies under a name that nobody can own.": "{0} est sous un nom que personne ne peut posséder.",
    "{} belongs to a mail provider, not to you.": "{0} appartient à un fournisseur de messagerie, pas à vous.",
    "Set VERIFIER_SMTP_HELO to this host's real name.": "Mettez dans VERIFIER_SMTP_HELO le vrai nom de cette machine.",
    "Set VERIFIER_SMTP_MAIL_FROM to a real address of yours that takes mail.": "Mettez dans "
    "VERIFIER_SMTP_MAIL_FROM une vraie adresse à vous, qui reçoit du courrier.",
    "{}: its name servers did not answer.": "{0} : ses serveurs de noms n’ont pas répondu.",
    "Publish an address record for {}, or set VERIFIER_SMTP_HELO to a name that has "
    "one.": "Publiez une adresse pour {0}, ou mettez dans VERIFIER_SMTP_HELO un nom qui en a une.",
    "{} has no address in DNS.": "{0} n’a pas d’adresse dans le DNS.",
    "Point {} to {}, or set VERIFIER_SMTP_HELO to the name that is.": "Faites mener {0} à {1}, ou mettez dans "
    "VERIFIER_SMTP_HELO le nom qui y mène.",
    "{} does not lead to {}.": "{0} ne mène pas à {1}.",
    "{} leads to {}.": "{0} mène à {1}.",
    "Ask your hoster to set the reverse name of the address to the HELO name; many "
    "servers refuse without.": "Demandez à l’hébergeur de donner à l’adresse le nom HELO en DNS inverse ; "
    "beaucoup de serveurs refusent sans cela.",
    "{} has no name.": "{0} n’a pas de nom.",
    "{} is {}, and {} leads back to it.": "{0} est {1}, et {2} y ramène.",
    "Publish an address record that leads {} back to {}.": "Publiez une adresse qui ramène {0} à {1}.",
    "{} is {}, but that does not lead back to it.": "{0} est {1}, mais cela n’y ramène pas.",
    "{}: its domain takes mail.": "{0} : son domaine reçoit du courrier.",
    "Set VERIFIER_SMTP_MAIL_FROM to a real address of yours: servers that call back "
    "refuse a sender without.": "Mettez dans VERIFIER_SMTP_MAIL_FROM une vraie adresse à vous : des serveurs "
    "vérifient l’expéditeur.",
    "{} takes no mail.": "{0} ne reçoit pas de courrier.",
    "Join them into one: several records are as good as a broken one (RFC 7208 §4.5).": "Réunissez-les : "
    "plusieurs enregistrements valent un enregistrement cassé (RFC 7208 §4.5).",
    "{} has {} SPF records.": "{0} a {1} enregistrements SPF.",
    "{} has no SPF record.": "{0} n’a pas d’enregistrement SPF.",
    'Publish: {} TXT "v=spf1 {} -all"': 'Publiez : {0} TXT "v=spf1 {1} -all"',
    "{} does not permit {} ({}): {}": "{0} n’autorise pas {1} ({2}) : {3}",
    "Add {} to the record.": "Ajoutez {0} à l’enregistrement.",
    "{} permits {}.": "{0} autorise {1}.",
    "{} has one: {}": "{0} en a un : {1}",
}

SETTINGS_FR = {
    "(made once, in the data folder)": "(faite une fois, dans le dossier de données)",
    "(domains of the provider table)": "(domaines de la table des fournisseurs)",
    "(SQLite file in the data folder)": "(fichier SQLite dans le dossier de données)",
    "(in-process)": "(dans le processus)",
    "(no STARTTLS)": "(pas de STARTTLS)",
    "(the system's)": "(ceux du système)",
    "(empty)": "(vide)",
    "(off)": "(arrêté)",
    "SQLite files, uploads, journals": "fichiers SQLite, listes reçues, journaux",
    "keyed hashes, cookies and tokens are made with it": "sert aux empreintes, aux cookies et aux jetons",
    "name servers to ask, host[:port] separated by commas": "serveurs de noms, hôte[:port] séparés par des virgules",
    "domains that must resolve before a DNS “no” is believed": "domaines qui doivent se résoudre avant qu’un « "
    "non » soit cru",
    "false: stop after MX, the rest is unknown / not_probed": "false : s’arrêter après le MX, le reste est inconnu",
    "port of mail servers; other values for tests and the demo world": "port des serveurs de messagerie",
    "name that mail servers are greeted with; must be real": "nom donné aux serveurs de messagerie ; doit être vrai",
    "sender of probes; must be real and deliverable": "expéditeur des sondes ; doit être vrai et délivrable",
    "networks that may be probed although not public": "réseaux non publics qui peuvent être sondés",
    "own addresses to connect from": "adresses à nous d’où partir",
    "egress through socks5:// or http://": "sortie par socks5:// ou http://",
    "sessions to one mail operator at a time": "sessions à la fois chez un même opérateur",
    "when greylisted rows are asked again": "quand redemander les lignes en liste grise",
    "ask Microsoft's consumer servers too": "interroger aussi les serveurs grand public de Microsoft",
    "shared domain results and pacing": "ce que plusieurs machines partagent",
    "beginning of every key in Redis": "début de chaque clé dans Redis",
    "lists, jobs and suppressions": "listes, travaux et oppositions",
    "address that the HTTP service listens on": "adresse où le service HTTP écoute",
    "port that the HTTP service listens on": "port où le service HTTP écoute",
    "URL under which others reach the HTTP service": "URL où les autres joignent le service HTTP",
    "how long lists and results are kept": "durée de conservation des listes et des résultats",
    "largest list that is accepted": "plus grande liste acceptée",
    "Postfix policy service, host:port or unix:/path": "service de politique Postfix, hôte:port ou unix:/chemin",
    "one-shot line service, host:port or unix:/path": "service à une ligne, hôte:port ou unix:/chemin",
    "SMTP relay, host:port or unix:/path": "relais SMTP, hôte:port ou unix:/chemin",
    "mail server behind the relay, host:port": "serveur de messagerie derrière le relais, hôte:port",
    "mail server behind the relay, host:port or smtp(s)://": "serveur de messagerie derrière le relais, hôte:port "
    "ou smtp(s)://",
    "PEM file with certificate, chain and key, for the relay's STARTTLS": "fichier PEM avec certificat, chaîne et clé, "
    "pour le STARTTLS du relais",
    "false: these listeners let everything pass, decide and log": "false : ces services laissent tout passer, décident "
    "et consignent",
}
