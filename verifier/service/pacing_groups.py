"""Who may open how many connections: sessions, rates, back-off and breaker belong to a pacing group, not to a domain.

A group is a known provider's row, else the network of the target's address (IPv4 /24, IPv6 /64): a hundred customer
domains on one machine share its patience.
"""

from collections import deque
from ipaddress import ip_network
from typing import Protocol

from verifier.core.evidence import Finding
from verifier.core.pacing import Backoff, TokenBucket
from verifier.core.providers import Provider
from verifier.ports import Clock

CONNECTIONS_A_SECOND_PER_SESSION = 4
BREAKER_SECONDS = 3 * 3600.0
_REMEMBERED_GROUPS = 50_000


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
        self.recipients = TokenBucket(provider.recipients_per_minute if provider is not None else 0)
        self.connections = TokenBucket(provider.connections_per_minute if provider is not None else 0)
        self.backoff = Backoff()
        self.not_before = 0.0
        self._last_connects: deque[float] = deque(
            maxlen=max(1, self.sessions_allowed * CONNECTIONS_A_SECOND_PER_SESSION)
        )
        self._refusal: Finding | None = None
        self._refused_until = 0.0

    @property
    def has_room(self) -> bool:
        """One more session may be opened."""
        return self.sessions < self.sessions_allowed

    def idle(self, now: float) -> bool:
        """Nothing would be lost if the group were forgotten."""
        return not (self.sessions or self.lanes_waiting or now < self.not_before or self.refusal(now))

    def connect_pause(self, now: float) -> float:
        """Seconds to wait before the next connection may be opened; counts that connection."""
        pause = max(0.0, self.not_before - now, self.connections.take(1, now))
        if len(self._last_connects) == self._last_connects.maxlen:
            pause = max(pause, self._last_connects[0] + 1.0 - now)
        self._last_connects.append(now + pause)
        return pause

    def slow_down(self, now: float) -> None:
        """The other side asked for patience: a pause that doubles each time."""
        self.not_before = max(self.not_before, now + self.backoff.failed())

    def answered(self) -> None:
        self.backoff.succeeded()

    def trip(self, refusal: Finding, until: float) -> None:
        """They dislike us: nobody of the group is bothered before then."""
        self._refusal = refusal
        self._refused_until = until

    def refusal(self, now: float) -> Finding | None:
        """The finding that stands for every mailbox while the breaker is open."""
        return self._refusal if self._refusal is not None and now < self._refused_until else None


class PacingGroups:
    """All groups, and the cap on open connections over all of them."""

    def __init__(self, clock: Clock, *, default_sessions: int, connections: int) -> None:
        self._clock = clock
        self._default_sessions = default_sessions
        self._free = connections
        self._groups: dict[str, PacingGroup] = {}
        self._queue: deque[Queued] = deque()

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

    def pressing(self, group: PacingGroup) -> bool:
        """Somebody who cannot wait long waits for a slot of this group, or of the whole."""
        return bool((group.queue and group.queue[0].urgent) or (self._queue and self._queue[0].urgent))

    def contended(self, group: PacingGroup) -> bool:
        """Another lane waits for a slot of this group, or of the whole: who has one gives it back when it can."""
        return bool(group.queue or self._queue)

    def _hurry(self, lane: Queued) -> None:
        queue = lane.group.queue if lane in lane.group.queue else self._queue
        if queue[0] is not lane:
            queue.remove(lane)
            queue.appendleft(lane)

    def _admit(self, group: PacingGroup) -> None:
        """The first who waits for this group waits for a free connection from now on."""
        if group.queue:
            _enqueue(self._queue, group.queue.popleft())

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
