"""What was observed of a mailbox: who speaks for it, how long, and what can be a statement about it at all."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.facts import at, hindered, replied
from verifier.core.evidence import Finding, Freshness, Obstacle, expires_at, freshness_of, merge
from verifier.core.replies import ReplyClass, SmtpStage

NOW = at(0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DEAD = (ReplyClass.MAILBOX_NOT_FOUND, ReplyClass.MAILBOX_DISABLED)
CONCLUSIVE = (ReplyClass.ACCEPTED, ReplyClass.MAILBOX_FULL, *DEAD)

moments = st.integers(-40 * 86_400, 0).map(at)
findings = st.builds(
    Finding,
    observed_at=moments,
    reply_class=st.sampled_from(ReplyClass),
    stage=st.none() | st.sampled_from(SmtpStage),
    code=st.none() | st.integers(0, 999),
    retry_after=st.none() | st.integers(-86_400, 86_400).map(at),
) | st.builds(Finding, observed_at=moments, obstacle=st.sampled_from(Obstacle))


@given(st.lists(findings, max_size=5))
def test_order_does_not_matter(seen: list[Finding]) -> None:
    """Law 3: the same findings, in any order, have the same speaker."""
    assert len({merge(order, NOW) for order in permutations(seen)}) == 1


@given(st.lists(findings, min_size=1, max_size=12))
def test_who_speaks(seen: list[Finding]) -> None:
    """Law 2: the latest conclusive finding that has not expired; an inconclusive one only where there is none; what
    has expired only where nothing else is left."""
    speaker = merge(tuple(seen), NOW)
    live = [finding for finding in seen if expires_at(finding) > NOW]
    conclusive = [finding for finding in live if finding.conclusive]
    candidates = conclusive or live or seen
    assert speaker in candidates
    assert speaker.observed_at == max(finding.observed_at for finding in candidates)


@given(findings, findings)
def test_a_failed_probe_never_erases_a_good_one(old: Finding, new: Finding) -> None:
    """Pin 6: an inconclusive finding never displaces a conclusive one that has not expired, however new it is."""
    if old.conclusive and expires_at(old) > NOW and not new.conclusive:
        assert merge((new, old), NOW) == old


@pytest.mark.parametrize("weaker", range(len(CONCLUSIVE)))
def test_ties_go_to_the_weaker_statement(weaker: int) -> None:
    """Of two conclusive findings of one moment the one counts that does less harm."""
    for stronger in CONCLUSIVE[weaker + 1 :]:
        pair = (replied(stronger, code=550), replied(CONCLUSIVE[weaker], code=550))
        speaker = merge(pair, at(60))
        assert speaker is not None
        assert speaker.reply_class == min(pair[0].reply_class, pair[1].reply_class, key=_harm)


def _harm(reply_class: ReplyClass | None) -> int:
    assert reply_class is not None
    order = (ReplyClass.ACCEPTED, ReplyClass.MAILBOX_FULL, ReplyClass.MAILBOX_DISABLED, ReplyClass.MAILBOX_NOT_FOUND)
    return order.index(reply_class)


def test_nothing_was_seen() -> None:
    """Without findings nobody speaks."""
    assert merge((), NOW) is None


@given(findings)
def test_what_may_be_conclusive(finding: Finding) -> None:
    """Only what a mailbox's own server said where it speaks of mailboxes; dead only by a permanent code."""
    if finding.conclusive:
        assert finding.reply_class in CONCLUSIVE
        assert finding.stage in (None, SmtpStage.RCPT, SmtpStage.DATA)
        assert finding.reply_class not in DEAD or finding.code is None or 500 <= finding.code <= 599


@pytest.mark.parametrize(
    ("finding", "freshness"),
    [
        (replied(ReplyClass.ACCEPTED), Freshness(7 * DAY, 31 * DAY, 180 * DAY)),
        (replied(ReplyClass.MAILBOX_NOT_FOUND, code=550), Freshness(3 * HOUR, 3 * DAY, 90 * DAY)),
        (replied(ReplyClass.MAILBOX_FULL, code=452), Freshness(DAY, 3 * DAY, 30 * DAY)),
        (replied(ReplyClass.MAILBOX_DISABLED, code=550), Freshness(DAY, 3 * DAY, 30 * DAY)),
        (replied(ReplyClass.MAILBOX_NOT_FOUND, code=450), Freshness(HOUR, HOUR, HOUR)),
        (replied(ReplyClass.CLIENT_REFUSED, code=554), Freshness(HOUR, HOUR, HOUR)),
        (hindered(Obstacle.TIMEOUT), Freshness(HOUR, HOUR, HOUR)),
        (hindered(Obstacle.TIMEOUT, retry=300), Freshness(*[timedelta(seconds=300)] * 3)),
        (hindered(Obstacle.TIMEOUT, retry=-300), Freshness(*[timedelta(0)] * 3)),
    ],
)
def test_how_long_findings_are_good_for(finding: Finding, freshness: Freshness) -> None:
    """The three ages of each kind; what is unknown until its retry time, else an hour."""
    assert freshness_of(finding) == freshness
    assert expires_at(finding) == at(0) + freshness.authoritative
