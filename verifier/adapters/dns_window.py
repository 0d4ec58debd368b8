"""How many questions may be in flight: fewer when name servers refuse or keep silent, more when they answer again."""

import asyncio

_TROUBLE_MEMORY = 64
_TOO_MUCH_TROUBLE = 0.25
_GROWTH = 4


class QueryWindow:
    """At most `limit` holders at a time, first come first served; `limit` moves between `least` and `most`.

    Single time-outs are the weather of other people's zones. Where more than a quarter of about the last 64 questions
    were refused or not answered the limit halves, at most once in 64 questions, and it grows by 4 with each full window
    of answers.
    """

    def __init__(self, most: int = 256, least: int = 16) -> None:
        self._most = most
        self._least = least
        self._exact_limit = float(most)
        self._places = asyncio.Semaphore(most)
        self._withheld = 0
        self._trouble = 0.0
        self._since_halving = 0

    @property
    def limit(self) -> int:
        return int(self._exact_limit)

    async def enter(self) -> None:
        """Waits for a place; every `enter` that returned is followed by one `leave`."""
        await self._places.acquire()

    def leave(self, troubled: bool) -> None:
        """Gives the place back, saying whether the question was refused or not answered at all."""
        self._since_halving += 1
        self._trouble += (troubled - self._trouble) / _TROUBLE_MEMORY
        if self._trouble > _TOO_MUCH_TROUBLE and self._since_halving >= _TROUBLE_MEMORY:
            self._exact_limit = max(float(self._least), self._exact_limit / 2)
            self._since_halving = 0
        elif not troubled:
            self._exact_limit = min(float(self._most), self._exact_limit + _GROWTH / self._exact_limit)
        wanted = self._most - self.limit
        if self._withheld < wanted:
            self._withheld += 1
            return
        self._places.release()
        if self._withheld > wanted:
            self._withheld -= 1
            self._places.release()
