"""What the gate and its campaigns say, in French (writers/told_fr.py)."""

GATE_FR = {
    "There is no such campaign.": "Cet envoi n’existe pas.",
    "Only a campaign that is held can be released; this one is: {}.": "Seul un envoi retenu peut être libéré ; "
    "celui-ci est dans l’état « {0} ».",
    "This was a test: there is nothing to let go.": "C’était un essai : il n’y a rien à libérer.",
    "the rows are deleted before: keep the list longer, or send earlier": "les lignes seront supprimées avant : "
    "gardez la liste plus longtemps, ou envoyez plus tôt",
    "that is over: give a time to come": "ce moment est passé : donnez-en un à venir",
    "The campaign is not decided yet.": "Cet envoi n’est pas encore décidé.",
    "The list {} is {}: its rows cannot be read.": "La liste {0} est dans l’état « {1} » : ses lignes ne "
    "peuvent pas être lues.",
    "The list {} has no column of e-mail addresses that is known as such: name it by `column`.": "On ne sait pas "
    "quelle colonne de la liste {0} contient les adresses e-mail : nommez-la par `column`.",
    "A fault of this program ended it.": "Un défaut de ce programme l’a interrompu.",
    "The list has no column {}; it has {}.": "La liste n’a pas de colonne {0} ; elle a {1}.",
    "{} hard bounces are expected, from {} on a sender is in danger; it may be {} to {}.": "{0} de rebonds "
    "définitifs sont à prévoir ; à partir de {1}, un expéditeur est en danger ; ce peut être de {2} à {3}.",
    "Up to {} hard bounces are possible: too little is known of these rows.": "Jusqu’à {0} de rebonds définitifs "
    "sont possibles : on en sait trop peu sur ces lignes.",
    "Rows over the month's quota, which stay behind: {}.": "Lignes au-delà du quota du mois, mises de côté : {0}.",
    "there is no profile of this name: known are {}": "il n’y a pas de service de ce nom ; il y a {0}",
    "there is no policy {}: known are {}": "il n’y a pas de politique {0} ; il y a {1}",
    "names nobody: give an address, or a domain as @shop.example": "ne nomme personne : donnez une adresse, ou un "
    "domaine comme @shop.example",
    "is too large for a page: use `verifier suppress import`": "est trop gros pour une page : utilisez "
    "`verifier suppress import`",
    "That is neither an address nor a domain (written @shop.example) nor a SHA-256: {}": "Ce n’est ni une adresse, "
    "ni un domaine (écrit @shop.example), ni une empreinte SHA-256.",
    "is kept, so it cannot be empty": "est conservé : il ne peut pas être vide",
    "can be {}": "doit être l’un de {0}",
}

SENDER_FR = {
    '{} has no SPF record. Publish TXT at {}: "v=spf1 include:<your sending service> ~all".': "{0} n’a pas "
    "d’enregistrement SPF. Publiez en TXT, sous {1} : « v=spf1 include:<votre service d’envoi> ~all ».",
    "{} has {} SPF records, so none counts. Make one of them (RFC 7208).": "{0} a {1} enregistrements SPF : aucun ne "
    "compte. Faites-en un seul (RFC 7208).",
    'The SPF record of {} lets everybody send. End it with "~all" or "-all".': "L’enregistrement SPF de {0} laisse "
    "tout le monde envoyer. Terminez-le par « ~all » ou « -all ».",
    '{} has no DKIM key under the selector {}. Publish TXT at {} as your sending service shows it: "v=DKIM1; k=rsa; '
    'p=…".': "{0} n’a pas de clé DKIM sous le sélecteur {1}. Publiez en TXT, sous {2}, ce que votre service d’envoi "
    "indique : « v=DKIM1; k=rsa; p=… ».",
    "The DKIM key at {} is revoked. Publish the new one, or sign by another.": "La clé DKIM sous {0} est révoquée. "
    "Publiez la nouvelle, ou signez avec une autre.",
    '{} has no DMARC record of its own. Publish TXT at {}: "v=DMARC1; p=none; rua=mailto:{}".': "{0} n’a pas "
    "d’enregistrement DMARC à lui. Publiez en TXT, sous {1} : « v=DMARC1; p=none; rua=mailto:{2} ».",
    'The DMARC record of {} is not valid. Publish TXT at {}: "v=DMARC1; p=none; rua=mailto:{}".': "L’enregistrement "
    "DMARC de {0} n’est pas valable. Publiez en TXT, sous {1} : « v=DMARC1; p=none; rua=mailto:{2} ».",
    "{} takes no mail, so replies and bounces are lost. Publish MX records, or write From a domain that has them.": ""
    "{0} ne reçoit pas de courrier : réponses et rebonds sont perdus. Publiez des enregistrements MX, ou écrivez d’un "
    "domaine qui en a.",
    "DNS did not say whether {} has {}. Ask again in a moment.": "Le DNS n’a pas dit si {0} a {1}. Redemandez dans un "
    "moment.",
}
"""What DNS lacks of a From domain: a finding and its advice in one (core/sender_domain.py)."""
