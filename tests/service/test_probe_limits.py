"""How often a public key may have mailboxes asked."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.clock import FakeClock
from verifier.service.probe_limits import PER_CLIENT, PER_DOMAIN, ProbeLimits


def test_a_client_has_his_share_and_no_more() -> None:
    """So many at once, then as many as a minute gives; nobody else is concerned."""
    clock = FakeClock()
    limits = ProbeLimits(clock)
    assert [limits.admit("9.9.9.9", f"d{n}.example") for n in range(PER_CLIENT + 3)].count(True) == PER_CLIENT
    assert limits.admit("8.8.8.8", "d.example")
    clock.move(60 / PER_CLIENT)
    assert [limits.admit("9.9.9.9", "d.example") for _ in range(2)] == [True, False]


def test_a_domain_is_left_in_peace_whoever_asks() -> None:
    """Many clients together get no more of one domain than its share; of others they do."""
    limits = ProbeLimits(FakeClock())
    assert [limits.admit(f"9.9.9.{n}", "d.example") for n in range(100)].count(True) == PER_DOMAIN
    assert limits.admit("8.8.8.8", "other.example")


def test_who_has_had_his_share_uses_up_nobody_elses() -> None:
    """A client past his limit costs the domain nothing."""
    limits = ProbeLimits(FakeClock())
    for _ in range(1000):
        limits.admit("9.9.9.9", "d.example")
    assert [limits.admit(f"8.8.8.{n}", "d.example") for n in range(100)].count(True) == PER_DOMAIN - PER_CLIENT


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.floats(0, 20)), max_size=200))
@settings(max_examples=50)
def test_the_limits_hold_over_any_stretch(asked: list[tuple[int, int, float]]) -> None:
    """Whoever asks whenever: at most a share at once and the rate over the time that passed."""
    clock = FakeClock()
    limits, passed = ProbeLimits(clock), 0.0
    admitted = []
    for client, domain, pause in asked:
        clock.move(pause)
        passed += pause
        if limits.admit(f"9.9.9.{client}", f"d{domain}.example"):
            admitted.append((client, domain))
    for place, per_minute in ((0, PER_CLIENT), (1, PER_DOMAIN)):
        most = max((sum(pair[place] == n for pair in admitted) for n in range(4)), default=0)
        assert most <= per_minute * (1 + passed / 60) + 1e-6


def test_what_is_remembered_is_bounded() -> None:
    """However many come."""
    limits = ProbeLimits(FakeClock())
    for number in range(25_000):
        limits.admit(str(number), str(number))
    assert limits.remembered <= 20_000
