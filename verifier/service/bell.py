"""Tells whoever waits for an answer when his time is up: one bell for all, a few at a time.

Laws: nobody's time ends before half of it is over; who has to be answered first is told first. Where many wait for the
same moment they are told so much earlier that the last of them is answered in time: by how much is decided late.
"""

import asyncio
from bisect import bisect_right, insort
from collections.abc import Callable
from math import inf

from msgspec import Struct

from verifier.ports import Clock

_AN_ANSWER = 0.001
"""Seconds from the bell to an answer: 0.4 ms of this process' work (measured: 500 at once), and as much again for a
machine that has other things to do."""
_MOST_RESERVED = 0.5
_AT_ONCE = 8
"""So many are told before the loop may write their answers."""


class Alarm(Struct, order=True, frozen=True):
    """One who waits: until when at most (seconds of the clock), who he is, how long in all, and how to tell him."""

    end: float
    number: int
    budget: float
    ring: Callable[[], None]


class Bell:
    """`set` an alarm, and `stop` it where it is not needed any more; `hasten` all of them; `close` at last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._alarms: list[Alarm] = []
        self._numbers = 0
        self._ringing: asyncio.Task[None] | None = None
        self._sleeping: asyncio.Task[None] | None = None
        self._sleeps_until = 0.0
        self._latest = inf

    def __len__(self) -> int:
        return len(self._alarms)

    def set(self, end: float, budget: float, ring: Callable[[], None]) -> Alarm:
        """`ring` is called at `end`, or a little earlier."""
        self._numbers += 1
        alarm = Alarm(end, self._numbers, budget, ring)
        insort(self._alarms, alarm)
        if self._ringing is None:
            self._ringing = asyncio.get_running_loop().create_task(self._ring())
        else:
            self._wake()
        return alarm

    def hasten(self, end: float) -> None:
        """Everybody is told by `end` (seconds of the clock), whoever waits now and whoever comes later."""
        self._latest = end
        if self._alarms:
            self._wake()

    def stop(self, alarm: Alarm) -> None:
        """He does not wait any more; nothing happens where he has been told."""
        place = bisect_right(self._alarms, alarm) - 1
        if place >= 0 and self._alarms[place] is alarm:
            del self._alarms[place]

    @property
    def is_due(self) -> bool:
        """Somebody has to be told now."""
        return bool(self._alarms) and self._moment() <= self._clock.monotonic()

    def close(self) -> None:
        """Nobody is told any more."""
        if self._ringing is not None:
            self._ringing.cancel()

    def _moment(self) -> float:
        """When the first is to be told: the more there are with him, the earlier."""
        first = self._alarms[0]
        end, most = self._end(first), first.budget * _MOST_RESERVED
        crowd = bisect_right(self._alarms, end + len(self._alarms) * _AN_ANSWER, key=self._end)
        return end - min(most, crowd * _AN_ANSWER)

    def _end(self, alarm: Alarm) -> float:
        return min(alarm.end, self._latest)

    def _wake(self) -> None:
        if self._sleeping is not None and self._moment() < self._sleeps_until:
            self._sleeping.cancel()

    async def _ring(self) -> None:
        try:
            while self._alarms:
                if self.is_due:
                    for _ in range(_AT_ONCE):
                        if self.is_due:
                            self._alarms.pop(0).ring()
                    await asyncio.sleep(0)
                else:
                    await self._sleep()
        finally:
            self._ringing = None

    async def _sleep(self) -> None:
        """Until the first has to be told, as far as is known; whoever makes it earlier wakes it."""
        self._sleeps_until = self._moment()
        seconds = self._sleeps_until - self._clock.monotonic()
        self._sleeping = asyncio.get_running_loop().create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait([self._sleeping])
        finally:
            self._sleeping.cancel()
            self._sleeping = None
