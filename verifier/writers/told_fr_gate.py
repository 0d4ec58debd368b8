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
    "The list {} is {}: {}.": "La liste {0} est dans l’état « {1} » : {2}.",
    "A fault of this program ended it.": "Un défaut de ce programme l’a interrompu.",
    "The list has no column {}; it has {}.": "La liste n’a pas de colonne {0} ; elle a {1}.",
    "{} hard bounces are expected, from {} on a sender is in danger; it may be {} to {}.": "{0} de rebonds "
    "définitifs sont à prévoir ; à partir de {1}, un expéditeur est en danger ; ce peut être de {2} à {3}.",
    "Up to {} hard bounces are possible: too little is known of these rows.": "Jusqu’à {0} de rebonds définitifs "
    "sont possibles : on en sait trop peu sur ces lignes.",
    "{} rows are over the month's quota and stay behind.": "{0} lignes dépassent le quota du mois et restent là.",
    "there is no profile of this name: known are {}": "il n’y a pas de service de ce nom ; il y a {0}",
    "there is no policy {}: known are {}": "il n’y a pas de politique {0} ; il y a {1}",
    "is kept, so it cannot be empty": "est conservé : il ne peut pas être vide",
    "can be {}": "doit être l’un de {0}",
}
