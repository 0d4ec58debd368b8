"""XLSX: one sheet, every cell text, row after row in constant memory.

Law: what a sheet cannot hold is refused before any work is done, with the advice to use CSV.
"""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from verifier.core.faults import OperatorError
from verifier.core.table import MOST_COLUMNS, Layout
from verifier.writers.placing import placement
from verifier.writers.target import Target

MOST_ROWS = 1_048_576
LONGEST_CELL = 32_767
_BLOCK = 1 << 20
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
_OPTIONS = {
    "constant_memory": True,
    "strings_to_urls": False,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
}


class XlsxWriter:
    """Writes to a target; two runs over the same rows give the same bytes."""

    def __init__(self, target: Target, layout: Layout) -> None:
        self._target = target
        self._placed = placement(layout)
        self._folder = tempfile.TemporaryDirectory(prefix="verifier-xlsx-")
        self._path = Path(self._folder.name) / "list.xlsx"
        self._book = xlsxwriter.Workbook(self._path, {**_OPTIONS, "tmpdir": self._folder.name})
        self._book.set_properties({"created": _ALWAYS})
        self._sheet = self._book.add_worksheet("List")
        self._next = 0
        self._open = True
        self._write([layout.output_header])

    def write_rows(self, rows: Sequence[Sequence[str]], ours: Sequence[Sequence[str]]) -> None:
        """Adds rows with our cells; raises OperatorError for a cell of more than LONGEST_CELL characters."""
        self._write(self._placed(rows, ours))

    def commit(self) -> None:
        """Makes the output appear."""
        if self._open:
            self._open = False
            with self._folder:
                self._close_book()
                with self._path.open("rb") as book:
                    while block := book.read(_BLOCK):
                        self._target.write(block)
        self._target.commit()

    def abort(self) -> None:
        """Leaves nothing behind."""
        if self._open:
            self._open = False
            self._book.fileclosed = True
            self._sheet.row_data_fh.close()
            self._folder.cleanup()
        self._target.abort()

    def _close_book(self) -> None:
        try:
            self._book.close()
        except FileCreateError as error:
            raise OperatorError(f"The workbook cannot be made in {self._folder.name}: {error}.") from None

    def _write(self, rows: Sequence[Sequence[str]]) -> None:
        write = self._sheet.write_string
        for row in rows:
            for column, cell in enumerate(row):
                if cell and write(self._next, column, cell) < 0:
                    raise OperatorError(
                        f"A cell of row {self._next} has {len(cell):,} characters, a sheet's at most {LONGEST_CELL:,}: "
                        "use --format csv."
                    )
            self._next += 1


def refuse_what_no_sheet_holds(layout: Layout) -> None:
    """Raises OperatorError where the list has more rows or columns than a sheet."""
    if layout.rows + 1 > MOST_ROWS:
        raise OperatorError(
            f"The list has {layout.rows:,} rows and a heading, a sheet holds {MOST_ROWS:,} lines: use --format csv."
        )
    if len(layout.output_header) > MOST_COLUMNS:
        raise OperatorError(
            f"The list would have {len(layout.output_header):,} columns, a sheet holds {MOST_COLUMNS:,}: "
            "use --format csv."
        )
