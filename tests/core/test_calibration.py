"""Bounce risks that learn: a Beta prior, what was seen, and intervals that hold what they promise."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.adapters.data_files import load_risks, shipped_folder
from verifier.core.beta import beta_quantile, beta_share
from verifier.core.calibration import Beta, Seen, calibrate, evidence_of
from verifier.core.projection import PRIOR_MAILS, Basis
from verifier.core.reasons import Reason
from verifier.core.verdict import BounceRisks

PRIOR = BounceRisks(dict.fromkeys(Reason, 0.2), {(Reason.ACCEPTED, "special"): 0.05})


def test_where_nothing_was_seen_the_prior_speaks() -> None:
    """Every reason of the shipped table, to a thousandth (0 and 1 are moved a hair, so that they can learn)."""
    shipped = load_risks(shipped_folder())
    risks = calibrate(shipped, []).risks
    assert {r: round(v, 3) for r, v in risks.by_reason.items()} == {
        r: round(v, 3) for r, v in shipped.by_reason.items()
    }
    assert all(math.isclose(risks.by_provider[k], v, abs_tol=1e-3) for k, v in shipped.by_provider.items())


def test_what_was_seen_outweighs_the_prior_in_the_end() -> None:
    """A prior is worth thirty mailboxes; a hundred times as many leave nothing of it."""
    half = calibrate(PRIOR, [Seen("accepted", "", 30, 0, 6.0)])
    assert math.isclose(half.risks.by_reason["accepted"], PRIOR_MAILS * 0.2 / (PRIOR_MAILS + 30))
    much = calibrate(PRIOR, [Seen("accepted", "big", 3000, 30, 600.0)])
    assert math.isclose(much.risks.risk(Reason.ACCEPTED, "big"), 0.01, abs_tol=0.002)
    assert math.isclose(much.risks.risk(Reason.ACCEPTED, "other"), 0.01, abs_tol=0.003)
    assert much.risks.risk(Reason.CATCH_ALL, "big") == pytest.approx(0.2)


def test_a_provider_with_a_prior_of_its_own_speaks_for_itself_alone() -> None:
    """That it is special is why it has one."""
    found = calibrate(PRIOR, [Seen("accepted", "special", 1000, 900, 50.0)]).risks
    assert found.risk(Reason.ACCEPTED, "special") > 0.8
    assert found.by_reason["accepted"] == pytest.approx(0.2)


def test_a_line_tells_prior_prediction_and_what_was_seen() -> None:
    """Per reason, and per reason and provider; where nobody was mailed there is no rate."""
    lines = {
        (line.reason, line.provider): line for line in calibrate(PRIOR, [Seen("accepted", "big", 40, 4, 8.0)]).lines
    }
    line = lines["accepted", "big"]
    assert (line.mailboxes, line.hard, line.foretold, line.seen_rate, line.basis) == (40, 4, 0.2, 0.1, "calibrated")
    assert line.seen_interval_95 is not None and line.seen_interval_95[0] < 0.1 < line.seen_interval_95[1]
    assert line.interval_95[0] < line.predicted < line.interval_95[1]
    assert (lines["catch_all", None].seen_rate, lines["catch_all", None].basis) == (None, "prior")


def test_what_the_standards_make_certain_does_not_learn() -> None:
    """No mail is delivered to what is no address, or under a null MX; an event that says so is a mistake."""
    risks = calibrate(PRIOR, [Seen("null_mx", "", 1000, 0, 0.0), Seen("a_new_reason", "", 5, 5, 0.0)]).risks
    assert risks.by_reason["null_mx"] == 1.0


def test_intervals_hold_what_they_promise() -> None:
    """Of a thousand rates drawn from the prior itself, 93 to 97 in a hundred lie in the interval that was given."""
    chance, held = random.Random(7), 0
    for _ in range(1000):
        rate = chance.betavariate(PRIOR_MAILS * 0.2, PRIOR_MAILS * 0.8)
        hard = sum(chance.random() < rate for _ in range(50))
        low, high = Beta(PRIOR_MAILS * 0.2, PRIOR_MAILS * 0.8).updated(hard, 50).interval()
        held += low <= rate <= high
    assert 930 <= held <= 970


@given(st.floats(0.05, 5000), st.floats(0.05, 5000), st.floats(0.01, 0.99))
def test_a_quantile_is_where_its_share_lies(a: float, b: float, share: float) -> None:
    """Quantile and distribution undo each other."""
    x = beta_quantile(a, b, share)
    assert 0 <= x <= 1
    if 1e-6 < x < 1 - 1e-6:
        assert beta_share(a, b, x) == pytest.approx(share, abs=1e-5)


@pytest.mark.parametrize(
    ("a", "b", "x", "share"), [(1, 1, 0.3, 0.3), (2, 1, 0.5, 0.25), (1, 2, 0.5, 0.75), (2, 2, 0.5, 0.5), (3, 5, 0, 0)]
)
def test_known_values_of_the_distribution(a: float, b: float, x: float, share: float) -> None:
    """Those that can be worked out by hand: I_x(1,1) = x, I_x(2,1) = x², I_x(1,2) = 1 - (1-x)²."""
    assert beta_share(a, b, x) == pytest.approx(share)


def test_projections_lean_on_what_was_seen_and_on_nothing_else() -> None:
    """A reason and its provider where mail was sent, by the mailboxes that were mailed and the prior."""
    evidence = evidence_of(calibrate(PRIOR, [Seen("accepted", "big", 40, 4, 8.0), Seen("catch_all", "", 5, 0, 1.0)]))
    assert {group: (each.mails, each.basis) for group, each in evidence.items()} == {
        ("accepted", ""): (PRIOR_MAILS + 40, Basis.CALIBRATED),
        ("accepted", "big"): (PRIOR_MAILS + 40, Basis.CALIBRATED),
        ("catch_all", ""): (PRIOR_MAILS + 5, Basis.CALIBRATED),
    }
