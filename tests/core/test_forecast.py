"""What is told of a list before anybody is asked."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.egress import EgressState
from verifier.core.forecast import OTHERS, Forecast, addresses_a_second, forecast, sample_of
from verifier.core.providers import ProbePolicy, Provider, ProviderTable
from verifier.core.reasons import ALL_STAGES, StageName

SLOW = Provider(name="slow", recipients_per_minute=60)
MUTE = Provider(name="mute", accepts_all=True)
SHY = Provider(name="shy", probe=ProbePolicy.OPT_IN)
NARROW = Provider(name="narrow", recipients_per_transaction=1, recipients_per_connection=10, connections_per_minute=6)
TABLE = ProviderTable((SLOW, MUTE, SHY, NARROW))
_MIX = st.dictionaries(st.sampled_from(["slow", "mute", "shy", "narrow", OTHERS]), st.integers(0, 10**6))


def expected(
    mix: dict[str, int],
    *,
    egress: EgressState = EgressState.OPEN,
    stages: tuple[StageName, ...] = ALL_STAGES,
    opt_in: bool = False,
) -> Forecast:
    return forecast(mix, TABLE, domains=0, probe_opt_in=opt_in, egress=egress, stages=stages)


def test_a_providers_row_sets_its_pace() -> None:
    """By recipients a minute, by connections a minute and what each takes, or by its sessions."""
    assert addresses_a_second(SLOW) == 1
    assert addresses_a_second(NARROW) == 1
    assert addresses_a_second(Provider(name="default")) == pytest.approx(2 * 20 / 0.5)


def test_the_slowest_provider_decides() -> None:
    """3,600 addresses at one a second are an hour, whatever the others are."""
    found = expected({"slow": 3600, OTHERS: 100})
    assert found.seconds == pytest.approx(3600, rel=0.001)
    assert [(part.provider, part.addresses) for part in found.mix] == [("slow", 3600), (OTHERS, 100)]


def test_who_tells_nothing_takes_no_time() -> None:
    """Providers that accept all, or want an opt-in that was not given, are not asked: their share is silent."""
    found = expected({"mute": 30, "shy": 20, OTHERS: 50})
    assert (found.silent, found.provable) == (0.5, 0.5)
    assert [part.seconds for part in found.mix if not part.tells] == [0.0, 0.0]
    assert expected({"mute": 30, "shy": 20, OTHERS: 50}, opt_in=True).silent == 0.3


@pytest.mark.parametrize("egress", [EgressState.BLOCKED, EgressState.INTERCEPTED])
def test_a_shut_way_out_proves_nothing(egress: EgressState) -> None:
    """No mailbox can be proved, and none takes time."""
    found = expected({"slow": 3600, OTHERS: 100}, egress=egress)
    assert found.provable == 0.0
    assert found.seconds < 1


def test_stages_that_ask_nobody_take_next_to_nothing() -> None:
    """Syntax and lists alone are a matter of the processor."""
    found = expected({"slow": 3600}, stages=(StageName.SYNTAX, StageName.DISPOSABLE))
    assert (found.provable, round(found.seconds, 3)) == (0.0, 0.072)


@given(_MIX, st.sampled_from(["slow", "narrow", "shy", "mute", OTHERS]))
def test_more_never_takes_less(mix: dict[str, int], one: str) -> None:
    """One more address of anybody's never makes a list faster; shares stay shares."""
    before, after = expected(mix), expected({**mix, one: mix.get(one, 0) + 1})
    assert after.seconds >= before.seconds >= 0
    assert 0 <= after.silent <= 1 and math.isclose(after.silent + after.provable, 1)


def test_an_empty_list() -> None:
    """Nothing of nothing."""
    assert expected({}) == Forecast((), 0.0, 0.0, 0.0)


@given(st.lists(st.floats(0, 1), max_size=200))
def test_a_samples_bounds_hold_its_rate(risks: list[float]) -> None:
    """The expected rate lies within its bounds, and more rows never widen what one row allowed."""
    sample = sample_of(risks, 0, 0)
    assert 0 <= sample.at_least <= sample.bounce_rate + 1e-9
    assert sample.bounce_rate - 1e-9 <= sample.at_most <= 1
    assert sample.asked == len(risks)


def test_wilsons_interval() -> None:
    """10 of 100: 5.5 to 17.4 % (Wilson 1927, as every textbook has it)."""
    sample = sample_of([1.0] * 10 + [0.0] * 90, 10, 3)
    assert (round(sample.at_least, 3), round(sample.at_most, 3)) == (0.055, 0.174)
    assert (sample.undeliverable, sample.unknown) == (10, 3)
