"""The service of lists over a data folder of its own, without a network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from verifier.config import load_settings
from verifier.core.list_jobs import ListJob, ListOptions
from verifier.core.list_orders import Order
from verifier.core.list_states import AT_REST, ListState
from verifier.core.reasons import StageName
from verifier.core.row_filter import RowFilter
from verifier.core.table import TableKind
from verifier.list_ports import WebhookPoster
from verifier.list_wiring import ListService, open_lists
from verifier.sheet_wiring import open_sheet_work
from verifier.wiring import open_verifier

OFFLINE = (StageName.SYNTAX, StageName.DISPOSABLE)


def order(name: str = "list.csv", key: str = "", workspace: str = "w", **options: Any) -> Order:
    """A list that asks nobody, to be started at once."""
    chosen: dict[str, Any] = {"stages": OFFLINE, "start": True, "max_wait": timedelta(0), **options}
    return Order(workspace, "key 1", name, ListOptions(**chosen), key)


async def pieces(content: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


class Desk:
    """A service with a few shortcuts."""

    def __init__(self, service: ListService) -> None:
        self.lists = service.lists
        self.reading = service.reading
        self.telling = service.telling

    async def done(self, job: ListJob, *, states: frozenset[ListState] = AT_REST) -> ListJob:
        """The list once it rests, or has come to one of `states`."""
        async with asyncio.timeout(60):
            while True:
                job = await self.lists.get(job.workspace, job.id)
                if job.state in states and not (job.state is ListState.READY and job.options.start and job.columns):
                    return job
                await asyncio.sleep(0.02)

    async def cleaned(self, content: bytes, name: str = "list.csv", **options: Any) -> ListJob:
        """A list that was handed in and has come to its end."""
        job, _ = await self.lists.upload(order(name, **options), pieces(content))
        return await self.done(job)

    async def text(
        self, job: ListJob, kind: TableKind | None = None, filter_: RowFilter | None = None, preset: str = ""
    ) -> bytes:
        """A download."""
        return b"".join([chunk async for chunk in (await self.reading.download(job, kind, filter_, preset)).chunks])


@asynccontextmanager
async def desk(
    data_dir: Path,
    poster: WebhookPoster | None = None,
    *,
    apart: bool = False,
    warned: list[str] | None = None,
    **settings: str,
) -> AsyncIterator[Desk]:
    """The service; a fault of ours fails the test, and a warning, where it is not `warned`. `apart`: rows are worked on
    in a process of their own.
    """
    faults: list[BaseException] = []
    overrides = {"data_dir": str(data_dir), "dns_nameservers": "127.0.0.1:1", "smtp_port": "2525", **settings}
    async with (
        open_verifier(load_settings({}, None, overrides), warn=_unexpected, report_fault=faults.append) as verifier,
        open_lists(
            verifier,
            report_fault=faults.append,
            warn=_unexpected if warned is None else warned.append,
            poster=poster,
            work=None if apart else open_sheet_work(data_dir, verifier.secret),
        ) as service,
    ):
        yield Desk(service)
    assert faults == []


def _unexpected(sentence: str) -> None:
    raise AssertionError(sentence)
