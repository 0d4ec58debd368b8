"""How mail hosts behave: one row a kind of host, after what Postfix, Exim, OpenSMTPD and the large providers do.

Texts are what the servers say at the named step, whole replies with their numbers; `{rcpt}`, `{local}`, `{domain}`,
`{host}` and `{wait}` are filled in. Delays are in seconds. Sources: the programs' own documentation and source
(Postfix `smtpd_soft_error_limit`, `smtpd_hard_error_limit`, `smtpd_error_sleep_time`; Exim `smtp_accept_max`,
`smtp_accept_max_nonmail` and the ACL of its default configuration; RFC 2920, RFC 6531, RFC 9422), measured where one
could run.
"""

from msgspec import structs

from verifier.world.host_kind import Grey, HostKind, Shares, Step, Tls

_POSTFIX_EHLO = (
    "PIPELINING",
    "SIZE 10240000",
    "VRFY",
    "ETRN",
    "ENHANCEDSTATUSCODES",
    "8BITMIME",
    "DSN",
    "SMTPUTF8",
    "CHUNKING",
)
_EXCHANGE_EHLO = ("SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "CHUNKING", "SMTPUTF8")
_EXCHANGE_BANNER = "220 {host} Microsoft ESMTP MAIL Service ready"
_MICROSOFT = HostKind(
    "microsoft",
    banner=_EXCHANGE_BANNER,
    ehlo=_EXCHANGE_EHLO,
    mail_ok="250 2.1.0 Sender OK",
    rcpt_ok="250 2.1.5 Recipient OK",
    rset_ok="250 2.0.0 Resetting",
    bye="221 2.0.0 Service closing transmission channel",
    shares=Shares(full=0, disabled=0),
)
"""What its hosts for companies and for consumers share."""
_EXCHANGE_UNKNOWN = (
    "550 5.4.1 Recipient address rejected: Access denied. For more information see https://aka.ms/EXOSmtpErrors "
    "[AM0EUR02FT012.eop-EUR02.prod.protection.outlook.com 2026-11-22T10:00:00.000Z 08DE2A]"
)
_MEMBERS = (
    "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check "
    "failed because the sender was not authenticated when sending to this group"
)
_GSMTP = " d2e1a72fcca58-7a9-20si41 - gsmtp"
_PLAIN_EHLO = ("PIPELINING", "SIZE 10240000", "8BITMIME")

_QMAIL = HostKind(
    "qmail",
    banner="220 {host} ESMTP",
    ehlo=("PIPELINING", "8BITMIME"),
    mail_ok="250 ok",
    rcpt_ok="250 ok",
    rset_ok="250 flushed",
    bye="221 {host}",
    accepts_everything=True,
    tls=Tls.NONE,
)

_SERVERS = (
    HostKind("postfix", ehlo=_POSTFIX_EHLO, slow_after=10, hang_up_at=20, sessions_max=50),
    HostKind(
        "exim",
        banner="220 {host} ESMTP Exim 4.96 Sun, 22 Nov 2026 10:00:00 +0000",
        ehlo=("SIZE 52428800", "8BITMIME", "PIPELINING", "PIPECONNECT", "CHUNKING", "HELP"),
        mail_ok="250 OK",
        rcpt_ok="250 Accepted",
        rset_ok="250 Reset OK",
        bye="221 {host} closing connection",
        unknown="550 Unknown user",
        full=("552 Mailbox is full",),
        disabled="550 This account has been disabled",
        foreign="550 relay not permitted",
        majority_guard=True,
        reset_limit=10,
        sessions_max=20,
        sessions_max_text="421 Too many concurrent SMTP connections; please try again later.",
        quit_delay=0.2,
        strict_sync=True,
    ),
    HostKind(
        "opensmtpd",
        banner="220 {host} ESMTP OpenSMTPD",
        ehlo=("8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 36700160", "DSN", "HELP"),
        mail_ok="250 2.0.0 Ok",
        rcpt_ok="250 2.1.5 Destination address valid: Recipient ok",
        rset_ok="250 2.0.0 Reset state",
        unknown="524 5.2.4 Mailing list expansion problem: <{rcpt}>",
        foreign="550 Invalid recipient: <{rcpt}>",
        shares=Shares(full=0, disabled=0),
        strict_sync=True,
    ),
    HostKind(
        "sendmail",
        banner="220 {host} ESMTP Sendmail 8.17.1/8.17.1; Sun, 22 Nov 2026 10:00:00 GMT",
        ehlo=("ENHANCEDSTATUSCODES", "PIPELINING", "8BITMIME", "SIZE", "DSN", "ETRN", "DELIVERBY", "HELP"),
        mail_ok="250 2.1.0 <{sender}>... Sender ok",
        rcpt_ok="250 2.1.5 <{rcpt}>... Recipient ok",
        rset_ok="250 2.0.0 Reset state",
        bye="221 2.0.0 {host} closing connection",
        unknown="550 5.1.1 <{rcpt}>... User unknown",
        full=("552 5.2.2 <{rcpt}>... Mailbox full",),
        disabled="550 5.2.1 <{rcpt}>... Mailbox disabled for this recipient",
        foreign="550 5.7.1 <{rcpt}>... Relaying denied",
        recipients_max=100,
        recipients_max_text="452 4.5.3 Too many recipients",
    ),
    _QMAIL,
    structs.replace(
        _QMAIL,
        name="sulking",
        accepts_everything=False,
        unknown="553 unknown mailbox (#5.1.1)",
        full=("552 sorry, mailbox is over quota (#5.2.2)",),
        disabled="550 sorry, this account has been disabled (#5.2.1)",
        foreign="553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        bad_limit=8,
        bad_limit_text="553 too many bad recipients: sulking (#5.5.1)",
    ),
)
_PROVIDERS = (
    structs.replace(
        _MICROSOFT,
        name="exchange",
        unknown=_EXCHANGE_UNKNOWN,
        foreign="550 5.7.64 TenantAttribution; Relay Access Denied",
        restricted=_MEMBERS,
        one_domain_text="452 4.5.3 Recipients belong to multiple regions ATTR38",
    ),
    structs.replace(
        _MICROSOFT,
        name="outlook",
        unknown="550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). "
        "[AMS0EPF000001AA.eurprd05.prod.outlook.com 2026-11-22T10:00:00.000Z 08DE2B]",
        recipients_max=1,
        recipients_max_text="452 4.5.3 Too many recipients (AS780090) [AMS0EPF000001AA.eurprd05.prod.outlook.com]",
    ),
    HostKind(
        "gmail",
        banner="220 mx.google.com ESMTP d2e1a72fcca58-7a9-20si41 - gsmtp",
        ehlo=("SIZE 157286400", "8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", "CHUNKING", "SMTPUTF8"),
        mail_ok="250 2.1.0 OK" + _GSMTP,
        rcpt_ok="250 2.1.5 OK" + _GSMTP,
        rset_ok="250 2.1.5 Flushed" + _GSMTP,
        bye="221 2.0.0 closing connection" + _GSMTP,
        unknown="550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n"
        "550-5.1.1 double-checking the recipient's email address for typos or\r\n"
        "550-5.1.1 unnecessary spaces. For more information, go to\r\n"
        "550 5.1.1  https://support.google.com/mail/?p=NoSuchUser" + _GSMTP,
        full=(
            "452-4.2.2 The recipient's inbox is out of storage space. Please direct the\r\n"
            "452-4.2.2 recipient to\r\n"
            "452 4.2.2  https://support.google.com/mail/?p=OverQuotaTemp" + _GSMTP,
        ),
        disabled="550-5.2.1 The email account that you tried to reach is inactive. For more\r\n"
        "550-5.2.1 information, go to\r\n"
        "550 5.2.1  https://support.google.com/mail/?p=DisabledUser" + _GSMTP,
        foreign="550-5.7.1 Relaying denied\r\n550 5.7.1  https://support.google.com/mail/" + _GSMTP,
        dots_count=False,
        one_domain_text="451-4.3.0 Multiple destination domains per transaction is unsupported.  Please\r\n"
        "451 4.3.0 try again." + _GSMTP,
    ),
    HostKind(
        "yahoo",
        banner="220 mtaproxy511.free.mail.ne1.yahoo.com ESMTP ready",
        ehlo=("PIPELINING", "SIZE 41943040", "8BITMIME"),
        mail_ok="250 sender <{sender}> ok",
        rcpt_ok="250 recipient <{rcpt}> ok",
        rset_ok="250 reset",
        bye="221 mtaproxy511.free.mail.ne1.yahoo.com",
        accepts_everything=True,
    ),
    HostKind(
        "icloud",
        banner="220 iCloud SMTP - {host}",
        mail_ok="250 2.1.0 Ok",
        unknown="550 5.1.1 <{rcpt}>: user does not exist",
        full=("552 5.2.2 <{rcpt}>: user is over quota",),
        disabled="550 5.2.1 <{rcpt}>: inactive email address",
        hang_up_at=12,
    ),
    HostKind("provider", ehlo=_PLAIN_EHLO, banner="220 {host} ESMTP ready", hang_up_at=20),
)
_ACCEPTING = (
    HostKind("catchall", accepts_everything=True, ehlo=_PLAIN_EHLO, banner="220 {host} ESMTP ready"),
    HostKind("backup", accepts_everything=True, banner="220 {host} ESMTP Postfix (backup)"),
    HostKind("parked", accepts_everything=True, ehlo=_PLAIN_EHLO, banner="220 {host} ESMTP ready", tls=Tls.NONE),
)
_DEFERRING = (
    HostKind(
        "greylist",
        grey=Grey.TRIPLET,
        grey_text="450 4.2.0 <{rcpt}>: Recipient address rejected: Greylisted, "
        "see http://postgrey.schweikert.ch/help/{domain}.html",
        slow_after=10,
        hang_up_at=20,
    ),
    HostKind(
        "greywait",
        ehlo=_PLAIN_EHLO,
        grey=Grey.TRIPLET,
        grey_text="451 4.7.1 Greylisting in action, please come back in {clock}",
    ),
    HostKind("postscreen", grey=Grey.CLIENT, grey_text="450 4.3.2 Service currently unavailable"),
    HostKind("temperror", refuses_at=Step.RCPT, refusal="451 4.3.0 <{rcpt}>: Temporary lookup failure"),
    HostKind("hourly", hourly_max=20),
    HostKind("narrow", sessions_max=1),
    HostKind("shutdown", refuses_at=Step.BANNER, refusal="421 4.3.2 {host} Service not available, closing"),
)
_REFUSING = (
    HostKind(
        "blocked-banner",
        refuses_at=Step.BANNER,
        refusal="554 {host} ESMTP not accepting connections from 127.0.0.1: poor reputation",
    ),
    HostKind(
        "blocked-helo",
        refuses_at=Step.EHLO,
        refusal="550 5.7.1 Helo command rejected: your host name is not welcome here",
    ),
    HostKind(
        "blocked-mail",
        refuses_at=Step.MAIL,
        refusal="550 5.7.1 Unfortunately, messages from [127.0.0.1] weren't sent: part of their network is on our "
        "block list (S3150)",
    ),
    HostKind(
        "blocked-rcpt",
        refuses_at=Step.RCPT,
        refusal="550 5.7.1 <{rcpt}>: Recipient address rejected: Service unavailable; client [127.0.0.1] blocked using "
        "zen.spamhaus.org",
    ),
    HostKind(
        "sender-refused",
        refuses_at=Step.MAIL,
        refusal="553 5.1.8 <{sender}>... Domain of sender address {sender} does not exist",
    ),
    HostKind("relay-denied", refuses_at=Step.RCPT, refusal="554 5.7.1 <{rcpt}>: Relay access denied"),
    HostKind("policy", refuses_at=Step.RCPT, refusal="550 Administrative prohibition", ehlo=_PLAIN_EHLO),
    HostKind("ambiguous", unknown="550 Requested action not taken: mailbox unavailable", ehlo=_PLAIN_EHLO),
    HostKind("full", shares=Shares(full=0.6)),
    HostKind("disabled", shares=Shares(disabled=0.5)),
    HostKind(
        "restricted",
        ehlo=_EXCHANGE_EHLO,
        banner=_EXCHANGE_BANNER,
        unknown="550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        restricted=_MEMBERS,
        shares=Shares(full=0, disabled=0, restricted=0.5),
    ),
)
_DIFFICULT = (
    HostKind("tarpit", reject_delay=5.0),
    HostKind("flaky", flaky=True),
    HostKind("starttls", tls=Tls.REQUIRED),
    HostKind("broken-tls", tls=Tls.BROKEN),
    HostKind("slow-banner", banner_delay=6.0),
    HostKind("helo", helo_only=True, tls=Tls.NONE, mail_ok="250 Ok", rcpt_ok="250 Ok", unknown="550 User unknown"),
    HostKind("ascii", ehlo=("PIPELINING", "SIZE 10240000", "ENHANCEDSTATUSCODES", "8BITMIME")),
    HostKind(
        "limits",
        ehlo=("PIPELINING", "SIZE 10240000", "8BITMIME", "LIMITS MAILMAX=20 RCPTMAX=5 RCPTDOMAINMAX=1", "SMTPUTF8"),
        recipients_max=5,
        one_domain_text="451 4.5.3 Only one domain a transaction",
    ),
    HostKind("silent-banner", silent_at=Step.BANNER),
    HostKind("silent-ehlo", silent_at=Step.EHLO),
    HostKind("silent-mail", silent_at=Step.MAIL),
    HostKind("silent-rcpt", silent_at=Step.RCPT),
    HostKind("garbage", banner="HTTP/1.1 400 Bad Request\r\nConnection: close\r\n", refuses_at=Step.BANNER),
    HostKind("reset", resets=True),
    HostKind("down", listens=False),
    HostKind("blackhole", hangs=True),
)

HOST_KINDS = {kind.name: kind for kind in (*_SERVERS, *_PROVIDERS, *_ACCEPTING, *_DEFERRING, *_REFUSING, *_DIFFICULT)}
INTERCEPTOR = HostKind(
    "intercepted",
    banner="220 smtp-relay.isp.example ESMTP ready",
    ehlo=("SIZE 10240000", "8BITMIME", "AUTH PLAIN LOGIN"),
    refuses_at=Step.RCPT,
    refusal="550 5.7.1 <{rcpt}>: Relaying denied. Proper authentication required.",
    tls=Tls.NONE,
)
"""What answers in every host's place where a network redirects port 25."""
