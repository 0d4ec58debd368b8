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

    queued: bool

    def wake(self) -> None: ...


class PacingGroup:
    """One operator's or network's allowance."""

    def __init__(self, key: str, provider: Provider | None, default_sessions: int) -> None:
        self.key = key
        self.provider = provider
        self.sessions_allowed = provider.sessions if provider is not None else default_sessions
        self.sessions = 0
        self.queue: deque[Queued] = deque()
        self.recipients = TokenBucket(provider.recipients_per_minute if provider is not None else 0)
        self.connections = TokenBucket(provider.connections_per_minute if provider is not None else 0)
        self.backoff = Backoff()
        self.not_before = 0.0
        self._last_connects: deque[float] = deque(
            maxlen=max(1, self.sessions_allowed * CONNECTIONS_A_SECOND_PER_SESSION)
        )
        self._refusal: Finding | None = None
        self._refused_until = 0.0

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

    def trip(self, refusal: Finding, now: float) -> None:
        """They dislike us: nobody of the group is bothered for three hours."""
        self._refusal = refusal
        self._refused_until = now + BREAKER_SECONDS

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
        """A session slot now, or False: the lane is woken when one may be free."""
        if group.sessions < group.sessions_allowed and self._free > 0:
            group.sessions += 1
            self._free -= 1
            return True
        if not lane.queued:
            lane.queued = True
            (group.queue if group.sessions >= group.sessions_allowed else self._queue).append(lane)
        return False

    def release(self, group: PacingGroup) -> None:
        """Give a slot back, and wake who waits for it."""
        group.sessions -= 1
        self._free += 1
        for queue in (group.queue, self._queue):
            if queue:
                lane = queue.popleft()
                lane.queued = False
                lane.wake()

    def _forget_idle(self) -> None:
        now = self._clock.monotonic()
        for key in [k for k, g in self._groups.items() if g.sessions == 0 and g.refusal(now) is None]:
            if not self._groups[key].queue:
                del self._groups[key]


def network_of(address: str) -> str:
    """The IPv4 /24 or IPv6 /64 that an address lies in."""
    return str(ip_network(f"{address}/{64 if ':' in address else 24}", strict=False))
