"""Sharing what a host bears: parts never add up to more than the whole."""

from hypothesis import given
from hypothesis import strategies as st

from verifier.core.sharing import Flow, Rate, share_of

PROCESSES = st.sets(st.text("abcdef0123456789", min_size=4, max_size=8), min_size=1, max_size=8)


@given(st.integers(1, 20), st.text(max_size=12), PROCESSES)
def test_shares_add_up_to_the_limit_at_most(limit: int, group: str, processes: set[str]) -> None:
    """Whatever the limit and however many share it: never more together, and somebody may always ask."""
    shares = [share_of(limit, group, me, processes) for me in processes]
    assert 0 < sum(shares) <= limit
    assert len({*shares} - {0}) == 1


def test_who_knows_of_nobody_has_all() -> None:
    """A process always counts itself."""
    assert [share_of(2, "g", "me", ()), share_of(2, "g", "me", {"you"}), share_of(5, "g", "me", {"you"})] == [2, 1, 2]


def test_lone_sessions_are_spread_over_the_processes() -> None:
    """Groups with fewer sessions than processes do not all fall to the same one."""
    processes = {"a", "b", "c"}
    groups = [f"10.0.{number}.0/24" for number in range(300)]
    owners = [[me for me in processes if share_of(1, group, me, processes)] for group in groups]
    assert {len(owner) for owner in owners} == {1}
    assert min(sum(owner == [me] for owner in owners) for me in processes) > 60


def test_a_burst_is_a_sixth_of_a_minute() -> None:
    """At least one, however strict the limit."""
    assert [Rate(Flow.RECIPIENTS, limit).burst for limit in (1, 5, 60, 300)] == [1, 1, 10, 50]
