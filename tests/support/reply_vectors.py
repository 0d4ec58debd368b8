"""Replies as mail servers word them, and what each is about: written after RFCs, MTA manuals and postmaster pages."""

UNKNOWN_USER = """\
550 5.1.1 <a@b.example>... User unknown
550 5.1.1 User unknown
550 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table
550 5.1.1 <a@b.example>: Recipient address rejected: undeliverable address: unknown user: "a"
550 5.1.1 <a@b.example>: Recipient address rejected: b.example
550 5.1.0 <a@b.example>: Recipient address rejected: User unknown in relay recipient table
550 No Such User Here
550 No such person at this address.
550 Unrouteable address
550 unknown user
550-Callout verification failed: 550 5.1.1 no such user
550 "a" is not a known user
550 sorry, no mailbox here by that name (#5.1.1 - chkuser)
511 sorry, no mailbox here by that name (#5.1.1 - chkuser)
553 sorry, unknown mailbox (#5.1.1)
554 Sorry, no mailbox here by that name. vpopmail (#5.1.1)
550 Sorry, no such address here. (#5.1.1)
550 User a not found
550 The user does not exist.
550 Mailbox a@b.example does not exist
550 Address unknown.
550 address unknown
550 5.1.1 Unknown address
550 Unknown address error
550 unknown local part a in <a@b.example>
550 5.1.1 Mailbox unknown
550 5.1.1 mailbox <a@b.example> does not exist
550 5.1.1 a: mailbox not known here
550 a@b.example User not known
550 <a@b.example> is not a valid mailbox
550 a@b.example is not a valid recipient
550 5.1.1 Not a valid recipient
550 That user does not exist here
550 5.1.1 This recipient does not exist in our system
550 Account not available? No such account
550 #5.1.1 The recipient does not exist
550 Requested action not taken: mailbox not found
550 5.1.1 The email address you entered couldn't be found. Please check the recipient's email address
550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient a@b.example not found by SMTP address lookup
550 5.1.1 RESOLVER.ADR.RecipNotFound; not found
550 5.2.1 Mailbox not available / unknown user
550 5.1.1 Recipient not found
550 Recipient does not exist
550 5.1.1 No such user - psmtp
550 Invalid recipient a@b.example
554 5.1.1 Invalid recipient
550 Invalid User
550 5.1.1 invalid mailbox
550 Unknown recipient
550 Mail box unknown
550 bad address a@b.example
550 Bad destination mailbox address
550 5.1.1 Bad destination email address
551 not our customer
551 User not local; please try <c@d.example>
550 not our user
550 5.1.6 Mailbox has moved
550 User has moved
550 5.1.1 Recipient address rejected: No such user here
550 User (a@b.example) unknown.
550 a... User unknown or not available
550 5.1.1 unknown or illegal alias: a@b.example
550 unknown or illegal user: a
553 5.3.0 <a@b.example>... No such user here
550 5.0.0 <a@b.example>... User unknown
550 5.0.0 No such user
554 No such user
554 user unknown
554 delivery error: dd No such user
550 No account by that name here
550 no such recipient
550 no such address
550 no such mailbox
550 no such email
550 No mailbox by that name is currently available
550 Mailbox does not exist
550 account does not exist
550 Email address does not exist
550 5.1.1 The account you are trying to reach does not exist
550 User doesn't exist: a@b.example
550 5.1.1 a@b.example does not exist
550 user a doesn't exist
550 Unable to find a@b.example in directory
550 5.1.1 could not find user in the directory
550 Recipient not in address book
550 User not listed in Domino Directory
550 a@b.example... No such user
550 a@b.example not listed in Domino Directory
550 5.1.1 a@b.example: user not found in directory
550 Unknown user: a@b.example
550 5.4.1 Recipient unknown
550 Recipient unknown
550 recipient not known here
550 5.1.1 <a@b.example> recipient not known
550 Mailbox not found
550 mailbox invalid
550 User is unknown {mx-us005}
550 user not exist
550 User not exist
550 Mailbox unavailable or does not exist? no such user
550 5.1.1 The mail address does not exist
550 there is no such user
550 There is no one at this address
550 there is no user by that name
550 We do not have a user with that name
550 5.1.1 Sorry, this user doesn't have an account here
550 Recipient address is not valid
550 Your intended recipient a@b.example is not a customer of ours. no such user
550 that address is not known here
550 The recipient address a@b.example was not found in our directory
550 5.1.1 Addressee unknown
550 addressee not known
550 5.1.1 Invalid address
550 Invalid e-mail address
550 Nonexistent mailbox
550 non-existent user
550 Mail for a@b.example cannot be accepted here: unknown user
524 5.2.4 Mailing list expansion problem: <a@b.example>
550 Utilisateur inconnu
550 Destinataire inconnu
550 5.1.1 L'adresse n'existe pas
550 Cette adresse email n'existe pas
550 Aucun utilisateur de ce nom
550 Benutzer unbekannt
550 Empfänger unbekannt
550 Empfaenger nicht bekannt
550 Diese Adresse existiert nicht
550 Kein Benutzer mit diesem Namen
550 Usuario desconocido
550 El usuario no existe
550 El buzón no existe
550 Direccion de correo inexistente
550 No existe el destinatario
550 Utente sconosciuto
550 Utente non trovato
550 Destinatario sconosciuto
550 Casella inesistente
550 Indirizzo non valido
550 Usuário desconhecido
550 Usuario inexistente
550 Usuário não encontrado
550 Conta inexistente
550 Destinatário não existe
550 Пользователь не найден
550 Нет такого пользователя
550 Такого ящика не существует нет такого пользователя
550 Адрес не существует
550 Net takogo polzovatelya
550 用户不存在
550 该用户不存在
550 收件人不存在
550 邮箱不存在
550 使用者不存在
550 ユーザーが見つかりません
550 宛先のアドレスが存在しません
550 そのようなメールアドレスは存在しません
550 존재하지 않는 사용자입니다
550 Nie ma takiego konta
550 Gebruiker onbekend
550 Okänd mottagare okänd adress
550 5.1.2 Host unknown
550 5.1.2 Bad destination system address
550 host unknown
550 Unknown user
550 Account not found
550 user name not found
550 User a@b.example is not registered here
550 Recipient unknown (in reply)
550 5.1.1 Account a@b.example is not known here
550 RCPT TO:<a@b.example> User unknown
550 RCPT TO: unknown user
550 recipient <a@b.example> unknown
550 5.1.1 relaying mail to b.example is OK, but user unknown
550 Recipient verify failed: no such user
550 user unknown; rejecting
550 5.5.0 Recipient not found
550 5.5.1 No such user
550 Requested user not found
550 5.1.1 not found
550 5.1.1 Delivery failed
550 RecipientNotFound
551 5.1.1 No such user
552 5.1.1 unknown user
553 5.1.1 a@b.example no such user
553 Invalid recipient
553 mailbox unknown
571 5.1.1 unknown user
577 unknown user
550 Delivery to the following recipient failed: user unknown
550 User a does not have an account here
550 5.1.1 Email address not found
550 The email address is not valid
550 5.1.3 Bad recipient address syntax
550 Not a valid mailbox
550 5.2.1 The email account that you tried to reach is unknown
550 Mail delivery failed: no such user at this host
550 no one here by that name
550 Nobody by that name here
550 5.1.1 Recipient no longer on server
550 Email account no longer exists
550 The person is no longer with the company
550 This address no longer exists
550 mailbox no longer valid
550 a@b.example is no longer valid
550 5.1.1 User Unknown; rejecting
550 ERROR: user unknown
550 5.1.1 <a@b.example>: Recipient address rejected: aol.example
550 MAILBOX NOT FOUND
The e-mail account does not exist at the organization this message was sent to. <mx.b.example #5.1.1>
550 550 Unknown user a (state 14)
The error that the other server returned was: 550 550 5.1.1 <a@b.example>: user unknown (state 14).
550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the address
Unknown user: a@b.example
550 5.1.1 RCP-P2 The attempted recipient address does not exist.
550 5.4.310 DNS domain b.example does not exist [Message=InfoDomainNonexistent]
550 5.0.350 Remote server returned an error -> 550 5.1.1 unknown user
Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup'
550 - Requested action not taken: no such user here
553 Invalid recipient a@b.example (Mode: normal)
550 No such address here
550 recipient is not exist
550 all relevant MX records point to non-existent hosts
550 5.1.2 unknown host
550 mail domain mentioned in email address is unknown
550 Recipient address rejected: unknown domain name b.example
550 invalid final delivery userid
550 mailbox not present
550 user missing home directory
550 sorry, this recipient is not in my validrcptto list (#5.1.1)
550 This email address is wrong or no longer valid
550 is not an active address at this host
550 no matches found for this address
550 Nessun utente simile in questo sito
550 No existe dicha persona
550 The user's email name is not found
550 5.1.1 Destin. sconosciuto
550 rcpt a@b.example does not exist
550 <a@b.example> does not exist
550 <a@b.example> recipient not ok? no such user
550 address a@b.example has been replaced by c@d.example
550 recipient is not local
550 User not local
550 5.1.1 vmailbox unknown user
554 5.4.4 Host or domain name not found. Name service error for name=b.example type=MX: Host not found
550 5.1.1 undeliverable address
550 5.1.1 Mail Refused - Address Recipient Unknown
550 Mail Refused - Address <a@b.example> Unknown Recipient
550 5.1.1 unknown email address
550 Unknown e-mail address
550 we have no mailbox for this user
550 No mail box available for this user
550 a@b.example: user does not exist
550 5.1.1 User email address does not exist
550 No such local user
550 no local mailbox
550 5.1.1 Unknown local user
550 5.1.1 a@b.example: unknown
550 a@b.example unknown
550 Address not found
550 this address is not in our database
550 This person no longer works here
550 the user a@b.example was not found on this server
550 The recipient's e-mail address was not found in the recipient's e-mail system
550 Recipient address unknown
550 Recipient's mailbox not found
550 This is not a valid email address
550 The recipient cannot be found
550 recipient cannot be found
550 Cannot find recipient
550 cannot find user
550 can't find mailbox
550 Could not find recipient
550 Couldn't resolve recipient
550 user cannot be located
550 Account doesn't exist
550 This account doesn't exist
550 no account found
550 your recipient was not found
550 RCPT TO user unknown
550 5.1.1 Unable to find recipient
550 Email address doesn't exist in our records
550 <a@b.example>, no such user here
550 <a@b.example>: no such user here
550 <a@b.example>, address unknown
550 a@b.example: Mailbox not found
550 #5.1.0 Address rejected a@b.example
550 5.1.0 Address rejected.
554 5.1.1 Unknown
550 5.1.1 Recipient rejected
550 5.1.1 refused, no such user
550 5.1.1 rejected
550 5.1.1 <a@b.example> Mailbox unavailable
550 5.1.1 Mailbox unavailable
550 mailbox unavailable
550 Mailbox unavailable.
550 5.0.0 Mailbox unavailable
550 5.2.0 User unknown
550 5.2.1 User unknown
553 5.3.0 <a@b.example>... Addressee unknown
550 5.6.0 no such user
554 5.0.0 unknown user
550 #5.1.1 unknown
501 5.1.1 unknown user
550 [no such user]
550 (user unknown)
550 *** user unknown ***
550 ERR: mailbox does not exist
550 Error: no such user
550 Sorry: I don't know that user
550 I don't know this user
550 This user is unknown to us
550 unknown address or alias
550 Not a registered user
550 Not a local user
550 mail to a@b.example cannot be delivered: no such account
""".splitlines()
"""The mailbox or its domain does not exist."""

DISABLED = """\
550 5.2.1 Mailbox disabled, not accepting messages
550 5.2.1 The mailbox is disabled
550 Account disabled
550 account is disabled
550 User disabled
550 This account has been suspended
550 5.2.1 Account inactive
550 user account is inactive
550 Mailbox is inactive
550 5.2.1 <a@b.example>: Recipient address rejected: Account Closed
550 Recipient address rejected: Mailbox disabled
550 Account locked
550 mailbox locked due to inactivity, account deactivated
550 5.2.1 Mailbox deactivated
550 The account has been closed
550 Account expired
550 User account has expired
550 this account is no longer in use
550 The mailbox is no longer active
550 mailbox has been deactivated due to inactivity
550 account temporarily suspended
550 Mailbox currently suspended
550 user suspended
550 User is suspended
550 Local mailbox a@b.example is unavailable: account is disabled
550 Local mailbox is unavailable: user is terminated
554 This account has been disabled or discontinued
554 mailbox is disabled
550 Disabled recipient
550 Compte désactivé
550 Compte suspendu
550 Konto gesperrt
550 Postfach deaktiviert
550 Cuenta suspendida
550 Cuenta deshabilitada
550 Casella disabilitata
550 Account disattivato
550 Conta desativada
550 Conta suspensa
550 Почтовый ящик заблокирован
550 Аккаунт отключен
550 账号已停用
550 用户被禁用
550 5.2.1 Account is not active
550 Inactive user
550 sorry, user account locked
550 account on hold - mailbox disabled
550 Recipient's mailbox is disabled
550 5.2.1 Not accepting mail for this user
550 a@b.example account is closed
525 5.7.13 User account disabled: recipient address disabled
550 This account is temporarily suspended
550 invalid/inactive user
550 The email account that you tried to reach is inactive.
550 a@b.example is currently suspended
550 is a deactivated mailbox
550 mailbox is frozen
550 recipient rejected: temporarily inactive
550 this address no longer accepts mail
550 The user(s) account is disabled.
550 Sorry, this account has been terminated
550 mailbox archived
550 The mailbox has been deactivated
550 account deleted
550 5.2.1 Recipient's account is disabled
550 User's account was closed
554 5.2.1 disabled
550 5.2.1 mailbox locked
550 This mailbox is no longer available because it has been deactivated
550 Email account inactive
550 Das Konto ist gesperrt
550 The recipient account is suspended for non-payment
550 5.2.1 Inactive mailbox
550 account disabled for inactivity
""".splitlines()
"""The mailbox is switched off."""

FULL = """\
552 5.2.2 Over quota
552 5.2.2 Mailbox full
452 4.2.2 Mailbox full
452 4.2.2 Over quota
550 mailbox is full
550 5.2.2 user has exceeded his quota
552 Requested mail action aborted: exceeded storage allocation
552 Mailbox size limit exceeded
554 mailbox full
550 User's mailbox is full
552 a@b.example has exceeded the disk quota
550 account is over quota
552 5.2.2 The recipient's inbox is out of storage space and inactive
422 4.2.2 mailbox quota exceeded
552 Disk quota exceeded
452 Insufficient storage space in mailbox
450 The user's mailbox is over its size limit
552 storage limit exceeded
552 Too many messages in mailbox
550 Not enough storage space in user's mailbox
550 Boite pleine
552 La boite aux lettres du destinataire est pleine
552 Boîte aux lettres pleine
552 Postfach voll
552 Das Postfach des Empfängers ist voll
552 Buzón lleno
552 El buzón del usuario está lleno
552 Cuota excedida
552 Casella piena
552 La casella del destinatario è piena
552 Caixa postal cheia
552 Caixa de correio lotada
552 Почтовый ящик переполнен
552 邮箱已满
552 メールボックスが満杯です
550 Mail quota exceeded
552 Benutzer hat das Speichervolumen überschritten
554 5.2.2 mailbox quota exceeded
452 Account is full
""".splitlines()
"""The mailbox exists and is full."""

NOT_ABOUT_A_DEAD_MAILBOX = """\
550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org
554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied
450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]
550 Sender verify failed
550-Verification failed for <p@q.example> 550-No Such User Here 550 Sender verify failed
501 5.1.8 Domain of sender address does not resolve
550 5.7.1 Relaying denied
550 relay not permitted
554 5.7.1 Relay access denied
553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)
550 Administrative prohibition
550 5.7.1 Message rejected due to local policy
550 SPF check failed
550 5.7.23 SPF validation failed
550 5.7.26 This mail is unauthenticated
550 Access denied
550 5.7.1 Access denied
550 Blocked
550 5.7.1 Unable to deliver to a@b.example
553 5.3.0 Spam blocked see: http://spamcop.net/bl.shtml?192.0.2.1
554 Refused. Your reverse DNS entry contains your IP address
550 Rejected for too many bad recipients
553 too many bad recipients: sulking (#5.5.1)
550 Too many invalid recipients
452 4.5.3 Too many recipients
550 Too many recipients received this hour
550 5.5.3 Too many recipients
552 Too many recipients
450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted
451 4.7.1 Greylisting in action, please come back in 00:05:00
451 Please try again later
450 4.1.1 User unknown
450 Mailbox unavailable
450 user unknown
451 4.1.1 unknown user
550 4.1.1 user unknown
451 5.1.1 user unknown
421 4.1.1 user unknown
554 Transaction failed
550 Requested action not taken
550 5.7.1 No such user
550 5.7.1 User unknown
554 5.7.1 Recipient rejected
550 5.7.1 Recipient not authorized
550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required
550 5.7.1 RESOLVER.RST.AuthRequired; authentication required
550 5.1.1 Refused due to recipient preferences
550 5.1.1 Recipient suppression list
550 Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address
550 Your mail server IP was not found in DNS, address unknown
550 Host name is invalid: unknown helo
550 unknown HELO
550 5.5.2 Invalid HELO name
501 5.0.0 Invalid domain name
504 5.5.2 <foo>: Helo command rejected: need fully-qualified hostname
550 Unknown sender
550 Invalid sender
550 sender address does not exist
550 5.1.7 Invalid sender address
550 Sender mailbox does not exist
550 Sender unknown
550 Return path user unknown
550 MAIL FROM address does not exist
550 From address is invalid
550 The sender's mailbox does not exist: user unknown
550 Could not verify sender: user unknown
550 Cannot verify the sender address: mailbox not found
550 your account has been suspended
550 your account is disabled
550 User is not authenticated
550 Invalid user or password
535 5.7.8 authentication credentials invalid: no such user
530 5.7.0 Authentication required
550 authentication required
550 5.7.1 Unauthorized sender: user not found
550 Server IP 192.0.2.1 listed as abusive
550 IP 192.0.2.1 is not allowed; account not found
550 Dynamic IP not allowed
550 message content rejected
550 5.7.1 spam
554 5.6.0 Message contains invalid header
550 5.6.1 invalid characters in address header
552 5.3.4 Message size exceeds fixed limit
552 Message too large
554 Too many hops
554 5.4.6 Routing loop detected
451 4.3.0 Temporary failure
452 4.3.1 Insufficient system storage
550 5.3.0 unknown mailer error
554 5.3.0 unknown mailer error 1
550 Unknown error
500 unknown command
502 command not recognized
503 Bad sequence
554 5.5.1 Error: no valid recipients
550 Error: no valid recipients from 192.0.2.1
550 5.7.606 Access denied, banned sending IP [192.0.2.1]
421 RP-001 (X) Unfortunately, some messages from 192.0.2.1 weren't sent
554 RLY:B1
554 IP address 192.0.2.1 not allowed
550 Go away
554 mailbox temporarily locked, try again later
450 mailbox locked
550 Domain not hosted here
550 Not a local domain
550 We do not accept mail for this domain
550 I cannot deliver mail for <a@b.example>
550 Rule imposed as a@b.example is blacklisted
550 Mail appears to be unsolicited
550 This message was classified as spam; if your mailbox was not found to be compromised please contact us
550 too many unknown users from your IP
550 excessive unknown recipients - possible Open Relay
550 Recipient address rejected: Sender not found in address book
550 5.1.1 Recipient address rejected: sender blocked
550 Rejected: 192.0.2.1 is listed at dnsbl.example
550 reverse DNS name not found
550 No PTR record found
550 domain of your address does not exist
550 5.1.0 Sender denied
553 5.1.0 invalid from
501 Syntax error
501 Bad address syntax
550 User not authorised to send to this list
550 Sorry, only members may post: user not a member
550 Recipient only accepts mail from known users
550 Recipient blocked sender
550 mail to this user is restricted: not in whitelist
550 user unknown or mailbox full
550 Callout verification failed
550 Recipient verification failed
550 recipient verification could not be completed
450 4.7.1 Recipient address rejected: Policy
550 Delivery is not allowed to this recipient
554 5.7.1 Delivery not authorized, message refused
550 IP not found in SPF record
550 DKIM signature invalid
550 Domain example.org has no MX record
550 Your domain does not exist
550 unable to verify your domain: not found
550 5.4.4 sorry
550 Invalid response to challenge
550 Invalid certificate
550 Valid hostname required, invalid host name
550 Your IP address is invalid
550 client not recognized
550 Unknown client
550 this host is not known here
550 5.7.27 sender address has null MX
550 license expired; mailbox count exceeded
550 User quota for sending exceeded
550 daily message quota exceeded
554 Too many mails from this user
550 user has exceeded the message rate
550 rate limit for user exceeded
452 4.2.2 sending quota
550 5.7.1 Unable to deliver to <a@b.example>
553 sorry, your envelope sender has been denied (#5.7.1)
553 sorry, invalid sender
550 invalid domain, see <url:x>
550 server does not accept mail from b.example
550 denied [bouncedeny]
553 domain does not exist,
550 domain does not exist
550 no such domain
550 Empty envelope senders not allowed
550 fully qualified email address required
550 rule imposed mailbox access for a refused: user invalid
550 unauthenticated mail is prohibited
550 confirm this mail server
550 invalid ip for sending mail of domain
550 no matches to nameserver query
550 the email address used to send your message is not subscribed to this group
550 unresolvable relay host name
550 the account does not exist or your server requires confirmation
550 message bounced due to organizational settings
550 because the recipient is not accepting mail with attachments
550 account not subscribed to ses
550 Email address is not verified. The following identities failed the check
550 5.7.8 Username and Password not accepted
550 mail server requires authentication when attempting to send to a non-local e-mail address
550 not local host b.example, not a gateway
550 We don't handle mail for b.example
550 server doesn't handle mail for that user
550 This system is not configured to relay mail
550 unable to relay for a@b.example
553 sorry, that domain or user isn't in my list of allowed rcpthosts
550 5.7.64 TenantAttribution; Relay Access Denied
550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP
550 5.7.520 Access denied, Your organization does not allow external forwarding
450 4.7.26 Service does not accept messages sent over IPv6
550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.0 Unable to lookup DNS for b.example>
Destination seem to reject all mails
host mx.b.example refused to talk to me: 550 5.1.1 unknown user
host mx.b.example[192.0.2.1] refused to talk to me: 554 unknown
mail for b.example loops back to myself
delivery temporarily suspended: connect to mx.b.example: Connection refused
lost connection with mx.b.example while performing the HELO handshake
retry time not reached for any host after a long failure period
an MX or SRV record indicated no SMTP service
Router: Unable to open mailbox file
Command died with status 127
No route found to domain b.example from server x
550 5.1.1 user over quota
552 5.1.1 mailbox full
550 5.1.1 too many recipients
550 5.1.1 relay denied
550 5.1.1 blocked
550 5.1.1 spam
550 5.1.1 your IP is listed
554 5.1.1 sender not allowed
550 5.1.1 temporarily unavailable, try again later
550 5.2.1 receiving rate too high for user
550 User too busy
550 recipient not accepting messages from your domain
550 recipient's spam filter rejected
550 mailbox protected by anti-spam, not found in whitelist
550 Sender unknown user
550 The sender of this message does not exist
550 unknown sender domain
550 your domain is not known
550 Your message could not be delivered: DMARC not valid
550 Invalid From: address
550 invalid reverse path
550 This IP is not registered
550 host not found in DNS
550 No PTR: hostname not found
550 name lookup of your host failed: not found
550 unknown host: your ip has no reverse
550 client host not known
550 reverse lookup does not exist
550 MX record of sender not found
550 address verification in progress
550 5.7.1 <a@b.example>: Recipient address rejected: policy: user unknown to greylist
550 Recipient address rejected: Greylisted
550 no such user at sender domain
550 User is not allowed to receive external mail
550 mailbox for internal use only
554 no SMTP service here
554 5.3.2 mail system invalid
550 attachment not valid
550 bad content: invalid mime
550 user has invalid mailbox rules loop
550 5.4.6 user routing loop
550 invalid certificate for user
550 Invalid bounce: user unknown? null sender not allowed
421 closing: user unknown
554 too many connections, user unknown
550 not accepted here
550 Not allowed
550 Recipient refused
550 recipient rejected
550 RCPT refused
550 mail to this recipient is not accepted
550 a@b.example refused
550 recipient not permitted
550 Recipient not allowed
550 <a@b.example> rejected
550 address rejected
550 undeliverable
550 Delivery failed
550 Message rejected by a@b.example
550 user does not want your mail
550 User does not accept mail from you
550 mailbox temporarily disabled, try again later
450 mailbox disabled
452 4.2.2 user over quota
451 account does not exist
450 5.1.1 no such user
""".splitlines()
"""About the sender, the client, a policy, the system, or undecided."""
