"""One lane per mail exchange: everybody who waits for it, from whichever list or check, shares its few sessions.

Law: every future that is handed in is resolved exactly once, whatever the hosts do. Decisions live in core (dialogue,
pacing, control, waiting); here are only futures and what was learned of hosts. service/lane.py has the sessions.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

from msgspec import Struct, structs

from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import AcceptsAll, MailHost
from verifier.core.observing import with_retry
from verifier.core.pacing import HostHistory
from verifier.core.replies import SmtpStage
from verifier.service.lane import Lane, vain_connections
from verifier.service.mustering import Mustering
from verifier.service.pacing_groups import BREAKER_SECONDS, PacingGroups
from verifier.service.probing import Ahead, Equipment, Probed, Question, Target

_K = TypeVar("_K")
_V = TypeVar("_V")
_REMEMBERED = 100_000
_BAD_HOST_SECONDS = 120.0
_BEFORE_NAMES = (None, SmtpStage.BANNER, SmtpStage.EHLO)
"""Until then a host cannot know by which name it was found, nor who will be asked for."""


class _Shut(Struct, frozen=True):
    """What is said of everybody at an exchange that is left alone for a while."""

    finding: Finding
    until: float


class _Vain(Struct, frozen=True):
    """Connections in a row to one address that came to nothing, and what the last of them met."""

    finding: Finding
    count: int
    until: float


class Load(Struct, frozen=True):
    """Lanes that somebody waits for, mailboxes that wait, sessions, and exchanges that are left alone."""

    lanes: int
    waiting: int
    sessions: int
    left_alone: int


class Lanes:
    """Takes targets and sees that each future gets its `Probed`, whatever the hosts do.

    A target whose future was cancelled is not asked any more, unless somebody else waits for the same mailbox.
    """

    def __init__(
        self,
        equipment: Equipment,
        groups: PacingGroups,
        report_fault: Callable[[BaseException], None],
    ) -> None:
        self.equipment = equipment
        self.groups = groups
        self.report_fault = report_fault
        self._lanes: dict[str, Lane] = {}
        self._keys: OrderedDict[tuple[tuple[MailHost, ...], bool], str] = OrderedDict()
        self._histories: OrderedDict[str, HostHistory] = OrderedDict()
        self._accepts_all: OrderedDict[str, AcceptsAll] = OrderedDict()
        self._shut: OrderedDict[str, _Shut] = OrderedDict()
        self._bad_hosts: OrderedDict[str, float] = OrderedDict()
        self._vain: OrderedDict[str, _Vain] = OrderedDict()
        self._in_flight: dict[str, Question] = {}
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._mustering = Mustering(equipment.clock)

    def submit(self, targets: Iterable[Target]) -> None:
        """Queue targets; one that is already being asked is joined to the probe in flight."""
        woken: dict[str, tuple[Lane, Ahead | None]] = {}
        for target in targets:
            if self._closed:
                target.future.cancel()
                continue
            question = self._in_flight.get(target.key)
            if question is None:
                question = self._in_flight[target.key] = Question(target, [target])
                lane = self._lane_of(target)
                lane.add(question)
                woken[lane.key] = lane, target.ahead
            else:
                question.waiters.append(target)
                if target.interactive and not question.target.interactive:
                    self._lane_of(question.target).hurry(question)
        for lane, ahead in woken.values():
            if not self._mustering.puts_off(lane, ahead):
                lane.wake()

    def called(self, key: str) -> bool:
        """Whether the host of a mailbox that is waited for was called for it, and has not answered yet."""
        question = self._in_flight.get(key)
        return question is not None and self._lane_of(question.target).is_silent_to(question)

    def load(self) -> Load:
        """How much is going on just now."""
        now = self.equipment.clock.monotonic()
        return Load(
            lanes=len(self._lanes),
            waiting=len(self._in_flight),
            sessions=len(self._tasks),
            left_alone=sum(now < shut.until for shut in self._shut.values()),
        )

    async def close(self) -> None:
        """End every session at once. Futures that are still open are cancelled."""
        self._closed = True
        await self._mustering.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for question in list(self._in_flight.values()):
            self.closed(question)

    def spawn(self, lane: Lane) -> None:
        """Start one session task of a lane."""
        if self._closed:
            return
        task = asyncio.get_running_loop().create_task(lane.serve())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def retire(self, lane: Lane) -> None:
        """An idle lane costs nothing: only what its host taught is kept."""
        if self._lanes.get(lane.key) is lane:
            del self._lanes[lane.key]
            _remember(self._histories, lane.key, lane.history)

    def closed(self, question: Question) -> None:
        """The question is answered, or given up: whoever still waits for it waits in vain."""
        if self._in_flight.get(question.target.key) is question:
            del self._in_flight[question.target.key]
        for waiter in question.waiters:
            waiter.future.cancel()

    def abandon(self, lane: Lane, finding: Finding) -> None:
        """A lane has lost its way: a fresh one takes its place, and everybody in it learns why."""
        self.retire(lane)
        lost = [
            q
            for q in self._in_flight.values()
            if self._key_of(q.target.route.hosts, q.target.route.complete) == lane.key
        ]
        for question in lost:
            for waiter in question.waiters:
                if not waiter.future.done():
                    waiter.future.set_result(Probed(finding))
            self.closed(question)

    def trip(self, lane: Lane, refusal: Finding) -> None:
        """The host dislikes us: it is left alone for three hours, and with it a known provider's whole group."""
        until = self.equipment.clock.monotonic() + BREAKER_SECONDS
        refusal = self._left_alone(lane, refusal, BREAKER_SECONDS)
        if lane.provider is not None:
            lane.group.trip(refusal, until)
            self.groups.announce(lane.group.key, refusal, BREAKER_SECONDS)

    def pause(self, lane: Lane, finding: Finding, seconds: float) -> None:
        """The host wants to be left alone for so long."""
        self._left_alone(lane, finding, seconds)

    def unreachable(self, lane: Lane, finding: Finding) -> None:
        """Nothing was to be had from any host of the lane: who comes in the next two minutes is told the same."""
        until = self.equipment.clock.monotonic() + _BAD_HOST_SECONDS
        _remember(self._shut, lane.key, _Shut(finding, until))

    def in_vain(self, lane: Lane, finding: Finding) -> None:
        """A connection to each address of the lane came to nothing: what is the address's fault counts for whoever
        finds it under another name, but while somebody else is talking to it.
        """
        if finding.stage not in _BEFORE_NAMES or finding.obstacle is Obstacle.EGRESS_BLOCKED:
            return
        now = self.equipment.clock.monotonic()
        alive = {address for each in self._lanes.values() if each.connected for address in each.addresses}
        for address in lane.addresses:
            if address not in alive:
                earlier = self._vain.get(address)
                count = earlier.count if earlier is not None and now < earlier.until else 0
                _remember(self._vain, address, _Vain(finding, count + 1, now + _BAD_HOST_SECONDS))

    def greeted(self, address: str) -> None:
        """Somebody answers at this address."""
        self._vain.pop(address, None)

    def known_dead(self, lane: Lane) -> Finding | None:
        """What was met in the last two minutes at every address of the lane, as often as makes a host unreachable;
        None where some address may answer.
        """
        now = self.equipment.clock.monotonic()
        found: Finding | None = None
        for address in reversed(lane.addresses):
            vain = self._vain.get(address)
            if vain is None or now >= vain.until or vain.count < vain_connections(vain.finding):
                return None
            found = vain.finding
        return None if found is None else structs.replace(found, mx_host=lane.hosts[0].name)

    async def connect_pause(self, lane: Lane) -> float:
        """Seconds to wait before the lane's next connection, which is counted; what others met there is learned."""
        standing = await self.groups.connect(lane.group, lane.key)
        if standing.refusal is not None:
            until = self.equipment.clock.monotonic() + standing.refused_for
            _remember(self._shut, lane.key, _Shut(standing.refusal, until))
        return standing.pause

    def refusal(self, lane: Lane) -> Finding | None:
        """The finding that stands for every mailbox of a lane while it is left alone."""
        now = self.equipment.clock.monotonic()
        shut = self._shut.get(lane.key)
        if shut is not None:
            if now < shut.until:
                return shut.finding
            del self._shut[lane.key]
        return lane.group.refusal(now)

    def accepts_all(self, domain: str) -> AcceptsAll | None:
        """What controls said of a domain in this process, while it holds."""
        fact = self._accepts_all.get(domain)
        return fact if fact is not None and fact.expires_at > self.equipment.clock.now() else None

    def learn_accepts_all(self, domain: str, fact: AcceptsAll) -> None:
        _remember(self._accepts_all, domain, fact)

    def mark_bad(self, address: str) -> None:
        """Nobody answers at this address: others are tried first for two minutes."""
        _remember(self._bad_hosts, address, self.equipment.clock.monotonic() + _BAD_HOST_SECONDS)

    def is_bad(self, address: str) -> bool:
        return self._bad_hosts.get(address, 0.0) > self.equipment.clock.monotonic()

    def fault_finding(self, fault: BaseException) -> Finding:
        """A fault of ours, which is no verdict on anybody."""
        return Finding(self.equipment.clock.now(), obstacle=Obstacle.INTERNAL_ERROR, detail=type(fault).__name__)

    def _left_alone(self, lane: Lane, finding: Finding, seconds: float) -> Finding:
        clock = self.equipment.clock
        finding = with_retry(finding, clock.now() + timedelta(seconds=seconds))
        _remember(self._shut, lane.key, _Shut(finding, clock.monotonic() + seconds))
        self.groups.announce(lane.key, finding, seconds)
        return finding

    def _lane_of(self, target: Target) -> Lane:
        route = target.route
        hosts = route.hosts
        key = self._key_of(hosts, route.complete)
        lane = self._lanes.get(key)
        if lane is None:
            group = self.groups.group_of(target.provider, hosts[0].addresses[0])
            history = self._histories.get(key) or HostHistory()
            lane = Lane(self, key, hosts, target.provider, group, history, doubtful=not route.complete)
            self._lanes[key] = lane
        return lane

    def _key_of(self, hosts: tuple[MailHost, ...], complete: bool) -> str:
        """One name for the same hosts in whatever order equal ones were shuffled."""
        key = self._keys.get((hosts, complete))
        if key is None:
            names = [f"{host.preference:05d} {host.name} {','.join(host.addresses)}" for host in hosts]
            key = "\n".join([*sorted(names), *([] if complete else ["…"])])
            _remember(self._keys, (hosts, complete), key)
        return key


def _remember(memory: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > _REMEMBERED:
        memory.popitem(last=False)
