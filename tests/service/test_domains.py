"""Facts about domains: the store first, each name one question at a time, no denial believed before the canaries."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tests.support.clock import FakeClock
from tests.support.zone_resolver import ZoneResolver
from verifier.adapters.memory_store import MemoryStore
from verifier.core.facts import AcceptsAll, DomainFacts, RouteStatus
from verifier.core.guard import Guard
from verifier.ports import Answer, DnsStatus, RecordType
from verifier.service.domains import Domains

_SOA = "@ SOA ns.example. hostmaster.example. 1 3600 900 604800 600\n@ NS ns.example.\n"
_ZONES = {
    "example": "$TTL 3600\n"
    + _SOA
    + """
ns A 9.9.9.1
mx1 A 9.9.9.11
mx2 A 9.9.9.12
six AAAA 2a00::25
inside A 10.0.0.1
canary MX 10 mx1
good MX 10 mx1
good MX 20 mx2
other MX 10 mx1
alias CNAME good
own A 9.9.9.20
null MX 0 .
mute TXT "no mail here"
dangling MX 10 nowhere
private MX 10 inside
v6 MX 10 six
*.wild MX 10 mx2
""",
}
_MX = RecordType.MX
_A = RecordType.A


class _World:
    """A service over zones, with everything that can be bent."""

    def __init__(self, canaries: tuple[str, ...] = ("canary.example",)) -> None:
        self.clock = FakeClock()
        self.resolver = ZoneResolver(_ZONES)
        self.store = MemoryStore(self.clock)
        self.canaries = canaries
        self.domains = self.another()

    def another(self) -> Domains:
        """A second service over the same store: another run."""
        return Domains(self.resolver, self.store, self.clock, self.canaries, Guard())

    async def status(self, name: str) -> RouteStatus:
        route = (await self.domains.facts_for([name]))[name].route
        assert route is not None
        return route.status

    def lie(self, address: str) -> None:
        """From now on the resolver gives this address for every name that it does not know."""
        honest = self.resolver.lookup

        async def lookup(name: str, record_type: RecordType) -> Answer:
            answer = await honest(name, record_type)
            if answer.status not in (DnsStatus.NXDOMAIN, DnsStatus.REFUSED):
                return answer
            if record_type is _A:
                return Answer(DnsStatus.OK, ((0, address),), 60, "liar")
            return Answer(DnsStatus.NODATA, server="liar")

        self.resolver.lookup = lookup  # type: ignore[method-assign]


@asynccontextmanager
async def _world(*canaries: str) -> AsyncIterator[_World]:
    world = _World(canaries or ("canary.example",))
    yield world
    await world.domains.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("good.example", RouteStatus.FOUND),
        ("alias.example", RouteStatus.FOUND),
        ("x.wild.example", RouteStatus.FOUND),
        ("v6.example", RouteStatus.FOUND),
        ("own.example", RouteStatus.IMPLICIT),
        ("null.example", RouteStatus.NULL_MX),
        ("nowhere.example", RouteStatus.DOMAIN_NOT_FOUND),
        ("mute.example", RouteStatus.NO_MAIL_HOST),
        ("dangling.example", RouteStatus.UNROUTABLE),
        ("private.example", RouteStatus.UNROUTABLE),
        ("x.elsewhere", RouteStatus.TEMP_ERROR),
    ],
)
async def test_routes(name: str, status: RouteStatus) -> None:
    """From the question to the route, in every kind, with a resolver that passes its canaries."""
    async with _world() as world:
        assert await world.status(name) is status


async def test_nobody_waits_for_the_silent_name_server_of_another() -> None:
    """What is found is handed on while a domain of the same chunk has no answer yet."""
    async with _world() as world:
        silent = asyncio.Event()
        honest = world.resolver.lookup

        async def lookup(name: str, record_type: RecordType) -> Answer:
            if name == "other.example":
                await silent.wait()
            return await honest(name, record_type)

        world.resolver.lookup = lookup  # type: ignore[method-assign]
        in_turn = world.domains.facts_in_turn(["good.example", "other.example", "own.example"])
        assert {"good.example", "own.example"} == set(await anext(in_turn))
        silent.set()
        assert [{"other.example"}] == [set(some) async for some in in_turn]
        known = await world.store.domains(["good.example", "other.example", "own.example"])
        assert 3 == len(known)


async def test_lists_wait_for_room_and_single_checks_do_not() -> None:
    """However many lists come, the look-ups that run at a time are bounded; who wants few domains asks at once."""
    async with _world() as world:
        silent = asyncio.Event()
        most = running = 0
        honest = world.resolver.lookup

        async def lookup(name: str, record_type: RecordType) -> Answer:
            nonlocal most, running
            running += 1
            most = max(most, running)
            if name.endswith(".wild.example"):
                await silent.wait()
            running -= 1
            return await honest(name, record_type)

        world.resolver.lookup = lookup  # type: ignore[method-assign]
        lists = [
            asyncio.create_task(world.domains.facts_for([f"d{n}.l{number}.wild.example" for n in range(300)]))
            for number in range(20)
        ]
        check = await world.domains.facts_for(["good.example"])
        assert check["good.example"].route is not None
        silent.set()
        assert [300] * 20 == [len(facts) for facts in await asyncio.gather(*lists)]
        assert 1000 < most < 1024 + 4 * 512 + 10


async def test_answers_come_once_in_the_order_asked() -> None:
    """Each name once, in the order of its first coming."""
    async with _world() as world:
        facts = await world.domains.facts_for(["own.example", "good.example", "own.example"])
        assert list(facts) == ["own.example", "good.example"]
        assert await world.domains.facts_for([]) == {}


async def test_what_is_known_is_not_asked_again() -> None:
    """A stored route serves until it expires, in this run and the next, and then one question renews it."""
    async with _world() as world:
        await world.domains.facts_for(["good.example"])
        await world.domains.facts_for(["good.example"])
        second = world.another()
        await second.facts_for(["good.example"])
        await second.close()
        assert world.resolver.asked["good.example", _MX] == 1
        world.clock.move(3601)
        await world.domains.facts_for(["good.example"])
        assert world.resolver.asked["good.example", _MX] == 2


async def test_one_question_however_many_wait() -> None:
    """Fifty who want the same three domains cost one question each, and one for the exchange that they share."""
    async with _world() as world:
        names = ["good.example", "other.example", "alias.example"]
        answers = await asyncio.gather(*(world.domains.facts_for(names) for _ in range(50)))
        assert all(answer == answers[0] for answer in answers)
        assert [world.resolver.asked[name, _MX] for name in names] == [1, 1, 1]
        assert world.resolver.asked["mx1.example", _A] == 1
        assert set(world.resolver.most_running.values()) == {1}


async def test_a_canary_in_the_list_is_asked_once_at_a_time() -> None:
    """The canary check shares its questions with the list."""
    async with _world() as world:
        await world.domains.facts_for(["canary.example", "good.example"])
        assert world.resolver.most_running["canary.example", _MX] == 1


async def test_who_stops_waiting_does_not_stop_the_others() -> None:
    """The starter of a look-up is cancelled: the others get its result, and it is remembered."""
    async with _world() as world:
        world.resolver.open.clear()
        starter = asyncio.create_task(world.domains.facts_for(["good.example"]))
        await asyncio.sleep(0.01)
        waiter = asyncio.create_task(world.domains.facts_for(["good.example"]))
        await asyncio.sleep(0.01)
        starter.cancel()
        await asyncio.gather(starter, return_exceptions=True)
        world.resolver.open.set()
        facts = (await waiter)["good.example"]
        assert facts.route is not None
        assert facts.route.status is RouteStatus.FOUND
        while "good.example" not in await world.store.domains(["good.example"]):
            await asyncio.sleep(0)
        assert world.resolver.asked["good.example", _MX] == 1


async def test_when_all_have_gone_the_answer_is_kept_all_the_same() -> None:
    """A look-up whose only waiter was cancelled still ends up in the store."""
    async with _world() as world:
        world.resolver.open.clear()
        waiter = asyncio.create_task(world.domains.facts_for(["good.example"]))
        await asyncio.sleep(0.01)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        world.resolver.open.set()
        while "good.example" not in await world.store.domains(["good.example"]):
            await asyncio.sleep(0)
        assert world.resolver.asked["good.example", _MX] == 1


@pytest.mark.parametrize("landed", [(), ("own.example",)])
async def test_closing_in_the_middle_leaves_no_task(landed: tuple[str, ...]) -> None:
    """`close` ends look-ups, canaries and writers that still run, also where some of a batch had its answer."""
    async with _world() as world:
        slow = asyncio.Event()
        honest = world.resolver.lookup

        async def lookup(name: str, record_type: RecordType) -> Answer:
            if name not in landed:
                await slow.wait()
            return await honest(name, record_type)

        world.resolver.lookup = lookup  # type: ignore[method-assign]
        waiter = asyncio.create_task(world.domains.facts_for(["good.example", *landed]))
        await asyncio.sleep(0.01)
        await world.domains.close()
        assert isinstance((await asyncio.gather(waiter, return_exceptions=True))[0], asyncio.CancelledError)


async def test_a_fault_of_ours_reaches_who_waits_and_nobody_else() -> None:
    """A resolver that raises is our own bug: it surfaces, and the next look-up starts afresh."""
    async with _world() as world:
        honest = world.resolver.lookup

        async def broken(name: str, record_type: RecordType) -> Answer:
            if name == "good.example":
                raise ZeroDivisionError
            return await honest(name, record_type)

        world.resolver.lookup = broken  # type: ignore[method-assign]
        with pytest.raises(ZeroDivisionError):
            await world.domains.facts_for(["good.example", "own.example"])
        assert await world.status("own.example") is RouteStatus.IMPLICIT
        world.resolver.lookup = honest  # type: ignore[method-assign]
        assert await world.status("good.example") is RouteStatus.FOUND


async def test_failures_are_asked_again_ever_later() -> None:
    """30 s, 60 s, … 5 min between questions while they fail (RFC 2308 §7); a success starts over."""
    async with _world() as world:
        world.resolver.bent["good.example", _MX] = Answer(DnsStatus.SERVFAIL, server="s")
        waits = []
        for _ in range(6):
            facts = (await world.domains.facts_for(["good.example"]))["good.example"]
            assert facts.route is not None
            waits.append((facts.route.expires_at - world.clock.now()).total_seconds())
            world.clock.move(waits[-1])
        assert waits == [30, 60, 120, 240, 300, 300]
        world.resolver.bent.clear()
        assert await world.status("good.example") is RouteStatus.FOUND


async def test_a_failure_does_not_displace_a_route_that_holds() -> None:
    """Another process has stored a good route meanwhile: the failed look-up does not erase it."""
    async with _world() as world:
        world.resolver.open.clear()
        world.resolver.bent["good.example", _MX] = Answer(DnsStatus.TIMEOUT)
        waiter = asyncio.create_task(world.domains.facts_for(["good.example"]))
        await asyncio.sleep(0.01)
        second = Domains(ZoneResolver(_ZONES), world.store, world.clock, ("canary.example",), Guard())
        await second.facts_for(["good.example"])
        await second.close()
        world.resolver.open.set()
        await waiter
        assert await world.status("good.example") is RouteStatus.FOUND


async def test_other_facts_of_the_domain_survive() -> None:
    """What is known of a domain besides its route is kept when the route is renewed."""
    async with _world() as world:
        now = world.clock.now()
        control = AcceptsAll(True, now, now + timedelta(days=7))
        await world.store.remember_domains([DomainFacts("good.example", accepts_all=control)])
        assert (await world.domains.facts_for(["good.example"]))["good.example"].accepts_all == control
        assert (await world.store.domains(["good.example"]))["good.example"].accepts_all == control


async def test_exchanges_are_remembered_for_their_ttl() -> None:
    """Domains that come later reuse the shared exchange's addresses until their TTL is over."""
    async with _world() as world:
        await world.domains.facts_for(["good.example"])
        await world.domains.facts_for(["other.example"])
        assert world.resolver.asked["mx1.example", _A] == 1
        world.clock.move(3601)
        await world.domains.facts_for(["other.example"])
        assert world.resolver.asked["mx1.example", _A] == 2


async def test_ipv6_is_asked_for_only_without_ipv4() -> None:
    """An exchange with an A record is never asked for AAAA."""
    async with _world() as world:
        await world.domains.facts_for(["good.example", "v6.example"])
        assert world.resolver.asked["mx1.example", RecordType.AAAA] == 0
        assert world.resolver.asked["six.example", RecordType.AAAA] == 1


async def test_trust_is_not_known_before_anything_was_asked() -> None:
    """No question, no check; then an honest resolver is trusted, and there is nothing to say."""
    async with _world() as world:
        assert (world.domains.trusted, world.domains.doubt) == (None, "")
        await world.domains.facts_for(["good.example"])
        assert (world.domains.trusted, world.domains.doubt) == (True, "")


async def test_canaries_are_asked_once_a_run() -> None:
    """A hundred dead domains cost one canary check, and another only after some minutes."""
    async with _world() as world:
        await world.domains.facts_for([f"dead{n}.example" for n in range(100)])
        await world.domains.facts_for(["dead.example"])
        assert world.resolver.asked["canary.example", _MX] == 1
        world.clock.move(601)
        await world.domains.facts_for(["dead.example", "late.example"])
        assert world.resolver.asked["canary.example", _MX] == 2


@pytest.mark.parametrize("name", ["nowhere.example", "mute.example", "null.example", "dangling.example"])
@pytest.mark.parametrize(
    "answer",
    [
        Answer(DnsStatus.NXDOMAIN, ttl=60),
        Answer(DnsStatus.NODATA, ttl=60),
        Answer(DnsStatus.OK, ((0, ""),), 60),
        Answer(DnsStatus.TIMEOUT),
        Answer(DnsStatus.REFUSED),
    ],
)
async def test_no_denial_is_believed_when_a_canary_does_not_resolve(name: str, answer: Answer) -> None:
    """A filter that hides a known domain, or does not answer for it, may hide others: its "no" is UNTRUSTED."""
    async with _world() as world:
        world.resolver.bent["canary.example"] = answer
        assert await world.status(name) is RouteStatus.UNTRUSTED
        assert world.domains.trusted is False
        assert "zones" in world.domains.doubt
        assert await world.status("good.example") is RouteStatus.FOUND


async def test_one_silent_canary_of_several_is_the_weather() -> None:
    """A time-out of one canary proves nothing as long as another resolves; one that is denied does."""
    async with _world("canary.example", "good.example") as world:
        world.resolver.bent["canary.example"] = Answer(DnsStatus.TIMEOUT)
        assert await world.status("nowhere.example") is RouteStatus.DOMAIN_NOT_FOUND
    async with _world("canary.example", "good.example") as world:
        world.resolver.bent["canary.example"] = Answer(DnsStatus.NXDOMAIN, ttl=60)
        assert await world.status("nowhere.example") is RouteStatus.UNTRUSTED


@pytest.mark.parametrize("address", ["9.9.9.99", "10.0.0.99", "127.0.0.1"])
async def test_a_resolver_that_knows_every_name_is_not_believed(address: str) -> None:
    """A search page for every name that does not exist: neither its hosts nor its denials count, honest routes do."""
    async with _world() as world:
        world.lie(address)
        statuses = [await world.status(name) for name in ("nowhere.example", "mute.example", "good.example")]
        assert statuses == [RouteStatus.UNTRUSTED, RouteStatus.UNTRUSTED, RouteStatus.FOUND]
        assert "does not exist" in world.domains.doubt


async def test_a_resolver_with_one_answer_for_everything_is_not_believed() -> None:
    """A captive portal that gives its own address for every question, of any type."""
    async with _world() as world:
        world.resolver.everything = Answer(DnsStatus.OK, ((0, "9.9.9.99"),), 60, "portal")
        statuses = {await world.status(name) for name in ("nowhere.example", "good.example", "null.example")}
        assert statuses == {RouteStatus.UNTRUSTED}


async def test_a_resolver_that_fails_altogether_is_a_failure() -> None:
    """Where nothing is answered, nothing was denied: TEMP_ERROR, not UNTRUSTED."""
    async with _world() as world:
        world.resolver.everything = Answer(DnsStatus.TIMEOUT)
        assert await world.status("nowhere.example") is RouteStatus.TEMP_ERROR


async def test_trust_comes_back() -> None:
    """After some minutes the canaries are asked again, and what was UNTRUSTED with them."""
    async with _world() as world:
        world.resolver.bent["canary.example"] = Answer(DnsStatus.NXDOMAIN)
        assert await world.status("nowhere.example") is RouteStatus.UNTRUSTED
        assert await world.status("nowhere.example") is RouteStatus.UNTRUSTED
        assert world.resolver.asked["nowhere.example", _MX] == 1
        world.resolver.bent.clear()
        world.clock.move(301)
        assert await world.status("nowhere.example") is RouteStatus.DOMAIN_NOT_FOUND
        assert (world.domains.trusted, world.domains.doubt) == (True, "")
