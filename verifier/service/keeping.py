"""Events on their way into the store: whose mailbox they are about, what their bounce says, and under which names."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Struct, structs

from verifier.core.address import Address, parse_address
from verifier.core.feedback.bounces import classified
from verifier.core.feedback.hook import Once
from verifier.core.keys import keyed_hash, subkey
from verifier.core.mail_events import MailEvent
from verifier.core.reply_rules import Rules
from verifier.feedback_ports import Arrival, EventStore
from verifier.ports import Clock
from verifier.service.judging import Judging

_STEP = 50
"""Events that are worked on before others have their turn: about a millisecond."""
_OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No mail that anybody tells of is older; a clock that was never set is."""
_Item = TypeVar("_Item")


class Receipt(Struct, frozen=True):
    """What became of a batch: events that are new, that were told before, and whose recipient is no address."""

    new: int
    repeated: int
    ignored: int


class Keeping:
    """`keep` events; what they change is left to whoever holds the folder (service/feedback.py)."""

    def __init__(self, store: EventStore, judging: Judging, rules: Rules, *, secret: bytes, clock: Clock) -> None:
        self._store = store
        self._judging = judging
        self._rules = rules
        self._names = subkey(secret, "event")
        self._clock = clock

    async def keep(self, events: Sequence[MailEvent], once: Once | None = None) -> Receipt | None:
        """Returns once they are kept; None, and nothing is, where `once` stands for another message.

        Raises ServiceUnavailable where they cannot be kept; nothing of them is, then.
        """
        now = self._clock.now()
        arrivals: list[Arrival] = []
        async for some in in_turn(events):
            arrivals += [arrival for event in some if (arrival := self._arrival(event, now)) is not None]
        new = await self._store.add(arrivals, once)
        return None if new is None else Receipt(new, len(arrivals) - new, len(events) - len(arrivals))

    def _arrival(self, event: MailEvent, now: datetime) -> Arrival | None:
        address = parse_address(event.email)
        if not isinstance(address, Address):
            return None
        event = classified(event, self._rules)
        event = structs.replace(event, email=address.normalized, at=min(max(event.at, _OLDEST), now))
        name = keyed_hash(self._names, f"{event.source}\0{event.id}")
        message = keyed_hash(self._names, f"message\0{event.message_id}") if event.message_id else ""
        return Arrival(name, self._judging.key_of(address), event, message)


async def in_turn(items: Sequence[_Item]) -> AsyncIterator[Sequence[_Item]]:
    """The items step by step, with room between for whoever waits."""
    for start in range(0, len(items), _STEP):
        yield items[start : start + _STEP]
        await asyncio.sleep(0)
