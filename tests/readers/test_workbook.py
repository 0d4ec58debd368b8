"""XLSX: cells as the text that a person sees, whatever their type."""

import gzip
import zipfile
from datetime import date, time, timedelta
from pathlib import Path

import pytest
import xlsxwriter

from verifier.core.faults import InputError
from verifier.core.table import TableKind
from verifier.readers.padded_numbers import padded, padded_cells
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


def test_sheets_with_addresses_that_are_not_read_are_named(tmp_path: Path) -> None:
    """The sheet that is read, and those that nobody would miss: visible ones with addresses, and no other."""
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name in ("Notes", "Clients", "Prospects é", "Hidden", "Empty", "Sums"):
            sheet = book.add_worksheet(name)
            if name not in ("Notes", "Sums", "Empty"):
                sheet.write_column(0, 0, ["email", f"{name[:5]}@x.test"])
            elif name != "Empty":
                sheet.write_column(0, 0, ["total", 12])
            if name == "Hidden":
                sheet.hide()
    with open_table(path) as table:
        assert (table.layout.sheet, table.layout.other_sheets) == ("Clients", ("Prospects é",))


def test_numbers_that_are_shown_with_leading_zeros_keep_them(tmp_path: Path) -> None:
    """A postal code or a telephone number that Excel keeps as a number and shows padded is read as it is shown; other
    formats change nothing, and neither do fractions, dates or text in a padded column.
    """
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        code, phone, money, day = (
            book.add_format({"num_format": text})
            for text in ("00000", '0#" "##" "##" "##" "##', "#,##0.00", "dd/mm/yyyy")
        )
        sheet = book.add_worksheet("L'été & co")
        sheet.write_row(1, 1, ["email", "code", "phone", "money", "day", "plain"])
        sheet.write_string(2, 1, "a@x.test")
        sheet.write_number(2, 2, 1000, code)
        sheet.write_number(2, 3, 612345678, phone)
        sheet.write_number(2, 4, 7, money)
        sheet.write_number(2, 5, 45351, day)
        sheet.write_number(2, 6, 1000)
        sheet.write_string(4, 1, "b@x.test")
        sheet.write_number(4, 2, 123456, code)
        sheet.write_number(4, 3, 33612345678, phone)
        sheet.write_string(5, 1, "c@x.test")
        sheet.write_number(5, 2, 10.5, code)
        sheet.write_string(5, 3, "none", phone)
    with open_table(path) as table:
        rows = [row for chunk in table.chunks(9) for row in chunk]
    assert rows[0] == ["a@x.test", "01000", "06 12 34 56 78", "7", "2024-02-29", "1000"]
    assert [row[1:3] for row in rows[2:]] == [["123456", "336 12 34 56 78"], ["10.5", "none"]]


@pytest.mark.parametrize(
    ("number", "code", "shown"),
    [
        (0, "00", "00"),
        (7, "0#-#0", "0-7"),
        (75001, '"F-"00000', "F-75001"),
        (5, "(00) 0", "(00) 5"),
        (75, r"000\ 00", "000 75"),
    ],
)
def test_digits_stand_in_the_places_of_their_format(number: float, code: str, shown: str) -> None:
    """From the right; zeros where the format has a 0, nothing where it has #."""
    assert padded(number, code) == shown


def test_a_workbook_that_says_its_formats_in_another_way_is_read_without_them(tmp_path: Path) -> None:
    """Nothing is padded, and nothing fails."""
    path = tmp_path / "list.xlsx"
    for parts in ({}, {"xl/styles.xml": "<broken"}, {"xl/styles.xml": "<styleSheet/>"}):
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in parts.items():
                archive.writestr(name, text)
        assert list(padded_cells(str(path), "Sheet1")) == []


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
