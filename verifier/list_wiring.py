"""open_lists(verifier): where the service of lists meets its adapters; and what its worker process is made of."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from verifier.adapters.data_files import load_reference_data
from verifier.adapters.duplicates import DuplicateIndex
from verifier.adapters.list_folder import ListFolder, known_suffix
from verifier.adapters.list_journals import ListJournals
from verifier.adapters.sheet_worker import SheetWorker
from verifier.adapters.sqlite_jobs import SqliteJobs
from verifier.adapters.sqlite_sheet import SqliteSheet
from verifier.adapters.system_clock import SystemClock
from verifier.config import Settings
from verifier.core.address import Address
from verifier.core.faults import ConfigError
from verifier.core.keys import subkey
from verifier.core.table import Layout, TableKind
from verifier.list_ports import Sheets, SheetViews, WebhookPoster
from verifier.ports import Clock, Journal, ListReader, ListWriter
from verifier.readers.tables import open_table
from verifier.service.judging import Judging
from verifier.service.list_book import ListBook
from verifier.service.list_look import ListLook
from verifier.service.list_looking import ListLooking
from verifier.service.list_quotas import ListQuotas
from verifier.service.list_reading import ListReading
from verifier.service.list_runner import ListRunner
from verifier.service.list_sheets import ListSheets
from verifier.service.list_telling import ListTelling
from verifier.service.list_views import ListViews
from verifier.service.list_work import Equipment
from verifier.service.lists import Keep, Lists
from verifier.service.webhook_delivery import WebhookDelivery
from verifier.wiring import Verifier, assemble_names
from verifier.writers.columns import cells_of
from verifier.writers.open_writer import open_writer
from verifier.writers.preset_writer import preset_rows

FOLDER = "list-jobs"
JOBS_FILE = "jobs.sqlite"
_SHEET = "rows.sqlite"
_NAME_LENGTH = 26


class ListService(Struct, frozen=True):
    """What an edge works with: the verbs, the reading of rows, and who is told."""

    lists: Lists
    reading: ListReading
    telling: ListTelling


class SheetWork(Struct, frozen=True):
    """The work on rows, both kinds."""

    sheets: Sheets
    views: SheetViews


class ListFiles:
    """The files of lists as the work on rows wants them: SheetFolder and Forms of the services."""

    def __init__(self, folder: ListFolder, clock: Clock) -> None:
        self._folder = folder
        self._journals = ListJournals(folder, clock)
        self._clock = clock
        self.piece = folder.piece
        self.discard = folder.discard
        self.preset = preset_rows

    def sheet(self, list_id: str, *, anew: bool = False) -> SqliteSheet:
        return SqliteSheet(self._folder.path(list_id) / _SHEET, anew=anew)

    def upload(self, list_id: str, suffix: str, name: str, columns: Sequence[str]) -> ListReader:
        return open_table(self._folder.upload_path(list_id, known_suffix(suffix)), columns, name=name)

    def journal(self, list_id: str) -> AbstractAsyncContextManager[Journal | None]:
        return self._journals.reading(list_id)

    def stream(self, target: BinaryIO, layout: Layout, kind: TableKind) -> ListWriter:
        return open_writer("-", layout, kind, stdout=target)

    def workbook(self, list_id: str, layout: Layout) -> tuple[str, ListWriter]:
        name = f"{self._clock.token(_NAME_LENGTH)}.xlsx"
        return name, open_writer(self._folder.workbook_path(list_id, name), layout, TableKind.XLSX)


def open_sheet_work(data_dir: Path, secret: bytes) -> SheetWork:
    """The work on rows in this very process."""
    clock = SystemClock()
    reference = load_reference_data(data_dir)
    names = assemble_names(reference)
    judging = Judging(names, reference.risks, clock, subkey(secret, "mailbox"))
    files = ListFiles(ListFolder(data_dir / FOLDER), clock)
    return SheetWork(ListSheets(files, judging, names, DuplicateIndex), ListViews(files, judging, cells_of, files))


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
        yield ListService(lists, ListReading(work.views), ListTelling(book, store, clock, verifier.secret, wake))
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
