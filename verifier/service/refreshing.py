"""What is missing or stale is verified behind the gate's answer; whoever asked does not wait for it."""

import asyncio
from collections.abc import Sequence

from verifier.core.reasons import ALL_STAGES
from verifier.ports import Clock
from verifier.service.harvest_guard import Client
from verifier.service.realtime import RealTime, TooBusy

GATE = Client("gate")
_REST = 60.0
_MOST_REMEMBERED = 20_000
_MOST_AT_ONCE = 500


class Refreshing:
    """`ask` for texts as often as you like: each is asked again at most once a minute, and only while there is room."""

    def __init__(self, realtime: RealTime, clock: Clock) -> None:
        self._realtime = realtime
        self._clock = clock
        self._asked: dict[str, float] = {}
        self._running: set[asyncio.Task[None]] = set()

    def ask(self, raws: Sequence[str]) -> None:
        """Returns at once."""
        now = self._clock.monotonic()
        for raw in raws:
            if len(self._running) >= _MOST_AT_ONCE:
                return
            if now - self._asked.get(raw, -_REST) < _REST:
                continue
            if len(self._asked) >= _MOST_REMEMBERED:
                self._asked.pop(next(iter(self._asked)))
            self._asked[raw] = now
            task = asyncio.get_running_loop().create_task(self._verify(raw))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def settled(self) -> None:
        """Returns once everything that was asked for is on its way."""
        while self._running:
            await asyncio.wait(self._running)

    async def _verify(self, raw: str) -> None:
        """Begins the check and leaves it behind: it goes on by itself, within the bounds of all that do."""
        try:
            await self._realtime.check(raw, ALL_STAGES, GATE, 0.0)
        except TooBusy:
            self._asked.pop(raw, None)
