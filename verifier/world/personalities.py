"""What a domain can be: which hosts take its mail, what DNS says of it, and what is true of its mailboxes.

A domain of personality P is called `<word><n>.P.example`, so that people can read what it plays; nothing in the
verifier knows that. Personalities with `domains` are called by those names instead.
"""

from enum import StrEnum

from msgspec import Struct

from verifier.core.reasons import Reason


class Route(StrEnum):
    """What DNS says of a domain's mail."""

    MX = "mx"
    IMPLICIT = "implicit"
    """No MX, but an address."""
    ALIAS = "alias"
    """The domain is a CNAME of one that has MX records."""
    EXCHANGE_ALIAS = "exchange-alias"
    """The exchange is a CNAME, which RFC 2181 §10.3 forbids and the world does."""
    MANY = "many"
    """An MX set that no UDP datagram carries: truncated, whole over TCP."""
    MIXED_NULL = "mixed-null"
    """A null MX beside a real one, against RFC 7505 §3."""
    PARTIAL = "partial"
    """The best exchange does not exist, the second does."""
    NULL_MX = "null-mx"
    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    SILENT = "silent"
    DANGLING = "dangling"
    """MX records whose exchanges do not exist."""
    LITERAL = "literal"
    """The exchange is written like an address."""
    PRIVATE = "private"
    """The exchanges' addresses are private, reserved, or wrap such an address."""
    UNANSWERED = "unanswered"
    """The exchange's address question gets SERVFAIL."""


class Personality(Struct, frozen=True):
    """One kind of domain.

    `exchanges`: (preference, host kind), none where DNS leads nowhere. `reasons`: right answers whatever the mailbox;
    empty: the mailbox decides. `tolerated`: right as well, for what a patient prober may still not get.
    `weight`: its part of a list, beside the appearance that every personality makes.
    """

    name: str
    exchanges: tuple[tuple[int, str], ...] = ()
    route: Route = Route.MX
    reasons: tuple[Reason, ...] = ()
    tolerated: tuple[Reason, ...] = ()
    weight: int = 0
    domains: tuple[str, ...] = ()
    listed: bool = True
    """It appears in customers' lists."""
    greylisted: bool = False
    """An answer needs a second visit."""


def _pair(kind: str) -> tuple[tuple[int, str], ...]:
    return ((10, kind), (20, kind))


def _hosted(name: str, weight: int = 1, *, reasons: tuple[Reason, ...] = (), **rest: object) -> Personality:
    return Personality(name, _pair(name), reasons=reasons, weight=weight, **rest)  # type: ignore[arg-type]


_BLOCKED = (Reason.PROBE_BLOCKED,)
_LOST = (Reason.SMTP_TIMEOUT, Reason.SMTP_TEMP_ERROR, Reason.CONNECT_FAILED, Reason.SMTP_PROTOCOL_ERROR)

_ORDINARY = (
    _hosted("postfix", 40),
    _hosted("exim", 20),
    _hosted("opensmtpd", 4),
    _hosted("sendmail", 8),
    _hosted("sulking", 4),
    _hosted("helo", 2),
    _hosted("ascii", 3),
    _hosted("limits", 3),
    _hosted("starttls", 4),
    _hosted("slow-banner", 1),
    _hosted("tarpit", 1),
    _hosted("flaky", 2),
    _hosted("full", 2),
    _hosted("disabled", 2),
    _hosted("restricted", 2),
)
_PROVIDERS = (
    Personality("exchange", ((0, "exchange"),), weight=12),
    Personality("workspace", ((1, "gmail"), (5, "gmail"), (5, "gmail"), (10, "gmail")), weight=6),
    Personality(
        "gmail", ((5, "gmail"), (10, "gmail"), (20, "gmail")), weight=8, domains=("gmail.com", "googlemail.com")
    ),
    Personality(
        "outlook",
        ((2, "outlook"),),
        weight=5,
        tolerated=(Reason.PROVIDER_UNVERIFIABLE,),
        domains=("hotmail.com", "outlook.com", "live.com", "msn.com"),
    ),
    Personality(
        "yahoo",
        ((1, "yahoo"), (1, "yahoo"), (1, "yahoo")),
        weight=5,
        reasons=(Reason.PROVIDER_UNVERIFIABLE,),
        domains=("yahoo.com", "aol.com", "ymail.com"),
    ),
    Personality("icloud", ((10, "icloud"), (10, "icloud")), weight=2, domains=("icloud.com", "me.com", "mac.com")),
    Personality("relay", _pair("provider"), weight=2, domains=("duck.com", "mozmail.com", "privaterelay.appleid.com")),
    Personality(
        "disposable",
        _pair("catchall"),
        weight=4,
        reasons=(Reason.DISPOSABLE,),
        domains=(
            "mailinator.com",
            "guerrillamail.com",
            "10minutemail.com",
            "yopmail.com",
            "temp-mail.org",
            "sharklasers.com",
            "maildrop.cc",
            "getnada.com",
            "dispostable.com",
            "mailnesia.com",
        ),
    ),
    Personality(
        "typo",
        route=Route.NXDOMAIN,
        weight=2,
        reasons=(Reason.DOMAIN_NOT_FOUND,),
        domains=("gmail.con", "gmail.comm", "hotmail.con", "yaho.con", "outlook.comm", "gmail.cmo"),
    ),
    Personality(
        "parked",
        ((0, "parked"),),
        weight=1,
        reasons=(Reason.CATCH_ALL,),
        domains=("2gmail.com", "ayhoo.com", "0utlook.com", "yyahoo.com"),
    ),
    Personality("provider", _pair("provider"), listed=False),
)
_ACCEPTING = (
    _hosted("catchall", 8, reasons=(Reason.CATCH_ALL,)),
    _hosted("qmail", 2, reasons=(Reason.CATCH_ALL,)),
    Personality("second", ((10, "down"), (20, "postfix")), weight=2),
    Personality(
        "backup-refused",
        ((10, "down"), (20, "backup")),
        reasons=(Reason.CONNECT_FAILED, Reason.CATCH_ALL, Reason.SMTP_TEMP_ERROR),
    ),
    Personality("backup-greylist", ((10, "greylist"), (20, "backup")), weight=1, greylisted=True),
)
_DEFERRING = (
    _hosted("greylist", 3, greylisted=True),
    _hosted("greywait", 1, greylisted=True),
    _hosted("postscreen", 1, greylisted=True, tolerated=(Reason.GREYLISTED, Reason.SMTP_TEMP_ERROR)),
    _hosted("temperror", 1, reasons=(Reason.SMTP_TEMP_ERROR, Reason.GREYLISTED)),
    _hosted("hourly", 1, tolerated=(Reason.SMTP_TEMP_ERROR, Reason.GREYLISTED, Reason.PROBE_BLOCKED)),
    _hosted("narrow", 1, tolerated=(Reason.SMTP_TEMP_ERROR, Reason.CONNECT_FAILED)),
    _hosted("shutdown", 0, reasons=_LOST),
)
_REFUSING = (
    _hosted("blocked-banner", 2, reasons=_BLOCKED),
    _hosted("blocked-helo", 1, reasons=_BLOCKED),
    _hosted("blocked-mail", 2, reasons=_BLOCKED),
    _hosted("blocked-rcpt", 3, reasons=_BLOCKED),
    _hosted("sender-refused", 1, reasons=(Reason.SENDER_REFUSED,)),
    _hosted("relay-denied", 1, reasons=_BLOCKED),
    _hosted("policy", 1, reasons=_BLOCKED),
    _hosted("ambiguous", 1, tolerated=_BLOCKED),
)
_LOSING = (
    _hosted("broken-tls", 0, reasons=(*_LOST, Reason.PROBE_BLOCKED, Reason.SENDER_REFUSED)),
    _hosted("silent-banner", 0, reasons=_LOST),
    _hosted("silent-ehlo", 0, reasons=_LOST),
    _hosted("silent-mail", 0, reasons=_LOST),
    _hosted("silent-rcpt", 0, reasons=_LOST),
    _hosted("garbage", 0, reasons=_LOST),
    _hosted("reset", 0, reasons=_LOST),
    _hosted("down", 1, reasons=(Reason.CONNECT_FAILED,)),
    _hosted("blackhole", 0, reasons=(Reason.CONNECT_FAILED, Reason.SMTP_TIMEOUT)),
)


def _routed(route: Route, *reasons: Reason, weight: int = 1) -> Personality:
    exchanges = () if reasons else _pair("postfix")
    return Personality(route.value, exchanges, route=route, reasons=reasons, weight=weight)


_NAMED = (
    _routed(Route.IMPLICIT, weight=3),
    _routed(Route.ALIAS),
    _routed(Route.EXCHANGE_ALIAS),
    _routed(Route.MANY),
    _routed(Route.MIXED_NULL),
    _routed(Route.PARTIAL),
    _routed(Route.NULL_MX, Reason.NULL_MX, weight=2),
    _routed(Route.NXDOMAIN, Reason.DOMAIN_NOT_FOUND, weight=6),
    _routed(Route.NODATA, Reason.NO_MAIL_HOST, weight=2),
    _routed(Route.SERVFAIL, Reason.DNS_TEMP_ERROR),
    _routed(Route.REFUSED, Reason.DNS_TEMP_ERROR),
    _routed(Route.SILENT, Reason.DNS_TEMP_ERROR, weight=0),
    _routed(Route.DANGLING, Reason.MX_UNROUTABLE, weight=2),
    _routed(Route.LITERAL, Reason.MX_UNROUTABLE),
    _routed(Route.PRIVATE, Reason.MX_UNROUTABLE, weight=2),
    _routed(Route.UNANSWERED, Reason.DNS_TEMP_ERROR),
)

PERSONALITIES = {p.name: p for p in (*_ORDINARY, *_PROVIDERS, *_ACCEPTING, *_DEFERRING, *_REFUSING, *_LOSING, *_NAMED)}

PROVIDER_EXCHANGES = {
    "gmail.com": ("gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com", "alt2.gmail-smtp-in.l.google.com"),
    "googlemail.com": ("gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com"),
    "icloud.com": ("mx01.mail.icloud.com", "mx02.mail.icloud.com"),
    "me.com": ("mx01.mail.icloud.com", "mx02.mail.icloud.com"),
    "mac.com": ("mx01.mail.icloud.com", "mx02.mail.icloud.com"),
    "google.com": ("smtp.google.com",),
    "gmx.de": ("mx00.emig.gmx.net", "mx01.emig.gmx.net"),
    "gmx.net": ("mx00.emig.gmx.net", "mx01.emig.gmx.net"),
    "gmx.com": ("mx00.gmx.com", "mx01.gmx.com"),
    "web.de": ("mx-ha02.web.de", "mx-ha03.web.de"),
    "mail.com": ("mx00.mail.com", "mx01.mail.com"),
    "t-online.de": ("mx00.t-online.de", "mx01.t-online.de"),
    "mail.ru": ("mxs.mail.ru",),
    "yandex.ru": ("mx.yandex.ru",),
    "yandex.com": ("mx.yandex.ru",),
    "qq.com": ("mx1.qq.com", "mx2.qq.com", "mx3.qq.com"),
    "163.com": ("163mx01.mxmail.netease.com", "163mx02.mxmail.netease.com"),
    "126.com": ("126mx01.mxmail.netease.com",),
    "orange.fr": ("smtp-in.orange.fr",),
    "wanadoo.fr": ("smtp-in.orange.fr",),
    "laposte.net": ("smtp4.laposte.net",),
    "free.fr": ("mx1.free.fr", "mx2.free.fr"),
    "sfr.fr": ("smtp-in.sfr.fr",),
    "proton.me": ("mail.protonmail.ch", "mailsec.protonmail.ch"),
    "protonmail.com": ("mail.protonmail.ch", "mailsec.protonmail.ch"),
    "fastmail.com": ("in1-smtp.messagingengine.com", "in2-smtp.messagingengine.com"),
    "zoho.com": ("mx.zoho.com", "mx2.zoho.com"),
    "comcast.net": ("mx1.comcast.net", "mx2.comcast.net"),
    "rambler.ru": ("inmx.rambler.ru",),
    "libero.it": ("smtp-in.libero.it",),
    "microsoft.com": ("microsoft-com.mail.protection.outlook.com",),
    "apple.com": ("mx-in.g.apple.com",),
    "amazon.com": ("amazon-smtp.amazon.com",),
}
"""The exchanges of well-known providers' domains, so that the real internet's names are answered here."""
