"""The contract of FactStore, over all its adapters: may forget at any time, must never invent."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.facts import at, control, facts, hindered, replied, route
from tests.support.redis_server import RedisServer
from verifier.adapters.layered_store import LayeredStore
from verifier.adapters.memory_store import MemoryStore
from verifier.adapters.redis_link import RedisLink
from verifier.adapters.redis_store import RedisStore
from verifier.adapters.sqlite_store import SqliteStore
from verifier.core.evidence import Obstacle, merge
from verifier.core.facts import RouteStatus
from verifier.core.replies import ReplyClass
from verifier.ports import FactStore

SECRET = b"a secret of the tests"
IDENTITY = "192.0.2.53"
DAY = 86400


class Stores:
    """Opens stores of one kind over the same backing: what one wrote, the next may read (`shared` says whether)."""

    def __init__(self, kind: str, folder: Path, server: RedisServer, clock: FakeClock) -> None:
        self.kind = kind
        self.clock = clock
        self.warnings: list[str] = []
        self._folder = folder
        self._server = server
        self._stack = AsyncExitStack()

    async def open(self, identity: str = IDENTITY) -> FactStore:
        match self.kind:
            case "memory":
                return MemoryStore(self.clock, limit=5000)
            case "sqlite":
                return await self._sqlite(identity)
            case "layered":
                return LayeredStore(MemoryStore(self.clock, limit=5000), await self._sqlite(identity))
            case _:
                link = RedisLink(self._server.url, f"{self._folder.name}:", self.clock, self.warnings.append)
                self._stack.push_async_callback(link.close)
                return RedisStore(link, self.clock, identity, SECRET)

    async def _sqlite(self, identity: str) -> SqliteStore:
        store = SqliteStore(self._folder / "facts.sqlite", self.clock, identity, self.warnings.append)
        await store.open()
        self._stack.push_async_callback(store.close)
        return store

    async def close(self) -> None:
        await self._stack.aclose()


@pytest.fixture(params=["memory", "sqlite", "layered", "redis"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path, redis_server: RedisServer) -> AsyncIterator[Stores]:
    opened = Stores(request.param, tmp_path, redis_server, FakeClock())
    yield opened
    await opened.close()
    assert opened.warnings == []


@pytest.fixture
async def store(stores: Stores) -> FactStore:
    return await stores.open()


async def test_what_was_never_told_is_not_known(store: FactStore) -> None:
    """A store invents nothing: an unknown name is absent from the answer, and no names give no answer."""
    assert await store.domains(["shop.example"]) == {}
    assert await store.mailboxes(["0" * 32]) == {}
    assert await store.domains([]) == {}
    assert await store.mailboxes([]) == {}
    await store.remember_domains([])
    await store.remember_mailboxes([])


async def test_facts_come_back_as_they_were(store: FactStore) -> None:
    """Whatever was remembered of a domain is given back equal, to the microsecond."""
    known = facts("xn--bcher-kva.example", route(seen=0.123456), control(True))
    await store.remember_domains([known, facts("null.example", route(RouteStatus.NULL_MX))])
    assert await store.domains(["xn--bcher-kva.example", "gone.example"]) == {"xn--bcher-kva.example": known}


async def test_findings_come_back_as_they_were(store: FactStore) -> None:
    """Whatever was remembered of a mailbox is given back equal, accents and masked text included."""
    finding = replied(ReplyClass.MAILBOX_NOT_FOUND, 0.5, 550, "<*>: unbekannter Empfänger ✉")
    await store.remember_mailboxes([("a" * 32, finding)])
    assert await store.mailboxes(["a" * 32, "b" * 32]) == {"a" * 32: (finding,)}


async def test_every_finding_field_survives(store: FactStore) -> None:
    """Greylisting keeps when to ask again: the retry clock is part of the evidence."""
    finding = hindered(Obstacle.PROBE_BLOCKED, 0, retry=310)
    await store.remember_mailboxes([("a" * 32, finding)])
    assert (await store.mailboxes(["a" * 32]))["a" * 32][0].retry_after == at(310)


async def test_large_batches(store: FactStore) -> None:
    """A chunk of thousands is one call."""
    names = [f"d{n}.example" for n in range(2500)]
    keys = [f"{n:032x}" for n in range(2500)]
    await store.remember_domains([facts(name, route()) for name in names])
    await store.remember_mailboxes([(key, replied(ReplyClass.ACCEPTED)) for key in keys])
    assert list((await store.domains(names)).keys() ^ set(names)) == []
    assert list((await store.mailboxes(keys)).keys() ^ set(keys)) == []


async def test_a_failed_lookup_does_not_displace_a_good_one(store: FactStore) -> None:
    """Pin 6: TEMP_ERROR and UNTRUSTED never erase a route that has not expired."""
    good = route(seen=0)
    await store.remember_domains([facts("shop.example", good)])
    await store.remember_domains([facts("shop.example", route(RouteStatus.TEMP_ERROR, 10))])
    await store.remember_domains([facts("shop.example", route(RouteStatus.UNTRUSTED, 20))])
    assert await store.domains(["shop.example"]) == {"shop.example": facts("shop.example", good)}


async def test_a_failed_lookup_speaks_where_nothing_else_does(stores: Stores) -> None:
    """Past its expiry the good route is gone, and the failure stands until its own."""
    store = await stores.open()
    await store.remember_domains([facts("shop.example", route(lasts=60))])
    stores.clock.move(61)
    failure = route(RouteStatus.TEMP_ERROR, 61, lasts=30)
    await store.remember_domains([facts("shop.example", failure)])
    assert await store.domains(["shop.example"]) == {"shop.example": facts("shop.example", failure)}
    stores.clock.move(31)
    assert await store.domains(["shop.example"]) == {}


async def test_route_and_control_merge_by_themselves(store: FactStore) -> None:
    """Learning one thing of a domain leaves the other; the newest control wins."""
    await store.remember_domains([facts("shop.example", route())])
    await store.remember_domains([facts("shop.example", accepts_all=control(True, 10))])
    await store.remember_domains([facts("shop.example", accepts_all=control(False, 20))])
    await store.remember_domains([facts("shop.example", accepts_all=control(True, 5))])
    assert await store.domains(["shop.example"]) == {"shop.example": facts("shop.example", route(), control(False, 20))}


async def test_merging_happens_within_one_call(store: FactStore) -> None:
    """Two facts of one domain, or two findings of one mailbox, in the same call count both."""
    await store.remember_domains([facts("shop.example", route()), facts("shop.example", None, control(True))])
    assert await store.domains(["shop.example"]) == {"shop.example": facts("shop.example", route(), control(True))}
    accepted, blocked = replied(ReplyClass.ACCEPTED), hindered(Obstacle.TIMEOUT, 1)
    await store.remember_mailboxes([("a" * 32, accepted), ("a" * 32, blocked)])
    assert await store.mailboxes(["a" * 32]) == {"a" * 32: (accepted, blocked)}


async def test_each_part_expires_by_itself(stores: Stores) -> None:
    """An expired route is not given out because the control beside it still holds."""
    store = await stores.open()
    await store.remember_domains([facts("shop.example", route(lasts=300), control(True))])
    stores.clock.move(300)
    assert await store.domains(["shop.example"]) == {"shop.example": facts("shop.example", None, control(True))}
    stores.clock.move(7 * DAY)
    assert await store.domains(["shop.example"]) == {}


async def test_what_has_expired_already_is_not_kept(store: FactStore) -> None:
    """A fact that was past its time when it was told is not given out."""
    await store.remember_domains([facts("shop.example", route(seen=-7200, lasts=3600))])
    await store.remember_mailboxes([("a" * 32, hindered(Obstacle.TIMEOUT, -3601))])
    assert await store.domains(["shop.example"]) == {}
    assert await store.mailboxes(["a" * 32]) == {}


async def test_findings_are_added_and_the_latest_of_a_kind_stays(store: FactStore) -> None:
    """An inconclusive finding stands beside a conclusive one; the number of findings stays bounded."""
    accepted = replied(ReplyClass.ACCEPTED, 0)
    await store.remember_mailboxes([("a" * 32, accepted)])
    for second in range(1, 40):
        await store.remember_mailboxes([("a" * 32, hindered(Obstacle.TIMEOUT, second))])
    known = (await store.mailboxes(["a" * 32]))["a" * 32]
    assert known == (accepted, hindered(Obstacle.TIMEOUT, 39))
    assert merge(known, at(40)) == accepted


@pytest.mark.parametrize(
    ("finding", "retained"),
    [
        (replied(ReplyClass.ACCEPTED), 180 * DAY),
        (replied(ReplyClass.MAILBOX_NOT_FOUND, code=550), 90 * DAY),
        (replied(ReplyClass.MAILBOX_FULL, code=452), 30 * DAY),
        (replied(ReplyClass.MAILBOX_DISABLED, code=550), 30 * DAY),
        (hindered(Obstacle.CONNECT_FAILED), 3600),
        (hindered(Obstacle.PROBE_BLOCKED, retry=3 * 3600), 3 * 3600),
    ],
)
async def test_findings_are_retained_for_their_time(stores: Stores, finding: object, retained: int) -> None:
    """Freshness: the gate may see a finding until its retention ends, and not a moment longer."""
    store = await stores.open()
    await store.remember_mailboxes([("a" * 32, finding)])  # type: ignore[list-item]
    stores.clock.move(retained - 1)
    assert await store.mailboxes(["a" * 32]) == {"a" * 32: (finding,)}
    stores.clock.move(1)
    assert await store.mailboxes(["a" * 32]) == {}


async def test_forget_erases_the_mailbox_and_nothing_else(store: FactStore) -> None:
    """`verifier forget`: what is known of one address is gone at once, its neighbours stay."""
    finding = replied(ReplyClass.ACCEPTED)
    await store.remember_mailboxes([("a" * 32, finding), ("b" * 32, finding)])
    assert set(await store.mailboxes(["a" * 32, "b" * 32])) == {"a" * 32, "b" * 32}
    await store.forget("a" * 32)
    await store.forget("c" * 32)
    assert await store.mailboxes(["a" * 32, "b" * 32]) == {"b" * 32: (finding,)}


async def test_memory_forgets_the_least_recently_used_first() -> None:
    """The memory store is bounded: what was asked for lately stays."""
    store = MemoryStore(FakeClock(), limit=2)
    for name in ("a.example", "b.example"):
        await store.remember_domains([facts(name, route())])
    await store.domains(["a.example"])
    await store.remember_domains([facts("c.example", route())])
    assert set(await store.domains(["a.example", "b.example", "c.example"])) == {"a.example", "c.example"}


@pytest.fixture(params=["sqlite", "layered", "redis"])
async def lasting(request: pytest.FixtureRequest, tmp_path: Path, redis_server: RedisServer) -> AsyncIterator[Stores]:
    """The kinds that outlive a process."""
    opened = Stores(request.param, tmp_path, redis_server, FakeClock())
    yield opened
    await opened.close()
    assert opened.warnings == []


async def test_a_restart_is_warm(lasting: Stores) -> None:
    """What was remembered before a close is known after it."""
    first = await lasting.open()
    await first.remember_domains([facts("shop.example", route())])
    await first.remember_mailboxes([("a" * 32, replied(ReplyClass.ACCEPTED))])
    await lasting.close()
    second = await lasting.open()
    assert await second.domains(["shop.example"]) == {"shop.example": facts("shop.example", route())}
    assert await second.mailboxes(["a" * 32]) == {"a" * 32: (replied(ReplyClass.ACCEPTED),)}


async def test_facts_of_another_resolver_are_refused(lasting: Stores) -> None:
    """A fact belongs to the resolver that it was learned through; forgetting knows no such border."""
    here = await lasting.open()
    await here.remember_domains([facts("shop.example", route())])
    await here.remember_mailboxes([("a" * 32, replied(ReplyClass.ACCEPTED))])
    await lasting.close()
    there = await lasting.open("198.51.100.53")
    assert await there.domains(["shop.example"]) == {}
    assert await there.mailboxes(["a" * 32]) == {}
    await there.remember_mailboxes([("a" * 32, hindered(Obstacle.TIMEOUT))])
    await there.forget("a" * 32)
    await lasting.close()
    again = await lasting.open()
    assert await again.domains(["shop.example"]) == {"shop.example": facts("shop.example", route())}
    assert await again.mailboxes(["a" * 32]) == {}
