"""Which rows are let through."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.lists import RISKS, assessed
from verifier.core.keep import parse_keep
from verifier.core.list_faults import BadRequest
from verifier.core.reasons import Reason
from verifier.core.row_filter import RowFilter, parse_filter

_ASSESSMENTS = st.builds(assessed, st.sampled_from(list(RISKS)), role=st.booleans())


@given(_ASSESSMENTS, st.integers(0, 5))
def test_no_condition_lets_everything_through(assessment: object, repeats: int) -> None:
    """An empty filter is no filter."""
    assert RowFilter().passes(assessment, repeats)  # type: ignore[arg-type]
    assert RowFilter().may_pass(())
    assert parse_filter(keep=["all"]).lets_all_through


@pytest.mark.parametrize(
    "words",
    [{"verdict": ["risky"]}, {"keep": ["sendable"]}, {"reason": ["accepted"]}, {"flag": ["-role"]}, {"text": "x"}],
    ids=str,
)
def test_any_condition_may_leave_rows_out(words: dict[str, Any]) -> None:
    """Whoever looks at each row for nothing loses time; whoever does not look loses the filter."""
    assert not parse_filter(**words).lets_all_through
    assert not parse_filter(repeats=False).lets_all_through


@given(_ASSESSMENTS, st.sampled_from(["sendable", "deliverable,risky", "unknown", "sendable,risky"]))
def test_verdict_words_are_those_of_keep(assessment: object, words: str) -> None:
    """`sendable` and verdicts mean what --keep means."""
    filter_ = parse_filter(verdict=words.split(","))
    assert parse_keep(words)(assessment) is filter_.passes(assessment, 0)  # type: ignore[arg-type]


def test_each_condition_leaves_rows_out() -> None:
    """Reason, flag, its absence, text and repetition, each by itself and all together."""
    row = assessed(Reason.ACCEPTED, role=True)
    assert parse_filter(reason=["accepted"], flag=["role", "-disposable"], text=" JANE.d ").passes(row, 0)
    assert not parse_filter(reason=["greylisted"]).passes(row, 0)
    assert not parse_filter(flag=["-role"]).passes(row, 0)
    assert not parse_filter(flag=["free"]).passes(row, 0)
    assert not parse_filter(text="john").passes(row, 0)
    assert not parse_filter(repeats=False).passes(row, 3)
    assert parse_filter(repeats=False).passes(row, 0)
    assert not parse_filter(verdict=["risky"], reason=["accepted"]).passes(row, 0)


@given(_ASSESSMENTS, st.frozensets(st.sampled_from(list(RISKS)), max_size=3))
def test_what_may_not_pass_does_not(assessment: object, reasons: frozenset[Reason]) -> None:
    """Blocks are skipped by their reasons alone: no row with one of them would have been let through."""
    filter_ = parse_filter(reason=sorted(reasons))
    if not filter_.may_pass({assessment.reason}):  # type: ignore[attr-defined]
        assert not filter_.passes(assessment, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "words"),
    [("verdict", {"verdict": ["good"]}), ("reason", {"reason": ["dead"]}), ("flag", {"flag": ["nice"]})],
)
def test_an_unknown_word_is_named(field: str, words: dict[str, list[str]]) -> None:
    """With the words that there are, and the name of the field."""
    with pytest.raises(BadRequest, match=f"There is no {field}") as caught:
        parse_filter(**words)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_text_is_bounded() -> None:
    """Nobody's address is longer."""
    with pytest.raises(BadRequest, match="at most 254"):
        parse_filter(text="x" * 255)
