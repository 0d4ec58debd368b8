"""Runs that are killed, terminated or interrupted: what was learned stays learned, the file is the same in the end."""

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bench.kill import account
from bench.world_lists import addresses, list_text
from tests.roads.worlds import list_text as sample_text
from tests.roads.worlds import quick_world, untouched, without_times, wrong_rows
from tests.support.command import Command, rows_of
from tests.support.hasty import HASTY
from tests.support.kills import Kill, killed_at_random
from verifier.world import World
from verifier.world.process import WorldProcess

KILLS = 10
ROWS, DOMAINS = 1500, 100
FAR = World(11, hosts=20, rtt=0.3)
"""Hosts that are some way off, so that a run lasts some seconds."""
FEW = World(12, hosts=3, rtt=0.1)
"""So few hosts that they are asked group after group."""


class Broken:
    """The same list, cleaned undisturbed, and with a kill -9 at ten random moments."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "world.jsonl"
        self.kills: list[Kill] = []
        with ThreadPoolExecutor(2) as pool:
            whole, broken = (
                pool.submit(self._undisturbed, folder / "whole"),
                pool.submit(self._killed, folder / "broken"),
            )
            self.whole, self.broken = whole.result(), broken.result()

    def _undisturbed(self, folder: Path) -> str:
        folder.mkdir()
        with WorldProcess(FAR) as running:
            command = Command(folder, running.environment)
            finished = command.run("clean", command.write("list.csv", list_text(FAR, ROWS, DOMAINS)))
        assert finished.code == 0, finished.err
        return (folder / "list.clean.csv").read_text(encoding="utf-8")

    def _killed(self, folder: Path) -> str:
        folder.mkdir()
        with WorldProcess(FAR, log_file=str(self.log)) as running:
            command = Command(folder, running.environment)
            source = command.write("list.csv", list_text(FAR, ROWS, DOMAINS))
            self.kills = killed_at_random(lambda: command.start("clean", source, "--force"), running, KILLS, seed=2)
            self.last = command.run("clean", source, "--force")
        self.left_over = sorted(path.name for path in (command.data_dir / "journals").iterdir())
        self.partial = [name for name in command.names() if name.endswith(".partial")]
        return (folder / "list.clean.csv").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    yield Broken(tmp_path_factory.mktemp("kill"))


def test_a_killed_run_ends_in_the_same_file(broken: Broken) -> None:
    """After ten kills the finished file is that of an undisturbed run, times aside, and the journal is gone."""
    assert broken.last.code == 0
    assert without_times(broken.whole) == without_times(broken.broken)
    assert (broken.left_over, broken.partial) == ([], [])


def test_a_killed_run_asks_nobody_in_vain(broken: Broken) -> None:
    """By the hosts' own log only those are named again who were in flight, or whose control was."""
    found = account(broken.log, [kill.at for kill in broken.kills], FAR.rtt, set(addresses(FAR, ROWS, DOMAINS)))
    assert found.in_vain == 0, found
    assert found.recipients >= ROWS
    assert len({kill.asked for kill in broken.kills if kill.asked}) >= 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_asked_to_end_keeps_its_journal(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """SIGTERM and Ctrl-C end it with their codes, leave no output and keep what was learned: the next run goes on."""
    with WorldProcess(FEW) as running:
        command = Command(tmp_path, running.environment)
        journals = command.data_dir / "journals"
        source = command.write("list.csv", list_text(FEW, ROWS, DOMAINS))
        with command.start("clean", source) as clean:
            _until(lambda: running.report().total.recipients > ROWS * 4 // 5)
            clean.send(number)
            ended = clean.wait()
        assert (ended.code, ended.err.strip()) == (code, "Interrupted.")
        assert command.names() == {"list.csv"}
        known, before = _journaled(journals), running.report().total.recipients
        assert known > 100
        assert command.run("clean", source).code == 0
        assert running.report().total.recipients - before < ROWS + 2 * DOMAINS - known
        assert list(journals.iterdir()) == []


def test_restart_begins_a_new_journal(tmp_path: Path) -> None:
    """--restart drops what an interrupted run had written down, and ends in the same right file."""
    world = quick_world(34)
    with WorldProcess(world) as running:
        command = Command(tmp_path, running.environment, module=HASTY)
        journals, text = command.data_dir / "journals", sample_text(world, 200)
        source = command.write("list.csv", text)
        with command.start("clean", source, "--max-wait", "20s"):
            _until(lambda: bool(list(journals.glob("*.sqlite-wal"))) and running.report().total.recipients > 50)
        assert _journaled(journals) > 0
        finished = command.run("clean", source, "--restart", "--max-wait", "20s")
        cleaned = (tmp_path / "list.clean.csv").read_text(encoding="utf-8")
    assert (finished.code, untouched(text, cleaned), wrong_rows(world, cleaned)) == (0, [], [])
    assert list(journals.iterdir()) == []


def test_ctrl_c_while_waiting_writes_the_file(tmp_path: Path) -> None:
    """Ctrl-C while greylisted rows are waited for is no interruption: the file is complete, they say `greylisted`."""
    world = quick_world(33, grey_delay=120)
    text = "email\n" + "".join(f"user{n}@{world.domain(kind)}\n" for n in range(40) for kind in ("greylist", "postfix"))
    with WorldProcess(world) as running:
        command = Command(tmp_path, running.environment)
        with command.start("clean", command.write("list.csv", text), "--max-wait", "20m") as clean:
            clean.wait_until_said("Ctrl-C")
            clean.send(signal.SIGINT)
            ended = clean.wait()
    cleaned = (tmp_path / "list.clean.csv").read_text(encoding="utf-8")
    assert (ended.code, untouched(text, cleaned)) == (0, [])
    rows = rows_of(cleaned)
    assert {row["ev_reason"] for row in rows if "greylist" in row["email"]} == {"greylisted"}
    assert "greylisted" not in {row["ev_reason"] for row in rows if "postfix" in row["email"]}
    assert [row for row in rows if row["ev_reason"] == "greylisted" and not row["ev_retry_after"]] == []
    assert list((command.data_dir / "journals").iterdir()) == []


def _until(condition: Callable[[], bool], patience: float = 30.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def _journaled(journals: Path) -> int:
    """How many mailboxes the one journal that was left knows."""
    (path,) = journals.glob("*.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute("SELECT count(DISTINCT key) FROM findings").fetchone()[0]
    return count
