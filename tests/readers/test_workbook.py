"""XLSX: cells as the text that a person sees, whatever their type."""

import gzip
from datetime import date, time, timedelta
from pathlib import Path

import pytest
import xlsxwriter

from verifier.core.faults import InputError
from verifier.core.table import TableKind
from verifier.readers.preview import preview
from verifier.readers.sheet_rows import shown
from verifier.readers.tables import open_table


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    """A hidden and an empty sheet, then one whose table begins at B3."""
    path = tmp_path / "list.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("Empty").activate()
    book.add_worksheet("Hidden").write_row(0, 0, ["email", "wrong@x.test"])
    book.get_worksheet_by_name("Hidden").hide()
    sheet = book.add_worksheet("List")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    sheet.write_row(2, 1, ["email", "number", "joined", "seen", "formula", "member"])
    sheet.write_row(3, 1, ["a@x.test", 33612345678])
    sheet.write_number(3, 3, 45351, day)
    sheet.write_number(3, 4, 45351 + (13 * 60 + 5) / 1440, moment)
    sheet.write_formula(3, 5, "=1+1", None, 2)
    sheet.write_boolean(3, 6, True)
    sheet.write_row(5, 1, ["b@x.test,\nü", 0.1])
    book.close()
    return path


ROWS = [
    ["a@x.test", "33612345678", "2024-02-29", "2024-02-29 13:05:00", "2", "TRUE"],
    ["", "", "", "", "", ""],
    ["b@x.test,\nü", "0.1", "", "", "", ""],
]


def test_cells_are_shown_as_text(workbook: Path) -> None:
    """The first visible sheet with cells; empty rows in it stay rows."""
    with open_table(workbook) as table:
        layout = table.layout
        assert (layout.kind, layout.rows, layout.width, layout.email_columns) == (TableKind.XLSX, 3, 6, (0,))
        assert [row for chunk in table.chunks(2) for row in chunk] == ROWS
        spool = table._source.path
    assert False is spool.exists()


def test_a_list_behind_notes_is_found(tmp_path: Path) -> None:
    """Where the first sheets hold no address the first that has some is read; where none has, the first with cells."""
    for names, read in ((["Notes", "People", "Others"], "People"), (["Notes", "Sums"], "Notes")):
        path = tmp_path / "list.xlsx"
        with xlsxwriter.Workbook(path) as book:
            for name in names:
                sheet = book.add_worksheet(name)
                sheet.write_column(0, 0, ["email", name, "write to the team @ work"])
                if name in ("People", "Others"):
                    sheet.write(3, 0, f"{name}@x.test")
        with open_table(path, ("1",)) as table:
            assert next(row for chunk in table.chunks(9) for row in chunk) == [read]


def test_a_packed_workbook_and_its_preview(workbook: Path, tmp_path: Path) -> None:
    """`.xlsx.gz` is a workbook too."""
    packed = tmp_path / "list.xlsx.gz"
    packed.write_bytes(gzip.compress(workbook.read_bytes()))
    assert tuple(map(tuple, ROWS)) == preview(packed).rows


def test_memory_is_limited(workbook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook that needs more memory than allowed is bad input, not a crash."""
    book = xlsxwriter.Workbook(workbook, {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["email"])
    for row in range(1, 20_000):
        sheet.write_row(row, 0, [f"user{row}@x.test", "x" * 1000 + str(row)])
    book.close()
    monkeypatch.setattr("verifier.readers.workbook.MOST_MEMORY", 32 << 20)
    with pytest.raises(InputError, match="too big a workbook"):
        open_table(workbook)


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    """A workbook without cells is empty, in one sentence."""
    path = tmp_path / "list.xlsx"
    xlsxwriter.Workbook(path).close()
    with pytest.raises(InputError, match=r"list\.xlsx is an empty workbook"):
        open_table(path)


SHOWN = [
    (12.0, "12"),
    (-0.5, "-0.5"),
    (1.5e30, "1.5e+30"),
    (True, "TRUE"),
    (date(2024, 1, 2), "2024-01-02"),
    (time(3, 4), "03:04:00"),
    (timedelta(hours=30, minutes=5), "30:05:00"),
    ("", ""),
]


@pytest.mark.parametrize(("cell", "expected"), SHOWN)
def test_values_as_text(cell: object, expected: str) -> None:
    """Whole numbers have no point, times are ISO 8601."""
    assert expected == shown(cell)
