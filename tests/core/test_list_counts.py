"""Counts of parts of a list: they add up."""

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.lists import RISKS, assessed
from verifier.core.list_counts import Counts, counted, further, total
from verifier.core.reasons import Reason, verdict_of
from verifier.core.summary import Summary
from verifier.core.verdict import Assessment

_ROWS = st.lists(
    st.tuples(st.sampled_from(list(RISKS)), st.integers(0, 2).map(lambda n: max(0, n - 1)), st.booleans()), max_size=30
)


def _made(rows: list[tuple[Reason, int, bool]]) -> tuple[list[Assessment], list[int]]:
    made = [assessed(reason, role=role) for reason, _, role in rows]
    return [replace(a, email=" ", normalized=None) if a.reason is Reason.INVALID_SYNTAX else a for a in made], [
        earlier for _, earlier, _ in rows
    ]


@given(_ROWS, st.integers(0, 30))
def test_parts_add_up_to_the_whole(rows: list[tuple[Reason, int, bool]], cut: int) -> None:
    """However a list is cut, its parts' counts add up; a part that is taken off again leaves the rest."""
    first, second = counted(*_made(rows[:cut])), counted(*_made(rows[cut:]))
    whole = counted(*_made(rows))
    assert whole == total([first, second]) == second.plus(first)
    assert second == whole.plus(first, -1)
    assert Counts() == whole.plus(whole, -1)


@given(_ROWS)
def test_they_are_the_summarys(rows: list[tuple[Reason, int, bool]]) -> None:
    """The same numbers as `clean` sums up; rows = blank + duplicates + unique."""
    assessments, repeats = _made(rows)
    counts, summary = counted(assessments, repeats), Summary()
    for assessment, earlier in zip(assessments, repeats, strict=True):
        if earlier:
            summary.add_duplicates(1)
        elif assessment.email.strip():
            summary.add(assessment)
        else:
            summary.add_blank()
    assert counts.rows == counts.blank + counts.duplicates + counts.unique == len(rows)
    assert (summary.blank, summary.duplicates, summary.sendable) == (counts.blank, counts.duplicates, counts.sendable)
    assert summary.by_reason() == counts.by_reason
    assert summary.by_verdict() == counts.by_verdict
    assert round(summary.bounce_rate_before, 6) == round(counts.bounce_rate, 6)
    assert round(summary.bounce_rate_after, 6) == round(counts.bounce_rate_sendable, 6)


def test_the_record_names_every_verdict() -> None:
    """Zeros included, so that a client needs no default; reasons only where they occurred."""
    record = counted([assessed(Reason.ACCEPTED)], [0]).record()
    assert {"deliverable": 1, "undeliverable": 0, "risky": 0, "unknown": 0} == record["by_verdict"]
    assert {"accepted": 1} == record["by_reason"]
    assert json.loads(json.dumps(record)) == record
    assert verdict_of(Reason.ACCEPTED) == "deliverable"


def test_what_a_quota_counts() -> None:
    """Unique rows with an answer: neither unknown ones, nor repeats, nor test addresses; other columns add theirs."""
    accepted, greylisted = assessed(Reason.ACCEPTED), assessed(Reason.GREYLISTED)
    stated = replace(accepted, normalized="accepted@verifier.test")
    blank = replace(accepted, email=" ", normalized=None)
    counts = counted([accepted, accepted, accepted, greylisted, stated, blank], [0, 0, 1, 0, 0, 0])
    assert counts.answers == 2
    assert further([accepted, greylisted, stated, blank]) == Counts(answers=1)
