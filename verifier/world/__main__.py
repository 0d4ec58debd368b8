"""The child of `WorldProcess`: lines of JSON on stdin and stdout, and an end when stdin ends."""

import asyncio
import sys

import msgspec

from verifier.world.process import Report, Start
from verifier.world.world import World


async def _live() -> None:
    """The child: reads how to start, serves, reports when asked, ends with its stdin."""
    loop = asyncio.get_running_loop()
    start = msgspec.json.decode(await loop.run_in_executor(None, sys.stdin.buffer.readline), type=Start)
    async with World(**start.world).serve(**start.serve) as running:
        _say(running.environment)
        while await loop.run_in_executor(None, sys.stdin.buffer.readline):
            log, asked = running.log, running.name_server.asked
            _say(Report(log.summary(), log.by_kind(), log.total(), asked.total(), len(asked)))


def _say(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def _new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(_live())
