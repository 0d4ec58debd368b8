"""The Beta distribution: quantiles that are right, and come whatever is asked."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.beta import beta_quantile, beta_share

counts = st.floats(0.01, 1e5)


@pytest.mark.parametrize(
    ("a", "b", "share", "value"),
    [(1, 1, 0.3, 0.3), (2, 1, 0.25, 0.5), (1, 2, 0.75, 0.5), (0, 1, 0.5, 0.0), (1, 0, 0.5, 1.0), (3, 3, 0.5, 0.5)],
)
def test_known_quantiles(a: float, b: float, share: float, value: float) -> None:
    """Where it can be worked out by hand."""
    assert beta_quantile(a, b, share) == pytest.approx(value, abs=1e-9)


@given(counts, counts, st.floats(0.01, 0.99))
def test_a_share_of_the_distribution_lies_below_its_quantile(a: float, b: float, share: float) -> None:
    """Quantile and share are each other's inverse, as far as nine digits of the quantile tell."""
    value = beta_quantile(a, b, share)
    assert 0 <= value <= 1
    assert beta_share(a, b, value - 2e-10) <= share + 1e-9
    assert beta_share(a, b, value + 2e-10) >= share - 1e-9


@given(st.floats(1e6, 1e300), st.floats(1e-3, 1e3), st.floats(0.01, 0.99))
def test_however_much_is_known(count: float, odds: float, share: float) -> None:
    """Much evidence leaves little doubt, and is no fault."""
    a, b = count, count * odds
    mean = 1 / (1 + odds)
    assert abs(beta_quantile(a, b, share) - mean) <= 4 * math.sqrt(mean * (1 - mean) / (a + b)) + 1e-9


@pytest.mark.parametrize("share", [0.025, 0.2, 0.975])
def test_much_is_what_a_little_less_is(share: float) -> None:
    """Where the reckoning changes, the value does not, but for a hundredth of its width."""
    below, above = beta_quantile(0.999e6, 3e6, share), beta_quantile(1.001e6, 3.006e6, share)
    assert below == pytest.approx(above, abs=0.01 * math.sqrt(0.25 * 0.75 / 4e6))
