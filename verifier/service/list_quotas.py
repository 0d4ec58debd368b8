"""Lists and the daily quotas of the keys that hand them in.

Law: a row that was answered counts once, whatever is judged again and whoever was killed; rows that are unknown, repeat
an earlier one, are blank or hold a test address never count. A list is worked on block by block, and a block that was
begun is finished: the last block of a day may take a quota over by less than its rows. Rows that answer late
(greylisted ones) count when they answer.
"""

import asyncio
from collections.abc import Iterable

from verifier.core.api_keys import ApiKey
from verifier.core.list_faults import QuotaExceeded
from verifier.core.list_jobs import ListJob
from verifier.ports import Clock, KeyStore
from verifier.service.allowances import Allowances, Refused, Reservation

_LOOK_EVERY = 60.0


class ListQuotas:
    """`require` before a list is started, `of` while one is worked on, `room` while one is paused."""

    def __init__(self, keys: KeyStore, allowances: Allowances, clock: Clock) -> None:
        self._keys = keys
        self._allowances = allowances
        self._clock = clock

    async def require(self, client: str) -> None:
        """Raises QuotaExceeded where nothing is left of the key's day."""
        key = await self._limited(client)
        if key is not None:
            await self._left(key)

    async def room(self, client: str) -> None:
        """Comes back once something is left: at midnight (UTC), or when other work gave back what it did not need."""
        while True:
            try:
                return await self.require(client)
            except QuotaExceeded as fault:
                await self._clock.sleep(min(_LOOK_EVERY, fault.retry_after))

    async def of(self, job: ListJob) -> "ListQuota | None":
        """The list's part of its key's quota; None where there is none."""
        key = await self._limited(job.client)
        return None if key is None else ListQuota(key, job.id, self._allowances)

    async def _limited(self, client: str) -> ApiKey | None:
        return next((key for key in await self._keys.keys() if key.id == client and key.daily_quota), None)

    async def _left(self, key: ApiKey) -> None:
        promised = await self._allowances.promise(key, 1)
        if isinstance(promised, Refused):
            raise exceeded(key, promised)
        self._allowances.release(promised)


class ListQuota:
    """What one list takes of the day while it is worked on; `close` gives back what was promised and not needed."""

    def __init__(self, key: ApiKey, list_id: str, allowances: Allowances) -> None:
        self._key = key
        self._id = list_id
        self._allowances = allowances
        self._promised: dict[int, Reservation] = {}
        self._news = asyncio.Event()

    async def admit(self, block: int, rows: int) -> None:
        """So many rows of a block may be answered. Waits for blocks that are not judged yet, which may give something
        back; raises QuotaExceeded where there are none, and nothing is left.
        """
        while rows:
            self._news.clear()
            promised = await self._allowances.promise(self._key, rows)
            if isinstance(promised, Reservation):
                self._promised[block] = promised
                return
            if not self._promised:
                raise exceeded(self._key, promised)
            await self._news.wait()

    async def judged(self, blocks: Iterable[int], answers: int) -> None:
        """These blocks have their verdicts, and with them the whole list has so many answers that count."""
        await self._allowances.count(self._key, self._id, answers)
        for block in blocks:
            promised = self._promised.pop(block, None)
            if promised is not None:
                self._allowances.release(promised)
        self._news.set()

    def close(self) -> None:
        while self._promised:
            self._allowances.release(self._promised.popitem()[1])


def exceeded(key: ApiKey, refused: Refused) -> QuotaExceeded:
    """In words."""
    said = (
        f"The key's {key.daily_quota} answers of today are used up; unknown ones were free. More come at midnight UTC."
    )
    if refused.limit == "promises":
        said = f"The key's last {refused.left} answers of today are promised to checks that run now: ask again soon."
    return QuotaExceeded(said, refused.retry_after)
