"""Redis away or restarted in the middle: work goes on, slower, with one warning."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.facts import facts, replied, route
from tests.support.redis_server import RedisServer, free_port, running_redis
from verifier.adapters.redis_link import RedisLink
from verifier.adapters.redis_single_flight import RedisSingleFlight
from verifier.adapters.redis_store import RedisStore
from verifier.core.faults import ConfigError, ServiceUnavailable
from verifier.core.replies import ReplyClass

KEY = "a" * 32


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with running_redis() as started:
        yield started


class Shared:
    """One process's store and single flight over one link."""

    def __init__(self, url: str, prefix: str) -> None:
        self.clock = FakeClock()
        self.warnings: list[str] = []
        self.link = RedisLink(url, prefix, self.clock, self.warnings.append)
        self.store = RedisStore(self.link, self.clock, "192.0.2.53", b"secret")
        self.flight = RedisSingleFlight(self.link, self.clock, "192.0.2.53", b"secret")


@pytest.fixture
async def shared(server: RedisServer, tmp_path: Path) -> AsyncIterator[Shared]:
    opened = Shared(server.url, f"{tmp_path.name}:")
    yield opened
    await opened.link.close()


async def test_a_restart_between_two_calls_is_not_noticed(server: RedisServer, shared: Shared) -> None:
    """Connections that a restart broke are renewed without a warning; what Redis lost is forgotten, not invented."""
    await shared.store.remember_domains([facts("shop.example", route())])
    await server.restart()
    assert await shared.store.domains(["shop.example"]) == {}
    await shared.store.remember_domains([facts("shop.example", route())])
    assert await shared.store.domains(["shop.example"]) == {"shop.example": facts("shop.example", route())}
    assert shared.warnings == []


async def test_work_goes_on_while_redis_is_away(server: RedisServer, shared: Shared) -> None:
    """Away: facts are remembered here, claims are single here, and there is one warning. Back: all of it is shared."""
    finding = replied(ReplyClass.ACCEPTED)
    await shared.store.mailboxes([KEY])
    server.kill()
    for _ in range(20):
        await shared.store.remember_mailboxes([(KEY, finding)])
        await shared.store.remember_domains([facts("shop.example", route())])
        shared.clock.move(0.5)
    assert await shared.store.mailboxes([KEY, "b" * 32]) == {KEY: (finding,)}
    assert await shared.store.domains(["shop.example"]) == {"shop.example": facts("shop.example", route())}
    assert await shared.flight.claim("shop.example", 30) is True
    assert await shared.flight.claim("shop.example", 30) is False
    await shared.flight.release("shop.example")
    assert [warning.partition(" (")[0] for warning in shared.warnings] == ["Redis does not answer"]
    await asyncio.to_thread(server.start)
    shared.clock.move(2)
    assert await shared.store.domains(["shop.example"]) == {"shop.example": facts("shop.example", route())}
    assert shared.warnings[1:] == ["Redis answers again."]
    other = Shared(server.url, shared.link.prefix)
    assert await other.store.mailboxes([KEY]) == {KEY: (finding,)}
    await other.link.close()


async def test_an_absent_server_is_asked_once_in_a_while(server: RedisServer, shared: Shared) -> None:
    """A server that hangs costs one time-out, not one a call: the breaker answers for it, and many wait together."""
    await shared.store.mailboxes([KEY])
    server.freeze()
    begun = time.monotonic()
    await asyncio.gather(*(shared.store.mailboxes([KEY]) for _ in range(200)))
    for _ in range(200):
        await shared.store.mailboxes([KEY])
    took = time.monotonic() - begun
    server.thaw()
    assert len(shared.warnings) == 1
    assert took < 2
    shared.clock.move(2)
    await shared.store.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED))])
    assert await shared.store.mailboxes([KEY]) == {KEY: (replied(ReplyClass.ACCEPTED),)}
    assert shared.warnings[1:] == ["Redis answers again."]


async def test_killed_in_the_middle_of_much_work(server: RedisServer, shared: Shared) -> None:
    """kill -9 under load, and a restart: no call fails, and the store answers truly afterwards."""
    finding = replied(ReplyClass.MAILBOX_NOT_FOUND, code=550)
    wrong: list[object] = []

    async def lane(number: int) -> None:
        for step in range(150):
            key = f"{number:016x}{step:016x}"
            await shared.store.remember_mailboxes([(key, finding)])
            known = await shared.store.mailboxes([key])
            wrong.extend(kept for kept in known.values() if kept != (finding,))
            shared.clock.move(0.05)

    lanes = [asyncio.create_task(lane(number)) for number in range(8)]
    while not any(task.done() for task in lanes):
        await asyncio.sleep(0.05)
        await server.restart()
    await asyncio.gather(*lanes)
    assert wrong == []
    shared.clock.move(2)
    await shared.store.remember_mailboxes([(KEY, finding)])
    assert await shared.store.mailboxes([KEY]) == {KEY: (finding,)}


async def test_forgetting_is_not_promised_while_redis_is_away(server: RedisServer, shared: Shared) -> None:
    """An erasure that did not happen is said, not swallowed."""
    server.kill()
    with pytest.raises(ServiceUnavailable, match="nothing was erased"):
        await shared.store.forget(KEY)
    await asyncio.to_thread(server.start)


async def test_a_server_that_was_never_there(tmp_path: Path) -> None:
    """No Redis from the start: the same as one that went away."""
    alone = Shared(f"redis://127.0.0.1:{free_port()}/0", "verifier:")
    await alone.store.remember_domains([facts("shop.example", route())])
    assert await alone.store.domains(["shop.example"]) == {"shop.example": facts("shop.example", route())}
    assert len(alone.warnings) == 1
    await alone.link.close()


async def test_keys_and_lifetimes_in_redis(server: RedisServer, shared: Shared) -> None:
    """Neither domain nor mailbox key stands in a Redis key, and whatever is known of them expires."""
    await shared.store.remember_domains([facts("shop.example", route(lasts=3600))])
    await shared.store.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED))])
    listed = server.command("KEYS", f"{shared.link.prefix}*").split("\r\n")
    names = [name for name in listed if name.startswith(shared.link.prefix) and ":scopes" not in name]
    assert len(names) == 2
    assert [name for name in names if "shop" in name or KEY in name] == []
    lifetimes = sorted(int(server.command("TTL", name)[1:]) for name in names)
    assert [3590 < lifetimes[0] <= 3600, 179 * 86400 < lifetimes[1] <= 180 * 86400] == [True, True]


async def test_writers_of_the_same_key_lose_nothing(server: RedisServer, shared: Shared) -> None:
    """Two processes that learn different things of one domain at once both count."""
    other = Shared(server.url, shared.link.prefix)
    for step in range(30):
        good = facts(f"d{step}.example", route())
        await asyncio.gather(
            shared.store.remember_domains([good]),
            other.store.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED, step))]),
            shared.store.remember_mailboxes([(KEY, replied(ReplyClass.MAILBOX_FULL, step, 452))]),
        )
    assert len((await other.store.mailboxes([KEY]))[KEY]) == 2
    await other.link.close()


def test_a_wrong_url_is_the_operators_fault() -> None:
    """VERIFIER_REDIS_URL that is no URL is said in one sentence."""
    with pytest.raises(ConfigError, match="VERIFIER_REDIS_URL"):
        RedisLink("http://127.0.0.1", "verifier:", FakeClock(), print)
