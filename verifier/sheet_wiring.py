"""open_sheet_work(data_dir): what work on the rows of lists is made of; the worker process needs this and no more."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from verifier.adapters.data_files import assemble_names, load_reference_data
from verifier.adapters.duplicates import DuplicateIndex
from verifier.adapters.list_folder import ListFolder, known_suffix
from verifier.adapters.list_journals import ListJournals
from verifier.adapters.sqlite_sheet import SqliteSheet
from verifier.adapters.system_clock import SystemClock
from verifier.core.keys import subkey
from verifier.core.table import Layout, TableKind
from verifier.list_ports import Sheets, SheetViews
from verifier.ports import Clock, Journal, ListReader, ListWriter
from verifier.readers.tables import open_table
from verifier.service.judging import Judging
from verifier.service.list_sheets import ListSheets
from verifier.service.list_views import ListViews
from verifier.writers.columns import cells_of
from verifier.writers.open_writer import open_writer
from verifier.writers.preset_writer import preset_rows
from verifier.writers.xlsx_writer import LONGEST_CELL

FOLDER = "list-jobs"
"""Of a data folder: the uploads, rows and journals of its lists."""
_SHEET = "rows.sqlite"


class SheetWork(Struct, frozen=True):
    """The work on rows, both kinds."""

    sheets: Sheets
    views: SheetViews


class ListFiles:
    """The files of lists as the work on rows wants them: SheetFolder and Forms of the services."""

    def __init__(self, folder: ListFolder, clock: Clock) -> None:
        self._folder = folder
        self._journals = ListJournals(folder, clock)
        self.piece = folder.piece
        self.discard = folder.discard
        self.preset = preset_rows
        self.longest_cell = LONGEST_CELL

    def sheet(self, list_id: str, *, anew: bool = False) -> SqliteSheet:
        return SqliteSheet(self._folder.path(list_id) / _SHEET, anew=anew)

    def upload(self, list_id: str, suffix: str, name: str, columns: Sequence[str]) -> ListReader:
        return open_table(self._folder.upload_path(list_id, known_suffix(suffix)), columns, name=name)

    def journal(self, list_id: str) -> AbstractAsyncContextManager[Journal | None]:
        return self._journals.reading(list_id)

    def stream(self, target: BinaryIO, layout: Layout, kind: TableKind) -> ListWriter:
        return open_writer("-", layout, kind, stdout=target)

    @contextmanager
    def workbook(self, list_id: str, layout: Layout, name: str) -> Iterator[ListWriter]:
        with self._folder.workbook(list_id, name) as file:
            writer = open_writer("-", layout, TableKind.XLSX, stdout=file)
            try:
                yield writer
            finally:
                writer.abort()


def open_sheet_work(data_dir: Path, secret: bytes) -> SheetWork:
    """The work on rows in this very process."""
    clock = SystemClock()
    reference = load_reference_data(data_dir)
    names = assemble_names(reference)
    judging = Judging(names, reference.risks, clock, subkey(secret, "mailbox"))
    files = ListFiles(ListFolder(data_dir / FOLDER), clock)
    return SheetWork(ListSheets(files, judging, names, DuplicateIndex), ListViews(files, judging, cells_of, files))
