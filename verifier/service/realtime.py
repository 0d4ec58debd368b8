"""Answers within a budget: who asks now gets what is known when his time is up, and the rest is learned behind it.

Laws: an answer comes within its budget; whoever stops waiting stops nobody else; one probe an address, however many
ask; and no more than so many go on behind their answers.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress

from msgspec import structs

from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.measures import BEHIND, LATE, RUNNING, VERDICTS
from verifier.core.reasons import StageName
from verifier.core.test_addresses import stated_reason
from verifier.core.verdict import Assessment, Source, refresh_due
from verifier.ports import Clock, Meter
from verifier.service.asking import Asking
from verifier.service.bell import Bell
from verifier.service.harvest_guard import Client
from verifier.service.inquiry import Called, Inquiry
from verifier.service.verify import Verification

MOST_RUNNING = 20_000
MOST_BEHIND = 2_000
_BEGUN_TOGETHER = 4
"""So many inquiries are begun before the loop turns to what else there is: they are the bulk of a check's work."""
_REFRESH_REST = 600.0
"""Seconds until what was asked again behind an answer, in vain, is asked once more."""
_MOST_REFRESHED = 20_000
_FEW = 20
"""Up to so many are asked as somebody who waits; more are a list, which people overtake."""

_Key = tuple[str, tuple[StageName, ...], str]
_Heard = tuple[Inquiry, int]


class TooBusy(Exception):
    """So many checks run already that another could not be answered in time."""


class RealTime:
    """`check` one address, or `check_all` of many, within seconds; `close` at last."""

    def __init__(
        self,
        verification: Verification,
        clock: Clock,
        meter: Meter,
        *,
        called: Called,
        report_fault: Callable[[BaseException], None],
        most_running: int = MOST_RUNNING,
        most_behind: int = MOST_BEHIND,
    ) -> None:
        self._verification = verification
        self._clock = clock
        self._meter = meter
        self._called = called
        self._report_fault = report_fault
        self._most_running = most_running
        self._most_behind = most_behind
        self._single: dict[_Key, Inquiry] = {}
        self._keys: dict[Inquiry, _Key] = {}
        self._running: dict[Inquiry, None] = {}
        self._behind: dict[Inquiry, None] = {}
        self._refreshed: OrderedDict[str, float] = OrderedDict()
        self._to_begin: deque[Inquiry] = deque()
        self._beginning: asyncio.Task[None] | None = None
        self._bell = Bell(clock)
        self._addresses = self._addresses_behind = 0
        meter.watch(RUNNING, lambda: self._addresses)
        meter.watch(BEHIND, lambda: self._addresses_behind)

    async def check(
        self, raw: str, stages: tuple[StageName, ...], client: Client, budget: float, *, began: float | None = None
    ) -> Assessment:
        """The answer for one address, at most `budget` seconds after `began` (of the clock; now where it is None)."""
        started = self._clock.monotonic() if began is None else began
        known = self.at_hand(raw, stages, client, started)
        return known or await self.ask(raw, stages, client, budget, started)

    async def ask(
        self, raw: str, stages: tuple[StageName, ...], client: Client, budget: float, started: float
    ) -> Assessment:
        """`check` of an address that is not at hand."""
        key = (client.key, stages, raw)
        inquiry = self._single.get(key)
        if inquiry is None:
            asking = Asking(stages=stages, source=client.key, client=client, interactive=True)
            inquiry = self._single[key] = self._begin([parse_address(raw)], asking)
            self._keys[inquiry] = key
        heard: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def hear(_: int, in_time: bool = True) -> None:
            if not heard.done():
                heard.set_result(in_time)

        alarm = self._bell.set(started + budget, budget, lambda: hear(0, False))
        self._listen(inquiry, hear)
        try:
            in_time = await heard
            assessment = self._answered(inquiry, 0, started, late=not in_time)
            if assessment.source is Source.CACHE:
                self._refresh(inquiry.parsed[0], assessment, client)
            return assessment
        finally:
            self._bell.stop(alarm)
            self._leave(inquiry, hear)

    def at_hand(self, raw: str, stages: tuple[StageName, ...], client: Client, started: float) -> Assessment | None:
        """The answer that `check` would give without waiting for anybody; None where it would have to wait."""
        self._verification.turns.courtesy.give_way()
        at_hand = self._verification.at_hand
        assessment = at_hand.of(raw, Asking(stages=stages, source=client.key, client=client, interactive=True))
        if assessment is None:
            return None
        if assessment.source is Source.CACHE:
            self._refresh(at_hand.text(raw).parsed, assessment, client)
        return self._counted(assessment, started)

    async def check_all(
        self, raws: Sequence[str], stages: tuple[StageName, ...], client: Client, budget: float, *, began: float
    ) -> AsyncGenerator[tuple[int, Assessment]]:
        """Each place in `raws` with its answer, as they come; all of them within the budget."""
        source = f"{client.key} {self._clock.token(8)}"
        asking = Asking(stages=stages, source=source, client=client, interactive=len(raws) <= _FEW)
        by_domain: dict[str, list[int]] = {}
        parsed = [parse_address(raw) for raw in raws]
        for place, address in enumerate(parsed):
            by_domain.setdefault(_company(address), []).append(place)
        self._require_room(len(raws))
        parts = [
            (self._begin([parsed[place] for place in places], asking), tuple(places)) for places in by_domain.values()
        ]
        async with aclosing(self._answers(parts, began, budget)) as answers:
            async for answer in answers:
                yield answer

    @property
    def waiting(self) -> int:
        """How many wait for an answer just now."""
        return len(self._bell)

    async def converse(
        self, raw: str, client: Client, budget: float, *, anew: bool, began: float
    ) -> tuple[Assessment, tuple[str, ...]]:
        """`check` for somebody who looks on: with the conversation, empty where the mailbox was not asked just now.

        `anew`: it is asked though its answer is known.
        """
        asking = Asking(source=client.key, client=client, interactive=True, keep_transcript=True, anew=anew)
        inquiry = self._begin([parse_address(raw)], asking)
        async with aclosing(self._answers([(inquiry, (0,))], began, budget)) as answers:
            _, assessment = await anext(answers)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, began + budget - self._clock.monotonic())):
                    await inquiry.ended()
            return assessment, inquiry.conversation(0)

    def hasten(self, seconds: float) -> None:
        """Whoever waits is answered within so many seconds, with what is known by then."""
        self._bell.hasten(self._clock.monotonic() + seconds)

    async def close(self, patience: float = 0.0) -> None:
        """Waits so many seconds for what runs, and ends the rest."""
        self._bell.close()
        while self._to_begin:
            self._to_begin.popleft().start(self._ended)
        if self._running and patience > 0:
            await asyncio.wait([asyncio.ensure_future(i.ended()) for i in self._running], timeout=patience)
        running = list(self._running)
        for inquiry in running:
            inquiry.cancel()
        for inquiry in running:
            await inquiry.ended()

    def _begin(self, parsed: Sequence[Address | SyntaxFault], asking: Asking) -> Inquiry:
        self._require_room(len(parsed))
        inquiry = Inquiry(parsed, asking, self._verification, self._clock)
        self._running[inquiry] = None
        self._addresses += len(parsed)
        self._to_begin.append(inquiry)
        if self._beginning is None:
            self._beginning = asyncio.get_running_loop().create_task(self._begin_in_turn())
        return inquiry

    async def _begin_in_turn(self) -> None:
        """A few at a time, and none while somebody has to be answered: answers must not wait for new questions."""
        try:
            while self._to_begin:
                if not self._bell.is_due:
                    for _ in range(min(_BEGUN_TOGETHER, len(self._to_begin))):
                        self._to_begin.popleft().start(self._ended)
                await asyncio.sleep(0)
        finally:
            self._beginning = None

    def _refresh(self, parsed: Address | SyntaxFault, assessment: Assessment, client: Client) -> None:
        """Ask again behind an answer that has come of age: once, and with the patience of a list."""
        if not refresh_due(assessment, self._clock.now()) or not isinstance(parsed, Address):
            return
        key, now = self._verification.judging.key_of(parsed), self._clock.monotonic()
        asked_at = self._refreshed.get(key)
        if (asked_at is not None and now - asked_at < _REFRESH_REST) or self._addresses >= self._most_behind:
            return
        self._refreshed[key] = now
        self._refreshed.move_to_end(key)
        if len(self._refreshed) > _MOST_REFRESHED:
            self._refreshed.popitem(last=False)
        self._leave_behind(self._begin([parsed], Asking(source=f"{client.key} behind", client=client, anew=True)))

    def _require_room(self, count: int) -> None:
        if self._addresses + count > self._most_running:
            raise TooBusy

    def _ended(self, inquiry: Inquiry) -> None:
        del self._running[inquiry]
        self._addresses -= len(inquiry.parsed)
        self._taken_up(inquiry)
        self._part(inquiry)
        if inquiry.fault is not None:
            self._report_fault(inquiry.fault)

    def _part(self, inquiry: Inquiry) -> None:
        """Whoever asks for the same address from now on begins anew."""
        key = self._keys.pop(inquiry, None)
        if key is not None:
            del self._single[key]

    async def _answers(
        self, parts: Sequence[tuple[Inquiry, tuple[int, ...]]], started: float, budget: float
    ) -> AsyncGenerator[tuple[int, Assessment]]:
        heard: asyncio.Queue[_Heard | None] = asyncio.Queue()
        open_places = {(inquiry, place): number for inquiry, numbers in parts for place, number in enumerate(numbers)}
        listeners = [(inquiry, _listener(inquiry, heard)) for inquiry, _ in parts]
        alarm = self._bell.set(started + budget, budget, lambda: heard.put_nowait(None))
        try:
            for inquiry, listener in listeners:
                self._listen(inquiry, listener)
            while open_places and (ready := await heard.get()) is not None:
                number = open_places.pop(ready)
                yield number, self._answered(*ready, started)
            for (inquiry, place), number in list(open_places.items()):
                yield number, self._answered(inquiry, place, started, late=True)
        finally:
            self._bell.stop(alarm)
            for inquiry, listener in listeners:
                self._leave(inquiry, listener)

    def _listen(self, inquiry: Inquiry, listener: Callable[[int], None]) -> None:
        self._taken_up(inquiry)
        inquiry.listen(listener)

    def _leave(self, inquiry: Inquiry, listener: Callable[[int], None]) -> None:
        inquiry.listeners.remove(listener)
        if inquiry in self._running and not inquiry.listeners:
            self._leave_behind(inquiry)

    def _answered(self, inquiry: Inquiry, place: int, started: float, *, late: bool = False) -> Assessment:
        assessment = self._counted(inquiry.assessment(place, self._called), started)
        if late:
            self._meter.count(LATE, assessment.reason)
        return assessment

    def _counted(self, assessment: Assessment, started: float) -> Assessment:
        self._meter.count(VERDICTS, assessment.verdict, assessment.reason, assessment.source)
        return structs.replace(assessment, duration_ms=round(1000 * (self._clock.monotonic() - started)))

    def _leave_behind(self, inquiry: Inquiry) -> None:
        """Nobody waits for it any more; where too many go on like that, the oldest ends."""
        self._behind[inquiry] = None
        self._addresses_behind += len(inquiry.parsed)
        while self._addresses_behind > self._most_behind:
            oldest = next(iter(self._behind))
            self._taken_up(oldest)
            self._part(oldest)
            oldest.cancel()

    def _taken_up(self, inquiry: Inquiry) -> None:
        """Somebody waits for it again, or it has ended."""
        if inquiry in self._behind:
            del self._behind[inquiry]
            self._addresses_behind -= len(inquiry.parsed)


def _company(address: Address | SyntaxFault) -> str:
    """What is asked together: a domain's addresses; and apart from them what nobody is asked about."""
    if isinstance(address, SyntaxFault) or stated_reason(address) is not None:
        return ""
    return address.domain


def _listener(inquiry: Inquiry, heard: "asyncio.Queue[_Heard | None]") -> Callable[[int], None]:
    return lambda place: heard.put_nowait((inquiry, place))
