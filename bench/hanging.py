"""500 checks at once against hosts that hang: by how much the latest answer comes after its `timeout_ms`.

    python -m bench.hanging [--budgets 200 300 500 1000] 2>log

In processor time, so that what else the machine does changes nothing: the event loop's clock is the processor time of
this process (its threads included) and what it waited for. The application is the service's own, its connections are
objects that are handed their request in the loop's next turn and note when the answer's first byte is written. The mail
hosts are a world in another process, over real sockets. asyncio's own loop, since uvloop's clock cannot be set.
"""

import argparse
import asyncio
import gc
import json
import re
import selectors
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from aiohttp import web

from verifier.adapters import system_clock
from verifier.adapters.prometheus_meter import PrometheusMeter
from verifier.adapters.structlog_log import configure
from verifier.config import load_settings
from verifier.edges.cli.collecting import MIDDLE, NEVER, YOUNG
from verifier.edges.http.app import make_app
from verifier.edges.http.at_hand import take_short_road
from verifier.edges.http.middlewares.observing import RUNNING
from verifier.edges.http.site import site_of
from verifier.serving import open_front_desk
from verifier.wiring import open_verifier
from verifier.world import World
from verifier.world.process import WorldProcess

AT_ONCE = 500
ALLOWED_LATE = 0.050
SILENT = ("silent-banner", "silent-rcpt", "blackhole")
_STEP = 0.001


class Waiting(selectors.DefaultSelector):
    """Waits a millisecond at a time, and counts that as time."""

    seconds = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        step = _STEP if timeout is None else min(timeout, _STEP)
        ready = super().select(step)
        Waiting.seconds += step
        return ready


def now() -> float:
    return time.process_time() + Waiting.seconds


class Loop(asyncio.SelectorEventLoop):
    def time(self) -> float:
        return now()


class Wire(asyncio.Transport):
    """Keeps what is written, and when its beginning was."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.answered_at: float | None = None
        self.answer = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.answered_at = self.answered_at or now()
        self.answer += data

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        pass


def request(email: str, budget_ms: int) -> bytes:
    body = json.dumps({"email": email, "timeout_ms": budget_ms}).encode()
    head = (
        b"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    return head % len(body) + body


async def burst(server: web.Server, emails: Sequence[str], budget_ms: int) -> tuple[float, Counter[str]]:
    """All at once: the seconds by which the latest came late, and the reasons."""
    loop, wires = asyncio.get_running_loop(), list[Wire]()
    asked_at = now()
    for email in emails:
        connection, wire = server(), Wire()
        connection.connection_made(wire)
        wires.append(wire)
        loop.call_soon(connection.data_received, request(email, budget_ms))
    while any(wire.answered_at is None for wire in wires):
        await asyncio.sleep(0.005)
    reasons = (re.search(rb'"reason":"(\w+)"', wire.answer) for wire in wires)
    late = max(wire.answered_at or 0.0 for wire in wires) - asked_at - budget_ms / 1000
    return late, Counter(found[1].decode() if found else "none" for found in reasons)


async def measure(world: World, environment: Mapping[str, str], budgets: Sequence[int]) -> int:
    meter, missed, number = PrometheusMeter(), 0, 0
    with tempfile.TemporaryDirectory(prefix="verifier-bench-") as folder:
        settings = load_settings({**environment, "VERIFIER_DATA_DIR": folder}, None)
        async with (
            open_verifier(settings, warn=lambda _: None, report_fault=_raise, meter=meter) as verifier,
            open_front_desk(verifier, meter, report_fault=_raise, warn=print) as desk,
        ):
            site = site_of(verifier.settings, desk)
            app = make_app(site)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            assert runner.server is not None
            take_short_road(runner.server, site, app[RUNNING])
            await burst(runner.server, [f"first@{world.domain('postfix')}"], 20_000)
            gc.collect()
            gc.freeze()
            gc.set_threshold(YOUNG, MIDDLE, NEVER)  # as `verifier serve` does it
            for budget_ms in budgets:
                for silent in SILENT:
                    number += 1
                    emails = [f"user{number}x{n}@{world.domain(silent, number)}" for n in range(AT_ONCE)]
                    late, reasons = await burst(runner.server, emails, budget_ms)
                    missed += late > ALLOWED_LATE
                    print(f"{budget_ms} ms, {silent}: {1000 * late:+.0f} ms; {dict(reasons)}", flush=True)
                    await asyncio.sleep(1)
            await runner.cleanup()
    return missed


def _raise(fault: BaseException) -> None:
    raise fault


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budgets", type=int, nargs="+", default=[200, 300, 500, 1000], metavar="MS")
    given = parser.parse_args()
    configure("info", "json")
    system_clock.time = SimpleNamespace(monotonic=now)  # type: ignore[assignment, attr-defined]
    world = World(78, hosts=12, domains=60, hang=30.0, grey_delay=600.0)
    with WorldProcess(world) as hosts, asyncio.Runner(loop_factory=lambda: Loop(Waiting())) as runner:
        missed = runner.run(measure(world, hosts.environment, given.budgets))
    print(f"{'met' if not missed else 'MISSED'} within {1000 * ALLOWED_LATE:.0f} ms of each budget")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
