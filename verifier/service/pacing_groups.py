"""Who may open how many connections: sessions, rates, back-off and breaker belong to a pacing group, not to a domain.

A group is a known provider's row, else the network of the target's address (IPv4 /24, IPv6 /64): a hundred customer
domains on one machine share its patience. A slot is this process's permission to have a session; the lease that makes
it one comes from the pacer, which other processes may share.
"""

from collections import deque
from ipaddress import ip_network
from typing import Protocol

from verifier.core.evidence import Finding
from verifier.core.providers import Provider
from verifier.core.sharing import Flow, Rate
from verifier.ports import Clock, Lease, Pacer, Standing

CONNECTIONS_A_SECOND_PER_SESSION = 4
BREAKER_SECONDS = 3 * 3600.0
_REMEMBERED_GROUPS = 50_000
_LOOKING_AT_ONCE = 200
"""With more groups than that waiting for leases of other processes, each is looked at less often."""


class Queued(Protocol):
    """What has to be known of a lane that waits for a slot."""

    group: "PacingGroup"
    queued: bool

    @property
    def urgent(self) -> bool:
        """Somebody waits there who cannot wait long."""
        ...

    def offered(self) -> bool:
        """A slot is free: True when the lane takes it."""
        ...


class PacingGroup:
    """One operator's or network's allowance."""

    def __init__(self, key: str, provider: Provider | None, default_sessions: int) -> None:
        self.key = key
        self.provider = provider
        self.sessions_allowed = provider.sessions if provider is not None else default_sessions
        self.sessions = 0
        self.queue: deque[Queued] = deque()
        self.lanes_waiting = 0
        self.recipients = Rate(Flow.RECIPIENTS, provider.recipients_per_minute if provider is not None else 0)
        self.connections = Rate(
            Flow.CONNECTIONS,
            provider.connections_per_minute if provider is not None else 0,
            self.sessions_allowed * CONNECTIONS_A_SECOND_PER_SESSION,
        )
        self.elsewhere = False
        """All leases are taken by other processes: nobody asks for one before it is time."""
        self.wanted_elsewhere = False
        """Another process waits, and has fewer sessions than its part."""
        self.returning = False
        """Leases may be had again; who waits asks for them one after the other."""
        self.looks = 0
        self.put_off = 0
        """Lanes in front of the queue whose turn it was when there was no lease."""
        self._answered = False
        self._refusal: Finding | None = None
        self._refused_until = 0.0

    @property
    def has_room(self) -> bool:
        """One more session may be opened."""
        return self.sessions < self.sessions_allowed and not self.elsewhere

    def idle(self, now: float) -> bool:
        """Nothing would be lost if the group were forgotten."""
        return not (self.sessions or self.lanes_waiting or self.elsewhere or self.refusal(now))

    def answered(self) -> None:
        """The other side is willing: the next pause that it asks for is short again."""
        self._answered = True

    def had_answers(self) -> bool:
        """Somebody was answered since this was last asked."""
        answered, self._answered = self._answered, False
        return answered

    def trip(self, refusal: Finding, until: float) -> None:
        """They dislike us: nobody of the group is bothered before then."""
        self._refusal = refusal
        self._refused_until = until

    def refusal(self, now: float) -> Finding | None:
        """The finding that stands for every mailbox while the breaker is open."""
        return self._refusal if self._refusal is not None and now < self._refused_until else None


class PacingGroups:
    """All groups, and the cap on open connections over all of them."""

    def __init__(self, clock: Clock, pacer: Pacer, *, default_sessions: int, connections: int) -> None:
        self._clock = clock
        self._pacer = pacer
        self._default_sessions = default_sessions
        self._free = connections
        self._groups: dict[str, PacingGroup] = {}
        self._queue: deque[Queued] = deque()
        self._to_look_again: dict[PacingGroup, float] = {}
        self._looking = 0
        self._setbacks: list[tuple[str, bool]] = []
        self._refusals: list[tuple[str, Finding, float]] = []

    def group_of(self, provider: Provider | None, address: str) -> PacingGroup:
        """The group of a provider's exchanges, or of the network that `address` lies in."""
        key = provider.name if provider is not None else network_of(address)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= _REMEMBERED_GROUPS:
                self._forget_idle()
            group = self._groups[key] = PacingGroup(key, provider, self._default_sessions)
        return group

    def acquire(self, group: PacingGroup, lane: Queued) -> bool:
        """A session slot now, or False: the lane is offered one when its turn comes."""
        if self._free > 0 and group.has_room and not group.lanes_waiting:
            self._take(group)
            return True
        if not lane.queued:
            lane.queued = True
            group.lanes_waiting += 1
            _enqueue(self._queue if group.has_room else group.queue, lane)
        elif lane.urgent:
            self._hurry(lane)
        return False

    def release(self, group: PacingGroup) -> None:
        """Give a slot back, and offer it to who waits."""
        group.sessions -= 1
        self._free += 1
        self._offer(group)

    async def lease(self, lane: Queued) -> Lease | None:
        """What makes a session of a slot; None where all are taken elsewhere: the lane is then the first to be offered
        a slot once its holder has given it back and looked again.
        """
        group = lane.group
        answer = await self._pacer.acquire(group.key, group.sessions_allowed)
        if isinstance(answer, Lease):
            if group.returning:
                self._offer(group)
            return answer
        group.returning = False
        if not group.elsewhere:
            group.elsewhere = True
            self._to_look_again[group] = answer
        if not lane.queued:
            lane.queued = True
            group.lanes_waiting += 1
            group.queue.insert(0 if lane.urgent else group.put_off, lane)
            group.put_off += 1
        return None

    async def give_back(self, group: PacingGroup, lease: Lease | None) -> None:
        """A session has ended, or the slot never became one."""
        await self._tell()
        if lease is not None:
            await self._pacer.release(lease)
            group.wanted_elsewhere = False
            self._return(group)
        self.release(group)

    async def look_again(self, group: PacingGroup) -> None:
        """Where all leases are taken elsewhere: offers a slot when it is time to ask for one once more."""
        seconds = self._to_look_again.pop(group, None)
        if seconds is None:
            return
        group.looks += 1
        look = group.looks
        self._looking += 1
        try:
            await self._clock.sleep(seconds * max(1.0, self._looking / _LOOKING_AT_ONCE))
        finally:
            self._looking -= 1
        if look == group.looks:
            self._return(group)
            self._offer(group)

    async def connect(self, group: PacingGroup, scope: str) -> Standing:
        """When the next connection may be opened, which is counted; what is known of the group and of `scope`."""
        await self._tell()
        standing = await self._pacer.take(group.key, group.connections, scope=scope)
        group.wanted_elsewhere = standing.contended
        return standing

    async def recipients_pause(self, group: PacingGroup, count: int) -> float:
        """Seconds to wait before so many recipients may be named; they are counted."""
        if not group.recipients.per_minute:
            return 0.0
        return (await self._pacer.take(group.key, group.recipients, count)).pause

    def slow_down(self, group: PacingGroup) -> None:
        """The other side asked for patience: a pause that doubles each time."""
        self._setbacks.append((group.key, group.had_answers()))

    def announce(self, scope: str, refusal: Finding, seconds: float) -> None:
        """Whoever shares the pacer leaves the scope alone."""
        self._refusals.append((scope, refusal, seconds))

    def pressing(self, group: PacingGroup) -> bool:
        """Somebody who cannot wait long waits for a slot of this group, or of the whole."""
        return bool((group.queue and group.queue[0].urgent) or (self._queue and self._queue[0].urgent))

    def contended(self, group: PacingGroup) -> bool:
        """Another lane waits for a slot of this group, or of the whole, or another process for a lease: who has one
        gives it back when it can.
        """
        return bool(group.queue or self._queue or group.wanted_elsewhere)

    def _hurry(self, lane: Queued) -> None:
        queue = lane.group.queue if lane in lane.group.queue else self._queue
        if queue[0] is not lane:
            queue.remove(lane)
            queue.appendleft(lane)

    def _admit(self, group: PacingGroup) -> None:
        """The first who waits for this group waits for a free connection from now on."""
        if group.queue and group.has_room:
            _enqueue(self._queue, group.queue.popleft())

    def _offer(self, group: PacingGroup) -> None:
        self._admit(group)
        while self._free > 0 and self._queue:
            lane = self._queue.popleft()
            if not lane.group.has_room:
                _enqueue(lane.group.queue, lane)
                continue
            lane.queued = False
            lane.group.lanes_waiting -= 1
            if lane.offered():
                self._take(lane.group)
            else:
                self._admit(lane.group)

    def _return(self, group: PacingGroup) -> None:
        """There may be a lease again: one asks, and the next when that one got it."""
        if group.elsewhere:
            group.elsewhere = False
            group.returning = True
            group.put_off = 0

    async def _tell(self) -> None:
        """What was met since, to the pacer."""
        while self._setbacks:
            key, after_answers = self._setbacks.pop(0)
            await self._pacer.back_off(key, after_answers=after_answers)
        while self._refusals:
            scope, refusal, seconds = self._refusals.pop(0)
            await self._pacer.trip(scope, refusal, seconds)

    def _take(self, group: PacingGroup) -> None:
        group.sessions += 1
        self._free -= 1

    def _forget_idle(self) -> None:
        now = self._clock.monotonic()
        idle = [key for key, group in self._groups.items() if group.idle(now)]
        for key in idle:
            del self._groups[key]


def _enqueue(queue: deque[Queued], lane: Queued) -> None:
    queue.appendleft(lane) if lane.urgent else queue.append(lane)


def network_of(address: str) -> str:
    """The IPv4 /24 or IPv6 /64 that an address lies in."""
    if ":" not in address:
        return f"{address.rpartition('.')[0]}.0/24"
    return str(ip_network(f"{address}/64", strict=False))
