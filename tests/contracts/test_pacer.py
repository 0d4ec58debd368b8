"""The contract of Pacer, over its adapters: however many processes share it, a group is never asked for more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.facts import hindered
from tests.support.redis_server import RedisServer
from verifier.adapters.memory_pacer import MemoryPacer
from verifier.adapters.redis_link import RedisLink
from verifier.adapters.redis_pacer import RedisPacer
from verifier.adapters.system_clock import SystemClock
from verifier.core.evidence import Obstacle
from verifier.core.sharing import Flow, Rate
from verifier.ports import Clock, Lease, Pacer

REFUSAL = hindered(Obstacle.PROBE_BLOCKED)
ANYTHING = Rate(Flow.CONNECTIONS)


class Pacers:
    """Makes the Pacer of one more process; processes of the memory kind are one and the same."""

    def __init__(self, kind: str, prefix: str, server: RedisServer) -> None:
        self._prefix = prefix
        self._server = server
        self._stack = AsyncExitStack()
        self._clock = FakeClock()
        self._memory = MemoryPacer(self._clock) if kind == "memory" else None
        if self._memory is None:
            server.command("SET", f"{prefix}1:pace:since", "1")  # this Redis has kept count for long

    @property
    def clock(self) -> Clock:
        return self._clock if self._memory is not None else SystemClock()

    async def process(self, lease: float = 30.0) -> Pacer:
        return self._memory or await self.shared(lease)

    async def shared(self, lease: float = 30.0) -> RedisPacer:
        clock = SystemClock()
        link = RedisLink(self._server.url, self._prefix, clock, self._unexpected)
        self._stack.push_async_callback(link.close)
        pacer = RedisPacer(link, clock, lease=lease, settle=0.0)
        await pacer.open()
        self._stack.push_async_callback(pacer.close)
        return pacer

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
async def pacers(request: pytest.FixtureRequest, tmp_path: Path, redis_server: RedisServer) -> AsyncIterator[Pacers]:
    made = Pacers(request.param, f"{tmp_path.name}:", redis_server)
    yield made
    await made.close()


@pytest.fixture
async def sharing(tmp_path: Path, redis_server: RedisServer) -> AsyncIterator[Pacers]:
    """Processes that share a Redis."""
    made = Pacers("redis", f"{tmp_path.name}:", redis_server)
    yield made
    await made.close()


def granted(answers: list[Lease | float]) -> int:
    return sum(isinstance(answer, Lease) for answer in answers)


async def leased(pacer: Pacer, group: str, limit: int) -> Lease:
    """A lease, asked for as often as it takes."""
    while not isinstance(answer := await pacer.acquire(group, limit), Lease):
        await asyncio.sleep(min(answer, 0.1))
    return answer


async def pauses(pacer: Pacer, rate: Rate, counts: list[int]) -> list[int]:
    """What was to be waited for, in tenths of a second."""
    return [round((await pacer.take("g", rate, count)).pause * 10) for count in counts]


async def test_never_more_sessions_than_the_limit(pacers: Pacers) -> None:
    """However many processes ask at the same moment; who is refused is told when to ask again."""
    processes = [await pacers.process() for _ in range(4)]
    answers = await asyncio.gather(*(process.acquire("g", 5) for process in processes * 5))
    assert granted(answers) == 5
    assert {0 < wait <= 30 for wait in answers if not isinstance(wait, Lease)} == {True}


async def test_groups_do_not_touch_each_other(pacers: Pacers) -> None:
    """A lease is of its group alone."""
    first, second = await pacers.process(), await pacers.process()
    assert granted([await first.acquire("g", 1), await second.acquire("h", 1), await second.acquire("g", 1)]) == 2


async def test_a_release_lets_the_next_in(pacers: Pacers) -> None:
    """Whoever asks next."""
    first, second = await pacers.process(), await pacers.process()
    lease = await leased(first, "g", 1)
    assert granted([await second.acquire("g", 1)]) == 0
    await first.release(lease)
    assert granted([await second.acquire("g", 1), await first.acquire("g", 1)]) == 1


async def test_a_lease_holds_while_its_session_lives(pacers: Pacers) -> None:
    """It is renewed without being asked to, and its end moves on."""
    first, second = await pacers.process(lease=0.3), await pacers.process(lease=0.3)
    lease = await leased(first, "g", 1)
    for _ in range(5):
        await pacers.pass_time(0.1)
        assert granted([await second.acquire("g", 1)]) == 0
    assert lease.ends > pacers.clock.monotonic()


@pytest.mark.parametrize(
    ("rate", "counts", "expected"),
    [
        (Rate(Flow.CONNECTIONS, per_minute=6), [1, 1, 1], [0, 120, 240]),
        (Rate(Flow.RECIPIENTS, per_minute=60), [10, 5, 5], [0, 60, 120]),
        (Rate(Flow.CONNECTIONS, per_second=4), [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 10, 10]),
        (Rate(Flow.CONNECTIONS), [1] * 20, [0] * 20),
    ],
)
async def test_rates(pacers: Pacers, rate: Rate, counts: list[int], expected: list[int]) -> None:
    """A sixth of a minute's limit may go at once, then what the rest of the minute leaves; and so many a second."""
    assert await pauses(await pacers.process(), rate, counts) == expected


async def test_rates_are_of_all_processes_together(pacers: Pacers) -> None:
    """What one has taken the other has to wait for; connections and recipients are counted apart, and so are groups."""
    first, second = await pacers.process(), await pacers.process()
    recipients, connections = Rate(Flow.RECIPIENTS, per_minute=60), Rate(Flow.CONNECTIONS, per_minute=6)
    assert await pauses(first, recipients, [10]) == [0]
    assert await pauses(second, recipients, [5]) == [60]
    assert await pauses(second, connections, [1]) == [0]
    assert (await second.take("h", recipients, 10)).pause == 0.0


async def test_tokens_come_back(pacers: Pacers) -> None:
    """What a while leaves may be taken after it."""
    pacer = await pacers.process()
    rate = Rate(Flow.RECIPIENTS, per_minute=6000)
    assert await pauses(pacer, rate, [1000]) == [0]
    await pacers.pass_time(0.3)
    assert await pauses(pacer, rate, [20]) == [0]


async def test_back_off_is_everybodys(pacers: Pacers) -> None:
    """A pause that one was asked for is kept by all, doubles each time, and begins anew after answers; recipients of
    connections that are open need not wait for it."""
    first, second = await pacers.process(), await pacers.process()
    for expected in (10, 20, 40):
        await first.back_off("g", after_answers=False)
        assert await pauses(second, ANYTHING, [1]) == [expected]
    await second.back_off("g", after_answers=True)
    await second.back_off("h", after_answers=True)
    assert await pauses(first, ANYTHING, [1]) == [40]
    assert await pauses(first, Rate(Flow.RECIPIENTS), [1]) == [0]
    assert round((await first.take("h", ANYTHING)).pause, 1) == 1.0


async def test_a_breaker_is_everybodys(pacers: Pacers) -> None:
    """A refusal of a group, or of another scope, is heard by everybody who is about to connect there, until it ends."""
    first, second = await pacers.process(), await pacers.process()
    assert (await second.take("g", ANYTHING, scope="mx.example")).refusal is None
    await first.trip("mx.example", REFUSAL, 60)
    standing = await second.take("g", ANYTHING, scope="mx.example")
    assert (standing.refusal, round(standing.refused_for)) == (REFUSAL, 60)
    assert (await second.take("g", ANYTHING, scope="mx.other.example")).refusal is None
    await first.trip("g", REFUSAL, 0.05)
    assert (await second.take("g", ANYTHING)).refusal == REFUSAL
    await pacers.pass_time(0.06)
    assert (await second.take("g", ANYTHING)).refusal is None


async def test_a_dead_process_keeps_nobody_out(sharing: Pacers) -> None:
    """Its leases end by themselves."""
    first, second = await sharing.shared(lease=0.3), await sharing.shared(lease=0.3)
    await leased(first, "g", 1)
    assert first._heart is not None
    first._heart.cancel()
    await asyncio.wait_for(leased(second, "g", 1), 2)


async def test_a_late_release_frees_nobody_elses_lease(sharing: Pacers) -> None:
    """A release is safe to repeat, and after its lease has ended takes nothing from the next holder."""
    first, second, third = [await sharing.shared() for _ in range(3)]
    lease = await leased(first, "g", 1)
    await first.release(lease)
    await leased(second, "g", 1)
    await first.release(lease)
    assert granted([await third.acquire("g", 1)]) == 0


async def test_closing_gives_everything_back(sharing: Pacers) -> None:
    """Nobody waits for a process that has gone in order."""
    first, second = await sharing.shared(), await sharing.shared()
    await leased(first, "g", 2)
    await leased(first, "g", 2)
    await first.close()
    assert granted([await second.acquire("g", 2), await second.acquire("g", 2)]) == 2


async def test_who_has_more_than_its_part_is_asked_to_share(sharing: Pacers) -> None:
    """As long as nobody else waits a process may have all; then it hears of it, and the one who waits comes first."""
    first, second = await sharing.shared(), await sharing.shared()
    leases = [await leased(first, "g", 4) for _ in range(4)]
    assert (await first.take("g", ANYTHING)).contended is False
    assert granted([await second.acquire("g", 4)]) == 0
    assert (await first.take("g", ANYTHING)).contended is True
    await first.release(leases.pop())
    assert granted([await first.acquire("g", 4)]) == 0
    assert granted([await second.acquire("g", 4)]) == 1
    await second.acquire("g", 4)
    await first.release(leases.pop())
    assert granted([await second.acquire("g", 4), await second.acquire("g", 4)]) == 1
    assert (await first.take("g", ANYTHING)).contended is False


async def test_a_lone_session_is_shared_by_turns(sharing: Pacers) -> None:
    """Where there are fewer sessions than processes, whoever had one for a while is asked to let another."""
    first, second = await sharing.shared(lease=1.2), await sharing.shared(lease=1.2)
    await leased(first, "g", 1)
    assert granted([await second.acquire("g", 1)]) == 0
    assert (await first.take("g", ANYTHING)).contended is False
    await asyncio.sleep(0.25)
    assert (await first.take("g", ANYTHING)).contended is True
