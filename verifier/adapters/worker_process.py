"""One worker process (edges/list_worker.py): begun, asked over its pipe, ended.

Law: whoever asks is answered, or told that the process is gone: nobody waits for one that has ended.
"""

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from verifier.adapters.sheet_calls import LENGTH, READY, Beginning, Reply, Request, frame

_MODULE = "verifier.edges.list_worker"
_PACKAGE = Path(__file__).parents[2]
_THRIFT = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "262144"}
"""Else glibc keeps what each of its threads has needed once, and cuts large pieces out of what small ones lie in: some
large uploads make it several times as large.
"""
_PATIENCE = 5.0
_decode_reply = msgspec.msgpack.Decoder(Reply).decode


class Gone(Exception):
    """The process has ended with calls that were not answered."""


class WorkerProcess:
    """Made by `begin`; `close` ends it, and whoever still waits is cancelled."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.child = child
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._unanswered: set[int] = set()
        self._next = READY
        self._closed = self._gone = False
        self._began_with = self._holds = 0
        self._ready = self._expected(READY)
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def begin(cls, beginning: Beginning, spool: Path) -> "WorkerProcess":
        """A new one; what it unpacks on its way lies in `spool`. It takes calls at once, and works once it is ready."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _MODULE,
            cwd=_PACKAGE,
            env={**os.environ, **_THRIFT, "PYTHONPATH": str(_PACKAGE), "TMPDIR": str(spool)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # an interrupt at the terminal is the parent's affair
        )
        assert child.stdin is not None
        child.stdin.write(frame(beginning))
        return cls(child)

    @property
    def is_gone(self) -> bool:
        """It takes no more calls."""
        return self._gone

    @property
    def is_idle(self) -> bool:
        """It is doing nothing, not even what nobody waits for any more."""
        return not self._unanswered

    @property
    def grown(self) -> int:
        """Bytes of memory that it holds now more than when it had begun; 0 where its system does not say."""
        return self._holds - self._began_with

    async def ready(self) -> None:
        """Returns once it works. Raises Gone."""
        await asyncio.shield(self._ready)

    async def ask(self, method: str, arguments: msgspec.Raw) -> Reply:
        """Its reply. Raises Gone."""
        self._next += 1
        number = self._next
        answer = self._expected(number)
        try:
            if self._gone:
                raise Gone
            assert self.child.stdin is not None
            self._unanswered.add(number)
            self.child.stdin.write(frame(Request(number, method, arguments)))
            await self.child.stdin.drain()
            return await answer
        except (BrokenPipeError, ConnectionResetError):
            raise Gone from None
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Ends it, whatever it is doing; returns when it has ended."""
        self._closed = True
        assert self.child.stdin is not None
        self.child.stdin.close()
        _, ending = await asyncio.wait([self._listening], timeout=_PATIENCE)
        if ending:
            self.child.kill()
            await asyncio.wait([self._listening])

    def _expected(self, number: int) -> "asyncio.Future[Reply]":
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        return answer

    async def _listen(self) -> None:
        """Hands out replies until the process ends; then everybody who still waits learns that."""
        assert self.child.stdout is not None
        try:
            while True:
                (length,) = LENGTH.unpack(await self.child.stdout.readexactly(LENGTH.size))
                reply = _decode_reply(await self.child.stdout.readexactly(length))
                self._holds = reply.resident
                if reply.number == READY:
                    self._began_with = reply.resident
                self._unanswered.discard(reply.number)
                answer = self._waiting.pop(reply.number, None)
                if answer is not None and not answer.done():
                    answer.set_result(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._gone = True
            await _ended(self.child)
            for answer in self._waiting.values():
                if not answer.done():
                    answer.cancel() if self._closed else answer.set_exception(Gone())
            if self._ready.done() and not self._ready.cancelled():
                self._ready.exception()  # known, though nobody may have waited for it


async def _ended(child: asyncio.subprocess.Process) -> None:
    """It ends with its stdin; one that does not is killed."""
    assert child.stdin is not None
    child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), _PATIENCE)
    except TimeoutError:
        child.kill()
        await child.wait()
