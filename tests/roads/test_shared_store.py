"""`clean` with a real Redis behind it: alone, with the server killed in the middle, and shared by two processes."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.kill import account
from bench.world_lists import addresses, list_text
from tests.roads.worlds import list_text as sample_text
from tests.roads.worlds import quick_world, untouched, without_times, wrong_rows
from tests.support.command import Command, Finished, rows_of
from tests.support.hasty import HASTY
from tests.support.redis_server import RedisServer, running_redis
from verifier.world import World
from verifier.world.process import WorldProcess

ROWS, DOMAINS = 600, 60


def shared(environment: Mapping[str, str], redis: RedisServer) -> dict[str, str]:
    """The settings of a machine that shares this Redis."""
    return {**environment, "VERIFIER_REDIS_URL": redis.url, "VERIFIER_SECRET_KEY": "one secret for all machines"}


def test_a_list_is_cleaned_with_redis(tmp_path: Path) -> None:
    """The verdicts are the world's truth, and a second run in another data folder asks hardly anybody."""
    world = quick_world(61)
    text = sample_text(world, 350)
    with WorldProcess(world) as running, running_redis() as redis:
        settings = shared(running.environment, redis)
        command = Command(tmp_path, settings, module=HASTY)
        finished = command.run("clean", command.write("list.csv", text), "--max-wait", "20s")
        cleaned = (tmp_path / "list.clean.csv").read_text(encoding="utf-8")
        assert (finished.code, untouched(text, cleaned), wrong_rows(world, cleaned)) == (0, [], [])
        assert "Warning" not in finished.err
        asked = running.report().total.recipients
        other = ("clean", "list.csv", "--force", "--max-wait", "0")
        assert command.run(*other, VERIFIER_DATA_DIR=str(tmp_path / "elsewhere")).code == 0
        assert running.report().total.recipients - asked < asked / 3


def test_redis_dies_in_the_middle(tmp_path: Path) -> None:
    """Work goes on with a warning, and every verdict is right."""
    world = World(62, hosts=3, rtt=0.1)
    text = list_text(world, ROWS, DOMAINS)
    with WorldProcess(world) as running, running_redis() as redis:
        command = Command(tmp_path, shared(running.environment, redis))
        with command.start("clean", command.write("list.csv", text)) as clean:
            while running.report().total.recipients < ROWS // 3:
                assert clean.running, clean.said()
            redis.kill()
            finished = clean.wait()
        redis.start()
    assert finished.code == 0, finished.err
    assert "Redis" in finished.err
    cleaned = (tmp_path / "list.clean.csv").read_text(encoding="utf-8")
    assert untouched(text, cleaned) == []
    assert wrong_addresses(world, cleaned) == []


def test_two_processes_ask_nobody_twice(tmp_path: Path) -> None:
    """Two machines clean one list over one Redis at the same time: by the hosts' log each mailbox is named once, but
    for what a host itself put off; both files are right and alike.
    """
    world = World(63, hosts=3, rtt=0.05)
    text, log = list_text(world, ROWS, DOMAINS), tmp_path / "world.jsonl"
    with WorldProcess(world, log_file=str(log)) as running, running_redis() as redis, ThreadPoolExecutor(2) as pool:

        def clean(name: str) -> tuple[Finished, str]:
            folder = tmp_path / name
            folder.mkdir()
            command = Command(folder, shared(running.environment, redis))
            finished = command.run("clean", command.write("list.csv", text))
            return finished, (folder / "list.clean.csv").read_text(encoding="utf-8")

        (first, mine), (second, theirs) = pool.map(clean, ("one", "two"))
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert wrong_addresses(world, mine) == []
    assert without_times(mine) == without_times(theirs)
    found = account(log, [], world.rtt, set(addresses(world, ROWS, DOMAINS)))
    assert found.requeued < ROWS // 20, found


def wrong_addresses(world: World, cleaned: str) -> list[tuple[str, str]]:
    """Rows whose reason is not what is true of the address."""
    return [
        (row["email"], row["ev_reason"])
        for row in rows_of(cleaned)
        if row["ev_reason"] not in world.truth(row["email"]).reasons
    ]
