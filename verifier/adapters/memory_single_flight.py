"""SingleFlight within this process."""

from verifier.ports import Clock


class MemorySingleFlight:
    """Claims of this process; one that was not released ends by itself after its seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends: dict[str, float] = {}

    async def claim(self, key: str, seconds: float) -> bool:
        now = self._clock.monotonic()
        if self._ends.get(key, now) > now:
            return False
        self._ends[key] = now + seconds
        return True

    async def release(self, key: str) -> None:
        self._ends.pop(key, None)
