"""Les phrases en français."""

from verifier.core.reasons import Reason

SENTENCES_FR = {
    "months": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "moment": "{day} {month} {year} à {time} UTC",
    "colon": " : ",
    "address.one": "adresse",
    "address.other": "adresses",
    "row.one": "ligne",
    "row.other": "lignes",
    "verdict.deliverable": "délivrable",
    "verdict.undeliverable": "non délivrable",
    "verdict.risky": "risquée",
    "verdict.unknown": "inconnue",
    "verdict.deliverable.meaning": "Le serveur de messagerie a dit qu’il accepte le courrier de cette boîte précise.",
    "verdict.undeliverable.meaning": "Le courrier ne peut pas arriver : la boîte, ou son domaine, l’a dit.",
    "verdict.risky.meaning": "Le courrier arrivera peut-être, mais mieux vaut ne pas y compter.",
    "verdict.unknown.meaning": "Personne ne s’est prononcé sur cette boîte. L’adresse n’y est pour rien.",
    "bucket.proved_bad": "prouvées mauvaises",
    "bucket.proved_good": "prouvées bonnes",
    "bucket.no_fault_found": "aucun défaut trouvé (boîte non interrogée)",
    "bucket.risky": "risquées",
    "bucket.unanswered": "interrogées, sans réponse claire",
    "notice.egress_blocked": "Le port 25 est fermé sur cette machine : {addresses} sans que la boîte ait pu être "
    "interrogée. La syntaxe, les domaines et les adresses jetables ont été vérifiés comme d’habitude.",
    "notice.egress_intercepted": "Entre cette machine et Internet, quelque chose répond à la place de tous les "
    "serveurs de messagerie (relais du fournisseur ou antivirus) : {addresses} sans que la boîte ait pu être "
    "interrogée.",
    "notice.resolver_untrusted": "Le résolveur DNS donne de fausses réponses (filtre ou portail captif). Son « domaine "
    "inexistant » n’a pas été cru pour {addresses} : indiquez un résolveur de confiance dans VERIFIER_DNS_NAMESERVERS, "
    "puis relancez.",
    "notice.greylisted": "{addresses} encore en liste grise : leurs serveurs demandent de revenir plus tard.",
    "notice.greylisted_until": "{addresses} encore en liste grise : leurs serveurs demandent de revenir plus tard, le "
    "dernier le {until}.",
    "notice.internal_error": "{addresses} victimes d’un défaut de ce programme. Elles n’y sont pour rien : merci de le "
    "signaler.",
    "port25.ways": "Trois moyens d’interroger aussi les boîtes",
    "port25.host": "lancer verifier sur une machine dont le port 25 est ouvert (beaucoup d’hébergeurs l’ouvrent sur "
    "demande)",
    "port25.proxy": "passer par un proxy SOCKS5 sur une telle machine : VERIFIER_SMTP_PROXY=socks5://hôte:port",
    "port25.history": "s’appuyer sur vos envois passés : exports de rebonds et journaux de messagerie par "
    "`verifier feedback import` (à venir)",
    "progress.asking": "Interrogation des serveurs",
    "progress.writing": "Écriture",
    "progress.rate": "{rate} lignes par seconde",
    "progress.blocked": "Le port 25 est fermé en sortie de cette machine : aucune boîte ne peut être interrogée. Tout "
    "le reste continue à pleine vitesse ; le résumé dit que faire.",
    "progress.intercepted": "Quelque chose répond à la place de tous les serveurs de messagerie : aucune boîte n’est "
    "interrogée. Tout le reste continue à pleine vitesse.",
    "progress.waiting": "{rows} en liste grise : nouvelle demande prévue le {until}. Ctrl-C écrit tout de suite le "
    "fichier complet, ces lignes restant en liste grise.",
    "summary.done": "{list} : {rows} en {duration} ({rate} lignes par seconde)",
    "summary.submitted": "soumises",
    "summary.blank": "sans adresse",
    "summary.duplicates": "doublons (vérifiés une fois)",
    "summary.unique": "adresses différentes",
    "summary.verdict": "verdict",
    "summary.addresses": "adresses",
    "summary.share": "part",
    "summary.meaning": "ce que cela veut dire",
    "summary.flags": "À noter aussi",
    "summary.bounces": "Rebonds définitifs prévus (estimation)",
    "summary.bounces_line": "{before} en écrivant à toutes → {after} avec --keep sendable",
    "summary.next": "Et maintenant",
    "summary.sendable": "À qui l’on peut écrire : {addresses} ; `--keep sendable` en fait un fichier.",
    "summary.caution": "Le taux prévu dépasse quand même 2 %, seuil où les services d’envoi sanctionnent : écrivez "
    "d’abord aux adresses délivrables, puis aux autres par petits lots.",
    "summary.nothing_sendable": "Telle quelle, cette liste ne contient aucune adresse à qui écrire.",
    "summary.again": "Encore ouvert : {addresses} ; renettoyez plus tard le fichier obtenu avec `--only unknown`.",
    "summary.output": "La liste nettoyée est dans {output}",
    "summary.report": "Le rapport, une page sans adresses que l’on peut transmettre, est dans {report}",
    "flag.disposable": "jetable",
    "flag.role": "adresse de fonction",
    "flag.free": "fournisseur gratuit",
    "flag.privacy_relay": "relais d’anonymat",
    "flag.catch_all": "domaine qui accepte tout",
    "flag.mailbox_full": "boîte pleine",
    "flag.no_reply": "no-reply",
    "flag.plus_tag": "étiquette +",
    "flag.idn": "domaine international",
    "flag.typo_domain": "domaine trompeur",
    "report.title": "Rapport de liste d’adresses",
    "report.of": "{list} · {moment}",
    "report.list": "Liste d’adresses",
    "report.headline": "On peut écrire à {sendable} sur {addresses}",
    "report.headline_lead": "Soit {share} des adresses différentes de cette liste. Les autres rebondiraient, sont "
    "jetables, ou sont d’abord à interroger de nouveau.",
    "report.headline_lead_all": "Rien ne s’oppose à aucune adresse de cette liste.",
    "report.bounces": "Taux prévu de rebonds définitifs",
    "report.before": "En écrivant à toutes les adresses",
    "report.after": "En n’écrivant qu’aux adresses retenues",
    "report.about": "environ {bounces} rebonds pour {addresses}",
    "report.limit": "Le trait pointillé marque 2 % : au-delà, plusieurs services d’envoi sanctionnent l’expéditeur.",
    "report.estimate": "C’est une estimation : la moyenne des probabilités de rebond de chaque adresse, selon ce qui a "
    "été constaté et selon son fournisseur. Ce n’est pas une promesse.",
    "report.estimate_after": "Le second chiffre n’est pas nul là où des boîtes n’ont pas été, ou n’ont pas pu être, "
    "interrogées.",
    "report.numbers": "La liste en chiffres",
    "report.submitted": "lignes soumises",
    "report.blank": "sans adresse",
    "report.duplicates": "doublons",
    "report.unique": "adresses différentes",
    "report.duplicates_note": "Les doublons sont vérifiés une seule fois ; tous les chiffres ci-dessous portent sur "
    "les adresses différentes.",
    "report.buckets": "Ce qui est prouvé, et ce qui ne l’est pas",
    "report.buckets_note": "Les boîtes n’ont pas pu être interrogées depuis cette machine. Ce qui a été prouvé sans "
    "elles reste juste, et rien n’a été deviné.",
    "report.verdicts": "Verdicts",
    "report.reasons": "Pourquoi",
    "report.count": "adresses",
    "report.share": "part",
    "report.meaning": "ce que cela veut dire",
    "report.providers": "Qui reçoit ce courrier",
    "report.providers_note": "Certains fournisseurs disent avant l’envoi si une boîte existe, d’autres non. « Prouvé » "
    "est la part des adresses pour lesquelles un oui ou un non clair a été obtenu.",
    "report.provider": "fournisseur",
    "report.proved": "prouvé",
    "report.others": "autres",
    "report.flags": "À noter aussi",
    "report.flags_note": "Des faits à côté du verdict. Une adresse de fonction qui accepte le courrier est délivrable "
    "; lui écrire ou non, c’est à vous d’en décider.",
    "report.unknown": "Ce que veut dire « inconnue »",
    "report.unknown_text": "Cela veut dire que nous ne savons pas, et que nous le disons. Un serveur occupé, qui "
    "refuse notre question ou qui ne répond jamais à ce genre de question n’a rien dit de la boîte. Ces adresses ne "
    "sont ni bonnes ni mauvaises : la plupart sont celles de vraies personnes. Celles que l’on peut réinterroger plus "
    "tard devraient l’être ; les autres portent un risque estimé, compris dans la prévision ci-dessus.",
    "report.warnings": "À savoir",
    "report.method": "La méthode et ses limites",
    "report.method.syntax": "Syntaxe : l’adresse est écrite comme les normes le permettent.",
    "report.method.disposable": "Jetable : son domaine ne figure sur aucune liste d’adresses jetables.",
    "report.method.mx": "Route : son domaine existe et désigne un serveur de messagerie joignable.",
    "report.method.smtp": "Boîte : on a demandé à son serveur s’il accepte le courrier. Aucun message n’a été envoyé.",
    "report.method.not_done": "non faite cette fois",
    "report.limits": "Un verdict est ce qui a été constaté à ce moment ; les boîtes vont et viennent. Il ne dit rien "
    "du consentement, des pièges à spam, ni de qui lit vraiment la boîte.",
    "report.private": "Cette page ne contient que des chiffres, aucune adresse, et ne charge rien d’ailleurs : elle "
    "peut être transmise.",
    "report.made": "Établi par verifier {version} le {moment}.",
    "report.donut": "Anneau des verdicts : {parts}",
    "report.bounce_chart": "Barres du taux prévu de rebonds définitifs : {before} avant, {after} après",
    "report.bucket_chart": "Barre des parts de la liste : {parts}",
    "report.provider_chart": "Barres des verdicts par fournisseur ; les chiffres sont dans le tableau",
}

MEANINGS_FR = {
    Reason.INVALID_SYNTAX: "Ce texte n’est pas une adresse e-mail.",
    Reason.DOMAIN_NOT_FOUND: "Le domaine n’existe pas.",
    Reason.NO_MAIL_HOST: "Le domaine existe, mais n’a ni serveur de messagerie ni adresse.",
    Reason.NULL_MX: "Le domaine déclare qu’il n’accepte aucun courrier.",
    Reason.MX_UNROUTABLE: "Les serveurs de messagerie du domaine ne mènent nulle part sur Internet.",
    Reason.MAILBOX_NOT_FOUND: "Le serveur de messagerie du domaine dit que cette boîte n’existe pas.",
    Reason.MAILBOX_DISABLED: "Le serveur de messagerie dit que la boîte est désactivée.",
    Reason.DISPOSABLE: "Une adresse jetable : le courrier arrive peut-être, personne ne le lit longtemps.",
    Reason.MAILBOX_FULL: "La boîte existe, mais elle est pleine.",
    Reason.CATCH_ALL: "Le domaine accepte n’importe quel nom : celui-ci n’est donc pas prouvé.",
    Reason.ACCEPTED: "Le serveur de messagerie accepte le courrier de cette boîte.",
    Reason.GREYLISTED: "Le serveur demande de revenir plus tard, comme à tout inconnu.",
    Reason.SMTP_TEMP_ERROR: "Le serveur de messagerie ne peut pas répondre pour l’instant.",
    Reason.CONNECT_FAILED: "Aucun serveur de messagerie du domaine n’a pu être joint.",
    Reason.SMTP_TIMEOUT: "Le serveur de messagerie n’a pas répondu à temps.",
    Reason.SMTP_PROTOCOL_ERROR: "La réponse du serveur de messagerie n’était pas du SMTP compréhensible.",
    Reason.PROBE_BLOCKED: "Le serveur nous a refusés, nous, et non la boîte ; elle existe peut-être.",
    Reason.SENDER_REFUSED: "Le serveur de messagerie a refusé notre adresse d’expéditeur.",
    Reason.EGRESS_BLOCKED: "Cette machine n’atteint pas le port 25 : aucune boîte n’a été interrogée.",
    Reason.EGRESS_INTERCEPTED: "Entre nous et Internet, quelque chose répond à la place de tous les serveurs.",
    Reason.RESOLVER_UNTRUSTED: "Le résolveur DNS donne de fausses réponses : son « non » n’a pas été cru.",
    Reason.PROVIDER_UNVERIFIABLE: "Ce fournisseur ne dit pas avant l’envoi si une boîte existe.",
    Reason.SMTPUTF8_UNSUPPORTED: "L’adresse exige SMTPUTF8, que le serveur de messagerie n’offre pas.",
    Reason.DNS_TEMP_ERROR: "Les serveurs de noms du domaine n’ont pas répondu.",
    Reason.NOT_PROBED: "Aucun défaut trouvé ; la boîte n’a pas été interrogée.",
    Reason.INTERNAL_ERROR: "Un défaut de ce programme ; l’adresse n’y est pour rien.",
}
