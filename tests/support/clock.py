"""A clock that tests move by hand."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class FakeClock:
    """Stands still until `advance`; chance is seeded, so that a test is the same every time."""

    def __init__(self, start: datetime = START, seed: int = 1) -> None:
        self._start = start
        self._elapsed = 0.0
        self._random = random.Random(seed)
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, awake))
        await awake

    def random(self) -> float:
        return self._random.random()

    def token(self, length: int) -> str:
        return "".join(self._random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))

    @property
    def sleeping(self) -> int:
        """How many tasks wait for the clock."""
        return sum(not awake.done() for _, awake in self._sleepers)

    def next_wake_up(self) -> float | None:
        """When the next sleeper wakes; None when nobody sleeps."""
        return min((when for when, awake in self._sleepers if not awake.done()), default=None)

    def move(self, seconds: float) -> None:
        """Lets time pass at once; whoever slept until then runs when the loop next does."""
        self._elapsed += seconds
        due = sorted((s for s in self._sleepers if s[0] <= self._elapsed), key=lambda sleeper: sleeper[0])
        self._sleepers = [s for s in self._sleepers if s[0] > self._elapsed]
        for _, awake in due:
            if not awake.done():
                awake.set_result(None)

    async def advance(self, seconds: float) -> None:
        """Lets time pass sleeper by sleeper, each running before the next wakes."""
        end = self._elapsed + seconds
        await _settle()
        while pending := [when for when, awake in self._sleepers if when <= end and not awake.done()]:
            self.move(min(pending) - self._elapsed)
            await _settle()
        self.move(end - self._elapsed)
        await _settle()


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
