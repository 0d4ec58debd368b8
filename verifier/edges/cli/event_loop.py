"""Runs a command's coroutine: on uvloop where there is one, and ended in an orderly way by Ctrl-C and SIGTERM."""

import asyncio
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from verifier.edges.cli.exit_codes import Terminated

_T = TypeVar("_T")
_OPEN_FILES = 65_536
"""As the unit of systemd has it. A shell lets a program have 1024, which as many idle connections use up: nobody else
would be answered then.
"""


class Interrupts:
    """What Ctrl-C means just now: `handle` is asked first and answers whether that was all."""

    def __init__(self) -> None:
        self.handle: Callable[[], bool] = lambda: False


def run_async(main: Coroutine[Any, Any, _T], interrupts: Interrupts | None = None) -> _T:
    """The coroutine's result. It is cancelled by Ctrl-C (KeyboardInterrupt) and by SIGTERM (Terminated)."""
    sys.setswitchinterval(0.0005)
    _allow_open_files()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_guarded(main, interrupts or Interrupts()))


def _allow_open_files() -> None:
    """As many as are needed, as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # a system may have a limit above that it does not name
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop
    return new_event_loop


async def _guarded(main: Coroutine[Any, Any, _T], interrupts: Interrupts) -> _T:
    loop = asyncio.get_running_loop()
    task = loop.create_task(main)
    ended_by: list[type[BaseException]] = []

    def end(by: type[BaseException]) -> None:
        ended_by.append(by)
        task.cancel()

    def interrupt() -> None:
        if not interrupts.handle():
            end(KeyboardInterrupt)

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, end, Terminated)
    try:
        return await task
    except asyncio.CancelledError:
        if ended_by:
            raise ended_by[0] from None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
