"""Writers: every row with its own cells untouched and ours at their place; the output appears whole or not at all."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from python_calamine import CalamineWorkbook

from verifier.core.faults import OperatorError
from verifier.core.table import ABSENT, OUR_COLUMNS, JsonText, Layout, TableKind, made_up_names, unique_names
from verifier.readers.tables import open_table
from verifier.writers.open_writer import open_writer
from verifier.writers.target import default_output

OURS = [f"our {number}" for number in range(len(OUR_COLUMNS))]
CELL = st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(['"', ",", ";", "\r", "\n", "\r\n", " a "])


def layout_of(*header: str, rows: int = 1, kind: TableKind = TableKind.CSV, separator: str = ",") -> Layout:
    return Layout(
        kind=kind,
        encoding="utf-8",
        bom=False,
        separator=separator,
        line_ending="\n",
        has_header=True,
        header=header,
        width=len(header),
        rows=rows,
        email_columns=(0,),
    )


def cleaned(path: Path, output: Path, kind: TableKind | None = None, columns: tuple[str, ...] = ()) -> Layout:
    with open_table(path, columns) as table:
        writer = open_writer(output, table.layout, kind)
        for chunk in table.chunks(2):
            writer.write_rows(chunk, [OURS * len(table.layout.email_columns)] * len(chunk))
        writer.commit()
        return table.layout


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.lists(CELL, max_size=3), min_size=1, max_size=6),
    ours=st.lists(CELL, min_size=14, max_size=14),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    bom=st.booleans(),
)
def test_cells_come_back_from_csv(
    rows: list[list[str]], ours: list[str], separator: str, ending: str, bom: bool
) -> None:
    """A strict csv.reader finds every cell as it was, short rows padded, ours behind."""
    layout = structs.replace(layout_of("a", "b", "c"), separator=separator, line_ending=ending, bom=bom)
    stream = io.BytesIO()
    writer = open_writer("-", layout, stdout=stream)
    writer.write_rows(rows, [ours] * len(rows))
    writer.commit()
    text = stream.getvalue().decode("utf-8-sig" if bom else "utf-8")
    found = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    expected = [["a", "b", "c", *OUR_COLUMNS], *[[*row, *[""] * (3 - len(row)), *ours] for row in rows]]
    assert (expected, bom) == (found, stream.getvalue().startswith(b"\xef\xbb\xbf"))


def test_the_form_of_the_input_is_kept(tmp_path: Path) -> None:
    """Separator, line ending and byte order mark stay; the encoding becomes UTF-8."""
    path = tmp_path / "list.csv"
    path.write_bytes("Mail;Nom\r\na@x.test;Zoé\r\nb@x.test\r\n".encode("utf-16"))
    cleaned(path, tmp_path / "out.csv")
    tail = ";".join(OURS)
    expected = f"Mail;Nom;{';'.join(OUR_COLUMNS)}\r\na@x.test;Zoé;{tail}\r\nb@x.test;;{tail}\r\n"
    assert expected.encode("utf-8-sig") == (tmp_path / "out.csv").read_bytes()


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("out.csv", b"email,ev_"),
        ("out.TXT", b"email,ev_"),
        ("out.tsv", b"email\tev_"),
        ("out.xlsx", b"PK"),
        ("out.jsonl", b'{"email"'),
        ("out.ndjson", b'{"email"'),
    ],
)
@pytest.mark.parametrize("kind", [TableKind.XLSX, TableKind.JSONL])
def test_the_name_of_the_output_says_its_format(
    tmp_path: Path, kind: TableKind, name: str, begins: bytes, packed: str
) -> None:
    """Nobody gets a workbook in a file that is called CSV; a format that is asked for goes before the name."""
    output = tmp_path / (name + packed)
    for asked, expected in ((None, begins), (TableKind.JSONL, b'{"email"')):
        writer = open_writer(output, layout_of("email", kind=kind), asked, force=True)
        writer.write_rows([["a@x.test"]], [OURS])
        writer.commit()
        written = output.read_bytes()
        assert (gzip.decompress(written) if packed else written).startswith(expected)


def test_columns_of_an_earlier_run_are_replaced_in_place(tmp_path: Path) -> None:
    """Cleaning twice gives the same columns; a column of ours that was removed comes back at the end."""
    path = tmp_path / "list.csv"
    path.write_bytes(b"ev_score,email,ev_verdict,name\n1,a@x.test,old,Ann\n2,b@x.test\n")
    layout = cleaned(path, tmp_path / "once.csv")
    rest = [name for name in OUR_COLUMNS if name not in {"ev_score", "ev_verdict"}]
    assert ("ev_score", "email", "ev_verdict", "name", *rest) == layout.output_header
    cleaned(tmp_path / "once.csv", tmp_path / "twice.csv")
    once = (tmp_path / "once.csv").read_text()
    assert [",".join(line.split(",")[:4]) for line in once.splitlines()[1:]] == [
        "our 2,a@x.test,our 0,Ann",
        "our 2,b@x.test,our 0,",
    ]
    assert once == (tmp_path / "twice.csv").read_text()


def test_several_email_columns_have_columns_each(tmp_path: Path) -> None:
    """The second e-mail column's verdict is ev_verdict_2."""
    path = tmp_path / "list.csv"
    path.write_bytes(b"email,work email\na@x.test,b@x.test\n")
    layout = cleaned(path, tmp_path / "out.csv")
    assert (*OUR_COLUMNS, *(f"{name}_2" for name in OUR_COLUMNS)) == layout.our_names
    assert ("email", "work email", *layout.our_names) == layout.output_header


def test_a_list_without_headings_gets_some(tmp_path: Path) -> None:
    """The output can always be read by names, and every row of the input is still a row."""
    path = tmp_path / "list.txt"
    path.write_bytes(b"a@x.test\nnonsense\n\n")
    cleaned(path, tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert [row["email"] for row in rows] == ["a@x.test", "nonsense", ""]


def test_names_are_made_up_once() -> None:
    """Made-up and repeated headings never meet another."""
    assert made_up_names(4, (1, 3)) == ("column_1", "email", "column_3", "email_2")
    assert unique_names(["a", "a", "", "a_2"]) == ("a", "a_2", "column_3", "a_2_2")
    assert len(set(unique_names(["", "column_1", "", "column_3", "column_1"]))) == 5


def test_a_workbook_holds_text_only(tmp_path: Path) -> None:
    """Nothing becomes a number, a link or a formula; the same rows give the same bytes."""
    path = tmp_path / "list.csv"
    path.write_bytes(b"email,x\na@x.test,007\nb@x.test,=1+1\nhttp://x@x.test\n")
    cleaned(path, tmp_path / "out.xlsx", TableKind.XLSX)
    cleaned(path, tmp_path / "again.xlsx", TableKind.XLSX)
    rows = CalamineWorkbook.from_path(str(tmp_path / "out.xlsx")).get_sheet_by_index(0).to_python()
    expected = [["a@x.test", "007", *OURS], ["b@x.test", "=1+1", *OURS], ["http://x@x.test", "", *OURS]]
    assert [["email", "x", *OUR_COLUMNS], *expected] == rows
    assert (tmp_path / "out.xlsx").read_bytes() == (tmp_path / "again.xlsx").read_bytes()


_CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["_x0041_", "_x_x005F_", " both ", "a | b", "<&>\"'", "\r\n", "]]>", "\x00\x08\x0b\x1f\t"]
)


@given(st.lists(st.lists(_CELLS, min_size=3, max_size=3), min_size=1, max_size=5))
def test_a_workbook_gives_back_every_cell(rows: list[list[str]]) -> None:
    """Blanks at their ends, line ends, markup, what XML cannot write and what looks like the way to write that."""
    content = io.BytesIO()
    writer = open_writer("-", layout_of("email", "a", "b", kind=TableKind.XLSX), stdout=content)
    writer.write_rows(rows, [OURS] * len(rows))
    writer.commit()
    read = CalamineWorkbook.from_filelike(io.BytesIO(content.getvalue())).get_sheet_by_index(0).to_python()
    unwritable = str.maketrans({"\ufffe": "_xFFFE_", "\uffff": "_xFFFF_"})
    expected = [[*(cell.translate(unwritable) for cell in row), *OURS] for row in rows]
    assert read == [["email", "a", "b", *OUR_COLUMNS], *expected]


def test_a_workbook_is_written_as_it_goes(tmp_path: Path) -> None:
    """Nothing waits for the last row, and what is made from the same rows is the same however they come."""
    layout = layout_of("email", kind=TableKind.XLSX)
    rows = [[f"user{number}@shop.example"] for number in range(5000)]
    grown, apart, together = [], io.BytesIO(), io.BytesIO()
    writer = open_writer("-", layout, stdout=apart)
    for row in rows:
        writer.write_rows([row], [OURS])
        grown.append(apart.tell())
    writer.commit()
    assert grown[0] > 0 and len(set(grown)) > 5
    writer = open_writer("-", layout, stdout=together)
    writer.write_rows(rows, [OURS] * len(rows))
    writer.commit()
    with zipfile.ZipFile(apart) as one, zipfile.ZipFile(together) as other:
        assert one.testzip() is None
        assert {name: one.read(name) for name in one.namelist()} == {n: other.read(n) for n in other.namelist()}


def test_a_sheet_beyond_what_excel_reads_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves nothing behind."""
    monkeypatch.setattr("verifier.writers.xlsx_writer._MOST_BYTES", 100_000)
    writer = open_writer(tmp_path / "out.xlsx", layout_of("email", kind=TableKind.XLSX))
    with pytest.raises(OperatorError, match="larger than 2 GB: use --format csv"):
        for _ in range(1000):
            writer.write_rows([["a@x.test"]], [OURS])
    writer.abort()
    assert list(tmp_path.iterdir()) == []


def test_what_no_sheet_holds_is_refused_before_work(tmp_path: Path) -> None:
    """Too many rows or columns: advice, and no file."""
    for layout in (
        layout_of("email", rows=1_048_576, kind=TableKind.XLSX),
        layout_of(*map(str, range(16_380)), kind=TableKind.XLSX),
    ):
        with pytest.raises(OperatorError, match="--format csv"):
            open_writer(tmp_path / "out.xlsx", layout)
    assert list(tmp_path.iterdir()) == []


def test_a_cell_that_no_sheet_holds_is_refused(tmp_path: Path) -> None:
    """A cell is never cut short."""
    writer = open_writer(tmp_path / "out.xlsx", layout_of("email", kind=TableKind.XLSX))
    with pytest.raises(OperatorError, match="--format csv"):
        writer.write_rows([["x" * 32_768]], [OURS])
    writer.abort()
    assert list(tmp_path.iterdir()) == []


def test_objects_keep_their_values(tmp_path: Path) -> None:
    """JSON lines give back every value as it was, absent keys absent, ours as text; broken lines stay as text."""
    path = tmp_path / "list.jsonl"
    path.write_bytes(b'{"email":"a@x.test","n":1.50,"o":{"a":[1]}}\n{"b":null,"email":"\\u00e9@x.test"}\n\n{broken\n')
    cleaned(path, tmp_path / "out.jsonl")
    ours = dict(zip(OUR_COLUMNS, OURS, strict=True))
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    expected = [
        {"email": "a@x.test", "n": 1.5, "o": {"a": [1]}, **ours},
        {"email": "é@x.test", "b": None, **ours},
        ours,
        {"email": "{broken", **ours},
    ]
    assert (expected, True) == ([json.loads(line) for line in lines], '"n":1.50' in lines[0])


def test_json_lines_from_a_table(tmp_path: Path) -> None:
    """Headings become keys, repeated and blank ones too."""
    stream = io.BytesIO()
    writer = open_writer("-", layout_of("email", "", "email"), TableKind.JSONL, stdout=stream)
    writer.write_rows([["a@x.test", '"', "b"], [JsonText("1"), ABSENT]], [OURS, OURS])
    writer.commit()
    ours = dict(zip(OUR_COLUMNS, OURS, strict=True))
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert {"email": "a@x.test", "column_2": '"', "email_2": "b", **ours} == first
    assert {"email": 1, **ours} == second


@pytest.mark.parametrize("kind", list(TableKind))
def test_packed_output(tmp_path: Path, kind: TableKind) -> None:
    """`.gz` packs any format, the same rows to the same bytes."""
    outputs = [tmp_path / "a.gz", tmp_path / "b.gz"]
    for output in outputs:
        writer = open_writer(output, layout_of("email"), kind)
        writer.write_rows([["a@x.test"]], [OURS])
        writer.commit()
    first, second = (output.read_bytes() for output in outputs)
    assert (first == second, len(gzip.decompress(first)) > 100) == (True, True)


@pytest.mark.parametrize("kind", list(TableKind))
def test_nothing_is_seen_before_commit_or_after_abort(tmp_path: Path, kind: TableKind) -> None:
    """The output's name appears with commit only; abort leaves no trace, and after commit it does nothing."""
    output = tmp_path / "out"
    writer = open_writer(output, layout_of("email"), kind)
    writer.write_rows([["a@x.test"]], [OURS])
    seen = output.exists()
    writer.abort()
    assert (seen, list(tmp_path.iterdir())) == (False, [])
    writer = open_writer(output, layout_of("email"), kind)
    writer.commit()
    writer.abort()
    assert [output] == list(tmp_path.iterdir())


def test_an_output_is_never_overwritten_unasked(tmp_path: Path) -> None:
    """Without force an existing output is refused, with it replaced; a folder never."""
    output = tmp_path / "out.csv"
    output.write_text("precious")
    with pytest.raises(OperatorError, match="--force"):
        open_writer(output, layout_of("email"))
    assert output.read_text() == "precious"
    open_writer(output, layout_of("email"), force=True).commit()
    assert output.read_text().startswith("email,")
    with pytest.raises(OperatorError, match="is a folder"):
        open_writer(tmp_path, layout_of("email"), force=True)


def test_two_runs_cannot_write_one_output(tmp_path: Path) -> None:
    """The second run is told, the first goes on."""
    first = open_writer(tmp_path / "out.csv", layout_of("email"))
    with pytest.raises(OperatorError, match="Another run"):
        open_writer(tmp_path / "out.csv", layout_of("email"))
    first.write_rows([["a@x.test"]], [OURS])
    first.commit()
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 2


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """An output that cannot be begun is an operator's error."""
    with pytest.raises(OperatorError, match="cannot be written"):
        open_writer(tmp_path / "no" / "out.csv", layout_of("email"))


@pytest.mark.parametrize("name", ["out", "out.gz"])
@pytest.mark.parametrize("kind", list(TableKind))
def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: TableKind, name: str) -> None:
    """What the disk does not take ends in one sentence, and in nothing at the output's name."""
    output = tmp_path / name
    full = Path("/dev/full").open("wb")  # noqa: SIM115 the writer closes it
    monkeypatch.setattr("verifier.writers.target._held", lambda _: full)
    chance = Random(1)
    with pytest.raises(OperatorError, match="No space left"), ExitStack() as stack:
        writer = open_writer(output, layout_of("email"), kind)
        stack.callback(writer.abort)
        for _ in range(100):
            writer.write_rows([[chance.randbytes(15_000).hex()]], [OURS])
        writer.commit()
    assert False is output.exists()


_DIES = """
import os, signal, sys
from tests.writers.test_writers import OURS, layout_of
from verifier.core.table import TableKind
from verifier.writers.open_writer import open_writer
writer = open_writer(sys.argv[1], layout_of("email"), TableKind(sys.argv[2]))
for number in range(5000):
    writer.write_rows([[f"user{number}@x.test"]], [OURS])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("kind", [TableKind.CSV, TableKind.JSONL])
def test_a_killed_run_leaves_no_output(tmp_path: Path, kind: TableKind) -> None:
    """After kill -9 there is no output, only the partial file, which the next run takes over."""
    output = tmp_path / "out"
    died = subprocess.run([sys.executable, "-c", _DIES, str(output), kind], env={**os.environ, "PYTHONPATH": "."})
    assert (-signal.SIGKILL, [tmp_path / ".out.partial"]) == (died.returncode, list(tmp_path.iterdir()))
    writer = open_writer(output, layout_of("email"), kind)
    writer.write_rows([["a@x.test"]], [OURS])
    writer.commit()
    assert ([output], True) == (list(tmp_path.iterdir()), output.stat().st_size < 1000)


OUTPUTS = {
    "list.csv": "list.clean.csv",
    "list.csv.gz": "list.clean.csv.gz",
    "a.b.TSV": "a.b.clean.TSV",
    "list": "list.clean",
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_default_outputs(name: str) -> None:
    """INPUT.clean.EXT, beside the input."""
    assert Path("folder") / OUTPUTS[name] == default_output(Path("folder") / name)
    assert Path("list.clean.xlsx.gz") == default_output("list.csv.gz", ".xlsx")
