"""Separated text: what comes out of open_table is what csv.reader sees, and a broken row costs itself only."""

import csv
import gzip
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.core.table import Layout
from verifier.readers.measure import Measure, measure
from verifier.readers.records import records
from verifier.readers.source import ListSource
from verifier.readers.tables import open_table

ENDINGS = ["\n", "\r\n", "\r"]
SEPARATORS = [",", ";", "\t", "|"]


def opened(path: Path, content: bytes | str, *columns: str) -> tuple[Layout, list[list[str]]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_table(path, columns) as table:
        return table.layout, [row for chunk in table.chunks(3) for row in chunk]


def written(rows: list[list[str]], separator: str, ending: str) -> str:
    """The rows as csv.writer writes them, lone line ends quoted too."""
    quoted = [['"' + c.replace('"', '""') + '"' if set(c) & set(f'{separator}"\r\n') else c for c in r] for r in rows]
    return "".join(separator.join(row) + ending for row in quoted)


CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\ufeff", exclude_categories=["Cc"]), max_size=6
) | st.sampled_from(
    ['"', '""', ",", ";", "\r", "\n", "\r\n", " a ", "'", "x,y", "\x85", "\u2028", "\x0b", "\x1f", "=1"]
)


@settings(max_examples=150, deadline=None)
@given(
    body=st.lists(st.lists(CELL, min_size=1, max_size=4), min_size=1, max_size=8),
    separator=st.sampled_from(SEPARATORS),
    ending=st.sampled_from(ENDINGS),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    packed=st.booleans(),
)
def test_every_cell_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    body: list[list[str]],
    separator: str,
    ending: str,
    encoding: str,
    packed: bool,
) -> None:
    """Any cells under any separator, line end and Unicode encoding are read as they were written, and counted."""
    heading = ["email", "a", "b", "c"]
    rows = [["x@y.example", "1", "2", "3"]] * 12 + [row for row in body if row != [""]]
    content = written([heading, *rows], separator, ending).encode(encoding)
    path = tmp_path_factory.mktemp("list") / "list.csv"
    layout, read = opened(path, gzip.compress(content) if packed else content, "email")
    expected = (rows, len(rows), 4, separator, tuple(heading))
    assert expected == (read, layout.rows, layout.width, layout.separator, layout.header)


@settings(max_examples=300, deadline=None)
@given(
    text=st.text(st.sampled_from('a",;\r\n @'), max_size=40),
    sizes=st.lists(st.integers(1, 20), max_size=6),
)
def test_no_text_loses_a_line(text: str, sizes: list[int]) -> None:
    """However the quotes stand and the text is cut, the rows are the same, and every letter is in one of them."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    pieces = [piece for piece in [*pieces, text[at:]] if piece]
    cut = [row for rows in records(pieces, ",") for row in rows]
    whole = [row for rows in records([text] if text else [], ",") for row in rows]
    assert whole == cut
    assert text.count("a") == sum(cell.count("a") for row in cut for cell in row)


@settings(max_examples=500, deadline=None)
@given(text=st.text(st.sampled_from('ab",;\r\n'), max_size=40))
def test_the_measure_agrees_with_csv_reader(text: str) -> None:
    """Where the measure speaks, a strict csv.reader finds the same rows and width."""
    total = Measure()
    used = measure(text.encode(), ",", total) if text else 0
    if used != len(text):
        return
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert (len(rows), max([1, *map(len, rows)]) if rows else 0) == (total.rows, total.width)


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=3), min_size=1, max_size=6), ending=st.sampled_from(ENDINGS))
def test_the_measure_speaks_on_well_made_text(rows: list[list[str]], ending: str) -> None:
    """RFC 4180 text is measured, not read: that is what makes the first pass cheap."""
    content = written(rows, ",", ending).encode()
    assert len(content) == measure(content, ",", Measure())


def test_blocks_may_end_in_the_middle_of_a_quoted_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of several lines that span the blocks of both passes stay whole."""
    for module in ("source", "delimited"):
        monkeypatch.setattr(f"verifier.readers.{module}.BLOCK", 64)
    rows = [[f"u{n}@x.test", "line\n" * (n % 40) + '"', str(n)] for n in range(200)]
    content = written([["email", "note", "n"], *rows], ",", "\r\n")
    _, read = opened(tmp_path / "list.csv", content)
    assert rows == read
    broken = content.replace("u100@x.test", '"u100@x.test', 1)
    _, read = opened(tmp_path / "list.csv", broken)
    assert [row[0] for row in rows[:100]] == [row[0] for row in read[:100]]
    assert rows[-1] == read[-1]


BROKEN = {
    "open quote": (
        'email,name\na@x.test,A\n"b@x.test,B\nc@x.test,C\n',
        [["a@x.test", "A"], ['"b@x.test,B'], ["c@x.test", "C"]],
    ),
    "open quote last": ('email,name\na@x.test,A\nb@x.test,"B\n', [["a@x.test", "A"], ['b@x.test,"B']]),
    "open before quoted": (
        'email,name\n"b@x.test,B\n"c@x.test","C"\nd@x.test,D\n',
        [['"b@x.test,B'], ["c@x.test", "C"], ["d@x.test", "D"]],
    ),
    "quote in cell": (
        'email,size\na@x.test,5" disk\nb@x.test,3" disk\n',
        [["a@x.test", '5" disk'], ["b@x.test", '3" disk']],
    ),
    "text after quote": ('email,name\na@x.test,"Ann" Lee\nb@x.test,B\n', [["a@x.test", "Ann Lee"], ["b@x.test", "B"]]),
    "quoted local part": ('email,n\n"a, b"@x.test,1\nb@x.test,2\n', [['"a, b"@x.test', "1"], ["b@x.test", "2"]]),
    "quote closes wrong below": (
        'email,name\na@x.test,"Ann\nb@x.test,Bob" Lee\nc@x.test,C\n',
        [['a@x.test,"Ann'], ["b@x.test", 'Bob" Lee'], ["c@x.test", "C"]],
    ),
    "blank and ragged": ("email,name\n\na@x.test\nb@x.test,B,x\n\n", [[], ["a@x.test"], ["b@x.test", "B", "x"], []]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_row_costs_itself_only(tmp_path: Path, case: str) -> None:
    """Rows around a broken one keep their cells, the broken one is one row."""
    content, expected = BROKEN[case]
    _, read = opened(tmp_path / "list.csv", content)
    assert expected == read


def test_a_quote_that_never_closes_costs_one_row_of_many(tmp_path: Path) -> None:
    """An open quote in a big file is given up after 1 MiB, not at the end of the file."""
    lines = [f"u{n}@x.test,Name {n}" for n in range(150_000)]
    lines[1000] = '"' + lines[1000]
    _, read = opened(tmp_path / "list.csv", "\n".join(["email,name", *lines]))
    assert (150_000, [lines[1000]]) == (len(read), read[1000])


LISTS = {
    "excel.csv": ("Nom;Courriel;Ville\r\nFrançois;f@x.test;Orléans\r\n".encode("cp1252"), "cp1252", ";", "\r\n", (1,)),
    "mac.csv": (b'email,name\ra@x.test,A\rb@x.test,"B\rC"\r', "utf-8", ",", "\r", (0,)),
    "mark.csv": ("E-Mail;Größe\nä@x.test;1\n".encode("utf-8-sig"), "utf-8-sig", ";", "\n", (0,)),
    "tabs.tsv": (b"id\tEmail Address\n1\ta@x.test\n", "utf-8", "\t", "\n", (1,)),
    "pipes.txt": (b"1|a@x.test|Doe, J\n2|b@x.test|Foo, B\n", "utf-8", "|", "\n", (1,)),
    "little.csv": ("Email;x\r\né@x.test;1\r\n".encode("utf-16-le"), "utf-16-le", ";", "\r\n", (0,)),
    "big.csv": ("Email;x\r\né@x.test;1\r\n".encode("utf-16-be"), "utf-16-be", ";", "\r\n", (0,)),
    "lines.txt": (b"a@x.test\nnot an address\n\nb@x.test", "utf-8", ",", "\n", (0,)),
    "polish.csv": (
        "imię,e-mail\nŁukasz Wiśniewski,l@x.test\nŻółć,z@x.test\n".encode("cp1250"),
        "cp1250",
        ",",
        "\n",
        (1,),
    ),
    "cyrillic.csv": ("имя;почта\nИван Петров;i@x.test\nОльга;o@x.test\n".encode("cp1251"), "cp1251", ";", "\n", (1,)),
    "japanese.csv": ("名前,メールアドレス\n山田太郎,y@x.test\n".encode("cp932"), "cp932", ",", "\n", (1,)),
}


@pytest.mark.parametrize("name", LISTS)
def test_encodings_separators_and_line_ends_are_found_out(tmp_path: Path, name: str) -> None:
    """The usual exports are recognised by their content."""
    content, *expected = LISTS[name]
    layout, _ = opened(tmp_path / name, content)
    found = [layout.encoding, layout.separator, layout.line_ending, layout.email_columns]
    assert expected == found


def test_an_encoding_that_shows_late_holds_for_all(tmp_path: Path) -> None:
    """A byte of Windows-1252 far behind the first look still decides."""
    content = b"email,name\n" + b"a@x.test,A\n" * 100_000 + "f@x.test,François\n".encode("cp1252")
    layout, read = opened(tmp_path / "list.csv", content)
    assert (layout.encoding, read[-1]) == ("cp1252", ["f@x.test", "François"])


def test_pasted_exports_keep_their_letters(tmp_path: Path) -> None:
    """UTF-8 with stray bytes of Windows-1252 is read as both."""
    content = "name,email\nZoé,z@x.test\nÉva,e@x.test\n".encode() + "Chloë,c@x.test\n".encode("cp1252")
    _, read = opened(tmp_path / "list.csv", content)
    assert [row[0] for row in read] == ["Zoé", "Éva", "Chloë"]


def test_lines_of_text_are_cells_as_they_stand(tmp_path: Path) -> None:
    """One address a line: quotes, commas and blanks in a line are its own."""
    lines = ['"odd,local"@x.test', " a@x.test ", "Doe <b@x.test>", '"', "c@x.test,", "\x85d@x.test"]
    _, read = opened(tmp_path / "list.txt", "x@y.test\n" * 10 + "\r\n".join(lines))
    assert [[line] for line in lines] == read[10:]


def test_a_pipe_is_spooled() -> None:
    """`verifier clean <(zcat old.gz)` names a pipe, which can be read once only: it is read like standard input."""
    reading, writing = os.pipe()
    os.write(writing, b"email\na@x.test\n")
    os.close(writing)
    with open_table(f"/dev/fd/{reading}") as table:
        os.close(reading)
        twice = [list(table.chunks(10)), list(table.chunks(10))]
    assert [[[["a@x.test"]]]] * 2 == twice


def test_standard_input_is_spooled(tmp_path: Path) -> None:
    """ "-" reads standard input once and gives its rows as often as wanted; nothing stays behind."""
    with open_table("-", stdin=io.BytesIO(b"email\na@x.test\n")) as table:
        twice = [list(table.chunks(10)), list(table.chunks(10))]
        spool = table._source.path
    assert (twice, spool.exists()) == ([[[["a@x.test"]]]] * 2, False)


def test_equal_content_has_an_equal_digest(tmp_path: Path) -> None:
    """The digest is of the unpacked content, by whatever name."""
    (tmp_path / "a.csv").write_bytes(b"email\na@x.test\n")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"email\na@x.test\n"))
    (tmp_path / "c.csv").write_bytes(b"email\nb@x.test\n")
    digests = [open_table(tmp_path / name).digest for name in ("a.csv", "b.csv.gz", "c.csv")]
    assert (digests[0] == digests[1], digests[0] == digests[2]) == (True, False)


def test_a_suffix_is_seen_behind_gz(tmp_path: Path) -> None:
    """`list.TSV.GZ` is a TSV."""
    path = tmp_path / "list.TSV.GZ"
    path.write_bytes(gzip.compress(b"email\n"))
    assert ListSource(path).suffix == ".tsv"
