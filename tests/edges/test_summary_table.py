"""The summary on the terminal: the right numbers, in words that a marketer understands."""

import io
import re

import msgspec
import pytest
from rich.console import Console

from tests.support.lists import RUN, ordinary, unreached
from verifier.core.summary import Run, Summary
from verifier.edges.cli.summary_table import print_summary
from verifier.writers.sentences import Language, Phrases


def printed(summary: Summary, language: Language = Language.ENGLISH, run: Run = RUN, width: int = 160) -> str:
    """The summary as one line of words."""
    stream = io.StringIO()
    print_summary(Console(file=stream, width=width), summary, run, language)
    return " ".join(stream.getvalue().split())


def test_an_ordinary_list_is_summed_up() -> None:
    """Rows, duplicates, verdicts with their reasons and sentences, projection, what to do, how long it took."""
    text = printed(ordinary(), run=msgspec.structs.replace(RUN, report="report.html"))
    for said in (
        "customers.csv: 105 rows in 41 s (3 rows a second)",
        "105 submitted",
        "2 without an address",
        "3 duplicates (verified once)",
        "100 different addresses",
        "deliverable 70 70.0%",
        "accepted 70 70.0% The mail server accepts mail for this mailbox.",
        "mailbox_not_found 10 10.0% The domain's own mail server says that there is no such mailbox.",
        "17.7% if all were mailed → 0.8% with --keep sendable",
        "disposable 5 · role address 40",
        "4 addresses still greylisted: we were asked to come back later, the last time on 22 November 2026, 10:06 UTC.",
        "76 addresses can be mailed",
        "4 addresses may yet be settled",
        "The cleaned list is in customers.clean.csv",
        "is in report.html",
    ):
        assert said in text
    assert "Port 25" not in text
    assert "Even so" not in text


def test_a_closed_port_25_is_said_with_its_three_ways() -> None:
    """The four parts, and what to do about it."""
    text = printed(unreached())
    assert "proved bad 5 · proved good 0 · no fault found (mailbox not asked) 90 · risky 5" in text
    assert "Port 25 is closed on this host, so 84 addresses could not be asked for their mailbox." in text
    assert "Even so the projected rate is above 2%" in text
    ways = re.search(r"1\. .* port 25 is open .* 2\. .*VERIFIER_SMTP_PROXY=socks5://.* 3\. .*feedback import", text)
    assert ways is not None


def test_french_is_french() -> None:
    """The same numbers, written the French way."""
    text = printed(ordinary(), Language.FRENCH).replace("\u00a0", " ").replace("\u202f", " ")
    assert "non délivrable 15 15,0 %" in text
    assert "17,7 % en écrivant à toutes → 0,8 % avec --keep sendable" in text
    assert "À qui l’on peut écrire : 76 adresses" in text


def test_a_list_without_addresses_is_summed_up_too() -> None:
    """Blank rows only: no division by zero, no advice to send."""
    summary = Summary()
    summary.add_blank(2)
    text = printed(summary, run=msgspec.structs.replace(RUN, duration_s=0.0, output=None))
    assert "2 submitted 2 without an address 0 different addresses" in text
    assert "can be mailed" not in text


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("width", [56, 80])
def test_a_narrow_terminal_loses_no_number(language: Language, width: int) -> None:
    """Sentences wrap; counts are never cut."""
    text = printed(ordinary(), language, width=width)
    phrases = Phrases(language)
    for number in (105, 100, 70, 15, 40, 76):
        assert phrases.number(number) in text
    assert "…" not in text


def test_off_a_terminal_there_is_no_colour() -> None:
    """Nothing but text reaches a log file."""
    stream = io.StringIO()
    print_summary(Console(file=stream, width=100), ordinary(), RUN, Language.ENGLISH)
    assert "\x1b" not in stream.getvalue()
