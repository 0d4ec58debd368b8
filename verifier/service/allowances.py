"""What each key may still ask: its rate, in this process, and its daily quota, which survives a restart.

Law: within a day a key gets no more answers than its quota; those that are unknown don't count, nor do those that were
promised and not given. The rate is this process's own.
"""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from verifier.core.allowance import Bucket, Limit, day_limit, minute_limit, seconds_of_day_left
from verifier.core.api_keys import ApiKey
from verifier.core.list_counts import counts_for_quota
from verifier.core.verdict import Assessment
from verifier.ports import Clock, UsageStore

_REMEMBERED = 10_000
_PROMISED_SECONDS = 5.0
"""After which promises that stand in the way may have been given back: most checks have ended by then."""


class Refused(Struct, frozen=True):
    """Why not now: `limit` is `rate`, `quota`, or `promises` where the quota would do but for what is promised to
    others; `retry_after` in seconds, `left` what is left of the quota.
    """

    limit: str
    retry_after: float
    left: int = 0


class Reservation(Struct):
    """So many answers of a key's day, promised and not yet given."""

    key: ApiKey
    count: int
    day: date


class Allowances:
    """`take` before the work, `settle` after it."""

    def __init__(self, usage: UsageStore, clock: Clock) -> None:
        self._usage = usage
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._reserved: dict[str, int] = {}
        self._used: OrderedDict[str, tuple[date, int]] = OrderedDict()

    def take(self, key: ApiKey, cost: int) -> Refused | None:
        """Count `cost` checks against the rate; why not, where they may not go now."""
        if not key.rate:
            return None
        wait = self._bucket(key).take(cost, self._clock.monotonic())
        return Refused("rate", wait) if wait else None

    def has_room(self, key: ApiKey) -> bool:
        """One check may go now, as far as its rate is concerned."""
        return not key.rate or self._bucket(key).wait(self._clock.monotonic()) == 0

    async def reserve(self, key: ApiKey, count: int) -> Reservation | Refused:
        """Promise so many answers of today."""
        return await self._reserve(key, count, count)

    async def promise(self, key: ApiKey, most: int) -> Reservation | Refused:
        """Promise as many answers of today as are left, at least one and at most so many."""
        return await self._reserve(key, 1, most)

    async def settle(self, reservation: Reservation, answers: Iterable[Assessment]) -> None:
        """What was really given: unknown ones and test addresses cost nothing."""
        key = reservation.key
        if not key.daily_quota:
            return
        count = sum(map(counts_for_quota, answers))
        try:
            if count:
                await self._usage.use(key.id, reservation.day, count)
                self._note_used(key.id, reservation.day, self._used_on(key.id, reservation.day) + count)
        finally:
            self.release(reservation)

    async def count(self, key: ApiKey, owner: str, total: int) -> None:
        """`owner` has given so many answers by now, of which none is counted twice."""
        day = self._clock.now().date()
        new = await self._usage.use_up_to(key.id, day, owner, total)
        self._note_used(key.id, day, self._used_on(key.id, day) + new)

    def release(self, reservation: Reservation) -> None:
        """What was promised is given, or is not needed any more."""
        key = reservation.key
        if not key.daily_quota:
            return
        left = self._reserved[key.id] - reservation.count
        if left:
            self._reserved[key.id] = left
        else:
            del self._reserved[key.id]

    async def look(self, key: ApiKey) -> None:
        """Know how the day's quota stands, so that `limits` can tell."""
        day = self._clock.now().date()
        if key.daily_quota and self._used.get(key.id, (None, 0))[0] != day:
            self._note_used(key.id, day, await self._usage.used(key.id, day))

    def limits(self, key: ApiKey) -> list[Limit]:
        """How the key's limits stand; the day's only where somebody has looked today."""
        limits = []
        if key.rate:
            limits.append(minute_limit(self._bucket(key), self._clock.monotonic()))
        now = self._clock.now()
        if key.daily_quota and self._used.get(key.id, (None, 0))[0] == now.date():
            used = self._used_on(key.id, now.date()) + self._reserved.get(key.id, 0)
            limits.append(day_limit(key.daily_quota, used, now))
        return limits

    async def _reserve(self, key: ApiKey, least: int, most: int) -> Reservation | Refused:
        now = self._clock.now()
        if not key.daily_quota:
            return Reservation(key, most, now.date())
        used = await self._usage.used(key.id, now.date())
        self._note_used(key.id, now.date(), used)
        reserved = self._reserved.get(key.id, 0)
        left = key.daily_quota - used - reserved
        if left < least <= key.daily_quota - used:
            return Refused("promises", min(_PROMISED_SECONDS, seconds_of_day_left(now)), key.daily_quota - used)
        if least > left:
            return Refused("quota", seconds_of_day_left(now), max(0, left))
        reservation = Reservation(key, min(most, left), now.date())
        self._reserved[key.id] = reserved + reservation.count
        return reservation

    def _used_on(self, key_id: str, day: date) -> int:
        known, used = self._used.get(key_id, (day, 0))
        return used if known == day else 0

    def _bucket(self, key: ApiKey) -> Bucket:
        bucket = self._buckets.get(key.id)
        if bucket is None:
            bucket = self._buckets[key.id] = Bucket.full(key.rate, self._clock.monotonic())
            if len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key.id)
        return bucket

    def _note_used(self, key_id: str, day: date, used: int) -> None:
        self._used[key_id] = day, used
        self._used.move_to_end(key_id)
        if len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)
