"""The bounds of a projection against the mail world's own truth; bench/intervals.py asks the same of 100 long lists."""

import pytest

from bench.intervals import Found, held_out
from verifier.adapters.data_files import load_risks, shipped_folder
from verifier.world import World

SEEDS, ROWS = range(100), 1000


@pytest.fixture(scope="module")
def found() -> list[Found]:
    """One half of each list mailed, the other planned."""
    prior = load_risks(shipped_folder())
    return [held_out(World(seed), ROWS, prior) for seed in SEEDS]


def test_the_interval_holds_the_worlds_truth(found: list[Found]) -> None:
    """Of 100 promises of 95 % at least 88 hold, on risks that the other half of the list has calibrated."""
    cases = [each.projections[""] for each in found]
    assert 88 <= sum(p.at_least <= truth <= p.at_most for p, truth in cases)


@pytest.mark.parametrize("reason", ["accepted", "catch_all", "probe_blocked"])
def test_each_reason_has_bounds_that_hold(found: list[Found], reason: str) -> None:
    """For those with the most rows too."""
    cases = [each.projections[reason] for each in found if reason in each.projections]
    assert len(cases) > 90
    assert sum(p.at_least <= truth <= p.at_most for p, truth in cases) >= 0.88 * len(cases)
