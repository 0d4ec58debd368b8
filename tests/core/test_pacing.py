"""How much may be asked at once: the laws of the arithmetic, and every way in which a connection comes to its end."""

from math import inf, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.pacing import (
    CLOSE_AT_REJECTS,
    FIRST_GROUP,
    RECIPIENTS_PER_TRANSACTION,
    REJECT_BUDGET,
    TARPIT_REJECTS,
    TRANSACTIONS_PER_CONNECTION,
    Allowance,
    Backoff,
    GroupPlan,
    HostHistory,
    SessionTally,
    TokenBucket,
    largest_group,
    plan_group,
    sooner_afresh,
)

PATIENT = Allowance()


def expected_spread(group: int, history: HostHistory) -> float:
    """Three standard deviations above the mean of rejects in a group, with an estimate that may be off itself."""
    p = history.reject_probability
    return group * p + 3 * sqrt(group * p * (1 - p) * (1 + group / (history.seen + 5)))


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, REJECT_BUDGET))
def test_the_group_is_the_largest_that_keeps_to_the_budget(seen: int, rejected: int, budget: int) -> None:
    """k·p + 3·√(k·p·(1−p)·(1 + k/n)) ≤ budget holds for the group, and not for one more; one is always asked."""
    history = HostHistory(seen, min(seen, rejected))
    group = largest_group(history, budget)
    assert group == 1 or expected_spread(group, history) <= budget + 1e-9
    assert expected_spread(group + 1, history) > budget - 1e-9


def test_little_experience_makes_cautious() -> None:
    """The same share of rejects allows larger groups the more answers are behind it."""
    sizes = [largest_group(HostHistory(seen, seen // 10), REJECT_BUDGET) for seen in (10, 40, 100, 400)]
    assert sizes == sorted(sizes) and len(set(sizes)) == len(sizes)


histories = st.builds(
    HostHistory,
    seen=st.integers(0, 500),
    rejected=st.integers(0, 500),
    recipients_per_transaction=st.integers(1, 100),
    tarpit=st.booleans(),
).map(
    lambda history: HostHistory(history.seen, min(history.seen, history.rejected), history.recipients_per_transaction)
)
tallies = st.builds(
    SessionTally,
    rejects=st.integers(0, 12),
    recipients=st.integers(0, 600),
    transactions=st.integers(0, 12),
    transaction_seen=st.integers(0, 110),
    transaction_accepted=st.integers(0, 110),
)
allowances = st.builds(
    Allowance,
    recipients_per_transaction=st.integers(1, 100),
    recipients_per_connection=st.integers(0, 500),
    transactions_per_connection=st.integers(1, 10),
)


@given(histories, tallies, allowances, st.booleans())
def test_a_plan_keeps_to_every_limit(
    history: HostHistory, tally: SessionTally, allowance: Allowance, fresh: bool
) -> None:
    """Whatever was seen: 1 to 100 recipients, within the transaction, the connection and the reject budget."""
    plan = plan_group(history, tally, allowance, fresh=fresh)
    if plan is None:
        return
    before = 0 if plan.fresh else tally.transaction_seen
    per_transaction = min(allowance.recipients_per_transaction, history.recipients_per_transaction)
    assert 1 <= plan.size <= RECIPIENTS_PER_TRANSACTION
    assert before + plan.size <= per_transaction
    assert plan.fresh or (tally.transactions > 0 and not fresh)
    assert not plan.fresh or tally.transactions < allowance.transactions_per_connection
    assert tally.rejects < (TARPIT_REJECTS if history.tarpit else CLOSE_AT_REJECTS)
    assert not allowance.recipients_per_connection or (
        tally.recipients + plan.size <= allowance.recipients_per_connection
    )
    p = history.reject_probability
    if history.seen:
        assert plan.size == 1 or expected_spread(plan.size, history) + tally.rejects <= REJECT_BUDGET + 1e-9
    seen, accepted = before + plan.size, (0 if plan.fresh else tally.transaction_accepted) + plan.size * (1 - p)
    assert seen <= 10 or accepted >= 0.5 * seen


@given(st.lists(st.booleans(), min_size=1, max_size=400))
def test_a_connection_seldom_meets_more_than_ten_rejects(outcomes: list[bool]) -> None:
    """Driven by any run of answers, a connection never plans more rejects than the mean allows: rejects so far and
    those to be expected of the next group stay within ten."""
    history, tally = HostHistory(), SessionTally()
    answers = iter(outcomes)
    while (plan := plan_group(history, tally, PATIENT)) is not None:
        assert tally.rejects + plan.size * history.reject_probability <= REJECT_BUDGET + FIRST_GROUP * 0.2
        if plan.fresh:
            tally.transactions += 1
            tally.transaction_seen = tally.transaction_accepted = 0
        for _ in range(plan.size):
            accepted = next(answers, None)
            if accepted is None:
                return
            history.note(rejected=not accepted)
            tally.recipients += 1
            tally.transaction_seen += 1
            tally.transaction_accepted += accepted
            tally.rejects += not accepted


def test_the_first_group_is_ten() -> None:
    """Of a host that nobody has asked yet, ten."""
    assert plan_group(HostHistory(), SessionTally(), PATIENT) == GroupPlan(FIRST_GROUP, fresh=True)


@pytest.mark.parametrize(
    ("history", "tally", "allowance", "fresh", "plan"),
    [
        (HostHistory(100, 0), SessionTally(), PATIENT, False, GroupPlan(100, fresh=True)),
        (HostHistory(100, 30), SessionTally(), PATIENT, False, GroupPlan(12, fresh=True)),
        (HostHistory(100, 0), SessionTally(0, 50, 1, 50, 50), PATIENT, False, GroupPlan(50, fresh=False)),
        (HostHistory(100, 0), SessionTally(0, 60, 1, 60, 60), PATIENT, False, GroupPlan(100, fresh=True)),
        (HostHistory(100, 0), SessionTally(0, 960, 10, 60, 60), PATIENT, False, GroupPlan(40, fresh=False)),
        (HostHistory(100, 0), SessionTally(0, 60, 1, 60, 60), PATIENT, True, GroupPlan(100, fresh=True)),
        (HostHistory(100, 0), SessionTally(0, 100, 1, 100, 100), PATIENT, False, GroupPlan(100, fresh=True)),
        (HostHistory(100, 90), SessionTally(), PATIENT, False, GroupPlan(7, fresh=True)),
        (HostHistory(100, 60), SessionTally(5, 10, 1, 10, 5), PATIENT, False, GroupPlan(2, fresh=True)),
        (HostHistory(100, 0), SessionTally(0, 1, 1, 1, 1), Allowance(1), False, GroupPlan(1, fresh=True)),
        (HostHistory(100, 0), SessionTally(0, 10, 10, 1, 1), Allowance(1), False, None),
        (HostHistory(100, 0), SessionTally(0, 10, 10, 1, 1), PATIENT, True, None),
        (HostHistory(100, 8), SessionTally(8, 100, 1, 50, 42), PATIENT, False, None),
        (HostHistory(100, 4, tarpit=True), SessionTally(3, 50, 1, 50, 47), PATIENT, False, GroupPlan(1, fresh=False)),
        (HostHistory(100, 4, tarpit=True), SessionTally(4, 50, 1, 50, 46), PATIENT, False, None),
        (HostHistory(100, 0), SessionTally(0, 495, 1, 20, 20), Allowance(100, 500), False, GroupPlan(5, fresh=False)),
        (HostHistory(100, 0), SessionTally(0, 500, 1, 20, 20), Allowance(100, 500), False, None),
    ],
)
def test_plans(
    history: HostHistory, tally: SessionTally, allowance: Allowance, fresh: bool, plan: GroupPlan | None
) -> None:
    """Large groups where nearly all is accepted, small ones where much is refused, a new transaction before Exim's
    guard wakes, and an end where the host's patience ends."""
    assert plan == plan_group(history, tally, allowance, fresh=fresh)


@given(st.integers(1, 600), st.lists(st.tuples(st.integers(1, 100), st.floats(0, 30)), min_size=1, max_size=60))
def test_no_minute_sees_more_than_it_may(per_minute: int, wanted: list[tuple[int, float]]) -> None:
    """Whoever waits as he is told, no minute holds more recipients than the limit (beyond one for limits of 1)."""
    bucket = TokenBucket(per_minute)
    now, went = 0.0, list[tuple[float, int]]()
    for count, pause in wanted:
        group = min(count, bucket.burst)
        now += pause
        now += bucket.take(group, now)
        went.append((now, group))
    for start, _ in went:
        in_a_minute = sum(group for when, group in went if start <= when < start + 60 - 1e-6)
        assert in_a_minute <= max(per_minute, 2)


def test_what_is_long_past_fades() -> None:
    """After a hundred thousand acceptances a bad stretch is noticed within a few hundred answers, and so is its end."""
    history = HostHistory()
    for _ in range(100_000):
        history.note(rejected=False)
    assert largest_group(history, REJECT_BUDGET) > 80
    for _ in range(200):
        history.note(rejected=True)
    assert history.reject_probability > 0.3
    for _ in range(2000):
        history.note(rejected=False)
    assert history.reject_probability == 0.02


def test_without_a_rate_nobody_waits() -> None:
    """A rate of 0 is none."""
    bucket = TokenBucket(0)
    assert [bucket.take(10_000, 0.0), bucket.take(10_000, 0.0)] == [0.0, 0.0]


def test_a_bucket_fills_again() -> None:
    """A burst at once, then at the rate; after a quiet minute a burst again."""
    bucket = TokenBucket(60)
    assert [bucket.take(10, 0.0), bucket.take(5, 0.0), bucket.take(10, 100.0)] == [0.0, 6.0, 0.0]


def test_back_off_doubles_up_to_its_longest_and_forgets() -> None:
    """1, 2, 4 … 60 seconds, however often it fails; from 1 again after a success."""
    backoff = Backoff()
    assert [backoff.failed() for _ in range(8)] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert {backoff.failed() for _ in range(5000)} == {60.0}
    backoff.succeeded()
    assert backoff.failed() == 1.0


def test_limits_are_those_measured() -> None:
    """The thresholds stand below the measured patience of Postfix (10, 20) and within RFC 5321's hundred."""
    assert [CLOSE_AT_REJECTS, REJECT_BUDGET, FIRST_GROUP, TRANSACTIONS_PER_CONNECTION] == [8, 9, 10, 10]


@given(st.integers(0, 60), st.integers(0, 7), st.integers(1, 500), st.floats(0, 1))
def test_controls_are_rejects_that_were_asked_for(controls: int, rejects: int, seen: int, share: float) -> None:
    """A group's controls and the rejects to be expected of the rest stay within the budget together."""
    history = HostHistory(seen, round(seen * share))
    plan = plan_group(history, SessionTally(rejects, rejects, 1, rejects, 0), PATIENT, fresh=True, controls=controls)
    assert plan is not None
    in_group = min(controls, plan.size)
    assert rejects + in_group <= max(CLOSE_AT_REJECTS, rejects + 1)
    others = plan.size - in_group
    assert others <= 1 or rejects + in_group + expected_spread(others, history) <= REJECT_BUDGET + 1e-6


@pytest.mark.parametrize(
    ("history", "rejects", "setup", "afresh"),
    [
        (HostHistory(400, 40), 0, 3.0, False),
        (HostHistory(400, 40), 3, 3.0, False),
        (HostHistory(400, 40), 6, 3.0, True),
        (HostHistory(400, 40), 6, 40.0, False),
        (HostHistory(400, 40), 7, inf, False),
        (HostHistory(400, 380), 6, 3.0, False),
    ],
)
def test_what_is_sooner_asked_on_a_fresh_connection(
    history: HostHistory, rejects: int, setup: float, afresh: bool
) -> None:
    """A connection is left for a new one when its patience is good for small groups only, unless calling again takes
    long, or groups would be small there too."""
    assert sooner_afresh(history, SessionTally(rejects, 60, 1, 60, 60 - rejects), setup) is afresh


@given(histories, tallies, st.floats(1.0, 1000.0))
def test_nobody_calls_again_who_was_refused_nothing(history: HostHistory, tally: SessionTally, setup: float) -> None:
    """An unspent connection is never left."""
    tally.rejects = 0
    assert not sooner_afresh(history, tally, setup)
