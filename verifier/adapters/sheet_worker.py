"""Sheets and SheetViews in a process of their own (edges/list_worker.py), so that work on rows never holds the loop.

Law: every call is answered or raises. Where the process dies, whoever waited asks a new one again, one after another,
so that a call that kills it is found out, and no other pays for it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from verifier.adapters.sheet_calls import CALLS, Beginning, Reply, fault_of, packed
from verifier.adapters.worker_process import Gone, WorkerProcess
from verifier.core.list_counts import Counts
from verifier.core.list_jobs import Preview
from verifier.core.list_rows import Cut, Page, PageWish, Survey, Texts
from verifier.core.reasons import Reason, StageName

MOST_GROWN = 40 << 20
"""Bytes. A process that has just begun holds some 75 MB."""
_LEAST_AGE = 10.0
"""Seconds for which a process stays, however much it holds: what always needs so much must not cost a start a call."""
_ATTEMPTS = 3


class WorkerDied(RuntimeError):
    """The process died of this call, again and again."""


class SheetWorker:
    """Starts the process with the first call; `close` ends it. What it unpacks on its way lies in `spool`.

    A process that holds `most_grown` bytes more than when it had begun, with nothing to do, is followed by another: the
    next one gets ready beside it, then takes all calls but those about lists that the old one has been given meanwhile.
    So nobody waits for it, and two processes are never at the rows of one list.
    """

    def __init__(
        self,
        data_dir: Path,
        secret: bytes,
        spool: Path,
        *,
        most_grown: int = MOST_GROWN,
        least_age: float = _LEAST_AGE,
    ) -> None:
        self._beginning = Beginning(str(data_dir), secret)
        self._spool = spool
        self._most_grown = most_grown
        self._least_age = least_age
        self._process: WorkerProcess | None = None
        self._began_at = 0.0
        self._relieved: WorkerProcess | None = None
        self._relief: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._starting = asyncio.Lock()
        self._again = asyncio.Lock()
        self._closed = False

    async def close(self) -> None:
        """Ends the process; whoever still waits is told."""
        self._closed = True
        if self._relief is not None:
            self._relief.cancel()
            await asyncio.wait([self._relief])
        async with self._starting:
            if self._process is not None:
                self._end(self._process)
        if self._ending:
            await asyncio.wait(self._ending)

    async def survey(self, list_id: str, name: str, suffix: str, columns: Sequence[str]) -> Survey:
        result: Survey = await self._call("survey", list_id, name, suffix, list(columns))
        return result

    async def mark(self, list_id: str, columns: Sequence[int]) -> Preview:
        result: Preview = await self._call("mark", list_id, list(columns))
        return result

    async def texts(self, list_id: str, block: int) -> Texts:
        result: Texts = await self._call("texts", list_id, block)
        return result

    async def judge(
        self, list_id: str, first: int, count: int, stages: Sequence[StageName], only: Reason | None = None
    ) -> Counts:
        result: Counts = await self._call("judge", list_id, first, count, list(stages), only)
        return result

    async def forget(self, list_id: str, address: str, stages: Sequence[StageName]) -> Counts | None:
        result: Counts | None = await self._call("forget", list_id, address, list(stages))
        return result

    async def page(self, list_id: str, wish: PageWish) -> Page:
        result: Page = await self._call("page", list_id, wish)
        return result

    async def render(self, list_id: str, cut: Cut, first: int, count: int) -> bytes:
        result: bytes = await self._call("render", list_id, cut, first, count)
        return result

    async def workbook(self, list_id: str, cut: Cut, name: str) -> None:
        await self._call("workbook", list_id, cut, name)

    async def piece(self, list_id: str, name: str, offset: int) -> bytes:
        result: bytes = await self._call("piece", list_id, name, offset)
        return result

    async def discard(self, list_id: str, name: str) -> None:
        await self._call("discard", list_id, name)

    async def _call(self, method: str, list_id: str, *arguments: Any) -> Any:
        given = packed((list_id, *arguments))
        try:
            reply = await self._attempt(method, list_id, given)
        except Gone:
            reply = await self._alone(method, list_id, given)
        if reply.fault:
            raise fault_of(reply.fault, msgspec.msgpack.decode(reply.value, type=str))
        return msgspec.msgpack.decode(reply.value, type=CALLS[method].result)

    async def _alone(self, method: str, list_id: str, arguments: msgspec.Raw) -> Reply:
        async with self._again:
            for _ in range(_ATTEMPTS):
                try:
                    return await self._attempt(method, list_id, arguments)
                except Gone:
                    continue
        raise WorkerDied(f"The worker process dies of `{method}`.")

    async def _attempt(self, method: str, list_id: str, arguments: msgspec.Raw) -> Reply:
        process = await self._at_work(list_id)
        try:
            return await process.ask(method, list_id, arguments)
        finally:
            self._watch(process)

    async def _at_work(self, list_id: str) -> WorkerProcess:
        """Who is asked about a list. Between this and the call that follows nothing else happens."""
        async with self._starting:
            if self._closed:
                raise asyncio.CancelledError
            if self._relieved is not None and self._relieved.works_on(list_id):
                return self._relieved
            if self._process is None or self._process.is_gone:
                self._took_over(await self._begun())
            assert self._process is not None
            return self._process

    async def _begun(self) -> WorkerProcess:
        await asyncio.to_thread(self._spool.mkdir, mode=0o700, parents=True, exist_ok=True)
        return await WorkerProcess.begin(self._beginning, self._spool)

    def _took_over(self, process: WorkerProcess) -> None:
        self._process = process
        self._began_at = asyncio.get_running_loop().time()

    def _watch(self, process: WorkerProcess) -> None:
        """After each call: who has grown too large is relieved. What his work needs is no growth: a list of ten
        million rows takes 170 MB while it is read.
        """
        age = asyncio.get_running_loop().time() - self._began_at
        has_grown = process is self._process and process.is_idle and process.grown > self._most_grown
        if has_grown and age >= self._least_age and self._relief is None and not self._closed:
            self._relief = asyncio.create_task(self._relieve())

    async def _relieve(self) -> None:
        """Another takes over once it is ready, and the old one ends with its work; where it does not get ready, the old
        one goes on.
        """
        process: WorkerProcess | None = None
        try:
            with suppress(Gone, OSError):
                process = await self._begun()
                await process.ready()
                self._relieved = self._process
                self._took_over(process)
                process = None
                if self._relieved is not None:
                    await self._relieved.emptied()
        finally:
            for done in (process, self._relieved):
                if done is not None:
                    self._end(done)
            self._relief = self._relieved = None

    def _end(self, process: WorkerProcess) -> None:
        ending = asyncio.create_task(process.close())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
