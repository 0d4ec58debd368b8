"""The contract of SingleFlight, over its adapters: one holder a key at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.redis_server import RedisServer
from verifier.adapters.memory_single_flight import MemorySingleFlight
from verifier.adapters.redis_link import RedisLink
from verifier.adapters.redis_single_flight import RedisSingleFlight
from verifier.adapters.system_clock import SystemClock
from verifier.ports import SingleFlight


class Flights:
    """Makes the SingleFlight of one more process; processes of the memory kind are one and the same."""

    def __init__(self, kind: str, prefix: str, server: RedisServer) -> None:
        self._prefix = prefix
        self._server = server
        self._stack = AsyncExitStack()
        self._clock = FakeClock()
        self._real_clock = SystemClock()
        self._memory = MemorySingleFlight(self._clock) if kind == "memory" else None

    def process(self, identity: str = "192.0.2.53") -> SingleFlight:
        if self._memory is not None:
            return self._memory
        link = RedisLink(self._server.url, self._prefix, self._real_clock, self._unexpected)
        self._stack.push_async_callback(link.close)
        return RedisSingleFlight(link, self._real_clock, identity, b"secret")

    async def pass_time(self, seconds: float) -> None:
        """The hand-moved clock where there is one; Redis counts real time."""
        if self._memory is not None:
            self._clock.move(seconds)
        else:
            await asyncio.sleep(seconds)

    async def close(self) -> None:
        await self._stack.aclose()

    def _unexpected(self, sentence: str) -> None:
        raise AssertionError(sentence)


@pytest.fixture(params=["memory", "redis"])
async def flights(request: pytest.FixtureRequest, tmp_path: Path, redis_server: RedisServer) -> AsyncIterator[Flights]:
    made = Flights(request.param, f"{tmp_path.name}:", redis_server)
    yield made
    await made.close()


async def test_the_first_claim_holds(flights: Flights) -> None:
    """While one works on a key nobody else gets it, neither in this process nor in another."""
    first, second = flights.process(), flights.process()
    assert await first.claim("shop.example", 30) is True
    assert await first.claim("shop.example", 30) is False
    assert await second.claim("shop.example", 30) is False


async def test_keys_do_not_touch_each_other(flights: Flights) -> None:
    """A claim is on its key alone."""
    first, second = flights.process(), flights.process()
    assert await first.claim("shop.example", 30) is True
    assert await second.claim("other.example", 30) is True


async def test_a_release_lets_the_next_in(flights: Flights) -> None:
    """After a release the next claim holds, whoever makes it."""
    first, second = flights.process(), flights.process()
    assert await first.claim("shop.example", 30) is True
    await first.release("shop.example")
    assert await second.claim("shop.example", 30) is True
    await second.release("shop.example")
    assert await first.claim("shop.example", 30) is True


async def test_releasing_what_nobody_holds_does_nothing(flights: Flights) -> None:
    """A release is safe to repeat."""
    first = flights.process()
    await first.release("shop.example")
    assert await first.claim("shop.example", 30) is True


async def test_a_claim_ends_by_itself(flights: Flights) -> None:
    """A holder that died keeps nobody out for longer than its seconds."""
    first, second = flights.process(), flights.process()
    assert await first.claim("shop.example", 0.05) is True
    await flights.pass_time(0.06)
    assert await second.claim("shop.example", 30) is True
    assert await first.claim("shop.example", 30) is False


async def test_of_many_at_once_one_wins(flights: Flights) -> None:
    """However many ask at the same moment, exactly one holds the key."""
    processes = [flights.process() for _ in range(4)]
    claims = await asyncio.gather(*(process.claim("shop.example", 30) for process in processes * 5))
    assert claims.count(True) == 1


async def test_a_late_release_frees_nobody_elses_claim(tmp_path: Path, redis_server: RedisServer) -> None:
    """Across processes: who held a key too long and releases it then leaves the new holder's claim alone."""
    flights = Flights("redis", f"{tmp_path.name}:", redis_server)
    first, second, third = flights.process(), flights.process(), flights.process()
    assert await first.claim("shop.example", 0.05) is True
    await flights.pass_time(0.06)
    assert await second.claim("shop.example", 30) is True
    await first.release("shop.example")
    assert await third.claim("shop.example", 30) is False
    await flights.close()


async def test_other_resolvers_do_not_wait(tmp_path: Path, redis_server: RedisServer) -> None:
    """Who asks another resolver could not use the holder's facts, so it is not kept waiting for them."""
    flights = Flights("redis", f"{tmp_path.name}:", redis_server)
    assert await flights.process().claim("shop.example", 30) is True
    assert await flights.process("198.51.100.53").claim("shop.example", 30) is True
    await flights.close()
