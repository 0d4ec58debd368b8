"""The pacer while Redis is away: what others hold runs out first, then each keeps its part; back, all tell first."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.facts import hindered
from tests.support.redis_server import RedisServer, running_redis
from verifier.adapters.redis_link import RedisLink
from verifier.adapters.redis_pacer import RedisPacer
from verifier.core.evidence import Obstacle
from verifier.core.sharing import Flow, Rate
from verifier.ports import Lease

REFUSAL = hindered(Obstacle.PROBE_BLOCKED)
ANYTHING = Rate(Flow.CONNECTIONS)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with running_redis() as started:
        yield started


class Machine:
    """One process, its own clock moved by hand."""

    def __init__(self, server: RedisServer, prefix: str, seed: int, settle: float) -> None:
        self.clock = FakeClock(seed=seed)
        self.link = RedisLink(server.url, prefix, self.clock, lambda sentence: None)
        self.pacer = RedisPacer(self.link, self.clock, settle=settle)

    async def acquire(self, group: str, limit: int, times: int) -> list[Lease]:
        """What it gets of so many tries."""
        answers = [await self.pacer.acquire(group, limit) for _ in range(times)]
        return [answer for answer in answers if isinstance(answer, Lease)]

    def holding(self, leases: list[Lease]) -> int:
        """With how many of them it may still have a session."""
        return sum(lease.ends > self.clock.monotonic() for lease in leases)


class Machines:
    def __init__(self, server: RedisServer, prefix: str) -> None:
        self.server = server
        self.all: list[Machine] = []
        self._prefix = prefix

    async def join(self, settle: float = 0.0) -> Machine:
        if not self.all:
            self.server.command("SET", f"{self._prefix}1:pace:since", "1")
        machine = Machine(self.server, self._prefix, len(self.all), settle)
        await machine.pacer.open()
        self.all.append(machine)
        await self.pass_time(2)
        return machine

    async def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Step by step, each machine beating; what Redis has to say is waited for."""
        for _ in range(round(seconds / step)):
            for machine in self.all:
                machine.clock.move(step)
            await self.settle()

    async def settle(self) -> None:
        """Until every machine sleeps again."""
        while not all(machine.clock.sleeping for machine in self.all):
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        for machine in self.all:
            await machine.pacer.close()
            await machine.link.close()


@pytest.fixture
async def machines(server: RedisServer, tmp_path: Path) -> AsyncIterator[Machines]:
    made = Machines(server, f"{tmp_path.name}:")
    yield made
    await made.close()


async def test_away_nothing_new_until_every_lease_has_ended(machines: Machines) -> None:
    """For 30 s nobody opens a session; who held more than its part has let it end by then; then each has its part."""
    one, two = await machines.join(), await machines.join()
    held = await one.acquire("g", 5, 5)
    assert [len(held), len(await two.acquire("g", 5, 1))] == [5, 0]
    machines.server.kill()
    for second in range(35):
        await machines.pass_time(1)
        new = await two.acquire("g", 5, 9)
        assert one.holding(held) + len(new) <= 5, second
        if new:
            break
    assert second in (29, 30, 31)
    assert [one.holding(held), len(new), await one.acquire("g", 5, 9)] == [2, 2, []]
    for lease in held:
        await one.pacer.release(lease)
    assert len(await one.acquire("g", 5, 9)) == 2


async def test_away_alone_goes_on_at_once(machines: Machines) -> None:
    """Where nobody else lives there is nothing to wait for."""
    one = await machines.join()
    machines.server.kill()
    await machines.pass_time(1)
    assert len(await one.acquire("g", 2, 5)) == 2


async def test_who_never_saw_redis_waits_and_goes_on(server: RedisServer, machines: Machines) -> None:
    """A process that starts while Redis is away knows of nobody: it lets whatever there is run out, and works."""
    server.kill()
    machine = Machine(server, "elsewhere:", 7, 0.0)
    await machine.pacer.open()
    machines.all.append(machine)
    assert await machine.acquire("g", 2, 5) == []
    await machines.pass_time(29)
    assert await machine.acquire("g", 2, 5) == []
    await machines.pass_time(2)
    assert len(await machine.acquire("g", 2, 5)) == 2


async def test_away_fewer_sessions_than_processes(machines: Machines) -> None:
    """A group of one session belongs to one process at a time, and to each in its turn."""
    everybody = [await machines.join() for _ in range(3)]
    machines.server.kill()
    await machines.pass_time(32)
    owners: set[int] = set()
    held: list[tuple[Machine, Lease]] = []
    for _ in range(60):
        await machines.pass_time(60, step=30)
        held += [(machine, lease) for machine in everybody for lease in await machine.acquire("g", 1, 2)]
        living = [(m, lease) for m, lease in held if lease.ends > m.clock.monotonic()]
        for machine, lease in held:
            if (machine, lease) not in living:
                await machine.pacer.release(lease)
        held = living
        assert len(held) <= 1
        owners |= {everybody.index(machine) for machine, _ in held}
    assert owners == {0, 1, 2}


async def test_away_rates_are_shared_out(machines: Machines) -> None:
    """Each has its part of a minute's limit, and no burst on top of what was counted before."""
    one, _ = await machines.join(), await machines.join()
    rate = Rate(Flow.RECIPIENTS, per_minute=60)
    assert (await one.pacer.take("g", rate, 5)).pause == 0.0
    machines.server.kill()
    await machines.pass_time(1)
    assert (await one.pacer.take("g", rate, 5)).pause == 5 / (25 / 60)


async def test_back_everybody_tells_before_anybody_asks(machines: Machines) -> None:
    """A Redis that comes back empty learns first which sessions there are, and grants only what is left."""
    one, two = await machines.join(settle=5.0), await machines.join(settle=5.0)
    machines.server.kill()
    await machines.pass_time(32)
    mine, theirs = await one.acquire("g", 4, 9), await two.acquire("g", 4, 9)
    assert [len(mine), len(theirs)] == [2, 2]
    await asyncio.to_thread(machines.server.start)
    for _ in range(4):
        await machines.pass_time(1)
        assert await one.acquire("g", 5, 3) == []
    assert machines.server.command("ZCARD", one.pacer._key("s", "g")) == ":4\r\n"
    machines.server.command("SET", one.pacer._key("since"), "1")  # five seconds of Redis' own clock
    assert [len(await one.acquire("g", 5, 3)), one.holding(mine), two.holding(theirs)] == [1, 2, 2]


async def test_a_short_absence_changes_nothing(machines: Machines) -> None:
    """Leases that Redis kept go on; the end of each has been moved."""
    one, two = await machines.join(), await machines.join()
    held = await one.acquire("g", 2, 2)
    machines.server.freeze()
    await machines.pass_time(5)
    assert await two.acquire("g", 2, 1) == []
    machines.server.thaw()
    await machines.pass_time(60)
    assert [one.holding(held), await two.acquire("g", 2, 2)] == [2, []]


async def test_a_breaker_that_opened_meanwhile_is_told(machines: Machines) -> None:
    """Back, others hear of a refusal that was met while Redis was away; back-off held in the process."""
    one, two = await machines.join(), await machines.join()
    machines.server.kill()
    await machines.pass_time(1)
    await one.pacer.trip("mx.example", REFUSAL, 10_800)
    await one.pacer.back_off("g", after_answers=False)
    standing = await one.pacer.take("g", ANYTHING, scope="mx.example")
    assert [standing.pause, standing.refusal] == [1.0, REFUSAL]
    await asyncio.to_thread(machines.server.start)
    await machines.pass_time(4)
    standing = await two.pacer.take("g", ANYTHING, scope="mx.example")
    assert standing.refusal == REFUSAL
    assert 10_780 < standing.refused_for < 10_800
