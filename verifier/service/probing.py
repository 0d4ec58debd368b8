"""What goes into a lane and what comes out of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from verifier.core.dialogue_events import Identity
from verifier.core.evidence import Finding
from verifier.core.facts import AcceptsAll, MailRoute
from verifier.core.providers import Provider
from verifier.core.replies import Reply, SmtpStage
from verifier.core.reply_rules import Rules
from verifier.ports import Clock, MailDialer

CONTROL_LIFETIME = timedelta(days=7)
UNDETERMINED_LIFETIME = timedelta(hours=1)


class Timeouts(Struct, frozen=True):
    """Patience in seconds, a step and a whole connection (postscreen greets after 6 s, some gateways answer RCPT after
    30 s; RFC 5321 §4.5.3.2 asks for minutes, which a mail server can afford and a prober cannot).
    """

    connect: float = 10.0
    banner: float = 30.0
    command: float = 20.0
    recipient: float = 45.0
    connection: float = 300.0

    def of(self, stage: SmtpStage) -> float:
        match stage:
            case SmtpStage.BANNER:
                return self.banner
            case SmtpStage.RCPT:
                return self.recipient
            case _:
                return self.command


class Probed(Struct, frozen=True):
    """What asking came to: the finding, what was learned of the domain, and the conversation where it was kept."""

    finding: Finding
    accepts_all: AcceptsAll | None = None
    transcript: tuple[str, ...] = ()


class Ahead(Struct, eq=False):
    """How many parts of a list are on their way to their mail hosts: while there are any, more may come for each."""

    parts: int = 0

    @property
    def more(self) -> bool:
        return self.parts > 0


class Target(Struct, eq=False):
    """One mailbox to ask about. `record` is awaited with a group's results before the next group is sent."""

    key: str
    path: str
    domain: str
    smtputf8: bool
    route: MailRoute
    provider: Provider | None
    accepts_all: bool | None
    control_wanted: bool
    source: str
    interactive: bool
    record: Callable[[Sequence[tuple["Target", Probed]]], Awaitable[None]]
    future: "asyncio.Future[Probed]"
    keep_transcript: bool = False
    greylist_delay: float = 310.0
    """Seconds to wait at least before a greylisted recipient is asked again."""
    ahead: Ahead | None = None
    """What is still to come of its list."""
    chunk: Any = None
    """Whatever `record` has to know of it."""


class Question(Struct, eq=False):
    """One mailbox that is being asked about, and everybody who waits for the answer; the first of them is `target`."""

    target: Target
    waiters: list[Target]

    @property
    def wanted(self) -> bool:
        """Somebody still waits."""
        return any(not waiter.future.done() for waiter in self.waiters)


class Equipment(Struct, frozen=True):
    """What every lane works with."""

    dialer: MailDialer
    rules: Rules
    clock: Clock
    identity: Identity
    timeouts: Timeouts
    own_addresses: tuple[str, ...] = ()
    unrecognised: Callable[[Reply, str], None] = lambda reply, mx_host: None
    """Is told of a recipient's reply that no rule knew, and of the host that gave it."""
    control_key: bytes = b""
    """What the names of controls are drawn with (core/control.py)."""


def accepts_all_fact(value: bool | None, now: datetime) -> AcceptsAll:
    """A control's outcome as a fact: 7 days, or an hour where it was undetermined."""
    return AcceptsAll(value, now, now + (UNDETERMINED_LIFETIME if value is None else CONTROL_LIFETIME))
