"""XLSX workbooks: guarded, turned into CSV by a process of their own, and read as such.

A workbook is a zip of XML, and its parser holds a whole sheet as a dense block: a few kilobytes can ask for terabytes.
So all of it is unpacked once and thrown away, with real sizes and cell positions counted against MOST_UNPACKED and
MOST_CELLS, and the parsing happens in a child process whose address space is limited to MOST_MEMORY.
"""

import re
import subprocess
import sys
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from msgspec import json, structs

from verifier.core.faults import InputError
from verifier.core.table import TableKind
from verifier.readers.delimited import open_delimited
from verifier.readers.list_table import ListTable
from verifier.readers.source import BLOCK, ListSource

MOST_UNPACKED = 2 << 30
MOST_CELLS = 20_000_000
MOST_MEMORY = 4 << 30
_MOST_MEMBERS = 10_000
_POSITION = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")
_OVERLAP = 64
_OTHER_ZIPS = (
    ("Index/", "is a Numbers document: export it as Excel (XLSX) or CSV."),
    ("mimetype", "is an OpenDocument file: save it as XLSX or CSV."),
    ("word/", "is a Word document: copy its table into a spreadsheet, and save that as XLSX or CSV."),
)
"""The parts by which other programs' files are known."""
_AT_A_TIME = threading.BoundedSemaphore(2)
"""Each of them may take MOST_MEMORY."""
_PACKAGE = Path(__file__).parents[2]


def open_workbook(source: ListSource, wanted: Sequence[str] = ()) -> ListTable:
    """The first visible sheet that has addresses, or else cells: dates and figures as text, empty rows and columns
    before it left out.

    Raises InputError with one sentence where it is no workbook, a damaged one, or more than the caps allow.
    """
    spool, sheets = spool_workbook(source)
    try:
        table = open_delimited(spool, wanted, separator=",")
    except InputError:
        spool.close()
        raise
    sheet, *others = sheets
    table.relabel(
        structs.replace(table.layout, kind=TableKind.XLSX, line_ending="\n", sheet=sheet, other_sheets=tuple(others))
    )
    return table


def spool_workbook(source: ListSource) -> tuple[ListSource, list[str]]:
    """The sheet's rows as a CSV file that is gone when the returned source is closed; the sheet's name, and those of
    others with addresses.
    """
    with ExitStack() as opened:
        path = source.path
        if source.gzipped:
            unpacked = opened.enter_context(tempfile.NamedTemporaryFile(prefix="verifier-xlsx-"))
            with source.open() as stream:
                _copy(stream, unpacked, source.name)
            path = Path(unpacked.name)
        check_workbook(path, source.name)
        spool = ListSource.temporary(source.name)
        try:
            sheets = _convert(path, spool.path, source.name)
        except InputError:
            spool.close()
            raise
        return spool, sheets


def check_workbook(path: Path, name: str) -> None:
    """Raises InputError where the zip is damaged, or what is really in it exceeds the caps."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if not any(member.filename.lower().startswith("xl/") for member in members):
                raise InputError(f"{name} {_other_zip([member.filename for member in members])}")
            if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > MOST_UNPACKED:
                raise InputError(_too_big(name))
            unpacked = 0
            for member in members:
                with archive.open(member) as stream:
                    unpacked += _check_member(stream, name, MOST_UNPACKED - unpacked)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        raise InputError(f"{name} is a damaged or encrypted XLSX workbook: save it again, or as CSV.") from None


def _other_zip(members: Sequence[str]) -> str:
    """What a zip file is that is no workbook, and what to do."""
    for known, sentence in _OTHER_ZIPS:
        if any(member.startswith(known) for member in members):
            return sentence
    return "is a zip file but no XLSX workbook: unpack it, and hand in the table that is in it."


def _check_member(stream: IO[bytes], name: str, most: int) -> int:
    """Unpacks one part to count its bytes and the cells that its positions span."""
    size = rows = columns = 0
    rest = b""
    while piece := stream.read(BLOCK):
        size += len(piece)
        positions = set(_POSITION.findall(rest + piece))
        rows = max(rows, max((int(row) for _, row in positions), default=0))
        columns = max(columns, max((_column_number(letters) for letters in {c for c, _ in positions}), default=0))
        rest = piece[-_OVERLAP:]
        if size > most or rows * columns > MOST_CELLS:
            raise InputError(_too_big(name))
    return size


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _too_big(name: str) -> str:
    return f"{name} is too big a workbook (more than {MOST_CELLS // 10**6} million cells): save it as CSV."


def _copy(stream: IO[bytes], target: IO[bytes], name: str) -> None:
    size = 0
    while piece := stream.read(BLOCK):
        size += len(piece)
        if size > MOST_UNPACKED:
            raise InputError(_too_big(name))
        target.write(piece)
    target.flush()


def _convert(path: Path, target: Path, name: str) -> list[str]:
    """Runs `sheet_rows` on the file in a process of its own: the sheet that it wrote, and others with addresses."""
    command = [sys.executable, "-m", "verifier.readers.sheet_rows", str(path.resolve()), str(target), str(MOST_MEMORY)]
    with _AT_A_TIME:
        child = subprocess.run(command, cwd=_PACKAGE, capture_output=True, text=True, check=False)
    if child.returncode == 0:
        return json.decode(child.stdout, type=list[str])
    if child.returncode == InputError.exit_code:
        raise InputError(f"{name} {child.stdout.strip()}")
    if child.returncode < 0 or "MemoryError" in child.stderr:
        raise InputError(_too_big(name))
    raise RuntimeError(f"reading a workbook failed: {child.stderr[-2000:]}")
