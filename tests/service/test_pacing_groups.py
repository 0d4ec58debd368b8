"""Slots: never more than a group or the whole may have, first come first served, people first, and nobody forgotten."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import FakeClock
from tests.support.facts import hindered
from verifier.adapters.memory_pacer import MemoryPacer
from verifier.core.evidence import Obstacle
from verifier.core.providers import Provider
from verifier.core.sharing import Flow, Rate
from verifier.service.pacing_groups import BREAKER_SECONDS, PacingGroup, PacingGroups, network_of

REFUSAL = hindered(Obstacle.PROBE_BLOCKED)


class Waiter:
    """A lane that wants so many sessions, and takes what it is offered while it does."""

    def __init__(
        self, groups: PacingGroups, group: PacingGroup, wants: int, log: list["Waiter"], *, urgent: bool
    ) -> None:
        self.groups = groups
        self.group = group
        self.queued = False
        self.urgent = urgent
        self.wants = wants
        self.holds = 0
        self.log = log

    def wake(self) -> None:
        while self.wants and self.groups.acquire(self.group, self):
            self._got()

    def offered(self) -> bool:
        if not self.wants:
            return False
        self._got()
        return True

    def give_back(self) -> None:
        self.holds -= 1
        self.groups.release(self.group)
        self.wake()

    def _got(self) -> None:
        self.wants -= 1
        self.holds += 1
        self.log.append(self)


def setting(sessions: int = 2, connections: int = 500) -> PacingGroups:
    clock = FakeClock()
    return PacingGroups(clock, MemoryPacer(clock), default_sessions=sessions, connections=connections)


@given(
    st.integers(1, 3),
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), min_size=1, max_size=25),
    st.lists(st.integers(0, 100), max_size=80),
    st.sets(st.integers(0, 24), max_size=8),
)
def test_limits_hold_and_everybody_gets_there(
    sessions: int,
    connections: int,
    lanes: list[tuple[int, int, bool]],
    returns: list[int],
    leaving: set[int],
) -> None:
    """However slots come and go, and whoever loses interest while he waits: the limits hold, and as long as slots are
    given back, everybody gets what he wants."""
    groups, log = setting(sessions, connections), list[Waiter]()
    waiters = [
        Waiter(groups, groups.group_of(None, f"10.0.{place}.1"), wants, log, urgent=urgent)
        for place, wants, urgent in lanes
    ]
    order = deque(returns)
    for number, waiter in enumerate(waiters):
        waiter.wake()
        if number in leaving:
            waiter.wants = 0
    while holders := [waiter for waiter in waiters if waiter.holds]:
        assert sum(waiter.holds for waiter in waiters) <= connections
        for waiter in waiters:
            assert sum(w.holds for w in waiters if w.group is waiter.group) == waiter.group.sessions <= sessions
        holders[(order.popleft() if order else 0) % len(holders)].give_back()
    assert [waiter.wants for waiter in waiters] == [0] * len(waiters)
    assert [waiter.group.sessions for waiter in waiters] == [0] * len(waiters)


def test_first_come_first_served() -> None:
    """Who waits longest is next; who holds a slot and wants another stands behind the others."""
    groups, log = setting(sessions=1), list[Waiter]()
    group = groups.group_of(None, "192.0.2.1")
    one, two, three = (Waiter(groups, group, wants, log, urgent=False) for wants in (2, 1, 1))
    for waiter in (one, two, three):
        waiter.wake()
    assert [groups.contended(group), groups.pressing(group)] == [True, False]
    for holder in (one, one, two, three, one):
        if holder.holds:
            holder.give_back()
    assert log[:3] == [one, one, two]


def test_people_first() -> None:
    """A lane where somebody waits who cannot wait long is put in front, also when it stood in the queue already."""
    groups, log = setting(sessions=1), list[Waiter]()
    group = groups.group_of(None, "192.0.2.1")
    holder, patient, later = (Waiter(groups, group, 1, log, urgent=False) for _ in range(3))
    person = Waiter(groups, group, 1, log, urgent=True)
    for waiter in (holder, patient, later, person):
        waiter.wake()
    assert groups.pressing(group)
    later.urgent = True
    later.wake()
    for waiter in (holder, later, person, patient):
        waiter.give_back()
    assert log == [holder, later, person, patient]


def test_the_network_of_an_address() -> None:
    """IPv4 by /24, IPv6 by /64: neighbours share one group's patience."""
    assert [network_of("192.0.2.77"), network_of("2001:db8:1:2:3::9")] == ["192.0.2.0/24", "2001:db8:1:2::/64"]
    groups = setting()
    assert groups.group_of(None, "192.0.2.1") is groups.group_of(None, "192.0.2.254")
    assert groups.group_of(None, "192.0.2.1") is not groups.group_of(None, "192.0.3.1")


def test_a_provider_is_one_group() -> None:
    """A known provider's row stands above the network: its sessions, its rates, at whatever address."""
    groups, provider = setting(), Provider(name="p", sessions=5)
    group = groups.group_of(provider, "192.0.2.1")
    assert group is groups.group_of(provider, "198.51.100.1")
    assert group is not groups.group_of(None, "192.0.2.1")
    assert [group.sessions_allowed, groups.group_of(None, "192.0.2.1").sessions_allowed] == [5, 2]


@pytest.mark.parametrize(("sessions", "a_second"), [(1, 4), (2, 8)])
def test_a_groups_rates(sessions: int, a_second: int) -> None:
    """Four connections a second for each session, and a minute's limits where the provider's row has them."""
    group = PacingGroup("g", None, sessions)
    assert [group.connections, group.recipients] == [Rate(Flow.CONNECTIONS, 0, a_second), Rate(Flow.RECIPIENTS)]
    row = Provider(name="p", sessions=sessions, connections_per_minute=6, recipients_per_minute=60)
    group = PacingGroup("p", row, 2)
    assert [group.connections, group.recipients] == [Rate(Flow.CONNECTIONS, 6, a_second), Rate(Flow.RECIPIENTS, 60)]


async def test_back_off_holds_connections_back() -> None:
    """A pause that was asked for is kept by the whole group; an answer makes the next pause short again."""
    clock = FakeClock()
    groups = PacingGroups(clock, MemoryPacer(clock), default_sessions=2, connections=500)
    group = groups.group_of(None, "192.0.2.1")
    groups.slow_down(group)
    groups.slow_down(group)
    clock.move(0.5)
    assert (await groups.connect(group, "")).pause == 2.0
    group.answered()
    clock.move(9.5)
    groups.slow_down(group)
    assert (await groups.connect(group, "")).pause == 1.0


def test_the_breaker() -> None:
    """Shut until its time, and then no more."""
    group = PacingGroup("g", None, 2)
    assert group.refusal(0.0) is None
    group.trip(REFUSAL, BREAKER_SECONDS)
    assert [group.refusal(BREAKER_SECONDS - 1), group.refusal(BREAKER_SECONDS)] == [REFUSAL, None]


def test_only_idle_groups_may_be_forgotten() -> None:
    """Nothing that holds anybody back is lost: sessions, waiters, a breaker."""
    groups, log = setting(sessions=1), list[Waiter]()
    group = groups.group_of(None, "192.0.2.1")
    assert group.idle(0.0)
    holder, waiter = (Waiter(groups, group, 1, log, urgent=False) for _ in range(2))
    holder.wake()
    waiter.wake()
    assert not group.idle(0.0)
    holder.give_back()
    waiter.give_back()
    assert group.idle(0.0)
    group.trip(REFUSAL, 100.0)
    assert [group.idle(99.0), group.idle(100.0)] == [False, True]


def test_groups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle ones make room; those in use stay."""
    monkeypatch.setattr("verifier.service.pacing_groups._REMEMBERED_GROUPS", 3)
    groups, log = setting(), list[Waiter]()
    used = groups.group_of(None, "10.0.0.1")
    Waiter(groups, used, 1, log, urgent=False).wake()
    others = [groups.group_of(None, f"10.0.{n}.1") for n in range(1, 5)]
    assert groups.group_of(None, "10.0.0.1") is used
    assert groups.group_of(None, "10.0.1.1") is not others[0]
