"""`python -m verifier.readers.sheet_rows WORKBOOK CSV BYTES`: a sheet's cells as CSV, in at most so much memory.

Imports nothing that is heavy: it is started for every workbook. Exit 65 with the end of a sentence on
stdout where the workbook cannot be read.
"""

import csv
import json
import re
import sys
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from itertools import islice

import python_calamine

from verifier.readers.padded_numbers import Padded, padded, padded_cells

_BAD_INPUT = 65
_EXACT = 1e15
_LOOKED_AT = 1000
_VISIBLE, _WORK_SHEET = python_calamine.SheetVisibleEnum.Visible, python_calamine.SheetTypeEnum.WorkSheet
_ADDRESS = re.compile(r"\s*[^@\s]+@[^@\s]+\s*").fullmatch


def main(workbook: str, target: str, memory: int) -> int:
    """Writes the first visible sheet with an address near its top, else the first that has cells."""
    _limit(memory)
    try:
        book = python_calamine.CalamineWorkbook.from_path(workbook)
        sheet = _list_of(book)
        if sheet is not None:
            _write(sheet, target, padded_cells(workbook, sheet.name))
            print(json.dumps([sheet.name, *_others(book, sheet.name)]))
            return 0
    except python_calamine.PasswordError:
        print("is protected by a password: save it without one, or as CSV.")
        return _BAD_INPUT
    except (python_calamine.CalamineError, OSError, ValueError):
        print("is a damaged XLSX workbook: save it again, or as CSV.")
        return _BAD_INPUT
    print("is an empty workbook.")
    return _BAD_INPUT


def _list_of(book: python_calamine.CalamineWorkbook) -> python_calamine.CalamineSheet | None:
    """The sheet to be read: a list may come behind notes or a summary."""
    filled = None
    for name in _visible(book):
        sheet = book.get_sheet_by_name(name)
        if sheet.start is None:
            continue
        if _has_addresses(sheet):
            return sheet
        filled = filled or name
        del sheet  # before the next one is parsed
    return None if filled is None else book.get_sheet_by_name(filled)


def _others(book: python_calamine.CalamineWorkbook, read: str) -> list[str]:
    """The other sheets with addresses: nobody would miss them who does not know that they are not read."""
    found = []
    for name in _visible(book):
        if name != read:
            with suppress(python_calamine.CalamineError):
                sheet = book.get_sheet_by_name(name)
                if sheet.start is not None and _has_addresses(sheet):
                    found.append(name)
                del sheet
    return found


def _visible(book: python_calamine.CalamineWorkbook) -> list[str]:
    return [known.name for known in book.sheets_metadata if (known.visible, known.typ) == (_VISIBLE, _WORK_SHEET)]


def _has_addresses(sheet: python_calamine.CalamineSheet) -> bool:
    """Near its top."""
    return any(type(cell) is str and _ADDRESS(cell) for row in islice(sheet.iter_rows(), _LOOKED_AT) for cell in row)


def _limit(memory: int) -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _write(sheet: python_calamine.CalamineSheet, target: str, padding: Padded) -> None:
    assert sheet.start is not None
    first_row, first_column = sheet.start
    coming = next(padding, None)
    with open(target, "w", newline="", encoding="utf-8") as file:  # noqa: PTH123 no pathlib to load
        writer = csv.writer(file)
        for number, cells in enumerate(sheet.iter_rows()):
            while coming is not None and coming[0] <= number:
                row, column, code = coming[0], coming[1] - first_column, coming[2]
                if row == number and 0 <= column < len(cells):
                    cell = cells[column]
                    if type(cell) is float and 0 <= cell < _EXACT and cell.is_integer():
                        cells[column] = padded(cell, code)
                coming = next(padding, None)
            if number >= first_row:
                writer.writerow([cell if type(cell) is str else shown(cell) for cell in cells])


def shown(cell: object) -> str:
    """A cell's value as text: whole numbers without a point, dates and times as ISO 8601, TRUE and FALSE."""
    match cell:
        case bool():
            return "TRUE" if cell else "FALSE"
        case float() if cell.is_integer() and abs(cell) < _EXACT:
            return str(int(cell))
        case datetime():
            return cell.isoformat(" ")
        case date() | time():
            return cell.isoformat()
        case timedelta():
            seconds = round(cell.total_seconds())
            return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        case _:
            return str(cell)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
