"""Pacer over all processes that share a Redis.

A session's lease lives for 30 s in Redis and is renewed as long as its session does. While Redis is away nobody opens a
session until all leases that others may hold are over; from then on each process works by itself, with its part of each
limit. When Redis is back every process first tells what it holds, and only then does anybody get a new lease. What
cannot be held: a process that Redis answers and another that it does not, or one that starts while Redis is away, know
nothing of each other.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from itertools import count
from math import inf
from typing import Any

import msgspec
from redis.asyncio import Redis

from verifier.adapters.memory_pacer import MemoryPacer
from verifier.adapters.redis_link import RedisAway, RedisLink
from verifier.adapters.redis_pacer_scripts import ACQUIRE, BACK_OFF, BEAT, RELEASE, TAKE
from verifier.core.evidence import Finding
from verifier.core.pacing import Backoff
from verifier.core.sharing import TURN_SECONDS, Rate, share_of
from verifier.ports import Clock, Lease, Standing

LEASE_SECONDS = 30.0
_BEAT_SECONDS = 1.0
_SETTLE_SECONDS = 5.0  # after that everybody has noticed that Redis is back: its link asks every 2 s
_ASK_AGAIN = 0.5
_LOOK_AGAIN = 1.0  # while Redis is away, which costs nothing
_MARGIN = 0.2  # of a lease: so long before its end in Redis its session is over
_TURN_MARGIN = 15.0  # seconds by which the clocks of machines may differ

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Finding).decode


class RedisPacer:
    """To be used between `open` and `close`; keys begin with the link's prefix and name groups in clear, which are
    providers and networks of hosts. `lease` is the life of a lease, and `settle` how long nobody gets one where some
    may not have told yet what they hold, both in seconds.
    """

    def __init__(
        self, link: RedisLink, clock: Clock, *, lease: float = LEASE_SECONDS, settle: float = _SETTLE_SECONDS
    ) -> None:
        self._link = link
        self._clock = clock
        self._lease = lease
        self._settle = settle
        self._token = clock.token(16)
        self._numbers = count(1)
        self._held: dict[Lease, float] = {}
        """Leases, and since when they are held."""
        self._processes: frozenset[str] = frozenset()
        self._unsettled_until = 0.0
        self._unknown_until = 0.0
        self._away_since: float | None = None
        self._alone = MemoryPacer(clock, empty=True)
        self._untold: dict[str, tuple[Finding, float]] = {}
        """Refusals that were met while Redis was away, and until when they stand."""
        self._heart: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> None:
        await self._beat()
        if len(self._processes) > 1:
            self._unknown_until = self._clock.monotonic() + min(1.5 * self._beat_seconds, self._settle)
        self._heart = asyncio.get_running_loop().create_task(self._live())

    async def close(self) -> None:
        """Gives back what is held, and is no longer counted."""
        self._closed = True
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.gather(self._heart, return_exceptions=True)
        for lease in list(self._held):
            await self.release(lease)
        await self._ask(partial(_leave, key=self._key("processes"), member=self._token))

    async def acquire(self, group: str, limit: int) -> Lease | float:
        started = self._clock.monotonic()
        if self._away_since is None and started < self._unknown_until:
            return self._unknown_until - started  # others reckon with this process from their next beat on
        lease = Lease(group, limit, f"{self._token}:{next(self._numbers)}", started + self._life)
        keys = [self._key("since"), self._key("s", group), self._key("w", group)]
        arguments = [self._token, lease.name, limit, _ms(self._lease), _ms(self._settle), _ms(_ASK_AGAIN)]
        try:
            wait = await self._ask(partial(_eval, script=ACQUIRE, keys=keys, arguments=arguments))
        except asyncio.CancelledError:
            self._held[lease] = started  # perhaps it is: `close` gives it back
            raise
        if wait is None:
            return self._acquire_alone(lease)
        if wait > 0:
            return float(wait) / 1000
        self._held[lease] = started
        return lease

    async def release(self, lease: Lease) -> None:
        since = self._held.pop(lease, None)
        if since is None:
            return
        try:
            await self._remove(lease)
        except asyncio.CancelledError:
            self._held[lease] = since
            raise

    async def take(self, group: str, rate: Rate, count: int = 1, *, scope: str = "") -> Standing:
        names = [("s", group), ("w", group), ("g", group), ("c", group), ("x", group), ("x", scope)]
        keys = [self._key("since"), *(self._key(*name) for name in names)]
        mine = [lease for lease in self._held if lease.group == group]
        limit = max((lease.limit for lease in mine), default=0)
        since = min((self._held[lease] for lease in mine), default=inf)
        turn = self._clock.monotonic() - since > self._lease / 6
        arguments = [self._token, rate.flow.value, count, rate.per_minute, rate.per_second, limit, int(turn)]
        answer = await self._ask(partial(_eval, script=TAKE, keys=keys, arguments=arguments))
        if answer is None:
            return await self._alone.take(group, self._part_of(rate), count, scope=scope)
        return _standing(answer)

    async def back_off(self, group: str, *, after_answers: bool) -> None:
        arguments = [int(after_answers), _ms(Backoff().first), _ms(Backoff().longest)]
        told = await self._ask(partial(_eval, script=BACK_OFF, keys=[self._key("g", group)], arguments=arguments))
        if told is None:
            await self._alone.back_off(group, after_answers=after_answers)

    async def trip(self, scope: str, refusal: Finding, seconds: float) -> None:
        question = partial(_set, key=self._key("x", scope), value=_encode(refusal), lifetime=_ms(seconds))
        if await self._ask(question) is None:
            await self._alone.trip(scope, refusal, seconds)
            self._untold[scope] = (refusal, self._clock.monotonic() + seconds)

    @property
    def _life(self) -> float:
        """Seconds after which a lease that was not renewed must not be used."""
        return self._lease * (1 - _MARGIN)

    @property
    def _beat_seconds(self) -> float:
        return min(_BEAT_SECONDS, self._lease / 6)

    async def _live(self) -> None:
        while not self._closed:  # a cancellation may be lost where an answer comes at the same moment
            await self._clock.sleep(self._beat_seconds)
            await self._beat()

    async def _beat(self) -> None:
        """Tells Redis what is held, and learns who else lives: the only one who asks while Redis is away."""
        started = self._clock.monotonic()
        alive = [lease for lease in self._held if lease.ends > started]
        long_away = self._away_since is not None and started - self._away_since > self._lease / 2
        keys = [self._key("since"), self._key("processes"), *(self._key("s", lease.group) for lease in alive)]
        arguments = [self._token, _ms(self._lease), int(long_away), *(lease.name for lease in alive)]
        try:
            members = await self._link.ask(partial(_eval, script=BEAT, keys=keys, arguments=arguments))
        except RedisAway:
            self._went_away()
            return
        if self._away_since is not None or not self._processes:
            self._away_since = None
            self._unsettled_until = started + self._settle
        known = self._processes if started < self._unsettled_until else frozenset()
        self._processes = known.union(member.decode() for member in members)
        for lease in alive:
            lease.ends = started + self._life
            if lease not in self._held:
                await self._remove(lease)  # given back meanwhile, and perhaps before the beat arrived
        untold, self._untold = self._untold, {}
        for scope, (refusal, until) in untold.items():
            if until > started:
                await self.trip(scope, refusal, until - started)

    async def _remove(self, lease: Lease) -> None:
        keys = [self._key("s", lease.group)]
        await self._ask(partial(_eval, script=RELEASE, keys=keys, arguments=[lease.name]))

    async def _ask(self, question: Callable[[Redis], Awaitable[Any]]) -> Any:
        """The answer, which is not None; None while Redis is away."""
        if self._away_since is not None:
            return None
        try:
            return await self._link.ask(question)
        except RedisAway:
            self._went_away()
            return None

    def _went_away(self) -> None:
        """From now on every process keeps its part, and lets the rest of its leases end."""
        if self._away_since is not None:
            return
        self._away_since = self._clock.monotonic()
        self._alone = MemoryPacer(self._clock, empty=True)
        kept = Counter[str]()
        for lease in self._held:
            share, until = self._share(lease)
            if kept[lease.group] < share:
                kept[lease.group] += 1
                lease.ends = max(lease.ends, until)

    def _acquire_alone(self, lease: Lease) -> Lease | float:
        assert self._away_since is not None
        now = self._clock.monotonic()
        alone = self._processes == {self._token}
        if not alone and now < self._away_since + self._lease:
            return min(_LOOK_AGAIN, self._away_since + self._lease - now)
        share, until = self._share(lease)
        if until <= now or sum(held.group == lease.group for held in self._held) >= share:
            return _LOOK_AGAIN
        lease.ends = until
        self._held[lease] = now
        return lease

    def _share(self, lease: Lease) -> tuple[int, float]:
        """How many of a group's sessions are ours while Redis is away, and until when.

        Where there are fewer sessions than processes these take turns, since the one whose turn it is may be gone.
        """
        if len(self._processes | {self._token}) <= lease.limit:
            return share_of(lease.limit, lease.group, self._token, self._processes), inf
        turn, into = divmod(self._clock.now().timestamp(), TURN_SECONDS)
        share = share_of(lease.limit, f"{lease.group} {turn:.0f}", self._token, self._processes)
        return share, self._clock.monotonic() + TURN_SECONDS - into - _TURN_MARGIN

    def _part_of(self, rate: Rate) -> Rate:
        """What is ours of the minute's limit while Redis is away."""
        if not rate.per_minute:
            return rate
        parts = len(self._processes | {self._token})
        return msgspec.structs.replace(rate, per_minute=max(1, rate.per_minute // parts))

    def _key(self, *parts: str) -> str:
        return f"{self._link.prefix}1:pace:{':'.join(parts)}"


def _standing(answer: list[Any]) -> Standing:
    """What TAKE said."""
    pause, contended, *refusals = [*answer, 0] if len(answer) == 1 else answer
    known = [(lifetime / 1000, finding) for blob, lifetime in _pairs(refusals) if (finding := _read(blob)) is not None]
    refused_for, refusal = max(known, key=lambda found: found[0], default=(0.0, None))
    return Standing(pause / 1000, bool(contended), refusal, refused_for)


def _pairs(items: list[Any]) -> Iterable[tuple[bytes, int]]:
    return zip(items[::2], items[1::2], strict=True)


def _read(blob: bytes) -> Finding | None:
    try:
        return _decode(blob)
    except msgspec.MsgspecError:  # written by another version: forgotten
        return None


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


async def _eval(redis: Redis, script: str, keys: list[str], arguments: list[Any]) -> Any:
    return await redis.eval(script, len(keys), *keys, *arguments)


async def _set(redis: Redis, key: str, value: bytes, lifetime: int) -> bool:
    await redis.set(key, value, px=lifetime)
    return True


async def _leave(redis: Redis, key: str, member: str) -> bool:
    await redis.zrem(key, member)
    return True
