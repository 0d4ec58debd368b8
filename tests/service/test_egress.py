"""The way out is tested before anybody is asked, and again when what is known has grown old."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from tests.support.clock import FakeClock
from tests.support.facts import at
from tests.support.mail_host import CLOSE, RESET, SILENCE, Host, MemoryDialer
from verifier.core.egress import EgressState
from verifier.core.facts import DomainFacts, MailHost, MailRoute, RouteStatus
from verifier.ports import DialFailure
from verifier.service.egress import EgressTest

CANARIES = ["a.example", "b.example", "c.example"]


class Routes:
    """Each canary has a host of its own, but for those that DNS does not know."""

    def __init__(self, unknown: Sequence[str] = ()) -> None:
        self.asked = 0
        self._unknown = unknown

    async def facts_for(self, domains: Sequence[str]) -> Mapping[str, DomainFacts]:
        self.asked += 1
        return {name: DomainFacts(name, _route(number, name in self._unknown)) for number, name in enumerate(domains)}


def _route(number: int, unknown: bool) -> MailRoute:
    if unknown:
        return MailRoute(RouteStatus.TEMP_ERROR, (), at(0), at(60))
    hosts = (MailHost(f"mx{number}.example", 10, (f"192.0.2.{number}",)),)
    return MailRoute(RouteStatus.FOUND, hosts, at(0), at(60))


def setting(hosts: Sequence[Host], routes: Routes | None = None) -> tuple[EgressTest, FakeClock, MemoryDialer]:
    clock = FakeClock()
    dialer = MemoryDialer({f"192.0.2.{number}": host for number, host in enumerate(hosts)}, clock)
    return EgressTest(routes or Routes(), dialer, clock, CANARIES, 5.0), clock, dialer


async def state(test: EgressTest, clock: FakeClock) -> EgressState:
    outcome = asyncio.ensure_future(test.outcome())
    await clock.advance(10)
    return (await outcome).state


def relay() -> list[Host]:
    return [Host(banner="220 relay.isp.test ESMTP") for _ in CANARIES]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ([Host(banner=f"220 mx{n}.example ESMTP") for n in range(3)], EgressState.OPEN),
        ([Host(dial=DialFailure.TIMEOUT)] * 3, EgressState.BLOCKED),
        ([Host(dial=DialFailure.REFUSED), Host(dial=DialFailure.PROXY), Host(banner=SILENCE)], EgressState.BLOCKED),
        ([Host(banner=CLOSE), Host(banner=RESET), Host(banner=SILENCE)], EgressState.BLOCKED),
        ([Host(dial=DialFailure.TIMEOUT), Host(dial=DialFailure.TIMEOUT), Host()], EgressState.OPEN),
        (relay(), EgressState.INTERCEPTED),
    ],
)
async def test_states(hosts: list[Host], expected: EgressState) -> None:
    """What the canaries' exchanges say, within ten seconds, and every connection is closed."""
    test, clock, _ = setting(hosts)
    assert await state(test, clock) is expected
    assert {host.open_now for host in hosts} == {0}


async def test_too_few_to_tell() -> None:
    """Canaries that DNS does not know for the moment prove nothing."""
    test, clock, _ = setting([Host(dial=DialFailure.TIMEOUT)] * 3, Routes(unknown=["b.example"]))
    assert await state(test, clock) is EgressState.UNTESTED


async def test_one_test_for_all_who_ask() -> None:
    """However many want to know at once, the canaries are bothered once; an open way is trusted for ten minutes."""
    test, clock, dialer = setting([Host(banner=f"220 mx{n}.example") for n in range(3)])
    asking = [asyncio.ensure_future(test.outcome()) for _ in range(20)]
    await clock.advance(1)
    assert {outcome.state for outcome in await asyncio.gather(*asking)} == {EgressState.OPEN}
    assert len(dialer.dialled) == 3
    await clock.advance(590)
    await test.outcome()
    assert len(dialer.dialled) == 3
    await clock.advance(10)
    await test.outcome()
    assert len(dialer.dialled) == 6


async def test_a_shut_way_is_tried_again_after_a_minute() -> None:
    """Somebody may have opened the port."""
    hosts = [Host(dial=DialFailure.REFUSED) for _ in CANARIES]
    test, clock, _ = setting(hosts)
    assert await state(test, clock) is EgressState.BLOCKED
    for number, host in enumerate(hosts):
        host.dial, host.banner = None, f"220 mx{number}.example"
    assert await state(test, clock) is EgressState.BLOCKED
    await clock.advance(60)
    assert await state(test, clock) is EgressState.OPEN


async def test_a_cancelled_asker_leaves_the_others_their_answer() -> None:
    """Who gives up waiting breaks nothing."""
    test, clock, _ = setting([Host(banner=f"3~220 mx{n}.example") for n in range(3)])
    first, second = asyncio.ensure_future(test.outcome()), asyncio.ensure_future(test.outcome())
    await clock.advance(1)
    first.cancel()
    await clock.advance(10)
    assert (await second).state is EgressState.OPEN
