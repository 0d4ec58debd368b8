"""One worker process (edges/list_worker.py): begun, asked over its pipe, ended.

Law: whoever asks is answered, or told that the process is gone: nobody waits for one that has ended.

It is begun in a thread by subprocess, which needs a millisecond of the processor: uvloop copies the page tables of this
process for that and waits until the other program runs, with the loop standing still for 7 to 60 (measured).
"""

import asyncio
import os
import subprocess
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
_Begun = tuple["subprocess.Popen[bytes]", asyncio.StreamWriter, asyncio.StreamReader, asyncio.ReadTransport]
_decode_reply = msgspec.msgpack.Decoder(Reply).decode


class Gone(Exception):
    """The process has ended with calls that were not answered."""


class WorkerProcess:
    """Made by `begin`; `close` ends it, and whoever still waits is cancelled."""

    def __init__(
        self,
        child: "subprocess.Popen[bytes]",
        requests: asyncio.StreamWriter,
        replies: asyncio.StreamReader,
        pipe: asyncio.ReadTransport,
    ) -> None:
        """`replies` come by the `pipe`."""
        self.child = child
        self._requests = requests
        self._replies = replies
        self._pipe = pipe
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._unanswered: dict[int, str] = {}
        self._emptied = asyncio.Event()
        self._next = READY
        self._closed = self._gone = False
        self._began_with = self._holds = 0
        self._ready = self._expected(READY)
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def begin(cls, beginning: Beginning, spool: Path) -> "WorkerProcess":
        """A new one; what it unpacks on its way lies in `spool`. It takes calls at once, and works once it is ready."""
        beginning_it = asyncio.create_task(_begun(spool))
        try:
            process = cls(*await asyncio.shield(beginning_it))
        except asyncio.CancelledError:
            beginning_it.add_done_callback(_unwanted)
            raise
        process._requests.write(frame(beginning))
        return process

    @property
    def is_gone(self) -> bool:
        """It takes no more calls."""
        return self._gone

    @property
    def is_idle(self) -> bool:
        """It is doing nothing, not even what nobody waits for any more."""
        return not self._unanswered

    def works_on(self, list_id: str) -> bool:
        """It is doing something about that list, were it only what nobody waits for any more."""
        return not self._gone and list_id in self._unanswered.values()

    async def emptied(self) -> None:
        """Returns once it has nothing to do, or is gone."""
        while self._unanswered and not self._gone:
            self._emptied.clear()
            await self._emptied.wait()

    @property
    def grown(self) -> int:
        """Bytes of memory that it holds now more than when it had begun; 0 where its system does not say."""
        return self._holds - self._began_with

    async def ready(self) -> None:
        """Returns once it works. Raises Gone."""
        await asyncio.shield(self._ready)

    async def ask(self, method: str, list_id: str, arguments: msgspec.Raw) -> Reply:
        """Its reply to a call about a list. Raises Gone."""
        self._next += 1
        number = self._next
        answer = self._expected(number)
        try:
            if self._gone:
                raise Gone
            self._unanswered[number] = list_id
            self._requests.write(frame(Request(number, method, arguments)))
            await self._requests.drain()
            return await answer
        except (BrokenPipeError, ConnectionResetError):
            raise Gone from None
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Ends it, whatever it is doing; returns when it has ended. Who waited for one that died is told just that."""
        self._closed = self._closed or not self._gone
        self._requests.close()
        _, ending = await asyncio.wait([self._listening], timeout=_PATIENCE)
        if ending:
            self.child.kill()
            await asyncio.wait([self._listening])

    def _expected(self, number: int) -> "asyncio.Future[Reply]":
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        return answer

    async def _listen(self) -> None:
        """Hands out replies until the process ends; then everybody who still waits learns that."""
        try:
            while True:
                (length,) = LENGTH.unpack(await self._replies.readexactly(LENGTH.size))
                reply = _decode_reply(await self._replies.readexactly(length))
                self._holds = reply.resident
                if reply.number == READY:
                    self._began_with = reply.resident
                self._unanswered.pop(reply.number, None)
                if not self._unanswered:
                    self._emptied.set()
                answer = self._waiting.pop(reply.number, None)
                if answer is not None and not answer.done():
                    answer.set_result(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._gone = True
            self._emptied.set()
            self._requests.close()
            self._pipe.close()  # by itself it closes a little later, and a loop that has ended by then is told EBUSY
            await asyncio.to_thread(_ended, self.child)
            for answer in self._waiting.values():
                if not answer.done():
                    answer.cancel() if self._closed else answer.set_exception(Gone())
            if self._ready.done() and not self._ready.cancelled():
                self._ready.exception()  # known, though nobody may have waited for it


async def _begun(spool: Path) -> _Begun:
    child = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, "-m", _MODULE],
        cwd=_PACKAGE,
        env={**os.environ, **_THRIFT, "PYTHONPATH": str(_PACKAGE), "TMPDIR": str(spool)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # an interrupt at the terminal is the parent's affair
    )
    loop, replies = asyncio.get_running_loop(), asyncio.StreamReader()
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(replies), child.stdout)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), child.stdin
    )
    return child, asyncio.StreamWriter(transport, protocol, None, loop), replies, pipe


def _unwanted(beginning: asyncio.Task[_Begun]) -> None:
    """Whoever asked for it has gone away while it was begun."""
    if not beginning.cancelled() and beginning.exception() is None:
        child, requests, _, pipe = beginning.result()
        requests.close()
        pipe.close()
        child.kill()
        child.wait()


def _ended(child: "subprocess.Popen[bytes]") -> None:
    """It ends with its stdin; one that does not is killed. Blocks."""
    try:
        child.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
