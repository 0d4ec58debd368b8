"""How far a list is: counted as its blocks get their answers, judged in their wake, written down once a second."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from datetime import datetime

from msgspec import Struct, structs

from verifier.core.egress import Egress, EgressState
from verifier.core.list_counts import Counts
from verifier.core.list_jobs import ListJob, Progress
from verifier.core.reasons import StageName
from verifier.list_ports import Sheets
from verifier.ports import Clock
from verifier.service.list_book import ListBook
from verifier.service.list_quotas import ListQuota

_EVERY = 1.0
_NEWEST = 0.3
_JUDGED_TOGETHER = 8
_TOGETHER = 100


class Part(Struct, frozen=True):
    """Some addresses of a block; `rows` is how many rows the whole block has."""

    block: int
    texts: list[str]
    rows: int


class ListMeter:
    """The source of a list's addresses and the ear for its progress (service/cleaning.py); `ticking` runs beside it."""

    def __init__(
        self, job: ListJob, book: ListBook, sheets: Sheets, clock: Clock, quota: ListQuota | None = None
    ) -> None:
        """`quota` is what is left to the key that handed the list in; None where that has no limit."""
        self._quota = quota
        self._id = job.id
        self._blocks = job.blocks
        self._stages: tuple[StageName, ...] = job.options.stages
        self._book = book
        self._sheets = sheets
        self._clock = clock
        self._open: dict[int, int] = {}
        self._answered: set[int] = set()
        self._egress = job.egress
        self._written: object = None
        asked = job.progress.asked if job.progress.all_asked else 0
        self.progress: Progress = structs.replace(job.progress, asked=asked, rate=0.0)
        self.counts: Counts = job.counts

    async def chunks(self) -> AsyncGenerator[Part, None]:
        """All addresses, block by block, in parts that are so small that none holds the loop."""
        for number in range(self._blocks):
            block = await self._sheets.texts(self._id, number)
            if not self.progress.all_asked:
                await self.admit(number, len(block.texts))
            starts = range(0, len(block.texts), _TOGETHER) or range(1)
            self._open[number] = len(starts)
            for start in starts:
                yield Part(number, block.texts[start : start + _TOGETHER], block.rows)

    def settled(self, chunk: Part) -> None:
        """A part has its answers; with the last of its parts the block has."""
        self._open[chunk.block] -= 1
        if not self._open[chunk.block]:
            del self._open[chunk.block]
            self._answered.add(chunk.block)
            self.set(asked=self.progress.asked + chunk.rows)

    def all_answered(self) -> None:
        """Every block has its answers: all of them are judged now, by whoever says so."""
        self._answered.clear()

    def way_out(self, egress: Egress) -> None:
        """A shut way out is told at once: the rest is finished without it."""
        self._egress = egress.state

    def waiting(self, rows: int, until: datetime) -> None:
        """Greylisted mailboxes are waited for."""
        self.set(waiting=rows, until=until)

    def set(self, **changes: object) -> None:
        """Something of the progress is new."""
        self.progress = structs.replace(self.progress, **changes)

    @property
    def is_limited(self) -> bool:
        """The key has a quota."""
        return self._quota is not None

    async def admit(self, block: int, rows: int) -> None:
        """So many rows of a block are begun. Raises QuotaExceeded where the key gets no more answers today."""
        if self._quota is not None:
            await self._quota.admit(block, rows)

    async def judged(self, blocks: Iterable[int], counts: Counts) -> None:
        """These blocks have their verdicts, and the whole list comes to so much now."""
        self.counts = counts
        self.set(judged=counts.rows)
        if self._quota is not None:
            await self._quota.judged(blocks, counts.answers)

    async def ticking(self) -> None:
        """Judges what has its answers and writes down how far it is, until it is cancelled."""
        done, at = self._done(), self._clock.monotonic()
        while True:
            await self._clock.sleep(_EVERY)
            while run := self._next_run():
                await self.judged(run, await self._sheets.judge(self._id, run[0], len(run), self._stages))
            now, before = self._clock.monotonic(), done
            done = self._done()
            if now > at:
                self._pace((done - before) / (now - at))
            at = now
            await self.write()

    async def write(self) -> None:
        """What is known now is written down, where it is news."""
        news = (self.progress, self.counts, self._egress)
        if news == self._written:
            return
        self._written = news
        await self._book.note(
            self._id, lambda _: {"progress": news[0], "counts": news[1], "egress": EgressState(news[2])}
        )

    def _done(self) -> int:
        return max(self.progress.asked, self.progress.judged)

    def _pace(self, rate: float) -> None:
        old = self.progress.rate
        self.set(rate=rate if not old else old + _NEWEST * (rate - old))

    def _next_run(self) -> list[int]:
        """Some consecutive blocks that have their answers."""
        run: list[int] = []
        for number in sorted(self._answered):
            if len(run) >= _JUDGED_TOGETHER or (run and number != run[-1] + 1):
                break
            run.append(number)
        self._answered.difference_update(run)
        return run


async def cancelled(task: "asyncio.Task[None]") -> None:
    """Ends a task and waits until it has ended; raises what it raised before."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and task.exception() is not None:
        task.result()
