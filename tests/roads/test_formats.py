"""Lists in the forms that people have them in go through the real command and come back in the same form."""

import gzip
import io
import json
from collections.abc import Sequence

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from tests.roads.worlds import cells_of
from tests.support.command import Command, rows_of
from verifier.core.table import OUR_COLUMNS

OFFLINE = ("--stages", "syntax,disposable")
HEADING = ["Nom", "Courriel", "Société"]
PEOPLE = [
    ["Zoë Müller", "zoe.muller@example.com", "Müller & Söhne; Paris"],
    ["José Núñez", "jose@mailinator.com", 'Café "Été"'],
    ["Anne", "not an address", "Œuvres, etc."],
    ["Zoe", "ZOE.MULLER@example.com", "–"],
]
REASONS = ["not_probed", "disposable", "invalid_syntax", "not_probed"]


def separated(rows: Sequence[Sequence[str]], separator: str, ending: str) -> str:
    """Rows as Excel saves them."""
    special = {separator, '"', "\n"}
    return "".join(
        separator.join('"' + c.replace('"', '""') + '"' if special & set(c) else c for c in row) + ending
        for row in rows
    )


@pytest.mark.parametrize(
    ("name", "encoding", "separator", "ending"),
    [
        ("excel.csv", "cp1252", ";", "\r\n"),
        ("bom.csv", "utf-8-sig", ",", "\r\n"),
        ("unicode.txt", "utf-16", "\t", "\r\n"),
        ("plain.tsv", "utf-8", "\t", "\n"),
        ("old-mac.csv", "utf-8", ",", "\r"),
        ("pipes.txt", "latin-1", "|", "\n"),
    ],
)
def test_separated_text(offline: Command, name: str, encoding: str, separator: str, ending: str) -> None:
    """Same separator and line ending as the input, UTF-8, a BOM where the input had one; every cell as it was."""
    people = [[cell.replace("Œ", "Oe").replace("–", "-") for cell in row] for row in PEOPLE]
    text = separated([HEADING, *people], separator, ending)
    offline.write(name, text.encode(encoding))
    finished = offline.run("clean", name, *OFFLINE)
    assert finished.code == 0, finished.err
    stem, _, suffix = name.rpartition(".")
    content = (offline.folder / f"{stem}.clean.{suffix}").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") == encoding.startswith(("utf-8-sig", "utf-16"))
    cleaned = content.decode("utf-8-sig")
    assert cleaned.count(ending) == len(people) + 1 == len(cleaned.splitlines())
    rows = rows_of(cleaned, separator)
    assert [[row[name] for name in HEADING] for row in rows] == people
    assert [row["ev_reason"] for row in rows] == REASONS
    assert [row["ev_duplicate_of"] for row in rows] == ["", "", "", "1"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_excels_separator_line(offline: Command, encoding: str) -> None:
    """A first line `sep=;` is obeyed, is no row and no heading, and stands first in the output, which Excel then opens
    as it opened the input.
    """
    people = [row for row in PEOPLE if "–" not in row]
    offline.write("list.csv", ("sep=;\r\n" + separated([HEADING, *people], ";", "\r\n")).encode(encoding))
    assert offline.run("clean", "list.csv", *OFFLINE).code == 0
    cleaned = (offline.folder / "list.clean.csv").read_bytes().decode("utf-8-sig")
    first, _, rest = cleaned.partition("\r\n")
    rows = rows_of(rest, ";")
    assert (first, [[row[name] for name in HEADING] for row in rows]) == ("sep=;", people)
    assert [row["ev_reason"] for row in rows] == REASONS[:3]


def test_a_separator_line_over_one_column(offline: Command) -> None:
    """`sep=,` adds no column, and a list whose heading is `sep=…` of something else is a list."""
    offline.write("list.csv", "sep=,\nemail\njane@example.com\npaul@example.com\n")
    finished = offline.run("clean", "list.csv", "-o", "-", "--format", "csv", *OFFLINE)
    lines = finished.out.splitlines()
    assert lines[:2] == ["sep=,", ",".join(["email", *OUR_COLUMNS])]
    assert [line.split(",")[:3] for line in lines[2:]] == [
        ["jane@example.com", "unknown", "not_probed"],
        ["paul@example.com", "unknown", "not_probed"],
    ]
    jsonl = offline.run("clean", "list.csv", "-o", "-", "--format", "jsonl", *OFFLINE)
    assert [json.loads(line)["email"] for line in jsonl.out.splitlines()] == ["jane@example.com", "paul@example.com"]


def test_one_address_a_line(offline: Command) -> None:
    """A text file without heading: no line is lost, quoted local parts and commas included."""
    offline.write("list.txt", 'jane@example.com\n"a b"@example.com\n\nnobody, really\n')
    assert offline.run("clean", "list.txt", *OFFLINE).code == 0
    rows = rows_of((offline.folder / "list.clean.txt").read_text(encoding="utf-8"))
    assert [row["email"] for row in rows] == ["jane@example.com", '"a b"@example.com', "", "nobody, really"]
    assert [row["ev_reason"] for row in rows] == ["not_probed", "not_probed", "invalid_syntax", "invalid_syntax"]


def test_json_lines(offline: Command) -> None:
    """Keys, numbers and nested values come back as they were."""
    given = [{"id": 7, "email": "jane@example.com", "tags": ["a", {"b": None}]}, {"id": 8, "email": "x@mailinator.com"}]
    offline.write("list.jsonl", "".join(json.dumps(row) + "\n" for row in given))
    assert offline.run("clean", "list.jsonl", *OFFLINE).code == 0
    lines = (offline.folder / "list.clean.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    assert [{k: v for k, v in row.items() if not k.startswith("ev_")} for row in found] == given
    assert [row["ev_reason"] for row in found] == ["not_probed", "disposable"]


def test_workbooks(offline: Command) -> None:
    """XLSX in gives XLSX out, and any list becomes one on demand; no cell of ours is a formula."""
    book = io.BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate([HEADING, *PEOPLE]):
            sheet.write_row(number, 0, row)
    offline.write("list.xlsx", book.getvalue())
    assert offline.run("clean", "list.xlsx", *OFFLINE).code == 0
    offline.write("people.csv", separated([HEADING, *PEOPLE], ",", "\n"))
    assert offline.run("clean", "people.csv", "--format", "xlsx", *OFFLINE).code == 0
    for name in ("list.clean.xlsx", "people.clean.xlsx"):
        rows = CalamineWorkbook.from_path(str(offline.folder / name)).get_sheet_by_index(0).to_python()
        assert [row[:3] for row in rows] == [HEADING, *PEOPLE]
        place = rows[0].index("ev_reason")
        assert [row[place] for row in rows[1:]] == REASONS


def test_gzip(offline: Command) -> None:
    """A packed list gives a packed list."""
    offline.write("list.csv.gz", gzip.compress(separated([HEADING, *PEOPLE], ",", "\n").encode()))
    assert offline.run("clean", "list.csv.gz", *OFFLINE).code == 0
    cleaned = gzip.decompress((offline.folder / "list.clean.csv.gz").read_bytes()).decode()
    assert [row["ev_reason"] for row in rows_of(cleaned)] == REASONS


def test_several_columns(offline: Command) -> None:
    """Each e-mail column has its own block of ours; named by heading or number, in the order of the command."""
    text = "work e-mail,name,private e-mail\njane@example.com,Jane,jane@mailinator.com\nnone,Paul,paul@example.com\n"
    offline.write("list.csv", text)
    guessed = rows_of(offline.run("clean", "list.csv", "-o", "-", *OFFLINE).out)
    assert [(row["ev_reason"], row["ev_reason_2"]) for row in guessed] == [
        ("not_probed", "disposable"),
        ("invalid_syntax", "not_probed"),
    ]
    named = ("--column", "Private E-Mail", "--column", "1")
    chosen = rows_of(offline.run("clean", "list.csv", "-o", "-", *named, *OFFLINE).out)
    assert [(row["ev_reason"], row["ev_reason_2"]) for row in chosen] == [
        ("disposable", "not_probed"),
        ("not_probed", "invalid_syntax"),
    ]


def test_columns_of_an_earlier_run_are_replaced(offline: Command) -> None:
    """Cleaning a cleaned list gives the same columns in the same places, with new cells."""
    offline.write("list.csv", separated([HEADING, *PEOPLE], ",", "\n"))
    once = offline.run("clean", "list.csv", "-o", "-", *OFFLINE).out
    offline.write("again.csv", once.replace("risky,disposable,", "deliverable,accepted,"))
    twice = offline.run("clean", "again.csv", "-o", "-", *OFFLINE).out
    assert cells_of(twice)[0] == cells_of(once)[0]
    assert [row["ev_reason"] for row in rows_of(twice)] == REASONS


def test_only_what_is_unknown(offline: Command) -> None:
    """--only leaves the other rows' cells as an earlier run left them; rows never verified count as unknown."""
    heading = "email,ev_verdict,ev_reason,ev_checked_at\n"
    rows = (
        "jane@mailinator.com,deliverable,accepted,2999-01-01T00:00:00Z\n"
        "paul@mailinator.com,unknown,greylisted,2999-01-01T00:00:00Z\n"
        "old@mailinator.com,deliverable,accepted,2001-01-01T00:00:00Z\n"
        "new@mailinator.com,,,\n"
    )
    offline.write("list.csv", heading + rows)
    unknown = rows_of(offline.run("clean", "list.csv", "-o", "-", "--only", "unknown", *OFFLINE).out)
    assert [row["ev_reason"] for row in unknown] == ["accepted", "disposable", "accepted", "disposable"]
    both = rows_of(offline.run("clean", "list.csv", "-o", "-", "--only", "unknown,stale", *OFFLINE).out)
    assert [row["ev_reason"] for row in both] == ["accepted", "disposable", "disposable", "disposable"]


def test_keep(offline: Command) -> None:
    """--keep writes the rows of these verdicts alone, in order."""
    offline.write("list.csv", separated([HEADING, *PEOPLE], ",", "\n"))
    for keep, names in {
        "sendable": ["Zoë Müller", "Zoe"],
        "risky": ["José Núñez"],
        "undeliverable,risky": ["José Núñez", "Anne"],
    }.items():
        rows = rows_of(offline.run("clean", "list.csv", "-o", "-", "--keep", keep, *OFFLINE).out)
        assert [row["Nom"] for row in rows] == names


def test_stdin_to_stdout(offline: Command) -> None:
    """`-` reads standard input and writes standard output, with everything else on stderr."""
    finished = offline.run("clean", "-", *OFFLINE, stdin=separated([HEADING, *PEOPLE], ";", "\n").encode())
    assert [row["ev_reason"] for row in rows_of(finished.out, ";")] == REASONS
    assert "4  submitted" in finished.err
    packed = offline.run("clean", "-", *OFFLINE, stdin=gzip.compress(b"jane@example.com\n"))
    assert [row["ev_reason"] for row in rows_of(packed.out)] == ["not_probed"]
