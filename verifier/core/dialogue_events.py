"""What goes into an SMTP dialogue and what comes out of it, as values."""

from typing import Any

from msgspec import Struct

from verifier.core.control import Probe
from verifier.core.evidence import Obstacle
from verifier.core.replies import Reading, Reply, SmtpStage


class Identity(Struct, frozen=True):
    """Who asks: one fixed, real HELO name and reverse path."""

    helo: str
    mail_from: str


class Recipient(Struct, eq=False):
    """One forward path to ask about, for whom it is asked, and how often it was asked in vain."""

    path: str
    domain: str
    smtputf8: bool = False
    probe: Probe = Probe.REAL
    source: str = ""
    interactive: bool = False
    ticket: Any = None
    attempts: int = 0


class Answered(Struct, frozen=True):
    """The server has answered for a recipient: its reply, and what that says."""

    recipient: Recipient
    reply: Reply
    reading: Reading


class Unanswered(Struct, frozen=True):
    """These were sent or waiting, and nothing was said about them; in the order in which they were offered."""

    recipients: tuple[Recipient, ...]


class TlsWanted(Struct, frozen=True):
    """The driver has to do the handshake now, then call `tls_started`."""


class Ended(Struct, frozen=True):
    """The session is over, and why: a reply at a stage (`reading`), or what stood in the way (`obstacle`)."""

    stage: SmtpStage
    reply: Reply | None = None
    reading: Reading | None = None
    obstacle: Obstacle | None = None
    detail: str = ""


Event = Answered | Unanswered | TlsWanted | Ended
