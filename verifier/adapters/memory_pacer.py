"""Pacer within this process: answers at once."""

from collections import OrderedDict, deque

from msgspec import Struct, field

from verifier.core.evidence import Finding
from verifier.core.pacing import Backoff, TokenBucket
from verifier.core.sharing import Flow, Rate
from verifier.ports import Clock, Lease, Standing

_ASK_AGAIN = 0.5
_REMEMBERED = 50_000
_MINUTES = 120.0
"""Seconds after which a minute's limit has recovered, whatever was taken."""


class _Group(Struct):
    sessions: int = 0
    backoff: Backoff = field(default_factory=Backoff)
    not_before: float = 0.0
    touched: float = 0.0
    buckets: dict[Flow, TokenBucket] = field(default_factory=dict)
    last: deque[float] = field(default_factory=deque)

    def idle(self, now: float) -> bool:
        """Nothing that holds anybody back would be forgotten."""
        busy_until = max(self.not_before, self.touched + (_MINUTES if self.buckets else 1.0))
        return not self.sessions and now > busy_until


class MemoryPacer:
    """`empty`: the minute's limits begin used up, as they may be where somebody else has counted until now."""

    def __init__(self, clock: Clock, *, empty: bool = False) -> None:
        self._clock = clock
        self._empty = empty
        self._groups: dict[str, _Group] = {}
        self._refusals: OrderedDict[str, tuple[Finding, float]] = OrderedDict()

    async def acquire(self, group: str, limit: int) -> Lease | float:
        state = self._group(group)
        if state.sessions >= limit:
            return _ASK_AGAIN
        state.sessions += 1
        return Lease(group, limit)

    async def release(self, lease: Lease) -> None:
        self._group(lease.group).sessions -= 1

    async def take(self, group: str, rate: Rate, count: int = 1, *, scope: str = "") -> Standing:
        now = self._clock.monotonic()
        state = self._group(group)
        pause = 0.0
        if rate.flow is Flow.CONNECTIONS:
            pause = max(pause, state.not_before - now)
        if rate.per_minute:
            pause = max(pause, self._bucket(state, rate, now).take(count, now))
        if rate.per_second:
            if len(state.last) >= rate.per_second:
                pause = max(pause, state.last.popleft() + 1.0 - now)
            state.last.append(now + pause)
        state.touched = now + pause
        if rate.flow is not Flow.CONNECTIONS or not self._refusals:
            return Standing(pause)
        refusal, until = max((self._refusal(name, now) for name in (group, scope)), key=lambda found: found[1])
        return Standing(pause, refusal=refusal, refused_for=max(0.0, until - now))

    async def back_off(self, group: str, *, after_answers: bool) -> None:
        state = self._group(group)
        if after_answers:
            state.backoff.succeeded()
        now = self._clock.monotonic()
        state.not_before = max(state.not_before, now + state.backoff.failed())
        state.touched = now

    async def trip(self, scope: str, refusal: Finding, seconds: float) -> None:
        self._refusals[scope] = (refusal, self._clock.monotonic() + seconds)
        self._refusals.move_to_end(scope)
        if len(self._refusals) > _REMEMBERED:
            self._refusals.popitem(last=False)

    def _bucket(self, state: _Group, rate: Rate, now: float) -> TokenBucket:
        bucket = state.buckets.get(rate.flow)
        if bucket is None or bucket.per_minute != rate.per_minute:
            bucket = TokenBucket(rate.per_minute, updated=now if self._empty else None)
            state.buckets[rate.flow] = bucket
        return bucket

    def _refusal(self, scope: str, now: float) -> tuple[Finding | None, float]:
        finding, until = self._refusals.get(scope, (None, 0.0))
        return (finding, until) if until > now else (None, 0.0)

    def _group(self, group: str) -> _Group:
        state = self._groups.get(group)
        if state is None:
            if len(self._groups) >= _REMEMBERED:
                self._forget_idle()
            state = self._groups[group] = _Group(touched=self._clock.monotonic())
        return state

    def _forget_idle(self) -> None:
        now = self._clock.monotonic()
        for name in [name for name, state in self._groups.items() if state.idle(now)]:
            del self._groups[name]
