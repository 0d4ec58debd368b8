"""open_lists(verifier): where the service of lists meets its adapters."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from msgspec import Struct

from verifier.adapters.list_folder import ListFolder
from verifier.adapters.list_journals import ListJournals
from verifier.adapters.sheet_worker import SheetWorker
from verifier.adapters.sqlite_jobs import SqliteJobs
from verifier.config import Settings
from verifier.core.address import Address
from verifier.core.faults import ConfigError
from verifier.list_ports import WebhookPoster
from verifier.service.list_book import ListBook
from verifier.service.list_look import ListLook
from verifier.service.list_looking import ListLooking
from verifier.service.list_quotas import ListQuotas
from verifier.service.list_reading import ListReading
from verifier.service.list_runner import ListRunner
from verifier.service.list_telling import ListTelling
from verifier.service.list_work import Equipment
from verifier.service.lists import Keep, Lists
from verifier.service.webhook_delivery import WebhookDelivery
from verifier.sheet_wiring import FOLDER, SheetWork
from verifier.wiring import Verifier

JOBS_FILE = "jobs.sqlite"


class ListService(Struct, frozen=True):
    """What an edge works with: the verbs, the reading of rows, and who is told."""

    lists: Lists
    reading: ListReading
    telling: ListTelling


@asynccontextmanager
async def open_lists(
    verifier: Verifier,
    *,
    report_fault: Callable[[BaseException], None],
    warn: Callable[[str], None],
    poster: WebhookPoster | None = None,
    work: SheetWork | None = None,
    at_work: bool = True,
    quotas: ListQuotas | None = None,
) -> AsyncIterator[ListService]:
    """The lists of a data folder, whose lock the verifier holds; with `at_work` False nothing goes on by itself.

    `work` None: the work on rows is done by a process of its own. Messages are delivered where there is a `poster`.
    Keys have quotas where `quotas` knows them.
    What the verifier forgets from now on is erased from lists too.
    """
    clock, settings = verifier.clock, verifier.settings
    folder = ListFolder(settings.data_dir / FOLDER)
    worker = SheetWorker(settings.data_dir, verifier.secret, folder.spool)
    work = work or SheetWork(worker, worker)
    journals = ListJournals(folder, clock)
    store = SqliteJobs(_jobs_file(settings))
    delivery = WebhookDelivery(store, poster, verifier.secret, clock, warn) if poster is not None else None
    book = ListBook(store, store, clock, delivery.wake if delivery is not None else _nothing)
    equip = partial(
        Equipment,
        book,
        folder,
        journals,
        work.sheets,
        verifier.verification,
        verifier.store,
        verifier.egress,
        verifier.reference.providers,
        settings.smtp_probe_outlook_consumer,
        clock,
        quotas=quotas,
    )
    runner = ListRunner(equip, store, report_fault)
    look = ListLook(work.sheets, verifier.domains, verifier.verification, verifier.names, clock)
    looking = ListLooking(book, look, runner.expect, quotas, report_fault)
    lists = Lists(
        Keep(store, folder, journals, work.sheets),
        book,
        runner,
        looking,
        clock=clock,
        most=settings.lists_max_upload,
        poster=poster,
        quotas=quotas,
    )

    async def forget_in_lists(address: Address, key: str) -> None:
        await lists.forget(address, key)

    verifier.forgetting.reach(forget_in_lists)
    delivering = asyncio.create_task(delivery.run()) if delivery is not None and at_work else None
    try:
        if at_work:
            await lists.open()
        wake = delivery.wake if delivery is not None else None
        yield ListService(lists, ListReading(work.views, clock), ListTelling(book, store, clock, verifier.secret, wake))
    finally:
        await lists.close()
        if delivering is not None:
            delivering.cancel()
            await asyncio.wait([delivering])
        await worker.close()
        await store.close()


@asynccontextmanager
async def open_poster(verifier: Verifier) -> AsyncIterator[WebhookPoster]:
    """Delivers webhooks wherever a mailbox might be asked for: the same guard holds."""
    from verifier.adapters.aiohttp_webhooks import AiohttpWebhooks  # costs the worker process what it never needs

    poster = AiohttpWebhooks(verifier.guard.reason, verifier.clock)
    try:
        yield poster
    finally:
        await poster.close()


def _jobs_file(settings: Settings) -> Path:
    """Raises ConfigError for a database that is no SQLite file."""
    url = settings.database_url
    if not url:
        return settings.data_dir / JOBS_FILE
    if not url.startswith("sqlite:///"):
        raise ConfigError(
            "VERIFIER_DATABASE_URL can only be sqlite:///PATH so far: leave it empty for the data folder."
        )
    return Path(url.removeprefix("sqlite:///"))


def _nothing() -> None:
    pass
