"""Replies worded to mislead by names, pages, numbers and clauses, and the same things said in many languages."""

GONE = """\
550 5.1.1 <spam@b.example>: User unknown
550 5.1.1 <blocked@b.example>: Recipient address rejected: User unknown
550 5.1.1 <policy.rate.limit@spf.example>: User unknown
550 spf-check@dmarc.example: no such user
550 mx.spamfilter.example <a@b.example>: unknown user
550 5.1.1 sender@b.example... User unknown
550 #5.1.1 no such recipient
550 5.1.1
5.1.1
smtp; 550 5.1.1
host mx.b.example[192.0.2.4] said: 550 5.1.1 (in reply to RCPT TO command)
no such user
mailbox not found
<a@b.example>: user unknown
550 5.1.1 user unknown. See https://postmaster.b.example/policy/spam/blocked
550 5.1.1 User unknown - for abuse reports see https://abuse.b.example
550 No such user. If you think this is an error contact postmaster@b.example
550 5.2.1 Account suspended
550 5.2.1 <a@b.example> account locked
550 5.1.6 a has moved
551 User not local
501 5.1.3 Bad recipient address syntax
553 5.1.3 malformed recipient address
""".splitlines()
"""The mailbox is gone, whatever its name, its page or the rest of the sentence sounds like."""

FULL = """\
550 5.1.1 mailbox is full
554 5.2.2 user unknown, over quota
552 Mailbox <a@b.example> has no storage left
550 not enough space in mailbox
552 5.2.2 mailbox size limit exceeded for a
451 4.2.2 the mailbox a is out of space
""".splitlines()
"""The mailbox exists and is full, whatever else is said."""

ABOUT_US = """\
550 5.1.0 <p@q.example>: Sender address rejected: User unknown in local recipient table
550 unknown user in sender address
553 5.1.8 sender user unknown
550 Invalid sender mailbox: no such user
550 The sender's account does not exist
550 Return-path account does not exist
550 5.7.1 Your account has been suspended
550 your mailbox has been disabled for sending
550 Sender account disabled
550 5.7.1 SPF: domain q.example does not exist
550 DKIM key for selector s1._domainkey.q.example not found
550 DKIM: user unknown in i= tag identity
550 DMARC policy record does not exist for sender domain
550 Rejected, see https://www.b.example/errors/user-unknown
554 5.7.1 Blocked. https://help.b.example/no-such-user/mailbox-does-not-exist
550 5.7.1 Message refused. For details see http://x.example/550-5.1.1-user-unknown.html
550 Not accepting mail from you
550 This user is not accepting mail from you
550 5.7.1 We are not accepting mail for this user from your network
550 mailbox a does not accept mail from q.example
552 5.7.1 You are over quota for today
550 Sender quota exceeded
550 5.7.1 Daily message quota exceeded for 192.0.2.4
452 4.7.1 Your hourly quota of recipients was exceeded
550 sending quota exceeded
550 User a@q.example has exceeded sending limit
550 5.4.5 Daily user sending limit exceeded
550 Too many invalid recipients from your host, try later
550 Too many unknown users, connection refused
550 5.1.1 Too many unknown recipients in this session
421 User unknown, too many errors
554 5.7.1 Directory harvest: user unknown
550 user unknown: blocked by spamhaus listing of your IP
550 5.7.1 User unknown <a@b.example>; client blocked by policy
550 Invalid HELO name: no such host
550 Host q.example unknown
550 unknown host mail.q.example [192.0.2.4]
550 5.7.1 client host name does not exist
553 Invalid domain in MAIL FROM: domain does not exist
550 sender domain not found
550 5.1.8 domain not found
550 Domain of <p@q.example> does not exist
550 From address user unknown
550 Mail from a non-existent account is not accepted
550 Unknown originator mailbox
554 Sender verification failed: 550 no such user here
550 5.7.1 Callback verification of sender failed: mailbox unknown
550 Address verification of your reverse-path failed: recipient unknown
550 Message contains an attachment that does not exist in the allowed list
554 Message header To: address unknown header format
550 Bad header: From address does not exist
554 5.6.0 Invalid mail address in header: recipient not found in To:
550 attachment name unknown not allowed
550 Encryption required: recipient key not found
550 5.7.10 Encryption needed for this recipient
530 5.7.0 Must issue a STARTTLS command first
550 5.7.5 certificate unknown user
551 5.7.1 Not local; we do not relay
551 relay not allowed for this address
550 5.7.1 not our domain
550 5.3.4 message too big for mailbox
552 message size limit exceeded
550 message exceeds user's maximum message size
550 5.5.3 too many recipients
501 5.5.4 Invalid arguments
500 unrecognized command
502 command not implemented
503 bad sequence of commands
555 MAIL FROM/RCPT TO parameters not recognized
550 5.7.1 User a only accepts mail from known users
550 Recipient a refuses mail from unknown users
550 5.7.2 list is for members only, address not a member
550 Only subscribers can post; user unknown to this list
550 5.7.1 Mailbox restricted to internal users
450 4.2.1 user is receiving too much mail
550 5.2.121 recipient's incoming hourly message limit exceeded
""".splitlines()
"""The sender, the client, the message or a policy: words for a dead mailbox, but not about one."""

UNDECIDED = """\
550 Mailbox does not exist or is full: quota exceeded
550 See http://b.example/error?code=no-such-user
550 Refused. http://b.example/help/account-disabled.html
554 5.7.1 mailbox does not exist
550 4.1.1 User unknown
450 5.1.1 User unknown
451 no such user here
452 mailbox disabled
450 4.2.1 mailbox disabled, try again
450 User unknown in virtual mailbox table
550 User unknown or you are not allowed to write to this user
550 User unknown or mailbox full
550 mailbox unavailable or access denied
550 Unknown user or relaying denied
551 not local
550
554
550 5.0.0
550 no
550 Rejected
554 5.7.1
550 5.7.1 refused
550 Sorry
550 Denied
550 mailbox access restricted
553 mailbox name not allowed
550 5.2.0 unable to deliver
554 delivery failed
554 5.3.0 delivery failed
554 Sorry, we cannot deliver this message
451 4.3.0 lookup failure, user unknown
454 4.7.0 temporary authentication failure
450 try again
550 temporarily unable to verify recipient, try later
554 5.4.0 timeout while contacting the mailbox host
550 5.3.0 database error looking up user
550 LDAP lookup of recipient failed
554 4.3.0 mailbox backend offline
550 5.4.7 delivery time expired
550 5.4.1 no answer from host
550 5.4.2 bad connection
""".splitlines()
"""Nothing is said, or several things, or the numbers deny the words."""

GONE_IN_OTHER_TONGUES = """\
550 5.1.1 Adresse inexistante
550 La boîte aux lettres n'existe pas
550 Cette adresse n'est plus valide
550 Ce compte a été désactivé
550 boite fermee
550 Destinataire introuvable
550 Empfänger existiert nicht
550 Empfaenger unbekannt
550 Postfach nicht vorhanden
550 5.1.1 Diese E-Mail-Adresse gibt es hier nicht
550 Postfach wurde gelöscht
550 Ungültige Empfängeradresse
550 La cuenta de correo no existe
550 Destinatario inexistente
550 Dirección no encontrada
550 Utente inesistente
550 La casella non esiste
550 Account sospeso
550 Caixa postal inexistente
550 Destinatário não encontrado
550 Endereço inexistente
550 Nieznany użytkownik
550 Skrzynka nie istnieje
550 Nie ma takiego użytkownika
550 Konto zablokowane
550 Odbiorca nieznany
550 Почтовый ящик не существует
550 Такого адреса не существует
550 Неизвестный получатель
550 Ящик заблокирован
550 Учетная запись отключена
550 Mailbox bestaat niet
550 Användaren finns inte
550 Mottagaren okänd
550 Ukendt modtager
550 Brukeren finnes ikke
550 Käyttäjää ei löydy
550 Uživatel neexistuje
550 Schránka neexistuje
550 Felhasználó nem létezik
550 Ismeretlen címzett
550 Kullanıcı bulunamadı
550 Alıcı bulunamadı
550 Utilizator necunoscut
550 Korisnik ne postoji
550 Άγνωστος χρήστης
550 משתמש לא קיים
550 المستخدم غير موجود
550 ไม่พบผู้ใช้
550 Người dùng không tồn tại
550 Pengguna tidak ditemukan
550 メールボックスが存在しません
550 該当するユーザーはありません
550 アカウントは停止されています
550 账户已被禁用
550 사용자를 찾을 수 없습니다
""".splitlines()
"""No such mailbox, or switched off."""

FULL_IN_OTHER_TONGUES = """\
552 quota dépassé
552 La boite du destinataire est pleine
552 Speicherplatz des Empfängers erschöpft
552 Caixa de entrada lotada
552 Skrzynka pełna
552 Skrzynka odbiorcy jest przepełniona
552 Превышена квота
552 Mailbox vol
552 Brevlådan är full
552 Schránka je plná
552 Posta kutusu dolu
""".splitlines()
"""The mailbox is full."""

OTHERS_IN_OTHER_TONGUES = """\
550 Expéditeur refusé
550 Adresse de l'expéditeur inconnue
554 Votre adresse IP est bloquée
550 Relais interdit
554 Message rejeté : contenu indésirable
451 Veuillez réessayer plus tard
450 Service temporairement indisponible
550 Absender abgelehnt
550 Absenderadresse existiert nicht
554 Ihre IP-Adresse ist gesperrt
550 Weiterleitung nicht erlaubt
554 Nachricht als Spam abgelehnt
450 Bitte versuchen Sie es später erneut
451 Vorübergehender Fehler
550 Remitente rechazado
550 Dirección del remitente desconocida
554 Su IP está bloqueada
550 No se permite el reenvío
451 Inténtelo de nuevo más tarde
550 Mittente rifiutato
550 Il mittente non esiste
554 Il tuo indirizzo IP è bloccato
451 Riprova più tardi
550 Remetente bloqueado
554 Seu IP está bloqueado
451 Tente novamente mais tarde
550 Nadawca odrzucony
554 Wiadomość odrzucona jako spam
451 Spróbuj ponownie później
550 Отправитель отклонен
554 Ваш IP-адрес заблокирован
554 Сообщение отклонено как спам
451 Попробуйте позже
550 Afzender geweigerd
""".splitlines()
"""About the sender, us, the message, or only for now."""
