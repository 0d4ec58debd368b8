"""Second looks: what an outage withdraws, and when a refusal is believed."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.support.facts import at, hindered, replied
from verifier.core.evidence import Finding, Obstacle, expires_at, merge, retained
from verifier.core.outage import (
    OUTAGE_RULE,
    is_outage,
    is_proven,
    is_refusal,
    looked_at,
    refused_since,
    second_look_due,
)
from verifier.core.replies import ReplyClass, SmtpStage

HOUR, DAY = 3600.0, 86_400.0
NOW = 40 * DAY


def accepted(seen: float) -> Finding:
    return replied(ReplyClass.ACCEPTED, seen)


def refused(seen: float, code: int = 550) -> Finding:
    return replied(ReplyClass.MAILBOX_NOT_FOUND, seen, code, "User unknown")


def withdrawn(seen: float, *earlier: Finding) -> Finding:
    return looked_at(refused(seen), earlier, outage=True, ambiguous=False)


moments = st.integers(0, int(NOW)).map(float)
findings = st.one_of(
    st.builds(
        lambda kind, seen, code, stage: structs.replace(replied(kind, seen, code), stage=stage),
        st.sampled_from(ReplyClass),
        moments,
        st.sampled_from([250, 450, 550]),
        st.sampled_from([SmtpStage.RCPT, SmtpStage.MAIL]),
    ),
    st.builds(hindered, st.sampled_from(Obstacle), moments),
    st.builds(withdrawn, moments),
    st.builds(lambda seen: looked_at(refused(seen), (), outage=False, ambiguous=True), moments),
)


@given(findings, st.lists(findings, max_size=6), st.booleans(), st.booleans())
def test_doubt_never_makes_anybody_undeliverable(
    finding: Finding, earlier: list[Finding], outage: bool, ambiguous: bool
) -> None:
    """A finding that is no refusal stays as it is; a refusal is one still, or says nothing; it never lives longer."""
    looked = looked_at(finding, earlier, outage=outage, ambiguous=ambiguous)
    if not is_refusal(finding):
        assert finding is looked
    elif is_refusal(looked):
        assert structs.replace(looked, doubted_since=None) == structs.replace(finding, doubted_since=None)
        assert expires_at(looked) <= expires_at(structs.replace(finding, doubted_since=None))
    else:
        assert outage
        assert not looked.conclusive
        assert (looked.observed_at, looked.retry_after) == (
            finding.observed_at,
            finding.observed_at + timedelta(days=1),
        )


@given(st.lists(findings, max_size=5), moments)
def test_the_order_of_findings_does_not_matter(seen: list[Finding], now: float) -> None:
    """Who is proven, since when somebody is refused, and what waits for a second look: the same in any order."""
    orders = list(permutations(seen))
    assert len({is_proven(order, at(now)) for order in orders}) == 1
    assert len({refused_since(order) for order in orders}) == 1
    assert len({(due := second_look_due(order, at(now))) and due.observed_at for order in orders}) == 1


@given(st.lists(findings, max_size=5), moments)
def test_only_who_accepted_mail_lately_is_proven(seen: list[Finding], now: float) -> None:
    """Within 31 days the mailbox itself said yes; a refusal that has stood for a day ends that."""
    yes = [f for f in seen if f.reply_class is ReplyClass.ACCEPTED and f.stage is SmtpStage.RCPT]
    if is_proven(seen, at(now)):
        assert at(now) - max(f.observed_at for f in yes) < timedelta(days=31)
        since = refused_since(seen)
        assert since is None or at(now) - since < timedelta(days=1)


@pytest.mark.parametrize(
    ("refused_ones", "answered", "outage"),
    [(3, 3, True), (2, 2, False), (0, 0, False), (4, 5, True), (3, 4, False), (79, 100, False), (80, 100, True)],
)
def test_when_it_is_an_outage(refused_ones: int, answered: int, outage: bool) -> None:
    """At least three proven mailboxes refused, and at least 80 % of those that answered."""
    assert is_outage(refused_ones, answered) is outage


def test_a_refusal_in_an_outage_is_withdrawn_for_a_day() -> None:
    """It says nothing, is asked again a day later, and what was said is kept."""
    finding = withdrawn(NOW, accepted(NOW - 9 * DAY))
    assert (finding.reply_class, finding.rule, finding.code) == (ReplyClass.TEMP_ERROR, OUTAGE_RULE, 550)
    assert finding.text == "User unknown"
    assert expires_at(finding) == at(NOW + DAY)
    assert second_look_due([finding], at(NOW + DAY - 1)) is finding
    assert second_look_due([finding], at(NOW + DAY)) is None


def test_what_is_refused_a_day_later_too_is_refused() -> None:
    """The second look decides, in an outage or not; the store still has the first one then."""
    first = withdrawn(NOW, accepted(NOW - 9 * DAY))
    kept = retained([accepted(NOW - 9 * DAY), first], at(NOW + DAY))
    assert first in kept
    assert not is_proven(kept, at(NOW + DAY))
    second = looked_at(refused(NOW + DAY), kept, outage=True, ambiguous=False)
    assert second == refused(NOW + DAY)
    assert is_proven(kept, at(NOW + DAY - 1))
    assert not looked_at(refused(NOW + DAY - 1), kept, outage=True, ambiguous=False).conclusive


def test_an_acceptance_between_ends_the_doubt() -> None:
    """Who was accepted after a refusal begins anew: the refusal of weeks ago agrees with nothing."""
    known = [withdrawn(NOW - 3 * DAY), accepted(NOW - 2 * DAY)]
    assert refused_since(known) is None
    assert second_look_due([withdrawn(NOW - 1), accepted(NOW)], at(NOW)) is None
    assert looked_at(refused(NOW), known, outage=True, ambiguous=False).doubted_since == at(NOW)


def test_an_ambiguous_providers_unknown_user_is_believed_for_a_day() -> None:
    """Until it was seen again a day later; then for three days, as anybody's."""
    first = looked_at(refused(0), (), outage=False, ambiguous=True)
    early = looked_at(refused(5 * HOUR), (first,), outage=False, ambiguous=True)
    second = looked_at(refused(DAY), (early,), outage=False, ambiguous=True)
    assert [expires_at(f) for f in (first, early, second)] == [at(DAY), at(DAY + 5 * HOUR), at(4 * DAY)]
    assert all(finding.conclusive for finding in (first, early, second))
    assert merge((first,), at(HOUR)) == first
    disabled = replied(ReplyClass.MAILBOX_DISABLED, 0, 550)
    assert looked_at(disabled, (), outage=False, ambiguous=True) is disabled


def test_a_withdrawn_refusal_outlives_other_troubles() -> None:
    """A temporary error of its mailbox does not take its place in the store: the second look would come to nothing."""
    first = withdrawn(0)
    later = replied(ReplyClass.TEMP_ERROR, HOUR, 451)
    assert set(retained([first, later], at(HOUR + 1))) == {first, later}
