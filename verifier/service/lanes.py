"""One lane per mail exchange: everybody who waits for it, from whichever list or check, shares its few sessions.

Decisions live in core (dialogue, pacing, control, waiting); here are only tasks, queues and futures.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TypeVar

from verifier.core.dialogue import Recipient
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import AcceptsAll, MailHost
from verifier.core.pacing import FIRST_GROUP, HostHistory
from verifier.core.providers import Provider
from verifier.core.waiting import Waiting
from verifier.service.conversation import ABOUT_US, Conversation
from verifier.service.outbox import Outbox
from verifier.service.pacing_groups import BREAKER_SECONDS, PacingGroup, PacingGroups
from verifier.service.probing import Equipment, Target

_V = TypeVar("_V")
_REMEMBERED = 100_000
_FAILURES_BEFORE_GIVING_UP = 2
_BAD_HOST_SECONDS = 120.0


class Lanes:
    """Takes targets and sees that each future gets its `Probed`, whatever the hosts do."""

    def __init__(
        self,
        equipment: Equipment,
        groups: PacingGroups,
        report_fault: Callable[[BaseException], None],
    ) -> None:
        self.equipment = equipment
        self.groups = groups
        self.report_fault = report_fault
        self.bad_hosts: OrderedDict[str, float] = OrderedDict()
        self._lanes: dict[str, Lane] = {}
        self._histories: OrderedDict[str, HostHistory] = OrderedDict()
        self._accepts_all: OrderedDict[str, AcceptsAll] = OrderedDict()
        self._refusals: OrderedDict[str, tuple[Finding, float]] = OrderedDict()
        self._in_flight: dict[str, Target] = {}
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, targets: Iterable[Target]) -> None:
        """Queue targets; one that is already being asked is joined to the probe in flight."""
        woken: dict[str, Lane] = {}
        for target in targets:
            running = self._in_flight.get(target.key)
            if running is not None:
                running.future.add_done_callback(lambda done, target=target: _follow(done, target))  # type: ignore[misc]
                continue
            self._in_flight[target.key] = target
            target.future.add_done_callback(lambda _, key=target.key: self._in_flight.pop(key, None))  # type: ignore[misc]
            lane = self._lane_of(target)
            lane.add(target)
            woken[lane.key] = lane
        for lane in woken.values():
            lane.wake()

    async def close(self) -> None:
        """End every session at once. Futures that are still open are cancelled."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for target in list(self._in_flight.values()):
            target.future.cancel()

    def spawn(self, lane: "Lane") -> None:
        """Start one session task of a lane."""
        if self._closed:
            return
        task = asyncio.get_running_loop().create_task(lane.serve())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def retire(self, lane: "Lane") -> None:
        """An idle lane costs nothing: only what its host taught is kept."""
        self._lanes.pop(lane.key, None)
        self._remember(self._histories, lane.key, lane.history)

    def trip(self, lane: "Lane", refusal: Finding) -> None:
        """The host dislikes us: it is left alone for three hours, and with it a known provider's whole group."""
        now = self.equipment.clock.monotonic()
        if lane.provider is not None:
            lane.group.trip(refusal, now)
        self._remember(self._refusals, lane.key, (refusal, now + BREAKER_SECONDS))

    def refusal(self, lane: "Lane") -> Finding | None:
        """The finding that stands for every mailbox of a lane while its breaker is open."""
        now = self.equipment.clock.monotonic()
        refusal, until = self._refusals.get(lane.key, (None, 0.0))
        return refusal if now < until else lane.group.refusal(now)

    def known_accepts_all(self, target: Target) -> bool | None:
        """What is known by now: the fact that came with the target, or what was learned since."""
        if target.accepts_all is not None:
            return target.accepts_all
        fact = self._accepts_all.get(target.domain)
        return fact.value if fact is not None and fact.expires_at > self.equipment.clock.now() else None

    def learn_accepts_all(self, domain: str, fact: AcceptsAll) -> None:
        self._remember(self._accepts_all, domain, fact)

    def mark_bad(self, address: str) -> None:
        """Nobody answers at this address: others are tried first for two minutes."""
        self._remember(self.bad_hosts, address, self.equipment.clock.monotonic() + _BAD_HOST_SECONDS)

    @staticmethod
    def _remember(memory: OrderedDict[str, _V], key: str, value: _V) -> None:
        memory[key] = value
        memory.move_to_end(key)
        while len(memory) > _REMEMBERED:
            memory.popitem(last=False)

    def _lane_of(self, target: Target) -> "Lane":
        hosts = target.route.hosts
        key = "\n".join(sorted(f"{host.preference:05d} {host.name} {','.join(host.addresses)}" for host in hosts))
        lane = self._lanes.get(key)
        if lane is None:
            group = self.groups.group_of(target.provider, hosts[0].addresses[0])
            history = self._histories.get(key) or HostHistory()
            lane = self._lanes[key] = Lane(self, key, hosts, target.provider, group, history)
        return lane


class Lane:
    """The queue of one mail exchange and the sessions that work on it."""

    def __init__(
        self,
        lanes: Lanes,
        key: str,
        hosts: tuple[MailHost, ...],
        provider: Provider | None,
        group: PacingGroup,
        history: HostHistory,
    ) -> None:
        self.lanes = lanes
        self.key = key
        self.hosts = hosts
        self.provider = provider
        self.group = group
        self.history = history
        self.waiting = Waiting()
        self.outbox = Outbox(self)
        self.queued = False
        self.sessions = 0
        self.conversing = 0
        self.failures = 0
        self.refusals = 0
        self.clear_text_only = False
        self._sessions_bearable = group.sessions_allowed

    def add(self, target: Target) -> None:
        self.waiting.push(
            Recipient(
                path=target.path,
                domain=target.domain,
                smtputf8=target.smtputf8,
                source=target.source,
                interactive=target.interactive,
                ticket=target,
            )
        )
        self.outbox.opened(target)

    def wake(self) -> None:
        """Open as many sessions as the queue is worth and the group allows."""
        wanted = min(self._sessions_bearable, -(-len(self.waiting) // FIRST_GROUP))
        while self.sessions < wanted and self.lanes.groups.acquire(self.group, self):
            self.sessions += 1
            self.lanes.spawn(self)

    async def serve(self) -> None:
        """One session slot: connection after connection, until nobody waits."""
        try:
            while self.waiting and await self._one_connection():
                pass
        except Exception as fault:  # noqa: BLE001 - the job loop: a fault of ours is no verdict on anybody
            self.lanes.report_fault(fault)
            now = self.lanes.equipment.clock.now()
            await self.give_up(Finding(now, obstacle=Obstacle.INTERNAL_ERROR, detail=type(fault).__name__))
        finally:
            self.sessions -= 1
            self.lanes.groups.release(self.group)
            if self.waiting:
                self.wake()
            elif self.sessions == 0 and self.outbox.empty:
                self.lanes.retire(self)

    async def _one_connection(self) -> bool:
        """False when this session has no more business here."""
        clock = self.lanes.equipment.clock
        refusal = self.lanes.refusal(self)
        if refusal is not None:
            await self.give_up(refusal)
            return False
        pause = self.group.connect_pause(clock.monotonic())
        if pause > 0:
            await clock.sleep(pause)
            if not self.waiting:
                return False
        failure = await self._try_hosts()
        if failure is None:
            self.failures = 0
            return True
        if self.conversing:
            self._sessions_bearable = max(1, self.conversing)
            return False
        if failure.reply_class in ABOUT_US and (failure.code or 0) >= 500:
            self.lanes.trip(self, failure)
        self.failures += 1
        if self.failures >= _FAILURES_BEFORE_GIVING_UP or failure.obstacle is Obstacle.TIMEOUT or not _passing(failure):
            await self.give_up(failure)
            return False
        self.group.slow_down(clock.monotonic())
        return True

    async def _try_hosts(self) -> Finding | None:
        """Go through the hosts by preference until one has greeted us; the finding says why none did."""
        failure: Finding | None = None
        better_failed = False
        preference = self.hosts[0].preference
        for host, address in self._candidates():
            if host.preference > preference:
                better_failed = better_failed or failure is not None
                preference = host.preference
            conversation = Conversation(self, host, address, backup=better_failed)
            found = await conversation.hold()
            if conversation.greeted:
                return None
            if found is not None and (failure is None or _tells_more(found, failure)):
                failure = found
            self.lanes.mark_bad(address)
        return failure

    def _candidates(self) -> list[tuple[MailHost, str]]:
        """At most 3 hosts × 2 addresses, equal preferences in the route's shuffled order, known dead ones last."""
        now = self.lanes.equipment.clock.monotonic()
        every = [(host, address) for host in self.hosts[:3] for address in host.addresses[:2]]
        live = [pair for pair in every if self.lanes.bad_hosts.get(pair[1], 0.0) <= now]
        return live or every

    async def give_up(self, finding: Finding) -> None:
        """Nobody of those who wait can be asked: the finding says why."""
        for recipient in self.waiting.drain():
            self.outbox.unanswerable(recipient, finding)
        await self.outbox.flush()

    def requeue(self, recipient: Recipient) -> None:
        self.waiting.push(recipient, first=True)


def _follow(done: "asyncio.Future[object]", target: Target) -> None:
    if target.future.done():
        return
    if done.cancelled():
        target.future.cancel()
    else:
        target.future.set_result(done.result())  # type: ignore[arg-type]


def _passing(failure: Finding) -> bool:
    """It may be over in a moment."""
    return failure.code is None or failure.code < 500


def _tells_more(new: Finding, old: Finding) -> bool:
    """A reply says more than a silence."""
    return new.code is not None and old.code is None
