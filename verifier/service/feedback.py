"""What senders tell: kept before it is answered, then done, and once more at start where a crash came between.

Law: what was answered is kept and its effects come, if need be after a restart; told twice, it counts once. The effects
of an event may be done twice, by a crash in the middle: they are such that this makes no difference.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from msgspec import Struct

from verifier.core.address import Address, parse_address
from verifier.core.decisions import became
from verifier.core.evidence import Finding
from verifier.core.faults import ServiceUnavailable
from verifier.core.feedback.effects import NOTHING, Effects, effects_of, is_sign_of_life, is_soft, opt_of
from verifier.core.feedback.hook import Once
from verifier.core.keys import subkey
from verifier.core.mail_events import EventKind, MailEvent
from verifier.core.measures import EVENTS
from verifier.core.reply_rules import Rules
from verifier.core.senders import use_id
from verifier.core.suppression_keys import SuppressionKeys
from verifier.feedback_ports import EventStore, Waiting
from verifier.gate_ports import SuppressionStore, Use, UseStore
from verifier.ports import Clock, FactStore, Meter
from verifier.service.calibrating import Predictions
from verifier.service.judging import Judging
from verifier.service.keeping import Keeping, Receipt, in_turn

_AT_ONCE = 1000
_LOOK_SECONDS = 5.0
_SENT = (EventKind.SENT, EventKind.DELIVERED, EventKind.BOUNCED, EventKind.DEFERRED)


class Places(Struct, frozen=True):
    """Where effects go."""

    events: EventStore
    suppressions: SuppressionStore
    uses: UseStore
    facts: FactStore


class Feedback:
    """`accept` events; `run` does what others have left to do; `close` at last."""

    def __init__(
        self,
        places: Places,
        judging: Judging,
        predictions: Predictions,
        rules: Rules,
        *,
        secret: bytes,
        clock: Clock,
        meter: Meter,
        report_fault: Callable[[BaseException], None],
    ) -> None:
        self._meter = meter
        self._keeping = Keeping(places.events, judging, rules, secret=secret, clock=clock)
        self._places = places
        self._judging = judging
        self._predictions = predictions
        self._rules = rules
        self._keys = SuppressionKeys(subkey(secret, "suppression"))
        self._clock = clock
        self._report_fault = report_fault
        self._doing: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def accept(self, events: Sequence[MailEvent], once: Once | None = None) -> Receipt | None:
        """Returns once they are kept, and as a rule done; None where `once` stands for another message.

        Raises ServiceUnavailable where they cannot be kept; nothing of them is, then.
        """
        receipt = await self._keeping.keep(events, once)
        if receipt is not None and receipt.new:
            await self.catch_up()
        return receipt

    async def keep(self, events: Sequence[MailEvent]) -> Receipt | None:
        """Like `accept`, but what they change is done behind it: for many, of whom nobody waits for one."""
        receipt = await self._keeping.keep(events)
        self._begin()
        return receipt

    async def catch_up(self) -> None:
        """Returns once all that waited when it was called is done, or could not be: then `run` tries again."""
        await asyncio.shield(self._begin())

    async def run(self) -> None:
        """Does what waits: from before this process began, and what other processes have kept meanwhile."""
        while True:
            await self.catch_up()
            await self._clock.sleep(_LOOK_SECONDS)

    async def close(self) -> None:
        for task in (self._doing, self._next):
            if task is not None:
                await asyncio.wait([task])

    async def forget(self, address: Address, mailbox: str) -> None:
        """Nothing that was told of the address is known any more; opt-outs are the suppressions' to keep."""
        await self._places.events.forget(mailbox, self._keys.exact(address))

    def _begin(self) -> asyncio.Task[None]:
        if self._next is None:
            self._next = asyncio.create_task(self._do_after(self._doing))
        return self._next

    async def _do_after(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._doing, self._next = self._next, None
        try:
            while waiting := await self._places.events.waiting(_AT_ONCE):
                await self._do_all(waiting)
                if len(waiting) < _AT_ONCE:
                    break  # whoever has kept more since then has asked for the next round
        except ServiceUnavailable as fault:  # kept, and done as soon as it can be
            self._report_fault(fault)

    async def _do_all(self, waiting: Sequence[Waiting]) -> None:
        """A fault of ours in one event holds up no other: it is reported, and that event is passed over."""
        try:
            await self._do(waiting)
        except ServiceUnavailable:
            raise
        except Exception as fault:  # noqa: BLE001 - the loop that has to go on
            if len(waiting) > 1:
                for each in waiting:
                    await self._do_all([each])
            else:
                self._report_fault(fault)
                await self._places.events.settle(waiting[0].number, [], {})

    async def _do(self, waiting: Sequence[Waiting]) -> None:
        """Does a batch: suppressions first, since a mail may go out meanwhile."""
        places = self._places
        addresses = [parse_address(each.event.email) for each in waiting]
        known = [(each, a) for each, a in zip(waiting, addresses, strict=True) if isinstance(a, Address)]
        outcomes = await self._predictions.outcomes(known)
        bearing = {each.mailbox for each, _ in known if _bears(each.event)}
        histories = await places.events.history(sorted(bearing))
        effects: list[tuple[Waiting, Effects]] = []
        async for some in in_turn(known):
            effects += [
                (each, effects_of(each.event, a, histories.get(each.mailbox, NOTHING), self._keys, self._rules))
                for each, a in some
            ]
        await self._suppress(effects)
        findings: list[tuple[str, Finding]] = [(w.mailbox, e.finding) for w, e in effects if e.finding is not None]
        of_recipients = [(each.event, self._keys.exact(address)) for each, address in known]
        uses = [use for event, recipient in of_recipients if (use := _use(event, recipient)) is not None]
        writing: list[Awaitable[object]] = []  # to stores of their own: neither waits for the other's disk
        if findings:
            writing.append(places.facts.remember_mailboxes(findings))
        if uses:
            writing.append(places.uses.count(uses))
        await asyncio.gather(*writing)
        active: dict[str, datetime] = {}
        ended = [became(event, recipient) for event, recipient in of_recipients]
        for event, recipient in of_recipients:
            if is_sign_of_life(event):
                active[recipient] = max(event.at, active.get(recipient, event.at))
        await places.events.settle(waiting[-1].number, outcomes, active, [each for each in ended if each is not None])
        kinds = Counter((each.event.kind, each.event.bounce_class) for each in waiting)
        for (kind, bounce_class), count in kinds.items():
            self._meter.count(EVENTS, kind, bounce_class or "", by=count)

    async def _suppress(self, effects: Sequence[tuple[Waiting, Effects]]) -> None:
        """Entries in the order of their events: one that ends may be followed by one that begins."""
        adding = [entry for _, effect in effects for entry in effect.add]
        ending = [removal for _, effect in effects for removal in effect.end]
        if adding:
            await self._places.suppressions.add(adding)
        if ending:
            await self._places.suppressions.remove(ending)


def _use(event: MailEvent, recipient: str) -> Use | None:
    """One mail of a sender, told by whichever event came first."""
    if event.kind not in _SENT or event.sender is None or event.message_id is None:
        return None
    blast = event.message_class in (None, "marketing")
    return Use(event.sender, use_id(event.message_id, recipient), recipient, event.at, blast)


def _bears(event: MailEvent) -> bool:
    return is_soft(event) or is_sign_of_life(event) or opt_of(event) is not None
