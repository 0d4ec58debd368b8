"""Lists of the service in the world: killed at any moment they come to their end by themselves, every row right."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.kill import account
from bench.world_lists import addresses, list_text
from tests.roads.worlds import list_text as sample_text
from tests.roads.worlds import quick_world, untouched, without_times, wrong_rows
from tests.support.command import Command
from tests.support.kills import Kill, killed_at_random
from verifier.world import World
from verifier.world.process import WorldProcess

DRIVER = "tests.support.list_driver"
KILLS = 8
ROWS, DOMAINS = 1500, 100
FAR = World(13, hosts=20, rtt=0.3)


class Broken:
    """The same list: cleaned by the command undisturbed, and by the service with kill -9 at random moments."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "world.jsonl"
        self.kills: list[Kill] = []
        self.events: list[dict[str, object]] = []
        self.given = list_text(FAR, ROWS, DOMAINS)
        with ThreadPoolExecutor(2) as pool:
            whole = pool.submit(self._undisturbed, folder / "whole")
            broken = pool.submit(self._killed, folder / "broken")
            self.whole, self.broken = whole.result(), broken.result()

    def _undisturbed(self, folder: Path) -> str:
        folder.mkdir()
        with WorldProcess(FAR) as running:
            command = Command(folder, running.environment)
            finished = command.run("clean", command.write("list.csv", self.given))
        assert finished.code == 0, finished.err
        return (folder / "list.clean.csv").read_text(encoding="utf-8")

    def _killed(self, folder: Path) -> str:
        folder.mkdir()
        with WorldProcess(FAR, log_file=str(self.log)) as running:
            driver = Command(folder, running.environment, module=DRIVER)
            source, out = driver.write("list.csv", self.given), folder / "out.csv"
            self.kills = killed_at_random(lambda: driver.start(source, out), running, KILLS, seed=4)
            self.last = driver.run(source, out)
        assert self.last.code == 0, self.last.err
        self.events = [json.loads(line) for line in self.last.out.splitlines()]
        self.left = sorted(path.name for path in (driver.data_dir / "list-jobs").glob("*/*"))
        self.lists = len([path for path in (driver.data_dir / "list-jobs").iterdir() if "." not in path.name])
        return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    yield Broken(tmp_path_factory.mktemp("lists"))


def test_a_killed_list_ends_as_clean_would_have_it(broken: Broken) -> None:
    """After eight kills the download is the file of an undisturbed `verifier clean`, row for row, times aside."""
    assert untouched(broken.given, broken.broken) == []
    assert without_times(broken.whole) == without_times(broken.broken)


def test_it_is_one_list_and_leaves_no_journal(broken: Broken) -> None:
    """The upload was taken up by its key, not begun anew; upload and journal are gone, the rows are there."""
    assert broken.events[0]["again"] is True
    assert broken.events[-1]["status"] == "completed"
    assert (broken.lists, broken.left) == (1, ["rows.sqlite"])


def test_numbers_of_events_grow_over_all_processes(broken: Broken) -> None:
    """The last process tells on from where the killed ones ended."""
    numbers = [event["event"] for event in broken.events if "event" in event]
    assert numbers == sorted(set(map(int, map(str, numbers))))
    assert int(str(numbers[0])) > 3


def test_nobody_is_asked_in_vain(broken: Broken) -> None:
    """By the hosts' own log only those are named again who were in flight, or whose control was."""
    found = account(broken.log, [kill.at for kill in broken.kills], FAR.rtt, set(addresses(FAR, ROWS, DOMAINS)))
    assert found.in_vain == 0, found
    assert found.recipients >= ROWS
    assert len({kill.asked for kill in broken.kills if kill.asked}) >= 3


def test_greylisted_rows_are_asked_again_over_a_kill(tmp_path: Path) -> None:
    """While it waits the list is `rechecking`; killed then, the next process waits on, and asks again."""
    world = quick_world(41, grey_delay=3.0)
    text = sample_text(world, 300)
    with WorldProcess(world) as running:
        driver = Command(tmp_path, running.environment, module=DRIVER)
        source, out = driver.write("list.csv", text), tmp_path / "out.csv"
        with driver.start(source, out, "--max-wait", "40") as first:
            deadline = time.monotonic() + 60
            while '"status":"rechecking"' not in first.told():
                assert time.monotonic() < deadline, first.said()
                time.sleep(0.02)
        last = driver.run(source, out, "--max-wait", "40")
    assert last.code == 0, last.err
    events = [json.loads(line) for line in last.out.splitlines()]
    assert next(event["status"] for event in events if "event" in event) == "rechecking"
    cleaned = out.read_text(encoding="utf-8")
    assert (untouched(text, cleaned), wrong_rows(world, cleaned)) == ([], [])
