"""The words that headings of contact lists are made of, in the languages that they are met in; all lower-case."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAIL_WORD = re.compile(
    r"e-?mails?|mails?|courriels?|messageries?|mél|correos?|[eé]le[ck]?tt?r[oó]ni(?:que|c[oa])|emailaddress|mailaddress|"
    r"mailadresse|emailadresse|emailadres|mailadres|adresseemail|adressemail|useremail|emailid|posta|"
    r"sähköposti|epost|poczta|почта|имейл|邮箱|邮件|電子メール|メール|メールアドレス|이메일|บีเมล|ηλεκτρονικό|ايميل|البريد"
).fullmatch
"""A word that means e-mail."""

ADDRESS_WORDS = _words("""
    address addresses adresse adresses adres adresa adresy adressen indirizzo dirección direccion endereço endereco
    recipient recipients to subscriber subscribers contact contacts empfänger destinataire destinatario user
    username login
""")
"""Words that may head a column of addresses, among others."""

FILLERS = _words("""
    e el la le di de do da der the of and electrónico electronico électronique electronique electrónica elettronica
    eletrônico eletronico elettronico mail email address adresse adress adres indirizzo dirección direccion endereço
    id value primary main work home private personal business professional professionnel professionnelle pro
    secondary alternate alternative other second contact user customer client kunde your my new old
""")
"""Words beside one of e-mail that change nothing."""

OTHERS = _words("""
    owner agent manager rep sender from referrer referred created creator updated modified account status verified
    valid validated date sent count bounce bounced bounces type opt optin optout consent hash md5 sha domain
    provider open opens opened click clicks clicked score notes permission marketing newsletter template subject
""")
"""Words that make a column one about e-mail, or about somebody else's."""

HEADING_WORDS = _words("""
    id name names first last firstname lastname fullname surname given family middle nom prénom prenom vorname
    nachname nombre apellido apellidos nome cognome sobrenome company organisation organization société firma
    empresa city ville stadt ciudad country pays land país phone telephone téléphone telefon teléfono mobile date
    signup created source tags tag status title street straße rue zip postcode plz gender age birthday language
    comment comments note notes customer kunde client number nummer amount state region
""")
"""Words that head other columns."""
