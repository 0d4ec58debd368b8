"""What a list came to: the counts add up, whatever came in whatever order."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import START
from tests.support.lists import assessed, ordinary, unreached
from verifier.core.faults import OperatorError
from verifier.core.keep import may_be_sent, parse_keep, sendable
from verifier.core.reasons import Reason, Verdict
from verifier.core.summary import OTHERS, Bucket, Notice, NoticeKind, Summary
from verifier.core.verdict import Assessment, Flags

ASSESSMENTS = st.builds(
    assessed,
    st.sampled_from(Reason),
    st.sampled_from([None, "google", "ovh", "yahoo"]),
    st.floats(0, 1),
    role=st.booleans(),
    typo_domain=st.booleans(),
)


@given(st.lists(st.tuples(ASSESSMENTS, st.integers(1, 5), st.booleans())), st.integers(0, 9))
def test_every_row_is_counted_once(rows: list[tuple[Assessment, int, bool]], blank: int) -> None:
    """submitted = blank + duplicates + unique; verdicts, reasons and buckets each add up to unique."""
    summary = Summary()
    summary.add_blank(blank)
    for assessment, count, duplicate in rows:
        summary.add(assessment, count, duplicate)
    assert summary.submitted == blank + sum(count for _, count, _ in rows)
    assert summary.duplicates == sum(count for _, count, duplicate in rows if duplicate)
    for counts in (summary.by_verdict(), summary.by_reason(), summary.by_bucket()):
        assert sum(counts.values()) == summary.unique
    assert 0 <= summary.sendable <= summary.unique
    assert 0 <= summary.bounce_rate_before <= 1 + 1e-9
    assert 0 <= summary.bounce_rate_after <= 1 + 1e-9


@given(st.lists(ASSESSMENTS))
def test_counting_many_is_counting_one_by_one(assessments: list[Assessment]) -> None:
    """The cheap way gives the same numbers, in any order."""
    one_by_one, at_once = Summary(), Summary()
    for assessment in assessments:
        one_by_one.add(assessment)
    at_once.add_many(assessments[::-1])
    assert one_by_one.by_reason() == at_once.by_reason()
    assert one_by_one.by_flag() == at_once.by_flag()
    assert one_by_one.by_provider() == at_once.by_provider()
    assert one_by_one.sendable == at_once.sendable
    assert one_by_one.bounce_rate_before == pytest.approx(at_once.bounce_rate_before)


@given(st.lists(ASSESSMENTS))
def test_sendable_is_what_the_filter_keeps(assessments: list[Assessment]) -> None:
    """The number that is promised is the number of rows that `--keep sendable` writes."""
    summary = Summary()
    for assessment in assessments:
        summary.add(assessment)
    keep = parse_keep("sendable")
    assert summary.sendable == sum(keep(assessment) for assessment in assessments)


def test_projection_is_the_mean_of_the_risks() -> None:
    """Before: over all unique rows; after: over the sendable ones."""
    summary = ordinary()
    before = 70 * 0.004 + 10 * 0.98 + 5 * 1.0 + 5 * 0.3 + 4 * 0.2 + 6 * 0.05
    assert summary.bounce_rate_before == pytest.approx(before / 100)
    assert summary.sendable == 76
    assert summary.bounce_rate_after == pytest.approx((70 * 0.004 + 6 * 0.05) / 76)


def test_an_empty_list_projects_nothing() -> None:
    """No rows, no division by zero."""
    summary = Summary()
    assert (summary.submitted, summary.bounce_rate_before, summary.bounce_rate_after) == (0, 0.0, 0.0)
    assert (summary.notices(), summary.by_provider()) == ((), ())


def test_a_closed_port_25_reads_in_four_parts() -> None:
    """Proved bad, proved good, no fault found, risky; and nothing is left over."""
    summary = unreached()
    wanted = {
        Bucket.PROVED_BAD: 5,
        Bucket.PROVED_GOOD: 0,
        Bucket.NO_FAULT_FOUND: 90,
        Bucket.RISKY: 5,
        Bucket.UNANSWERED: 0,
    }
    assert summary.by_bucket() == wanted
    assert summary.mailboxes_out_of_reach
    assert summary.sendable == 90
    assert summary.notices() == (Notice(NoticeKind.EGRESS_BLOCKED, 84),)
    assert not ordinary().mailboxes_out_of_reach


def test_greylisting_says_until_when() -> None:
    """The latest retry of all greylisted rows is the one that is told."""
    summary = Summary()
    for minutes in (5, 9, 7):
        summary.add(assessed(Reason.GREYLISTED, retry_after=START + timedelta(minutes=minutes)))
    assert summary.notices() == (Notice(NoticeKind.GREYLISTED, 3, START + timedelta(minutes=9)),)
    summary.add_many([assessed(Reason.GREYLISTED, retry_after=START + timedelta(minutes=m)) for m in (8, 12, 3)])
    assert summary.notices() == (Notice(NoticeKind.GREYLISTED, 6, START + timedelta(minutes=12)),)


def test_providers_are_ranked_and_the_rest_is_summed() -> None:
    """The largest first, what is beyond the limit under one name; proved is a clear yes or no."""
    google, ovh, others = ordinary().by_provider(2)
    assert (google.provider, google.count, google.proved) == ("google", 50, 50)
    assert (ovh.provider, ovh.count, ovh.proved) == ("ovh", 34, 30)
    assert (others.provider, others.count, others.proved) == (OTHERS, 6, 0)


def test_memory_does_not_grow_with_strange_providers() -> None:
    """Beyond a thousand providers the new ones are counted together, and none is lost."""
    summary = Summary()
    for number in range(5000):
        summary.add(assessed(Reason.ACCEPTED, f"host{number}"))
    shares = summary.by_provider(10_000)
    assert len(shares) == 1001
    assert sum(share.count for share in shares) == 5000
    assert shares[-1].provider == OTHERS
    assert all(left.count >= right.count for left, right in pairwise(shares[:-1]))


@pytest.mark.parametrize("reason", Reason)
def test_the_gates_table_decides_what_is_sendable(reason: Reason) -> None:
    """Blocked or held by the balanced policy: the undeliverable, the disposable, what a probe can change."""
    not_sent = {
        *("invalid_syntax", "domain_not_found", "no_mail_host", "null_mx", "mx_unroutable"),
        *("mailbox_not_found", "mailbox_disabled", "disposable"),
        *("greylisted", "smtp_temp_error", "connect_failed", "smtp_timeout", "dns_temp_error"),
    }
    assert sendable(assessed(reason)) == (reason not in not_sent)
    assert not may_be_sent(reason, Flags(typo_domain=True))
    assert not may_be_sent(reason, Flags(disposable=True))
    assert may_be_sent(reason, Flags(role=True, no_reply=True, catch_all=True)) == (reason not in not_sent)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("deliverable", {Reason.ACCEPTED}),
        ("Deliverable, RISKY", {Reason.ACCEPTED, Reason.CATCH_ALL, Reason.DISPOSABLE, Reason.MAILBOX_FULL}),
        ("sendable,undeliverable", {r for r in Reason if sendable(assessed(r))} | {*list(Reason)[:7]}),
    ],
)
def test_keep_takes_verdicts_and_sendable(text: str, kept: set[Reason]) -> None:
    """Words may be mixed; case and spaces do not matter."""
    keep = parse_keep(text)
    assert {reason for reason in Reason if keep(assessed(reason))} == kept


@pytest.mark.parametrize(
    ("text", "said"), [("delivrable", "did you mean deliverable?"), ("", "needs"), ("x", "known are")]
)
def test_keep_refuses_other_words_in_one_sentence(text: str, said: str) -> None:
    """A misspelt filter must not silently keep nothing."""
    with pytest.raises(OperatorError, match=said.replace("?", r"\?")):
        parse_keep(text)


def test_every_verdict_is_listed_even_without_rows() -> None:
    """A chart must not lose a colour."""
    assert list(Summary().by_verdict()) == list(Verdict)
