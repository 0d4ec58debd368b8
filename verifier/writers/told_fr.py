"""What the program says when something is wrong, in French: by the English sentence, `{}` for each thing that it names.

Law: a translation names the same things; what has none is shown in English, and said to be so.
"""

import re
from functools import cache

from verifier.writers.told_fr_gate import GATE_FR, SENDER_FR
from verifier.writers.told_fr_host import HOST_FR, SETTINGS_FR

_LISTS_FR = {
    "There is no such list.": "Cette liste n’existe pas.",
    "{} has {} rows: a list has at most {} here. Split it.": "{0} a {1} lignes : une liste en a au plus {2} ici. "
    "Découpez-la.",
    "Nobody is told of this list: it has no webhook_url.": "Personne n’est prévenu pour cette liste : elle n’a pas de "
    "webhook_url.",
    "The list is {}: it cannot be {}.": "La liste n’en est plus là : cela ne peut pas se faire maintenant.",
    "This list has no rows to show.": "Cette liste n’a pas de lignes à montrer.",
    "This Idempotency-Key was sent with another list or other options: send a new key.": "Cette clé "
    "d’idempotence a déjà servi pour une autre liste ou d’autres options : envoyez-en une nouvelle.",
    "An Idempotency-Key is text in ASCII or UTF-8.": "Une clé d’idempotence est du texte en ASCII ou en UTF-8.",
    "An Idempotency-Key has at most {} characters.": "Une clé d’idempotence a au plus {0} caractères.",
    "The column of addresses could not be guessed: name it.": "La colonne des adresses n’a pas pu être devinée "
    ": choisissez-la.",
    "The list was not read yet.": "La liste n’a pas encore été lue.",
    "There is no preset {}; there are {}.": "Il n’y a pas de modèle {0} ; il y a {1}.",
    "A preset is a CSV file: leave the format out.": "Un modèle est un fichier CSV : n’indiquez pas de format.",
    "There is no format {}; there are {}.": "Il n’y a pas de format {0} ; il y a {1}.",
    "The cursor is none that was given out: begin without one.": "Cette page de la liste n’existe pas : "
    "reprenez depuis le début.",
    "A webhook is an http:// or https:// URL without user and password.": "Un webhook est une URL http:// ou "
    "https:// sans utilisateur ni mot de passe.",
    "q is text of at most {} characters.": "Le texte cherché a au plus {0} caractères.",
    "There is no {} {}; there are {}.": "Il n’y a pas de {0} {1} ; il y a {2}.",
    "limit is a number from 1 to {}.": "limit est un nombre de 1 à {0}.",
    "The list has no column {}: its columns are {}.": "La liste n’a pas de colonne {0} ; ses colonnes sont {1}.",
    "The list has no column {}: it has {} without names.": "La liste n’a pas de colonne {0} ; ses colonnes "
    "n’ont pas de nom.",
    "is a number of seconds up to {}": "est un nombre de secondes, {0} au plus",
    "is one of {}": "doit être l’un de {0}",
    "The rows of this list are not there any more.": "Les lignes de cette liste n’existent plus.",
    "The rows of list {} cannot be read: {}.": "Les lignes de la liste {0} ne peuvent pas être lues : {1}.",
    "The rows of list {} are damaged ({}): delete that list, and hand it in again.": "Les lignes de la liste {0} sont "
    "endommagées ({1}) : supprimez cette liste, puis envoyez-la de nouveau.",
    "A fault of this program: its log says which.": "Un défaut de ce programme ; son journal dit lequel.",
    "The upload is larger than {}: split it, or raise VERIFIER_LISTS_MAX_UPLOAD.": "Le fichier dépasse {0} : "
    "divisez-le, ou augmentez VERIFIER_LISTS_MAX_UPLOAD.",
    "The upload is empty: send a list.": "Le fichier est vide : envoyez une liste.",
    "The upload broke off: send it again.": "L’envoi s’est interrompu : recommencez.",
    "The upload cannot be kept: {}.": "Le fichier n’a pas pu être gardé : {0}.",
    "The disk is full: the upload was not kept. Make room, then send it again.": "Le disque est plein : le "
    "fichier n’a pas été gardé. Faites de la place, puis renvoyez-le.",
    "Nothing came for {} seconds: send the list again.": "Plus rien n’est arrivé pendant {0} secondes : "
    "renvoyez la liste.",
    "The form is not multipart/form-data as RFC 7578 has it.": "Le formulaire n’est pas en multipart/form-data "
    "selon la RFC 7578.",
    "The form ended within the file: send it again.": "Le formulaire s’est terminé au milieu du fichier : renvoyez-le.",
    "Send JSON in UTF-8.": "Envoyez du JSON en UTF-8.",
    "Send the body as it is, or with `Content-Encoding: gzip`.": "Envoyez le contenu tel quel, ou avec "
    "`Content-Encoding: gzip`.",
    "The body is larger than {}: split the list.": "L’envoi dépasse {0} : divisez la liste.",
    "The body cannot be read as JSON: {}.": "L’envoi ne se lit pas comme du JSON : {0}.",
    "Forms within forms are not read.": "Les formulaires imbriqués ne sont pas lus.",
    "A field of the form has at most {} bytes.": "Un champ du formulaire a au plus {0} octets.",
    "a form has a field `file` with the list, behind its other fields": "choisissez d’abord un fichier",
    "The list has {} rows and a heading, a sheet holds {} lines: use --format csv.": "La liste a {0} lignes et "
    "un titre, une feuille en contient {1} : téléchargez le CSV.",
    "The list would have {} columns, a sheet holds {}: use --format csv.": "La liste aurait {0} colonnes, une "
    "feuille en contient {1} : téléchargez le CSV.",
    "A cell of row {} has {} characters, a sheet's at most {}: use --format csv.": "Une cellule de la ligne "
    "{0} a {1} caractères, celle d’une feuille {2} au plus : téléchargez le CSV.",
    "The disk is full: no workbook can be made. Make room, or take the list as CSV.": "Le disque est plein : aucun "
    "classeur ne peut être fait. Faites de la place, ou prenez la liste en CSV.",
    "The workbook cannot be made: {}.": "Le classeur n’a pas pu être fait : {0}.",
    "The sheet would be larger than 2 GB: use --format csv.": "La feuille dépasserait 2 Go : téléchargez le CSV.",
}
_INTAKE_FR = {
    "A list is no field of a web form. With curl: -F file=@customers.csv, or -T customers.csv -X POST (-d would join "
    "its lines).": "Une liste n’est pas un champ de formulaire. Avec curl : -F file=@clients.csv, ou -T clients.csv "
    "-X POST (-d collerait ses lignes).",
    "Send JSON in UTF-8.": "Envoyez du JSON en UTF-8.",
    "The body is larger than {}: split the list.": "L’envoi dépasse {0} : divisez la liste.",
    "The body cannot be read as JSON: {}.": "L’envoi ne peut pas être lu comme du JSON : {0}.",
    "a form brings one file: send each list by itself": "un formulaire apporte un fichier : envoyez chaque "
    "liste à part",
    "Nobody is told of finished lists here: leave it out.": "Ici, personne n’est averti de la fin des listes : "
    "enlevez-le.",
    "A webhook cannot be sent there: {}.": "Un webhook ne peut pas y être envoyé : {0}.",
    "The key's last {} answers of today are promised to checks that run now: ask again soon.": "Les {0} dernières "
    "réponses du jour de cette clé sont promises à des vérifications en cours : redemandez bientôt.",
    "The key's {} answers of today are used up; unknown ones were free. More come at "
    "midnight UTC.": "Les {0} réponses du jour de cette clé sont épuisées ; les inconnues ne comptaient pas. "
    "D’autres viennent à minuit UTC.",
}
_FILES_FR = {
    "{} is empty.": "{0} est vide.",
    "{} was changed while it was being read.": "{0} a changé pendant la lecture.",
    "{} has a row of {} cells: a list has at most {}.": "{0} a une ligne de {1} cellules : une liste en a au plus {2}.",
    "{} has no column of e-mail addresses: name it with --column.": "{0} n’a pas de colonne d’adresses e-mail.",
    "{} has a heading line but no rows.": "{0} a une ligne de titre, mais aucune ligne.",
    "{} is not valid {} text.": "{0} n’est pas du texte {1} valable.",
    "{} is a binary file, not a list: it has NUL characters.": "{0} est un fichier binaire, pas une liste.",
    "{} is a binary file, not a list: it has NUL bytes.": "{0} est un fichier binaire, pas une liste.",
    "{} is a binary file, not a list: save the table as XLSX or CSV.": "{0} est un fichier binaire, pas une liste "
    ": enregistrez le tableau en XLSX ou en CSV.",
    "{} is a PDF, not a list: ask for the table itself, as XLSX or CSV.": "{0} est un PDF, pas une liste : demandez "
    "le tableau lui-même, en XLSX ou en CSV.",
    "{} is a text document (RTF): save it as plain text, or its table as XLSX or CSV.": "{0} est un document RTF "
    ": enregistrez-le en texte brut, ou son tableau en XLSX ou en CSV.",
    "{} is a file of vCards: export the contacts as CSV.": "{0} est un fichier vCard : exportez les contacts en CSV.",
    "{} is a web page or XML, whatever its name says: open it in a spreadsheet, and save it as XLSX or CSV.": "{0} "
    "est une page web ou du XML, quoi qu’en dise son nom : ouvrez-le dans un tableur, puis enregistrez-le en XLSX ou "
    "en CSV.",
    "{} is a Numbers document: export it as Excel (XLSX) or CSV.": "{0} est un document Numbers : exportez-le en Excel "
    "(XLSX) ou en CSV.",
    "{} is an OpenDocument file: save it as XLSX or CSV.": "{0} est un fichier OpenDocument : enregistrez-le en XLSX "
    "ou en CSV.",
    "{} is a Word document: copy its table into a spreadsheet, and save that as XLSX or CSV.": "{0} est un document "
    "Word : copiez son tableau dans un tableur, puis enregistrez en XLSX ou en CSV.",
    "{} is too big a workbook (more than {} million cells): save it as CSV.": "{0} est un trop gros classeur "
    "(plus de {1} millions de cellules) : enregistrez-le en CSV.",
    "{} is a damaged or encrypted XLSX workbook: save it again, or as CSV.": "{0} est un classeur XLSX abîmé ou "
    "chiffré : enregistrez-le de nouveau, ou en CSV.",
    "{} is a zip file but no XLSX workbook: unpack it, and hand in the table that is in it.": "{0} est une archive "
    "zip, pas un classeur XLSX : décompressez-la, puis déposez le tableau qu’elle contient.",
    "{} is protected by a password: save it without one, or as CSV.": "{0} est protégé par un mot de passe "
    ": enregistrez-le sans mot de passe, ou en CSV.",
    "{} is a damaged XLSX workbook: save it again, or as CSV.": "{0} est un classeur XLSX abîmé : enregistrez-le de "
    "nouveau, ou en CSV.",
    "{} is an empty workbook.": "{0} est un classeur vide.",
    "{} is not JSON lines: no line of it is an object.": "{0} n’est pas en JSON par lignes : aucune ligne "
    "n’est un objet.",
    "{} has no key with e-mail addresses: name it with --column.": "{0} n’a pas de clé avec des adresses e-mail.",
    "{} has more than {} different keys: it is not a list.": "{0} a plus de {1} clés différentes : ce n’est "
    "pas une liste.",
    "{} is an old or password-protected Excel workbook: save it as XLSX without a password, or as CSV.": "{0} est un "
    "ancien classeur Excel, ou protégé par un mot de passe : enregistrez-le en XLSX sans mot de passe, ou en CSV.",
    "{} is not an XLSX workbook, whatever its name says.": "{0} n’est pas un classeur XLSX, quoi qu’en dise son nom.",
    "{} is one JSON array: write one object a line (JSON lines).": "{0} est un seul tableau JSON : écrivez un "
    "objet par ligne (JSON Lines).",
    "{} unpacks to {} times its size: that is no list.": "{0} se décompresse en {1} fois sa taille : ce n’est "
    "pas une liste.",
    "{} has a line of more than 1 MiB: it is not a list of rows.": "{0} a une ligne de plus de 1 Mio : ce "
    "n’est pas une liste de lignes.",
    "{} cannot be read: {}.": "{0} ne peut pas être lu : {1}.",
    "{} is a damaged gzip file.": "{0} est un fichier gzip abîmé.",
}
_REQUESTS_FR = {
    "The documentation at /docs lists what there is.": "Cette page n’existe pas.",
    "There is no such file.": "Ce fichier n’existe pas.",
    "Known here: {}.": "Ici, on ne connaît que : {0}.",
    "The body is larger than what is read here.": "Ce qui a été envoyé est trop gros.",
    "At most {} bytes are read here.": "Ici, on lit au plus {0} octets.",
    "The request is not understood.": "La demande n’est pas comprise.",
    "So many checks run that this one cannot be answered.": "Tant de vérifications sont en cours que celle-ci "
    "ne peut pas recevoir de réponse : réessayez dans quelques secondes.",
    "The log of the service says which part it is.": "Le journal du service dit quelle partie ne marche pas.",
    "The log of the service has the details under the request's number.": "Un défaut de ce programme : le "
    "journal du service en dit plus sous le numéro de la demande.",
    "This is what the form of the page sends.": "Seul le formulaire de la page envoie cela.",
    "The body did not arrive within {} seconds.": "L’envoi n’est pas arrivé en {0} secondes.",
    "The body is not what its headers announce.": "L’envoi n’est pas ce que ses en-têtes annoncent.",
    "Send JSON in UTF-8, with `Content-Type: application/json`.": "Envoyez du JSON en UTF-8, avec "
    "`Content-Type: application/json`.",
    "The body is not JSON: {}.": "L’envoi n’est pas du JSON : {0}.",
    "{} is given twice.": "{0} est donné deux fois.",
    "The key may ask for {} checks a minute.": "Cette clé permet {0} vérifications par minute : attendez un peu.",
    "The key gets {} answers a day, of which {} are left; unknown ones are free.": "Cette clé donne droit à "
    "{0} réponses par jour, dont il reste {1} ; les inconnues ne comptent pas.",
    "The key gets {} answers a day, of which {} are left, but they are promised to checks that run just now: ask again "
    "soon.": "Cette clé donne droit à {0} réponses par jour, dont il reste {1}, mais elles sont promises à des "
    "vérifications en cours : redemandez bientôt.",
    "Send `Authorization: Bearer …` with a key; `verifier keys create NAME` makes one.": "Envoyez "
    "`Authorization: Bearer …` avec une clé ; `verifier keys create NOM` en crée une.",
    "The key is unknown, revoked or expired; `verifier keys list` shows those that "
    "hold.": "Cette clé est inconnue, révoquée ou expirée ; `verifier keys list` montre celles qui valent.",
    "Without keys the service answers this machine alone, as localhost and not "
    "through a proxy: make a key with `verifier keys create NAME`, and set VERIFIER_HTTP_PUBLIC_URL to where others "
    "reach it.": "Sans clés, le service ne répond qu’à cette machine, comme localhost et sans proxy : créez "
    "une clé par `verifier keys create NOM`, et mettez dans VERIFIER_HTTP_PUBLIC_URL l’adresse où les autres le "
    "joignent.",
    "The key needs the scope `{}`.": "Il vous faut le droit `{0}` : demandez-le à qui gère ce service.",
    "Pages of other sites may not ask in your name.": "Les pages d’autres sites ne peuvent pas demander en votre nom.",
    "The request does not say that it comes from this service's own pages.": "La demande ne dit pas qu’elle "
    "vient des pages de ce service.",
    "There is no key of this id that still holds.": "Aucune clé de ce numéro n’est encore valable.",
    "{} is no origin: it is written https://shop.example.com, with a port where "
    "there is one.": "{0} n’est pas une origine : elle s’écrit https://shop.example.com, avec un port s’il y en a un.",
    "Tick at least one thing that the key may do.": "Cochez au moins une chose que la clé permet.",
    "A key's name is 1 to {} printable characters.": "Le nom d’une clé a de 1 à {0} caractères imprimables.",
    "There is a key called {} already: revoke it first, or take another name.": "Il y a déjà une clé nommée "
    "{0} : révoquez-la d’abord, ou prenez un autre nom.",
    "A key for the widget is public: it has the scope `widget` alone, and the origins of the pages that use it (1 "
    "to {}, such as https://shop.example.com).": "Une clé de formulaire est publique : elle n’a que le droit "
    "`widget`, et les origines des pages qui s’en servent (de 1 à {0}, comme https://shop.example.com).",
}
TOLD_FR: dict[str, str] = {
    **_LISTS_FR,
    **_INTAKE_FR,
    **_FILES_FR,
    **_REQUESTS_FR,
    **GATE_FR,
    **SENDER_FR,
    **HOST_FR,
    **SETTINGS_FR,
}


_SHARE = re.compile(r"(\d)\.(\d+)%")
"""A share as English sentences have it; French has a comma and a blank."""
_SIZE = re.compile(r"(\d+)([kMGT])B").fullmatch
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+").fullmatch


def in_french(sentence: str) -> str | None:
    """The sentence in French; None where nobody has translated it."""
    known = TOLD_FR.get(sentence)
    if known is not None:
        return known
    for pattern, french in _patterns():
        named = pattern.fullmatch(sentence)
        if named is not None:
            return french.format(*map(_french, named.groups()))
    return None


def _french(named: str) -> str:
    """What a sentence names, with its figures as French writes them."""
    size = _SIZE(named)
    if size is not None:
        return f"{size[1]}\u202f{size[2]}o"
    if _THOUSANDS(named):
        return named.replace(",", "\u202f")
    return _SHARE.sub("\\1,\\2\u202f%", named)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Those that name things, the most particular first: an address's name must not swallow half a sentence."""
    with_places = sorted((template for template in TOLD_FR if "{}" in template), key=lambda each: -_letters(each))
    return [
        (re.compile("(.+?)".join(map(re.escape, template.split("{}"))), re.DOTALL), TOLD_FR[template])
        for template in with_places
    ]


def _letters(template: str) -> int:
    return len(template.replace("{}", ""))
