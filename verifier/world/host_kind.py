"""What a kind of mail host can be like: the words it uses, how patient it is, where it refuses or falls silent."""

from enum import StrEnum

from msgspec import Struct


class Step(StrEnum):
    """Where in a session a host refuses or falls silent."""

    BANNER = "banner"
    EHLO = "ehlo"
    MAIL = "mail"
    RCPT = "rcpt"


class Tls(StrEnum):
    """What a host makes of STARTTLS."""

    NONE = "none"
    OFFERED = "offered"
    REQUIRED = "required"
    BROKEN = "broken"
    """Required, and every handshake fails."""


class Grey(StrEnum):
    """What a greylisting host remembers of a visitor."""

    NONE = "none"
    TRIPLET = "triplet"
    """Client network, sender and recipient, as Postgrey does."""
    CLIENT = "client"
    """The client alone, as postscreen's deep protocol tests do."""


class Shares(Struct, frozen=True):
    """How many of the mailboxes in use are full, disabled or restricted, in [0, 1]."""

    full: float = 0.01
    disabled: float = 0.01
    restricted: float = 0.0


class HostKind(Struct, frozen=True):
    """One kind of mail host. The defaults are a plain Postfix without its error limits."""

    name: str
    banner: str = "220 {host} ESMTP Postfix"
    ehlo: tuple[str, ...] = ("PIPELINING", "SIZE 10240000", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8")
    helo_only: bool = False
    mail_ok: str = "250 2.1.0 Ok"
    rcpt_ok: str = "250 2.1.5 Ok"
    rset_ok: str = "250 2.0.0 Ok"
    bye: str = "221 2.0.0 Bye"
    unknown: str = "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown in virtual mailbox table"
    full: tuple[str, ...] = (
        "552 5.2.2 <{rcpt}>: Recipient address rejected: Mailbox full",
        "452 4.2.2 <{rcpt}>: Recipient address rejected: Mailbox is over quota",
    )
    disabled: str = "550 5.2.1 <{rcpt}>: Recipient address rejected: This account has been disabled"
    restricted: str = "550 5.7.1 <{rcpt}>: Recipient address rejected: Only members may write to this list"
    foreign: str = "554 5.7.1 <{rcpt}>: Relay access denied"
    shares: Shares = Shares()
    accepts_everything: bool = False
    dots_count: bool = True
    tls: Tls = Tls.OFFERED
    grey: Grey = Grey.NONE
    grey_text: str = ""
    refuses_at: Step | None = None
    refusal: str = ""
    silent_at: Step | None = None
    listens: bool = True
    hangs: bool = False
    """A connection is never answered: the SYN is lost."""
    resets: bool = False
    """A connection is accepted and reset at once."""
    banner_delay: float = 0.0
    reject_delay: float = 0.0
    quit_delay: float = 0.0
    slow_after: int = 0
    """Rejects after which every reply takes a second."""
    hang_up_at: int = 0
    """Rejects at which the connection is closed with 421."""
    majority_guard: bool = False
    """Of more than ten recipients fewer than half good: every further one is refused (Exim's default ACL)."""
    bad_limit: int = 0
    """Bad recipients of a connection after which every further one is refused with `bad_limit_text`."""
    bad_limit_text: str = ""
    reset_limit: int = 0
    """RSET commands beyond the first after which the connection is closed (Exim's `smtp_accept_max_nonmail`)."""
    recipients_max: int = 0
    recipients_max_text: str = "452 4.5.3 Error: too many recipients"
    one_domain_text: str = ""
    """Refusal of a second domain in one transaction."""
    sessions_max: int = 0
    sessions_max_text: str = "421 4.7.0 {host} Error: too many connections from 127.0.0.1"
    hourly_max: int = 0
    hourly_max_text: str = "452 4.7.1 Too many recipients received this hour"
    flaky: bool = False
    """Every second connection breaks in the middle of a group, by 421 or by a reset."""
    strict_sync: bool = False
    """Whoever speaks before the banner, or pipelines where that is not offered, is shown the door."""

    @property
    def takes_utf8(self) -> bool:
        """It offers SMTPUTF8, which needs an EHLO to be offered in (RFC 6531 §3.1)."""
        return "SMTPUTF8" in self.ehlo and not self.helo_only
