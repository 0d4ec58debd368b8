"""XLSX: one sheet, every cell text, row after row, sent on as it is written.

Law: what a sheet cannot hold is refused, with the advice to use CSV. Two runs over the same rows give the same bytes.

xlsxwriter makes the workbook, but an empty one: it writes a cell at a time, and nothing before the last row is known.
The rows are written into its sheet as ECMA-376 has them (Part 1, §18.3.1.4, inline strings), the zip as a stream, with
sizes behind its members.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from xml.sax.saxutils import escape

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from verifier.core.faults import OperatorError
from verifier.core.table import MOST_COLUMNS, Layout
from verifier.writers.placing import placement
from verifier.writers.target import Target

MOST_ROWS = 1_048_576
LONGEST_CELL = 32_767
_MOST_BYTES = (1 << 31) - 1
"""Of the sheet unpacked: beyond, the zip would need its 64-bit form, which Excel does not read from a stream."""
_LEVEL = 3
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
_SHEET = "xl/worksheets/sheet1.xml"
_NO_ROWS = b"<sheetData/>"
_DIMENSION = re.compile(rb"<dimension [^>]*/>")
_BETWEEN = "|"
_not_plain = re.compile(r"[&<>\x00-\x1f\ud800-\udfff\ufffe\uffff]|_x[0-9A-Fa-f]{4}_|^ | $|\| | \|").search
_LIKE_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")


class XlsxWriter:
    """Writes to a target."""

    def __init__(self, target: Target, layout: Layout) -> None:
        self._target = target
        self._placed = placement(layout)
        self._sink = _Sink(target)
        parts = dict(_empty_workbook())
        self._beginning, _, self._end = _DIMENSION.sub(b"", parts.pop(_SHEET)).partition(_NO_ROWS)
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        for name, content in parts.items():
            self._zip.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, _LEVEL)
        self._sheet = self._zip.open(_SHEET, "w")
        self._open = True
        self._next = 1
        self._size = 0
        self._starts = [f'<c r="{xl_col_to_name(column)}' for column in range(len(layout.output_header))]
        self._put(self._beginning + b"<sheetData>")
        self._write([layout.output_header])

    def write_rows(self, rows: Sequence[Sequence[str]], ours: Sequence[Sequence[str]]) -> None:
        """Adds rows with our cells; raises OperatorError for a cell of more than LONGEST_CELL characters."""
        self._write(self._placed(rows, ours))

    def commit(self) -> None:
        """Makes the output appear."""
        if self._open:
            self._open = False
            self._put(b"</sheetData>" + self._end)
            self._close()
        self._target.commit()

    def abort(self) -> None:
        """Leaves nothing behind."""
        if self._open:
            self._open = False
            self._sink.swallows = True
            self._close()
        self._target.abort()

    def _close(self) -> None:
        self._sheet.close()
        self._zip.close()

    def _write(self, rows: Sequence[Sequence[str]]) -> None:
        self._put("".join(map(self._row, rows)).encode("utf-8", "replace"))

    def _row(self, cells: Sequence[str]) -> str:
        number, starts = self._next, self._starts
        self._next += 1
        longest = max(map(len, cells))
        if longest > LONGEST_CELL:
            raise OperatorError(
                f"A cell of row {number - 1} has {longest:,} characters, a sheet's at most {LONGEST_CELL:,}: "
                "use --format csv."
            )
        opened = f'{number}" t="inlineStr"><is><t>'
        if _not_plain(_BETWEEN.join(cells)):
            opened = f'{number}" t="inlineStr"><is><t xml:space="preserve">'
            cells = [_text(cell) for cell in cells]
        written = [f"{start}{opened}{cell}</t></is></c>" for start, cell in zip(starts, cells, strict=True) if cell]
        return f'<row r="{number}">{"".join(written)}</row>'

    def _put(self, content: bytes) -> None:
        self._size += len(content)
        if self._size > _MOST_BYTES:
            raise OperatorError("The sheet would be larger than 2 GB: use --format csv.")
        self._sheet.write(content)


class _Sink:
    """The target as zipfile writes to it: forward only."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.swallows = False
        """Whatever comes now is of no use any more, or is what zipfile still writes after a fault."""

    def write(self, content: bytes) -> int:
        if not self.swallows:
            self.swallows = True
            self._target.write(content)
            self.swallows = False
        return len(content)

    def flush(self) -> None:
        """The target's own affair."""

    def close(self) -> None:
        """The same."""


@cache
def _empty_workbook() -> tuple[tuple[str, bytes], ...]:
    """The parts of a workbook whose sheet has no rows."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        book.set_properties({"created": _ALWAYS})
        book.add_worksheet("List")
    with zipfile.ZipFile(content) as parts:
        return tuple((name, parts.read(name)) for name in parts.namelist())


def _text(cell: str) -> str:
    """As XML; what XML has no way to write, and what looks like that, as ST_Xstring has it (ECMA-376 §22.9.2.19)."""
    escaped = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", _LIKE_ESCAPED.sub("_x005F_", cell))
    return escape(escaped)


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
