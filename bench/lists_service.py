"""What the service of lists costs beside `verifier clean`, and what it leaves the event loop for others.

    python -m bench.lists_service [--rows 1000000]

A list of six columns goes through upload, preview, run (`--stages syntax,disposable`) and download, in a process of its
own with its worker process; beside it `verifier clean` of the same file with the same stages. Meanwhile a ticker in the
service's loop measures by how much it is held up, and a second, small list is handed in while the large one is worked
on: how long it takes, and how long it takes alone. Peaks are what the kernel says (VmHWM) of both processes.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from bench import lists
from bench.service import children
from verifier.config import load_settings
from verifier.core.list_jobs import ListJob, ListOptions
from verifier.core.list_orders import Order
from verifier.core.list_states import AT_REST, ListState
from verifier.core.reasons import StageName
from verifier.list_wiring import ListService, open_lists
from verifier.wiring import open_verifier

MOST_TIMES_CLEAN = 2.0
MOST_MEGABYTES = 400.0
_STAGES = (StageName.SYNTAX, StageName.DISPOSABLE)
_SMALL = b"email\n" + b"".join(b"user%d@shop%d.example\n" % (n, n % 20) for n in range(200))
_TICK = 0.001
_STEPS = ("upload", "preview", "run", "download")
_ROOT = Path(__file__).resolve().parent.parent


class Ticker:
    """By how much a task that wants to run every millisecond comes late."""

    def __init__(self) -> None:
        self.late: list[float] = []

    async def run(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_TICK)
            self.late.append(time.perf_counter() - before - _TICK)

    def figures(self) -> dict[str, float]:
        ordered = sorted(self.late)
        return {
            name: round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)
            for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0))
        }


async def pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1 << 16):
            yield piece


async def small(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def rested(service: ListService, job: ListJob, *states: ListState) -> ListJob:
    while (job := await service.lists.get("w", job.id)).state not in (states or AT_REST):
        await asyncio.sleep(0.01)
    return job


async def one_small(service: ListService, name: str) -> float:
    begun = time.perf_counter()
    options = ListOptions(stages=_STAGES, max_wait=timedelta(0), start=True)
    job, _ = await service.lists.upload(Order("w", "k", name, options), small(_SMALL))
    await rested(service, job, ListState.COMPLETED)
    return time.perf_counter() - begun


async def serve(source: Path, folder: Path) -> dict[str, Any]:
    """The whole way of one list, step by step."""
    settings = load_settings({}, None, {"data_dir": str(folder / "data"), "dns_nameservers": "127.0.0.1:1"})
    async with (
        open_verifier(settings, warn=print, report_fault=_raise) as verifier,
        open_lists(verifier, report_fault=_raise, warn=print) as service,
    ):
        alone = [await one_small(service, f"alone{n}.csv") for n in range(4)][1:]
        ticker = Ticker()
        ticking = asyncio.create_task(ticker.run())
        marks = [time.perf_counter()]
        job, _ = await service.lists.upload(Order("w", "k", "large.csv", ListOptions(stages=_STAGES)), pieces(source))
        marks.append(time.perf_counter())
        beside = [await one_small(service, "beside1.csv")]
        await service.lists.read("w", job.id)
        marks.append(time.perf_counter())
        await service.lists.start("w", job.id)
        await asyncio.sleep(0.5)
        beside += [await one_small(service, f"beside{n}.csv") for n in (2, 3)]
        done = await rested(service, job)
        marks.append(time.perf_counter())
        size = 0
        async for chunk in (await service.reading.download(done)).chunks:
            size += len(chunk)
        marks.append(time.perf_counter())
        ticking.cancel()
        (worker,) = children(os.getpid())
        peaks = {"service": _peak("self"), "worker": _peak(str(worker))}
    steps = dict(zip(_STEPS, (b - a for a, b in pairwise(marks)), strict=True))
    return {
        "rows": done.counts.rows,
        "bytes": size,
        "steps": steps,
        "late_ms": ticker.figures(),
        "alone_s": alone,
        "beside_s": beside,
        "peaks": peaks,
        "disk": sum(path.stat().st_size for path in (folder / "data" / "list-jobs" / done.id).iterdir()),
    }


def _peak(process: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def _raise(fault: BaseException) -> None:
    raise fault


def clean(source: Path, folder: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(
        [
            sys.executable,
            "-m",
            "verifier",
            "clean",
            source,
            "-o",
            folder / "clean.csv",
            "--stages",
            "syntax,disposable",
        ],
        check=True,
        stderr=subprocess.DEVNULL,
        env={"VERIFIER_DATA_DIR": str(folder / "clean-data"), "PATH": ""},
        cwd=_ROOT,
    )
    return time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=lists.ROWS)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        print(msgspec.json.encode(asyncio.run(serve(given.serve, given.folder))).decode())
        return 0
    with tempfile.TemporaryDirectory(prefix="verifier-bench-") as name:
        folder = Path(name)
        source = folder / "list.csv"
        command = [sys.executable, str(Path(__file__).with_name("lists.py")), source, "--rows", str(given.rows)]
        subprocess.run([*command, "--columns", str(len(lists.HEADER))], check=True)
        told = subprocess.run(
            [sys.executable, "-m", "bench.lists_service", "--serve", source, "--folder", folder],
            check=True,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
        ).stdout
        found = msgspec.json.decode(told)
        beside = clean(source, folder)
        print(
            f"{found['rows']:,} rows, {source.stat().st_size / 1e6:.0f} MB; in the folder {found['disk'] / 1e6:.0f} MB"
        )
    steps = found["steps"]
    whole = sum(steps.values())
    print("  ".join(f"{name} {seconds:.2f} s" for name, seconds in steps.items()), f" together {whole:.2f} s")
    print(f"verifier clean {beside:.2f} s")
    print(f"peaks: service {found['peaks']['service']:.0f} MB, worker {found['peaks']['worker']:.0f} MB")
    print("the loop came late by (ms):", found["late_ms"])
    print("200 rows alone (s):", _seconds(found["alone_s"]), " beside the large list:", _seconds(found["beside_s"]))
    memory = sum(found["peaks"].values())
    claims = [
        (f"within {MOST_TIMES_CLEAN:.0f} x clean ({whole / beside:.2f})", whole <= MOST_TIMES_CLEAN * beside),
        (f"both processes below {MOST_MEGABYTES:.0f} MB ({memory:.0f})", memory < MOST_MEGABYTES),
    ]
    for claim, holds in claims:
        print(f"{'met' if holds else 'MISSED':6} {claim}")
    return 0 if all(holds for _, holds in claims) else 1


def _seconds(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


if __name__ == "__main__":
    sys.exit(main())
