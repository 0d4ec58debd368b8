"""The harvest guard's arithmetic: who tries out names, told from who verifies a list."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.facts import at
from verifier.core.harvest import NAMES, SAMPLE, Lifts, Tally

DAY = 86_400.0
requests = st.lists(
    st.tuples(st.integers(0, 80).map(str), st.integers(0, int(2 * DAY)).map(at), st.booleans()), max_size=120
)


def tally(asked: list[tuple[str, datetime, bool]]) -> Tally:
    made = Tally({})
    for key, when, unknown in asked:
        made.add(key, when, unknown=unknown)
    return made


def asked_for(names: int, unknown: int) -> Tally:
    return tally([(str(number), at(0), number < unknown) for number in range(names)])


@pytest.mark.parametrize(
    ("names", "unknown", "harvest"),
    [
        (50, 31, True),
        (50, 30, False),
        (49, 49, False),
        (60, 6, False),
        (200, 200, True),
        (100, 61, True),
        (0, 0, False),
    ],
)
def test_what_a_harvest_is(names: int, unknown: int, harvest: bool) -> None:
    """At least 50 different names, more than 60 % of them unknown; the 60 employees of one company are none."""
    count = asked_for(names, unknown).count(at(1))
    assert (count.names, count.unknown, count.is_harvest) == (names, unknown, harvest)


@given(requests, st.integers(int(DAY), int(3 * DAY)).map(at))
def test_it_counts_the_names_of_a_day(asked: list[tuple[str, datetime, bool]], now: datetime) -> None:
    """Each name once, as it was found last, and only within 24 hours; a name asked for twice is one."""
    last: dict[str, tuple[datetime, bool]] = {}
    for key, when, unknown in asked:
        last[key] = max(last.get(key, (when, unknown)), (when, unknown))
    counted = [unknown for when, unknown in last.values() if now - when < timedelta(hours=24)]
    count = tally(asked).count(now)
    assert (count.names, count.unknown) == (len(counted), sum(counted))
    assert tally(asked).without_old(now).count(now) == count


@given(requests, requests, requests)
def test_tallies_meet_in_any_order(one: list, other: list, third: list) -> None:  # type: ignore[type-arg]
    """What several processes counted comes to the same in whatever order and however often it is put together."""
    together = tally([*one, *other, *third])
    assembled = tally(third)
    for part in (other, one, other):
        assembled.take_in(tally(part))
    assert assembled == together


@pytest.mark.parametrize(("share", "harvest"), [(0.05, False), (0.3, False), (0.45, False), (0.8, True), (1.0, True)])
def test_a_big_domain_is_judged_by_a_sample(share: float, harvest: bool) -> None:
    """Memory is bounded however many names are asked for, and the share is that of all of them, not of the latest."""
    names = 20_000
    count_of = asked_for(names, int(share * names))
    assert len(count_of.names) == SAMPLE
    count = count_of.count(at(1))
    assert abs(count.unknown / count.names - share) < 0.12
    assert count.is_harvest is harvest


def test_repeating_a_good_name_hides_nothing() -> None:
    """A thousand requests for the one mailbox that exists are one name."""
    asked = [(str(number), at(number), True) for number in range(NAMES)]
    made = tally(asked + [("good", at(n), False) for n in range(1000)])
    assert made.count(at(1000)).is_harvest


def test_a_name_that_is_forgotten_was_never_asked_for() -> None:
    """`forget` leaves nothing of the mailbox, and the tally holds no mailbox's key."""
    made = tally([("0123456789abcdef", at(0), True)])
    assert 0x0123456789ABCDEF not in made.names
    made.remove("0123456789abcdef")
    made.remove("never asked for")
    assert made == Tally({})


def test_which_lists_are_lifted() -> None:
    """`DOMAIN LIST` a line: sub-domains too, names with blanks, comments behind; no other list, and no nameless one."""
    lifts = Lifts.parse(
        [
            "# by me",
            "dead.example  old customers.csv  # lifted 2026-11-22",
            "Bücher.example a#1.csv",
            "lonely.example",
            "",
        ]
    )
    assert lifts.cover("dead.example", "old customers.csv")
    assert lifts.cover("sub.dead.example", "old customers.csv")
    assert lifts.cover("xn--bcher-kva.example", "a#1.csv")
    assert not lifts.cover("dead.example", "customers.csv")
    assert not lifts.cover("other.example", "old customers.csv")
    assert not lifts.cover("lonely.example", "")
