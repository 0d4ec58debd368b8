"""A process that serves lists without HTTP: hands in a file, sees it through to its end, writes the cleaned file.

    python -m tests.support.list_driver FILE OUT [--stages …] [--max-wait SECONDS] [--format csv|xlsx|jsonl]

The upload carries an idempotency key made of the file's name, so that a second process takes up what a first one,
killed at whatever moment, had begun. On stdout: every event as a line of JSON. Hosts that never answer are given up as
early as by `tests.support.hasty`.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from tests.support.hasty import hurry
from verifier.adapters.folder_lock import FolderLock
from verifier.adapters.system_clock import SystemClock
from verifier.config import Settings, load_settings
from verifier.core.list_jobs import ListOptions
from verifier.core.list_orders import Order
from verifier.core.reasons import ALL_STAGES, StageName
from verifier.core.table import TableKind
from verifier.list_wiring import open_lists
from verifier.wiring import open_verifier


async def pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1 << 16):
            yield piece


async def drive(settings: Settings, given: argparse.Namespace) -> None:
    stages = tuple(map(StageName, given.stages.split(","))) if given.stages else ALL_STAGES
    options = ListOptions(stages=stages, max_wait=timedelta(seconds=given.max_wait), start=True)
    order = Order("w", "key-1", given.file.name, options, given.file.name)
    async with (
        open_verifier(settings, warn=say, report_fault=fault) as verifier,
        open_lists(verifier, report_fault=fault, warn=say) as service,
    ):
        job, again = await service.lists.upload(order, pieces(given.file))
        tell({"id": job.id, "again": again, "status": job.state})
        async for event in service.lists.events(job.id, job.revision):
            tell({"event": event.number, **event.data})
        job = await service.lists.get("w", job.id)
        download = await service.reading.download(job, TableKind(given.format) if given.format else None)
        with given.out.open("wb") as file:
            async for chunk in download.chunks:
                file.write(chunk)
        tell({"done": True, "status": job.state, "counts": job.counts.record()})


def tell(message: dict[str, Any]) -> None:
    print(msgspec.json.encode(message).decode(), flush=True)


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def fault(error: BaseException) -> None:
    raise error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--stages", default="")
    parser.add_argument("--max-wait", type=float, default=60.0)
    parser.add_argument("--format", default="")
    given = parser.parse_args()
    hurry()
    settings = load_settings(os.environ, None)
    lock = FolderLock.acquire(settings.data_dir, "list driver", SystemClock())
    try:
        asyncio.run(drive(settings, given))
    finally:
        lock.release()


if __name__ == "__main__":
    main()
