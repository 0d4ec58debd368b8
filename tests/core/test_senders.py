"""Quotas and caps: what is used up, and until when."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.facts import at
from verifier.core.senders import Sender, cap_until, month_end, month_of, quota_until

NOW = at(0)
DAY = 86_400.0


@pytest.mark.parametrize(("used", "reached"), [(9, False), (10, True), (11, True)])
def test_a_quota_holds_until_the_month_ends(used: int, reached: bool) -> None:
    """Of ten the tenth is the last; none is no limit."""
    end = datetime(2026, 12, 1, tzinfo=UTC)
    assert quota_until(Sender("shop", quota=10), used, NOW) == (end if reached else None)
    assert quota_until(Sender("shop"), used, NOW) is None


@pytest.mark.parametrize(
    ("sender", "blasts", "until"),
    [
        (Sender("s"), [0], None),
        (Sender("s", blasts=2), [-5 * DAY], None),
        (Sender("s", blasts=2), [-5 * DAY, -DAY], 25 * DAY),
        (Sender("s", blasts=2), [-31 * DAY, -DAY], None),
        (Sender("s", blasts=2), [-6 * DAY, -5 * DAY, -DAY], 25 * DAY),
        (Sender("s", blasts=0), [], 30 * DAY),
        (Sender("s", blasts=0), [-DAY], 30 * DAY),
        (Sender("s", gap_hours=48), [-DAY], DAY),
        (Sender("s", gap_hours=48), [-2 * DAY], None),
        (Sender("s", gap_hours=48, blasts=1), [-DAY], 29 * DAY),
        (Sender("s", gap_hours=48), [], None),
    ],
)
def test_caps(sender: Sender, blasts: list[float], until: float | None) -> None:
    """So many within 30 days, and so long between two: whichever holds longer."""
    assert cap_until(sender, [at(each) for each in blasts], NOW) == (None if until is None else at(until))


@given(st.lists(st.integers(-40 * 24, 0), max_size=8), st.integers(1, 5), st.integers(0, 72))
def test_a_cap_that_has_ended_holds_no_more(hours: list[int], blasts: int, gap: int) -> None:
    """At the time that a cap names, the same recipient may be mailed, if nothing was sent meanwhile."""
    sender = Sender("s", blasts=blasts, gap_hours=gap)
    times = [at(3600 * hour) for hour in hours]
    until = cap_until(sender, times, NOW)
    if until is not None:
        assert until > NOW and cap_until(sender, times, until) is None
        assert cap_until(sender, times, until - timedelta(seconds=1)) is not None


@given(st.integers(0, 36_500).map(lambda hours: NOW + timedelta(hours=17 * hours)))
def test_months(moment: datetime) -> None:
    """A month ends when the next begins, on its first day."""
    end = month_end(moment)
    assert month_of(moment) == month_of(end - timedelta(seconds=1)) != month_of(end)
    assert (end.day, end.hour) == (1, 0)


def test_is_capped() -> None:
    """Whoever has a limit has to be counted."""
    limits = [Sender("s"), Sender("s", quota=1), Sender("s", blasts=1), Sender("s", gap_hours=1)]
    assert [each.is_capped for each in limits] == [False, True, True, True]
