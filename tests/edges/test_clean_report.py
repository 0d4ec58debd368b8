"""`verifier clean --report`: the page has a place, or the run does not begin."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from verifier.edges.cli.exit_codes import ExitCode
from verifier.edges.cli.root import run


@pytest.fixture(autouse=True)
def _apart() -> Iterator[None]:
    """`run` takes SIGTERM over: that does not outlive a test."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_report_without_a_folder_is_refused_before_anybody_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hours of asking do not end with a page that has nowhere to go: one sentence, and nothing is written."""
    source = tmp_path / "list.csv"
    source.write_text("email\njane@shop.example\n", encoding="utf-8")
    page = tmp_path / "absent" / "report.html"
    code = run(["clean", str(source), "--stages", "syntax", "--report", str(page)])
    assert code == ExitCode.USAGE
    assert f"The report cannot be written to {page}: its folder is not there, or not yours." in capsys.readouterr().err
    assert [source] == list(tmp_path.iterdir())


def test_the_summary_says_where_the_report_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last lines lead to both files."""
    source, page = tmp_path / "list.csv", tmp_path / "report.html"
    source.write_text("email\naccepted@verifier.test\n", encoding="utf-8")
    code = run(["clean", str(source), "--stages", "syntax,disposable", "--report", str(page)])
    said = capsys.readouterr().err
    assert code == ExitCode.DONE
    assert page.exists()
    assert "".join(str(page).split()) in "".join(said.split())
