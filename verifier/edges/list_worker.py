"""The process in which lists are read, judged and written: `python -m verifier.edges.list_worker`.

Started by the service alone. It takes calls on stdin and answers on stdout (adapters/sheet_calls.py), several side by
side, and ends with stdin: it never outlives whoever started it. A call that it does not know ends it.
"""

import asyncio
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from verifier.adapters.sheet_calls import (
    CALLS,
    LENGTH,
    OURS,
    READY,
    Beginning,
    Call,
    Reply,
    Request,
    fault_name,
    frame,
    packed,
)
from verifier.sheet_wiring import SheetWork, open_sheet_work

_NICE = 5
"""Whoever asks about one address goes before whoever cleans a million."""

_READ_AHEAD = 1 << 20
_MEMORY = Path("/proc/self/statm")


async def serve(stdin: BinaryIO, answer: Callable[[bytes], None]) -> None:
    """Works until `stdin` ends."""
    reader = asyncio.StreamReader(_READ_AHEAD)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stdin)
    beginning = msgspec.msgpack.decode(await _frame(reader), type=Beginning)
    work = open_sheet_work(Path(beginning.data_dir), beginning.secret)
    await asyncio.to_thread(answer, frame(Reply(READY, "", packed(None), _resident())))
    tasks: set[asyncio.Task[None]] = set()
    while True:
        try:
            request = msgspec.msgpack.decode(await _frame(reader), type=Request)
        except asyncio.IncompleteReadError:
            os._exit(0)  # whoever asked is gone: what is still being done, in whatever thread, is of no use
        task = asyncio.create_task(_answer(work, request, CALLS[request.method], answer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def _answer(work: SheetWork, request: Request, call: Call, answer: Callable[[bytes], None]) -> None:
    method = getattr(work.sheets, request.method, None) or getattr(work.views, request.method)
    try:
        arguments: tuple[Any, ...] = msgspec.msgpack.decode(request.arguments, type=call.arguments)
        name, value = "", packed(await method(*arguments))
    except Exception as fault:  # noqa: BLE001 the edge of this process: whatever it is, the other side is told
        name = fault_name(fault)
        value = packed("".join(traceback.format_exception(fault)) if name == OURS else str(fault))
    await asyncio.to_thread(answer, frame(Reply(request.number, name, value, _resident())))


def _resident() -> int:
    try:
        return int(_MEMORY.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    return await reader.readexactly(length)


def main() -> None:
    """Answers go to a copy of stdout: what else may be written there goes to stderr."""
    output = os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)
    os.nice(_NICE)
    turn = threading.Lock()

    def answer(content: bytes) -> None:
        view = memoryview(content)
        with turn:
            while view:
                view = view[output.write(view) or 0 :]

    try:
        asyncio.run(serve(sys.stdin.buffer, answer))
    except (asyncio.IncompleteReadError, BrokenPipeError):
        os._exit(0)  # whoever asked is gone: what is still being done is of no use


if __name__ == "__main__":
    main()
