"""What feedback needs of the world, beside ports.py and gate_ports.py: where events are kept, and what SNS shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from verifier.core.calibration import Seen
from verifier.core.decisions import Became
from verifier.core.feedback.effects import History
from verifier.core.feedback.hook import Once
from verifier.core.mail_events import MailEvent


class Arrival(Struct, frozen=True):
    """An event with the names that it is kept under: `name` is the hash of its source and id, `mailbox` the keyed hash
    of its address, `message` that of its mail ("" where none was told)."""

    name: str
    mailbox: str
    event: MailEvent
    message: str = ""


class Waiting(Struct, frozen=True):
    """An event whose effects are not done yet."""

    number: int
    mailbox: str
    event: MailEvent


class Outcome(Struct, frozen=True):
    """How a prediction came out: the verdict's reason and provider when the event came, and the risk that it named.

    A mailbox counts once a reason, provider and `period`; a hard bounce outweighs what was told before it.
    """

    mailbox: str
    reason: str
    provider: str
    period: int
    risk: float
    hard: bool


class EventStore(Protocol):
    """What became of mail. Must not lose; may be told twice, keeps once.

    Laws: once `add` has returned, kill -9 of the process loses nothing of it; all of a batch is kept or nothing. It
    gives how many were new, or None where `once` stands for another message already, and then keeps nothing. What is
    new waits until it is settled, the oldest first, over restarts; `settle` ends all up to a number, together with the
    outcomes, which count once, with when recipients (`SuppressionKeys.exact`) were last alive, and with what became of
    their mail, which `became` tells since a moment. No address is kept
    of what is settled. Raises ServiceUnavailable where the store cannot be read or written.
    """

    async def add(self, arrivals: Sequence[Arrival], once: Once | None = None) -> int | None: ...
    async def waiting(self, limit: int) -> Sequence[Waiting]: ...
    async def history(self, mailboxes: Sequence[str]) -> Mapping[str, History]: ...
    async def settle(
        self, through: int, outcomes: Sequence[Outcome], active: Mapping[str, datetime], became: Sequence[Became] = ()
    ) -> None: ...
    async def became(self, since: datetime) -> Sequence[Became]: ...
    async def forget(self, mailbox: str, recipient: str) -> None: ...


class OutcomeStore(Protocol):
    """Predicted against seen: `seen` sums up the outcomes by reason and provider."""

    async def seen(self) -> Sequence[Seen]: ...


class SecretStore(Protocol):
    """The secrets of sources that sign. `put` replaces them; an empty sequence ends them."""

    async def secrets(self, source: str) -> Sequence[str]: ...
    async def put_secrets(self, source: str, secrets: Sequence[str], at: datetime) -> None: ...


class Fetcher(Protocol):
    """Gets a small text over https, from a checked address and nothing that is forbidden; None where it cannot."""

    async def get(self, url: str) -> str | None: ...
