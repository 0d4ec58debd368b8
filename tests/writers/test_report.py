"""The report: one page, for people who never heard of SMTP, that may be passed on."""

import base64
import hashlib
import re
import string
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.lists import RUN, assessed, ordinary, unreached
from verifier.core.faults import OperatorError
from verifier.core.reasons import MEANINGS, Reason, StageName, Verdict
from verifier.core.summary import Bucket, NoticeKind, Summary
from verifier.core.verdict import Flags
from verifier.writers.report import render_report, write_report
from verifier.writers.sentences import Language, Phrases, language_of
from verifier.writers.sentences_en import SENTENCES_EN
from verifier.writers.sentences_fr import MEANINGS_FR, SENTENCES_FR

BOTH = pytest.mark.parametrize("language", Language)
VOID = {"meta", "br", "rect", "line", "circle"}


class Page(HTMLParser):
    """Reads a page: its tags with their attributes, its text, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


@BOTH
@pytest.mark.parametrize("summary", [ordinary(), unreached(), Summary()], ids=["ordinary", "unreached", "empty"])
def test_the_page_stands_alone(summary: Summary, language: Language) -> None:
    """No script, no inline style, nothing loaded from elsewhere, every tag closed, every id once."""
    text = render_report(summary, RUN, language)
    page = Page(text)
    assert page.open == []
    assert {"script", "link", "img", "iframe", "object", "a", "base"} & {tag for tag, _ in page.tags} == set()
    attributes = [(name, value or "") for _, attrs in page.tags for name, value in attrs.items()]
    assert [pair for pair in attributes if pair[0] in ("style", "src", "href") or pair[0].startswith("on")] == []
    assert re.findall(r"https?://|url\(|@import", text) == []
    ids = [value for name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    referred = [value for name, value in attributes if name == "aria-labelledby"]
    assert set(referred) <= set(ids)


@BOTH
def test_the_only_style_is_the_one_that_the_page_allows(language: Language) -> None:
    """The Content-Security-Policy names the style sheet by its hash and forbids all else."""
    text = render_report(ordinary(), RUN, language)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text.replace("&#39;", "'")
    assert f'<html lang="{language}">' in text


@BOTH
def test_the_page_holds_numbers_and_no_addresses(language: Language) -> None:
    """It can be passed on: neither an address of the list nor a list's name that looks like one is in it."""
    run = msgspec.structs.replace(RUN, list_name="jane.doe@shop.example")
    page = Page(render_report(ordinary(), run, language))
    assert "@" not in page.text
    assert "jane.doe" not in page.text


@BOTH
def test_the_page_tells_what_matters(language: Language) -> None:
    """How many may be sent, the projection before and after, every reason with its sentence, every provider."""
    phrases = Phrases(language)
    text = " ".join(Page(render_report(ordinary(), RUN, language)).text.split())
    summary = ordinary()
    wanted = [
        phrases.number(76),
        phrases.share(summary.bounce_rate_before),
        phrases.share(summary.bounce_rate_after),
        *(phrases.reason(reason) for reason in summary.by_reason()),
        *("google", "ovh", "yahoo", "customers.csv", "0.1.0"),
        phrases.moment(RUN.finished_at),
    ]
    plain = text.replace("\u202f", " ").replace("\u00a0", " ")
    assert [part for part in wanted if part.replace("\u202f", " ").replace("\u00a0", " ") not in plain] == []


def test_a_closed_port_25_is_said_with_its_three_ways() -> None:
    """The page reads proved bad, proved good, no fault found, risky; and what can be done."""
    text = Page(render_report(unreached(), RUN, Language.ENGLISH)).text
    for said in ("proved bad", "proved good", "no fault found (mailbox not asked)", "risky", "VERIFIER_SMTP_PROXY"):
        assert said in text
    assert text.count("not done in this run") == 0


def test_stages_that_were_not_done_are_said() -> None:
    """A run without SMTP must not look like one with it."""
    run = msgspec.structs.replace(RUN, stages=(StageName.SYNTAX, StageName.DISPOSABLE))
    assert Page(render_report(ordinary(), run, Language.ENGLISH)).text.count("not done in this run") == 2


def test_names_are_escaped() -> None:
    """A list's name and a provider's come from outside."""
    summary = Summary()
    summary.add(assessed(Reason.ACCEPTED, "<script>p</script>"))
    run = msgspec.structs.replace(RUN, list_name="<script>alert(1)</script>.csv")
    assert "<script" not in render_report(summary, run, Language.ENGLISH)


def test_the_rings_parts_are_the_whole() -> None:
    """Charts are drawn from the counts: the parts of the ring add up to a hundred."""
    page = Page(render_report(ordinary(), RUN, Language.ENGLISH))
    rings = [attrs["stroke-dasharray"] or "" for tag, attrs in page.tags if tag == "circle"]
    assert sum(float(dashes.split()[0]) for dashes in rings) == pytest.approx(100, abs=0.01)


def test_the_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Nothing unfinished stays behind, an old report is replaced, a wrong path is one sentence."""
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(path, ordinary(), RUN, Language.FRENCH)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(OperatorError, match=r"The report cannot be written to .*: No such file or directory"):
        write_report(tmp_path / "absent" / "report.html", ordinary(), RUN, Language.FRENCH)


def test_every_sentence_is_there_in_both_languages() -> None:
    """Same keys, same places to fill in, every reason and every enum's label."""
    assert set(SENTENCES_EN) == set(SENTENCES_FR)
    for key, sentence in SENTENCES_EN.items():
        assert places(sentence) == places(SENTENCES_FR[key]), key
    assert set(MEANINGS_FR) == set(MEANINGS) == set(Reason)
    labels = [
        *(f"verdict.{verdict}" for verdict in Verdict),
        *(f"verdict.{verdict}.meaning" for verdict in Verdict),
        *(f"bucket.{bucket}" for bucket in Bucket),
        *(f"notice.{kind}" for kind in NoticeKind),
        *(f"flag.{name}" for name in Flags.__struct_fields__),
        *(f"report.method.{stage}" for stage in StageName),
    ]
    assert [label for label in labels if label not in SENTENCES_EN] == []


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB", "LC_MESSAGES": "fr_CA"}, "fr"),
        ({"LC_ALL": "", "LANG": "FR"}, "fr"),
    ],
)
def test_the_language_is_that_of_the_locale(environ: dict[str, str], language: str) -> None:
    """LC_ALL over LC_MESSAGES over LANG; English for all but French."""
    assert language_of(environ) == language


def test_numbers_are_written_as_the_language_does() -> None:
    """Thousands, decimals, plurals, durations; and what is not zero never reads as zero."""
    english, french = Phrases(Language.ENGLISH), Phrases(Language.FRENCH)
    assert (english.number(1234567), french.number(1234567)) == ("1,234,567", "1\u202f234\u202f567")
    assert (english.share(0.1234), french.share(0.1234)) == ("12.3%", "12,3\u202f%")
    assert (english.share(0.0001), english.share(0.9999), english.share(0.0), english.share(1.0)) == (
        "< 0.1%",
        "> 99.9%",
        "0.0%",
        "100.0%",
    )
    assert [english.counted("row", n) for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert [french.counted("row", n) for n in (0, 1, 2)] == ["0 ligne", "1 ligne", "2 lignes"]
    assert [english.duration(s) for s in (0.42, 41.3, 90, 7260)] == ["0.4 s", "41 s", "1 min 30 s", "2 h 1 min"]


@given(st.floats(0, 1))
def test_no_share_reads_as_nothing_or_all_unless_it_is(share: float) -> None:
    """0.0% and 100.0% are only said where they are exact."""
    said = Phrases(Language.ENGLISH).share(share)
    assert (said == "0.0%") == (share == 0)
    assert (said == "100.0%") == (share == 1)
