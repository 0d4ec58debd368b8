"""Two machines clean lists of the same hosts at the same time, with one Redis between them that is killed meanwhile."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.world_lists import addresses
from tests.roads.test_shared_store import shared, wrong_addresses
from tests.roads.worlds import untouched
from tests.support.command import Command, Running
from tests.support.hasty import LEASE_SECONDS
from tests.support.redis_server import running_redis
from verifier.world import World
from verifier.world.process import WorldProcess

ROWS, DOMAINS, SESSIONS = 5000, 4, 2
AWAY_SECONDS = 2 * LEASE_SECONDS + 2
"""Long enough for leases to end, and for each machine to work with its part."""


def lists(world: World) -> list[str]:
    """A list for each machine; a fifth of the addresses stands in both."""
    numbered = list(enumerate(addresses(world, ROWS, DOMAINS), 1))
    return [
        "id,email\n" + "".join(f"{n},{email}\n" for n, email in numbered if n % 5 // 2 != place) for place in (0, 1)
    ]


def test_never_more_sessions_than_a_host_bears(tmp_path: Path) -> None:
    """By the hosts' own count no host ever has more sessions open than the two it bears, neither while both machines
    ask, nor while Redis is gone, nor when it comes back empty; both go on all the while, no verdict is wrong, and no
    row is lost.
    """
    world = World(64, hosts=1, unknown_rate=0.3)
    given = lists(world)
    with WorldProcess(world) as town, running_redis() as redis, ThreadPoolExecutor() as pool:
        machines = []
        for number, text in enumerate(given):
            (folder := tmp_path / str(number)).mkdir()
            command = Command(folder, shared(town.environment, redis), module="tests.support.hasty")
            machines.append(command.start("clean", command.write("list.csv", text)))

        def asked() -> int:
            assert any(machine.running for machine in machines), "done before Redis was gone and back"
            return town.report().total.recipients

        while asked() < ROWS // 10:
            time.sleep(0.05)
        redis.kill()
        time.sleep(LEASE_SECONDS + 1)
        before = asked()
        time.sleep(AWAY_SECONDS - LEASE_SECONDS - 1)
        meanwhile = asked() - before
        redis.start()
        back = asked()
        finished = list(pool.map(Running.wait, machines))
        report = town.report()
    assert [done.code for done in finished] == [0, 0], finished[0].err + finished[1].err
    assert {host: seen.sessions_max for host, seen in report.hosts.items() if seen.sessions_max > SESSIONS} == {}
    assert meanwhile > 0
    assert report.total.recipients > back
    for number, text in enumerate(given):
        cleaned = (tmp_path / str(number) / "list.clean.csv").read_text(encoding="utf-8")
        assert untouched(text, cleaned) == []
        assert wrong_addresses(world, cleaned) == []
