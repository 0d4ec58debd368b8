"""What a send will come to: the bounds hold what they promise."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.projection import PRIOR, PRIOR_MAILS, Basis, Evidence, Projection, Tally, project

groups = st.lists(
    st.tuples(
        st.integers(1, 10_000),
        st.floats(0, 1),
        st.builds(Evidence, mails=st.floats(1, 1e6), basis=st.sampled_from(Basis)),
    ),
    min_size=1,
    max_size=6,
)


@given(groups)
def test_bounds_hold_the_rate(parts: list[tuple[int, float, Evidence]]) -> None:
    """0 ≤ lower ≤ rate ≤ upper ≤ 1, and the rate is the mean of the risks."""
    found = project(parts)
    rows = sum(count for count, _, _ in parts)
    assert 0 <= found.at_least <= found.rate <= found.at_most <= 1
    assert found.rate == pytest.approx(sum(count * risk for count, risk, _ in parts) / rows, abs=1e-9)
    assert found.rows == rows
    assert (found.basis is Basis.CALIBRATED) == all(each.basis is Basis.CALIBRATED for _, _, each in parts)


@given(st.integers(1, 100_000), st.floats(0.05, 0.95), st.floats(10, 1e5))
def test_more_evidence_narrows(rows: int, risk: float, mails: float) -> None:
    """A risk that stands on more mails has bounds that are no wider, but for whole mails; more rows have too."""

    def width(count: int, evidence: float) -> float:
        found = project([(count, risk, Evidence(evidence))])
        return found.at_most - found.at_least

    assert width(rows, 2 * mails) <= width(rows, mails) + 2 / rows + 1e-9
    assert width(2 * rows, mails) <= width(rows, mails) + 2 / rows + 1e-9


def test_nothing_planned() -> None:
    """Nothing is to be expected of it."""
    assert project([]) == Projection(0, 0.0, 0.0, 0.0, Basis.PRIOR, 0)
    assert Tally({}).reasons == []


def test_certainty_is_bounded_by_chance() -> None:
    """Of ten rows at a small risk one may bounce, or none; where nothing can bounce, nothing does."""
    few = project([(10, 0.01, PRIOR)])
    assert few.at_least == 0 and 0.1 <= few.at_most <= 0.3
    none = project([(10, 0.0, PRIOR)])
    assert none.rate == none.at_least == none.at_most == 0


def test_tallies_by_reason() -> None:
    """Equal groups meet; the most frequent reason stands first."""
    tally = Tally({})
    for _ in range(3):
        tally.add("accepted", "google", 0.02)
    tally.add("accepted", None, 0.02, 4)
    tally.add("catch_all", None, 0.2, 9)
    assert (tally.rows, tally.reasons) == (16, ["catch_all", "accepted"])
    assert tally.projection({}, "accepted").rows == 7
    assert tally.projection({}).rate == pytest.approx((7 * 0.02 + 9 * 0.2) / 16)
    calibrated = {("accepted", "google"): Evidence(1e6, Basis.CALIBRATED)}
    assert tally.projection(calibrated, "accepted").basis is Basis.PRIOR
    assert tally.projection({}).mails == PRIOR_MAILS


MIX = ((0.62, 0.004), (0.2, 0.02), (0.1, 0.1), (0.08, 0.2))
"""Shares and risks of four groups of a list."""


def a_send(seed: int, rows: int, mails: float) -> tuple[Projection, float]:
    """A projection, and what became of the very mails in a world whose risks the evidence was drawn from."""
    chance = random.Random(seed)
    parts, bounces = [], 0
    for share, risk in MIX:
        count = round(share * rows)
        truth = chance.betavariate(risk * mails, (1 - risk) * mails)
        parts.append((count, risk, Evidence(mails, Basis.CALIBRATED)))
        bounces += sum(chance.random() < truth for _ in range(count))
    return project(parts), bounces / sum(count for count, _, _ in parts)


@pytest.mark.parametrize(("rows", "mails"), [(500, 200.0), (5000, 200.0), (5000, 5000.0)])
def test_the_interval_holds_the_truth(rows: int, mails: float) -> None:
    """Over 100 seeds between 88 and 100 times: it promises 95."""
    found = [a_send(seed, rows, mails) for seed in range(100)]
    assert 88 <= sum(each.at_least <= truth <= each.at_most for each, truth in found) <= 100


def test_the_interval_is_of_use() -> None:
    """At 50,000 planned rows, on risks that stand on 5,000 mails a group, it is at most one point wide."""
    found = project([(round(share * 50_000), risk, Evidence(5000.0)) for share, risk in MIX])
    assert found.at_most - found.at_least <= 0.01
