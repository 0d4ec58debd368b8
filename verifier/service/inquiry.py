"""One chunk that is being asked about while several may wait for it, and what has been heard of it so far."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import structs

from verifier.core.address import Address, SyntaxFault
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import DomainFacts, MailRoute, RouteStatus
from verifier.core.knowledge import Knowledge
from verifier.core.reasons import StageName
from verifier.core.test_addresses import stated_reason
from verifier.core.verdict import Assessment
from verifier.ports import Clock
from verifier.service.asking import Asking
from verifier.service.verify import Verification

COME_BACK = timedelta(seconds=15)
"""When whoever was answered early may ask again: by then most hosts have spoken, or have been given up."""

Called = Callable[[str], bool]
"""Whether the mail host of a mailbox (by key) was called for it and keeps silent (service/lanes.py)."""


class Inquiry:
    """Runs by itself from `start` on; listeners are told of each address, by its place, when its answer is there.

    Law: what it answers early is `unknown` for what really lacks: the name servers (`dns_temp_error`), the mail host's
    answer (`smtp_timeout`), or its turn (`not_probed`), be it only to begin. Nothing of that is remembered.
    """

    def __init__(
        self, parsed: Sequence[Address | SyntaxFault], asking: Asking, verification: Verification, clock: Clock
    ) -> None:
        self.parsed = parsed
        self.listeners: list[Callable[[int], None]] = []
        self.behind_since = 0.0
        self.fault: BaseException | None = None
        self._asking = structs.replace(asking, record=self._hear)
        self._verification = verification
        self._clock = clock
        self._since = clock.now()
        self._heard = Knowledge.of({})
        self._ready: set[int] = set()
        self._places: dict[str, list[int]] = {}
        for place, address in enumerate(parsed):
            if isinstance(address, Address) and stated_reason(address) is None:
                self._places.setdefault(verification.judging.key_of(address), []).append(place)
        self._task: asyncio.Task[Knowledge] | None = None
        self._is_cancelled = False

    def start(self, ended: Callable[["Inquiry"], None]) -> None:
        """Begin to ask; `ended` is told when all is known, or cannot be."""
        self._task = asyncio.get_running_loop().create_task(self._verification.gather(self.parsed, self._asking))
        self._task.add_done_callback(lambda _: self._end(ended))
        if self._is_cancelled:
            self._task.cancel()

    def cancel(self) -> None:
        """Nobody is asked any more for this, or will be."""
        self._is_cancelled = True
        if self._task is not None:
            self._task.cancel()

    async def ended(self) -> None:
        """Returns when it has ended, however."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def listen(self, listener: Callable[[int], None]) -> None:
        """`listener` learns at once of what is ready, and then of the rest."""
        for place in sorted(self._ready):
            listener(place)
        self.listeners.append(listener)

    def assessment(self, place: int, called: Called) -> Assessment:
        """What can be said of an address by now."""
        address = self.parsed[place]
        if place in self._ready or not isinstance(address, Address):
            return self._judge(address, self._heard)
        key, now = self._verification.judging.key_of(address), self._clock.now()
        facts = self._heard.facts.get(address.domain)
        if self._task is None:
            waiting = Knowledge.of({})
            waiting.findings[key] = (Finding(now, obstacle=Obstacle.NOT_PROBED, retry_after=now + COME_BACK),)
            waiting.live.add(key)
            return self._judge(address, waiting)
        if facts is None or facts.route is None:
            route = MailRoute(RouteStatus.TEMP_ERROR, (), now, now + COME_BACK)
            knowledge = Knowledge.of({address.domain: DomainFacts(address.domain, route)})
            return structs.replace(self._judge(address, knowledge), retry_after=now + COME_BACK)
        knowledge = Knowledge.of({address.domain: facts})
        obstacle = Obstacle.TIMEOUT if called(key) else Obstacle.NOT_PROBED
        knowledge.findings[key] = (Finding(now, obstacle=obstacle, retry_after=now + COME_BACK),)
        knowledge.live.add(key)
        return self._judge(address, knowledge)

    def conversation(self, place: int) -> tuple[str, ...]:
        """What was said about an address, line by line, where `keep_transcript` asked for it and it has ended."""
        address = self.parsed[place]
        if not isinstance(address, Address):
            return ()
        return self._heard.transcripts.get(self._verification.judging.key_of(address), ())

    def _judge(self, address: Address | SyntaxFault, knowledge: Knowledge) -> Assessment:
        return self._verification.judging.judge([address], knowledge, self._asking.stages)[0]

    async def _hear(self, findings: Sequence[tuple[str, Finding]], facts: Sequence[DomainFacts]) -> None:
        """What the pipeline has learned, as it learns it: route first, then mailboxes."""
        heard = self._heard
        for fact in facts:
            known = heard.facts.get(fact.domain)
            merged = fact if known is None else structs.replace(known, accepts_all=fact.accepts_all)
            heard.facts[fact.domain] = merged
        for key, finding in findings:
            heard.findings[key] = (*heard.findings.get(key, ()), finding)
            if finding.observed_at >= self._since:
                heard.live.add(key)
        self._tell([place for key, _ in findings for place in self._places.get(key, ())])

    def _end(self, ended: Callable[["Inquiry"], None]) -> None:
        assert self._task is not None
        if self._task.cancelled():
            ended(self)
            return
        self.fault = self._task.exception()
        if self.fault is None:
            self._heard = self._task.result()
        else:
            self._blame_ourselves(self.fault, self._clock.now())
        self._tell(range(len(self.parsed)))
        ended(self)

    def _blame_ourselves(self, fault: BaseException, now: datetime) -> None:
        """Whoever has no answer yet gets the honest one: a fault of ours is no verdict on anybody."""
        finding = Finding(now, obstacle=Obstacle.INTERNAL_ERROR, detail=type(fault).__name__)
        for key in self._places:
            if key not in self._heard.findings and StageName.MX in self._asking.stages:
                self._heard.findings[key] = (finding,)
                self._heard.live.add(key)

    def _tell(self, places: Sequence[int]) -> None:
        for place in places:
            if place not in self._ready:
                self._ready.add(place)
                for listener in self.listeners:
                    listener(place)
