"""How much a key may ask: so many checks a minute, so many answers a day. Arithmetic only.

The minute is a bucket that refills steadily. Who has anything left may take all that one request asks for, and then
waits until the debt is paid: so a batch needs no rate of its own, and nobody gets more than his rate in the long run.
"""

from datetime import datetime, timedelta
from math import ceil

from msgspec import Struct

MINUTE = 60.0


class Bucket(Struct):
    """What is left of a rate of `per_minute`: `left` checks (below zero: a debt) at `since` (seconds of a clock)."""

    per_minute: int
    left: float
    since: float

    @classmethod
    def full(cls, per_minute: int, now: float) -> "Bucket":
        return cls(per_minute, float(per_minute), now)

    def take(self, cost: int, now: float) -> float:
        """0 where the checks may go, and are counted; else the seconds until anything may."""
        wait = self.wait(now)
        if not wait:
            self.left -= cost
        return wait

    def wait(self, now: float) -> float:
        """The seconds until anything may go; 0 where it may now."""
        self._refill(now)
        return max(0.0, (1 - self.left) * MINUTE / self.per_minute)

    def full_again(self, now: float) -> float:
        """Seconds until the whole rate is there again."""
        self._refill(now)
        return (self.per_minute - self.left) * MINUTE / self.per_minute

    def _refill(self, now: float) -> None:
        gained = max(0.0, now - self.since) * self.per_minute / MINUTE
        self.left, self.since = min(float(self.per_minute), self.left + gained), now


class Limit(Struct, frozen=True):
    """One limit as it stands: of `quota` in a `window` of seconds `left` are left, all of them again after `reset`."""

    name: str
    quota: int
    window: int
    left: int
    reset: int

    @property
    def policy(self) -> str:
        """Its part of the RateLimit-Policy field (draft-ietf-httpapi-ratelimit-headers)."""
        return f'"{self.name}";q={self.quota};w={self.window}'

    @property
    def state(self) -> str:
        """Its part of the RateLimit field."""
        return f'"{self.name}";r={self.left};t={self.reset}'


def minute_limit(bucket: Bucket, now: float) -> Limit:
    """The rate as a limit."""
    reset = ceil(bucket.full_again(now))
    return Limit("minute", bucket.per_minute, round(MINUTE), max(0, int(bucket.left)), reset)


def day_limit(quota: int, used: int, now: datetime) -> Limit:
    """The daily quota as a limit; a day begins at midnight UTC."""
    return Limit("day", quota, 86_400, max(0, quota - used), ceil(seconds_of_day_left(now)))


def seconds_of_day_left(now: datetime) -> float:
    """Until midnight UTC."""
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (tomorrow - now).total_seconds()
