"""`python -m verifier.readers.sheet_rows WORKBOOK CSV BYTES`: a sheet's cells as CSV, in at most so much memory.

Imports nothing of the project's that is heavy: it is started for every workbook. Exit 65 with the end of a sentence on
stdout where the workbook cannot be read.
"""

import csv
import sys
from datetime import date, datetime, time, timedelta

import python_calamine

_BAD_INPUT = 65
_EXACT = 1e15


def main(workbook: str, target: str, memory: int) -> int:
    """Writes the first visible sheet that has cells."""
    _limit(memory)
    try:
        book = python_calamine.CalamineWorkbook.from_path(workbook)
        visible = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.visible == python_calamine.SheetVisibleEnum.Visible
            and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
        for name in visible:
            sheet = book.get_sheet_by_name(name)
            if sheet.start is not None:
                _write(sheet, target)
                return 0
    except python_calamine.PasswordError:
        print("is protected by a password.")
        return _BAD_INPUT
    except (python_calamine.CalamineError, OSError, ValueError):
        print("is a damaged XLSX workbook.")
        return _BAD_INPUT
    print("is an empty workbook.")
    return _BAD_INPUT


def _limit(memory: int) -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _write(sheet: python_calamine.CalamineSheet, target: str) -> None:
    assert sheet.start is not None
    first_row, _ = sheet.start
    with open(target, "w", newline="", encoding="utf-8") as file:  # noqa: PTH123 no pathlib to load
        writer = csv.writer(file)
        for number, cells in enumerate(sheet.iter_rows()):
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
