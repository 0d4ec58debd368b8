"""What cannot be cleaned is said in one sentence, with its exit code, and nothing is left behind."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.roads.conftest import NOBODY
from tests.support.command import Command, Finished, rows_of

OFFLINE = ("--stages", "syntax,disposable")
GOOD = "email\njane@example.com\n"


class Case(NamedTuple):
    """What is called, with which file at hand, and how it must end."""

    content: bytes | str | None
    arguments: tuple[str, ...]
    code: int
    said: str
    settings: tuple[tuple[str, str], ...] = ()


CASES = {
    "empty": Case("", (), 65, "is empty"),
    "binary": Case(bytes(range(256)) * 20, (), 65, "is a binary file, not a list"),
    "no address column": Case("name,phone\nAnn,12\n", (), 65, "no column of e-mail addresses"),
    "heading only": Case("id,email\n", (), 65, "a heading line but no rows"),
    "100 MB single line": Case(b"email\n" + b"a" * 100_000_000, (), 65, "a line of more than 1 MiB"),
    "missing": Case(None, (), 65, "cannot be read: No such file"),
    "directory": Case(None, ("folder",), 65, "cannot be read: Is a directory"),
    "this directory": Case(None, (".",), 65, ". is a folder, not a list"),
    "the root": Case(None, ("/",), 65, "/ is a folder, not a list"),
    "no name": Case(None, ("",), 65, ". is a folder, not a list"),
    "a name that is none": Case(None, ("x" * 300,), 65, "cannot be read: File name too long"),
    "output name that is none": Case(GOOD, ("-o", "x" * 300, *OFFLINE), 64, "cannot be written"),
    "unreadable": Case(None, ("/proc/self/mem",), 65, "cannot be read"),
    "no such column": Case(GOOD, ("--column", "mail"), 65, "no column 'mail'"),
    "not cleaned before": Case(GOOD, ("--only", "unknown"), 65, "needs a list that was cleaned before"),
    "output exists": Case(GOOD, ("-o", "taken.csv", *OFFLINE), 64, "exists: name another output"),
    "output is a folder": Case(GOOD, ("-o", "folder", "--force", *OFFLINE), 64, "folder is a folder: name a file"),
    "output without a name": Case(GOOD, ("-o", "", *OFFLINE), 64, ". is a folder: name a file"),
    "output folder missing": Case(GOOD, ("-o", "nowhere/out.csv", *OFFLINE), 64, "nowhere cannot be written to"),
    "output folder unwritable": Case(GOOD, ("-o", "/proc/out.csv", *OFFLINE), 64, "/proc cannot be written to"),
    "report folder missing": Case(GOOD, ("--report", "nowhere/r.html", *OFFLINE), 64, "nowhere"),
    "report over the list": Case(GOOD, ("--report", "list.csv", "--force", *OFFLINE), 64, "would overwrite the list"),
    "some rows over the list": Case(
        GOOD, ("-o", "list.csv", "--keep", "deliverable", "--force", *OFFLINE), 64, "would be lost"
    ),
    "report exists": Case(GOOD, ("--report", "taken.csv", *OFFLINE), 64, "exists: name another report"),
    "unwritable data folder": Case(GOOD, (), 69, "data folder", (("VERIFIER_DATA_DIR", "/proc/nothing"),)),
    "data folder is a file": Case(GOOD, (), 69, "data folder", (("VERIFIER_DATA_DIR", "taken.csv"),)),
    "too many rows": Case("email\n" + "a@b.example\n" * 1_048_576, ("--format", "xlsx", *OFFLINE), 64, "--format csv"),
    "unknown word": Case(GOOD, ("--keep", "sendabel"), 64, "did you mean sendable?"),
    "not a prefix": Case(GOOD, ("--stages", "smtp"), 64, "not a beginning of"),
    "not a duration": Case(GOOD, ("--max-wait", "soon"), 64, "must be a duration such as"),
    "malformed setting": Case(GOOD, (), 64, "VERIFIER_SMTP_PORT must be", (("VERIFIER_SMTP_PORT", "abc"),)),
    "Redis without a key": Case(
        GOOD, (), 64, "VERIFIER_SECRET_KEY must be set", (("VERIFIER_REDIS_URL", "redis://127.0.0.1:1/0"),)
    ),
}


class Outcome(NamedTuple):
    """How a case ended, and which files were there before and after."""

    finished: Finished
    before: set[str]
    after: set[str]


def _run(case: Case, folder: Path) -> Outcome:
    command = Command(folder, NOBODY)
    (folder / "folder").mkdir()
    command.write("taken.csv", "taken\n")
    if case.content is not None:
        command.write("list.csv", case.content)
    before = command.names()
    source = ("list.csv",) if case.content is not None or not case.arguments else ()
    finished = command.run("clean", *source, *case.arguments, **dict(case.settings))
    return Outcome(finished, before, command.names())


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Outcome]]:
    """All cases, two at a time."""
    with ThreadPoolExecutor(3) as pool:
        begun = {name: pool.submit(_run, case, tmp_path_factory.mktemp("bad")) for name, case in CASES.items()}
        yield lambda name: begun[name].result()


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_sentence(outcomes: Callable[[str], Outcome], name: str) -> None:
    """The contract's exit code, nothing on stdout, and one sentence on stderr that says what is wrong."""
    case, finished = CASES[name], outcomes(name).finished
    sentence = finished.err.strip().splitlines()[-1]
    assert (finished.code, finished.out) == (case.code, ""), finished.err
    assert sentence.startswith("Error: ")
    assert case.said in sentence
    assert sentence.count("Error") == 1
    assert len(finished.err.strip().splitlines()) == 1 or finished.err.startswith("Usage: ")


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_half_written(outcomes: Callable[[str], Outcome], name: str) -> None:
    """The files are those that were there before."""
    outcome = outcomes(name)
    assert outcome.before == outcome.after


def test_a_broken_row_is_kept(offline: Command) -> None:
    """A row whose quote never closes costs itself alone: it stays as it is and is `invalid_syntax`."""
    text = 'id,email\n1,jane@example.com\n2,"x@y.example\n3,paul@example.com\n'
    finished = offline.run("clean", offline.write("list.csv", text), "-o", "-", *OFFLINE)
    rows = rows_of(finished.out)
    assert [row["id"] for row in rows] == ["1", '2,"x@y.example', "3"]
    assert [row["ev_reason"] for row in rows] == ["not_probed", "invalid_syntax", "not_probed"]


def test_a_filter_that_keeps_nothing_warns(offline: Command) -> None:
    """The file has its heading alone, and that is said."""
    finished = offline.run("clean", offline.write("list.csv", GOOD), "--keep", "risky", "-o", "-", *OFFLINE)
    assert (finished.code, len(finished.out.splitlines())) == (0, 1)
    assert "kept no row" in finished.err


def test_a_reader_that_goes_away_is_no_fault(offline: Command) -> None:
    """`clean … -o - | head -1` ends quietly, with success."""
    offline.write("list.csv", "email\n" + "".join(f"user{n}@example.com\n" for n in range(20_000)))
    line = f"{{ {sys.executable} -m verifier clean list.csv -o - {' '.join(OFFLINE)}; echo $? >code; }} | head -1"
    done = subprocess.run(line, shell=True, cwd=offline.folder, env=offline.environment, capture_output=True, text=True)
    assert (done.stdout.startswith("email,ev_verdict"), len(done.stdout.splitlines()), done.stderr) == (True, 1, "")
    assert (offline.folder / "code").read_text().strip() == "0"
