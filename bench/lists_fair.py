"""Whether a small list waits for a large one, in the world: how long it takes alone, and beside.

    python -m bench.lists_fair [--rows 20000] [--domains 2000] [--small 100] [--rtt 50]

The large list is handed in first; a second later the small one, whose domains are others on the same hosts. Both are
asked by one process with all stages; greylisting is not waited for.
"""

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from bench.lists_service import Ticker
from bench.world_lists import list_text
from verifier.config import load_settings
from verifier.core.list_jobs import ListOptions
from verifier.core.list_orders import Order
from verifier.core.list_states import FINISHED
from verifier.list_wiring import ListService, open_lists
from verifier.wiring import open_verifier
from verifier.world import World
from verifier.world.process import WorldProcess


async def content(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def finished(service: ListService, name: str, text: str) -> tuple[float, dict[str, int]]:
    """Seconds from the upload to the end, and how many rows have which reason."""
    begun = time.perf_counter()
    options = ListOptions(max_wait=timedelta(0), start=True)
    job, _ = await service.lists.upload(Order("w", name, name, options), content(text))
    while (job := await service.lists.get("w", job.id)).state not in FINISHED:
        await asyncio.sleep(0.02)
    return time.perf_counter() - begun, {reason.value: count for reason, count in job.counts.by_reason.items()}


async def measure(environment: dict[str, str], large: str | None, small: str, data_dir: Path) -> None:
    settings = load_settings(environment, None, {"data_dir": str(data_dir)})
    async with (
        open_verifier(settings, warn=print, report_fault=_raise) as verifier,
        open_lists(verifier, report_fault=_raise, warn=print) as service,
    ):
        if large is None:
            print("small, alone:", await finished(service, "small.csv", small))
            return
        ticker = Ticker()
        ticking = asyncio.create_task(ticker.run())
        other = asyncio.create_task(finished(service, "large.csv", large))
        await asyncio.sleep(1.0)
        print("small, beside:", await finished(service, "small.csv", small))
        print("large:", await other)
        ticking.cancel()
        print("the loop came late by (ms):", ticker.figures())


def _raise(fault: BaseException) -> None:
    raise fault


def main() -> None:
    gc.set_threshold(10_000)  # as the command does
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--domains", type=int, default=2_000)
    parser.add_argument("--small", type=int, default=100)
    parser.add_argument("--rtt", type=float, default=50.0, help="milliseconds")
    given = parser.parse_args()
    world = World(8, hosts=100, domains=given.domains, rtt=given.rtt / 1000)
    large = list_text(world, given.rows, given.domains)
    everybody = list_text(world, given.small * 2 + given.domains, given.small * 2 + given.domains).splitlines()
    small = "\n".join([everybody[0], *everybody[-given.small :]]) + "\n"
    for beside in (None, large):
        with WorldProcess(world) as running, tempfile.TemporaryDirectory(prefix="verifier-bench-") as name:
            asyncio.run(measure(running.environment, beside, small, Path(name)))


if __name__ == "__main__":
    main()
