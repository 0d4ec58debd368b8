"""Downloads of lists: the contract of cleaned files holds for them, byte for byte what `clean` writes."""

import asyncio
import gzip
import io
import re
from pathlib import Path

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from tests.support.list_service import OFFLINE, desk
from verifier.config import load_settings
from verifier.core.faults import OperatorError
from verifier.core.reasons import Reason
from verifier.core.row_filter import parse_filter
from verifier.core.table import TableKind
from verifier.edges.cli.clean_command import clean_list
from verifier.edges.cli.list_run import Wish

SEMICOLONS = 'id;Mail;ev_verdict;note\r\n1;Ann@Gmail.com;old;"a;b"\r\n2;info@shop.example\r\n3;ann@gmail.com;;=1\r\n'
LISTS = {
    "earlier verdicts, ragged rows": ("list.csv", SEMICOLONS.encode()),
    "one a line": ("list.txt", b"ann@gmail.com\nno address\n\nme@mailinator.com\n"),
    "tabs, Windows-1252": ("list.tsv", "name\temail\nJos\xe9\tjose@shop.example\n".encode("cp1252")),
    "Excel's sep= line and BOM": ("list.csv", b"\xef\xbb\xbfsep=;\r\na;email\r\n1;bob@gmial.com\r\n"),
    "UTF-16": ("list.csv", "a,email\n\u00e9,bob@gmail.com\n".encode("utf-16")),
    "a quote that never closes": ("list.csv", b'a,email\n"open,bob@gmail.com\n2,ann@gmail.com\n'),
    "line ends in cells": ("list.csv", b'a,email\n"x\ny",bob@gmail.com\n2,ann@gmail.com\n'),
    "JSON lines of all kinds": (
        "list.jsonl",
        b'{"email":"ann@gmail.com","n":1.50}\n"bob@gmail.com"\nbroken\n{"email":null,"x":{"y":[]}}\n',
    ),
    "gzipped": ("list.csv.gz", gzip.compress(b"email,n\nann@gmail.com,1\n")),
    "two blocks": (
        "list.csv",
        b"email,n\n" + b"".join(b"user%d@shop.example,%d\n" % (n % 700, n) for n in range(1300)),
    ),
}


FORMS = (None, TableKind.CSV, TableKind.JSONL)


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, TableKind | None], bytes]:
    """Every list in every form, as one service gives them out."""

    async def downloaded() -> dict[tuple[str, TableKind | None], bytes]:
        async with desk(tmp_path_factory.mktemp("service")) as shop:
            done = {case: await shop.cleaned(content, name) for case, (name, content) in LISTS.items()}
            return {(case, form): await shop.text(job, form) for case, job in done.items() for form in FORMS}

    return asyncio.run(downloaded())


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("case", LISTS)
def test_a_download_is_what_clean_writes(
    tmp_path: Path, downloads: dict[tuple[str, TableKind | None], bytes], case: str, form: TableKind | None
) -> None:
    """Times aside, in every form."""
    name, content = LISTS[case]
    assert _timeless(_cleaned(tmp_path, content, name, form)) == _timeless(downloads[case, form])


def test_a_workbook_comes_back_as_one(tmp_path: Path) -> None:
    """In and out: every row with its cells and ours."""
    book = io.BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate([["Mail", "n"], ["ann@gmail.com", 1.5], ["", ""], ["bob@gmial.com", "=x"]]):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell) if isinstance(cell, str) else sheet.write(number, column, cell)
    content = book.getvalue()
    downloaded = asyncio.run(_downloaded(tmp_path / "service", content, "list.xlsx"))
    rows, expected = _sheet(downloaded), _sheet(_cleaned(tmp_path, content, "list.xlsx", None))
    assert [row[:-1] for row in expected] == [row[:-1] for row in rows]
    assert len(rows) == 4


def test_a_cell_that_no_sheet_holds_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    """Wherever in the list it is; and whoever leaves it out by a filter gets the rest."""
    rows = b"".join(b"u%d@shop.example,x\n" % n for n in range(9000))
    content = b"email,note\n" + rows + b"x@mailinator.com," + b"y" * 33_000 + b"\n"

    async def downloaded() -> bytes:
        async with desk(tmp_path / "data") as shop:
            done = await shop.cleaned(content)
            chunks = (await shop.reading.download(done, TableKind.XLSX)).chunks
            with pytest.raises(OperatorError, match=r"A cell of row 9,?001 has 33,000 characters"):
                await anext(chunks)
            return await shop.text(done, TableKind.XLSX, parse_filter(reason=[Reason.NOT_PROBED]))

    assert len(_sheet(asyncio.run(downloaded()))) == 9001


def test_only_what_is_wanted_is_downloaded(tmp_path: Path) -> None:
    """A filter leaves rows out and nothing else, over all blocks; a first block without any has the heading still."""
    content = b"email\n" + b"x@mailinator.com\n" * 600 + b"".join(b"u%d@shop.example\n" % n for n in range(600))

    async def kept() -> tuple[bytes, bytes]:
        async with desk(tmp_path / "data") as shop:
            done = await shop.cleaned(content)
            some = parse_filter(reason=[Reason.NOT_PROBED])
            return await shop.text(done), await shop.text(done, filter_=some)

    everything, some = asyncio.run(kept())
    lines = everything.splitlines(keepends=True)
    assert b"".join([lines[0], *lines[601:]]) == some


async def _downloaded(data_dir: Path, content: bytes, name: str) -> bytes:
    async with desk(data_dir) as shop:
        return await shop.text(await shop.cleaned(content, name))


def _cleaned(folder: Path, content: bytes, name: str, form: TableKind | None) -> bytes:
    source, output = folder / name, folder / f"cleaned.{name.removesuffix('.gz')}"
    source.write_bytes(content)
    settings = load_settings({}, None, {"data_dir": str(folder / "command")})
    clean_list(settings, Wish(str(source), str(output), kind=form, stages=OFFLINE))
    return output.read_bytes()


def _timeless(content: bytes) -> bytes:
    return re.sub(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"", content)


def _sheet(content: bytes) -> list[list[object]]:
    return [list(row) for row in CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()]
