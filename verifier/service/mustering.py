"""Lanes that put off calling their host, because more of the same list is about to come for it.

A connection costs some six round trips and a millisecond of processor time, whoever is asked for on it: with one
address each a list of many hosts is bound by connections (bench/many_hosts.py). Law: nobody who cannot wait long is put
off, and nobody longer than `PATIENCE_SECONDS`.
"""

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from verifier.core.pacing import expected_group
from verifier.ports import Clock
from verifier.service.probing import Ahead

if TYPE_CHECKING:
    from verifier.service.lane import Lane

PATIENCE_SECONDS = 5.0
_TICK = 0.1


class Mustering:
    """`puts_off` keeps a lane for later, and wakes it when it is time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lanes: dict[Ahead, OrderedDict[Lane, float]] = {}
        self._watch: asyncio.Task[None] | None = None

    def puts_off(self, lane: "Lane", ahead: Ahead | None) -> bool:
        """Whether the lane, for which a part of a list has come, waits for more of that list."""
        if ahead is None or not ahead.more or lane.urgent or lane.busy:
            return False
        if len(lane.waiting) >= expected_group(lane.history):
            return False
        lanes = self._lanes.setdefault(ahead, OrderedDict())
        lanes.setdefault(lane, self._clock.monotonic() + PATIENCE_SECONDS)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._wake_in_time())
        return True

    async def close(self) -> None:
        """Wakes nobody any more."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def _wake_in_time(self) -> None:
        while self._lanes:
            await self._clock.sleep(_TICK)
            for ahead in list(self._lanes):
                self._look(ahead)

    def _look(self, ahead: Ahead) -> None:
        lanes, now = self._lanes[ahead], self._clock.monotonic()
        while lanes and (not ahead.more or next(iter(lanes.values())) <= now):
            lane, _ = lanes.popitem(last=False)
            lane.wake()
        if not lanes:
            del self._lanes[ahead]
