"""Sheets and SheetViews in a process of their own (edges/list_worker.py), so that work on rows never holds the loop.

Law: every call is answered or raises. Where the process dies, whoever waited asks a new one again, one after another,
so that a call that kills it is found out, and no other pays for it.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from verifier.adapters.sheet_calls import CALLS, LENGTH, Beginning, Reply, Request, fault_of, frame, packed
from verifier.core.list_counts import Counts
from verifier.core.list_jobs import Preview
from verifier.core.list_rows import Cut, Page, PageWish, Survey, Texts
from verifier.core.reasons import Reason, StageName

_MODULE = "verifier.edges.list_worker"
_PACKAGE = Path(__file__).parents[2]
_ATTEMPTS = 3
_THRIFT = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "262144"}
"""Else glibc keeps what each of its threads has needed once, and cuts large pieces out of what small ones lie in: some
large uploads make it several times as large.
"""
_PATIENCE = 5.0
_decode_reply = msgspec.msgpack.Decoder(Reply).decode


class WorkerDied(RuntimeError):
    """The process died of this call, again and again."""


class _Gone(Exception):
    """The process has ended with calls that were not answered."""


class SheetWorker:
    """Starts the process with the first call; `close` ends it. What it unpacks on its way lies in `spool`."""

    def __init__(self, data_dir: Path, secret: bytes, spool: Path) -> None:
        self._beginning = Beginning(str(data_dir), secret)
        self._spool = spool
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._next = 0
        self._starting = asyncio.Lock()
        self._again = asyncio.Lock()
        self._closed = False

    async def close(self) -> None:
        """Ends the process; whoever still waits is told."""
        self._closed = True
        if self._process is not None and self._listening is not None:
            assert self._process.stdin is not None
            process = self._process
            self._process.stdin.close()
            _, ending = await asyncio.wait([self._listening], timeout=_PATIENCE)
            if ending:
                process.kill()
                await asyncio.wait([self._listening])

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

    async def workbook(self, list_id: str, cut: Cut) -> str:
        result: str = await self._call("workbook", list_id, cut)
        return result

    async def piece(self, list_id: str, name: str, offset: int) -> bytes:
        result: bytes = await self._call("piece", list_id, name, offset)
        return result

    async def discard(self, list_id: str, name: str) -> None:
        await self._call("discard", list_id, name)

    async def _call(self, method: str, *arguments: Any) -> Any:
        try:
            reply = await self._attempt(method, arguments)
        except _Gone:
            reply = await self._alone(method, arguments)
        if reply.fault:
            raise fault_of(reply.fault, msgspec.msgpack.decode(reply.value, type=str))
        return msgspec.msgpack.decode(reply.value, type=CALLS[method].result)

    async def _alone(self, method: str, arguments: tuple[Any, ...]) -> Reply:
        async with self._again:
            for _ in range(_ATTEMPTS):
                try:
                    return await self._attempt(method, arguments)
                except _Gone:
                    continue
        raise WorkerDied(f"The worker process dies of `{method}`.")

    async def _attempt(self, method: str, arguments: tuple[Any, ...]) -> Reply:
        process = await self._started()
        self._next += 1
        number = self._next
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            assert process.stdin is not None
            process.stdin.write(frame(Request(number, method, packed(arguments))))
            await process.stdin.drain()
            reply: Reply = await answer
            return reply
        except (BrokenPipeError, ConnectionResetError):
            raise _Gone from None
        finally:
            self._waiting.pop(number, None)

    async def _started(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._closed:
                raise asyncio.CancelledError
            if self._process is None:
                await asyncio.to_thread(self._spool.mkdir, mode=0o700, parents=True, exist_ok=True)
                process = self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    _MODULE,
                    cwd=_PACKAGE,
                    env={**os.environ, **_THRIFT, "PYTHONPATH": str(_PACKAGE), "TMPDIR": str(self._spool)},
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    start_new_session=True,  # an interrupt at the terminal is the parent's affair
                )
                assert process.stdin is not None
                process.stdin.write(frame(self._beginning))
                self._listening = asyncio.create_task(self._listen(process))
            return self._process

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Hands out replies until the process ends; then everybody who still waits learns that."""
        assert process.stdout is not None
        try:
            while True:
                (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
                reply = _decode_reply(await process.stdout.readexactly(length))
                answer = self._waiting.get(reply.number)
                if answer is not None and not answer.done():
                    answer.set_result(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._process = None
            await _ended(process)
            for answer in self._waiting.values():
                if not answer.done():
                    answer.cancel() if self._closed else answer.set_exception(_Gone())


async def _ended(process: asyncio.subprocess.Process) -> None:
    """It ends with its stdin; one that does not is killed."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
