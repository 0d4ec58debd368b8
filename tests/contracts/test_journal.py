"""The contract of Journal, over its adapter: what was recorded outlives the process, whatever kills it."""

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.facts import control, facts, hindered, replied, route
from verifier.adapters.sqlite_journal import SqliteJournal, forget_in_journals, sweep_journals
from verifier.adapters.system_clock import SystemClock
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import DomainFacts
from verifier.core.faults import ServiceUnavailable
from verifier.core.keys import journal_name
from verifier.core.replies import ReplyClass

NAME = journal_name("0" * 64, ["--column", "email"], ["disposable 2026-11-22"])


async def opened(folder: Path, *, restart: bool = False, name: str = NAME) -> SqliteJournal:
    journal = SqliteJournal(folder, name, SystemClock())
    await journal.open(restart=restart)
    return journal


async def contents(journal: SqliteJournal) -> tuple[list[tuple[str, Finding]], list[DomainFacts]]:
    findings: list[tuple[str, Finding]] = []
    known: list[DomainFacts] = []
    async for some_findings, some_facts in journal.load():
        findings += some_findings
        known += some_facts
    return findings, known


async def test_a_new_journal_is_empty(tmp_path: Path) -> None:
    """Nothing is known before anything was recorded, and recording nothing changes that."""
    journal = await opened(tmp_path / "journals")
    await journal.record([], [])
    assert await contents(journal) == ([], [])
    await journal.close()


async def test_what_was_recorded_is_loaded_by_the_next_run(tmp_path: Path) -> None:
    """Findings and facts come back equal and in order, over many pages."""
    findings = [(f"{n:032x}", replied(ReplyClass.ACCEPTED, n)) for n in range(1203)]
    known = [facts(f"d{n}.example", route(), control(True)) for n in range(703)]
    first = await opened(tmp_path)
    await first.record(findings, known)
    await first.record([("a" * 32, hindered(Obstacle.TIMEOUT))], [])
    await first.close()
    second = await opened(tmp_path)
    assert await contents(second) == ([*findings, ("a" * 32, hindered(Obstacle.TIMEOUT))], known)
    await second.close()


async def test_what_is_recorded_again_takes_no_room(tmp_path: Path) -> None:
    """Recording the same a second time adds nothing, in this run or the next; what differs is added."""
    findings = [("a" * 32, replied(ReplyClass.ACCEPTED, n)) for n in (0, 1)]
    known = [facts("shop.example", route()), facts("shop.example", route(), control(True))]
    for _ in range(3):
        journal = await opened(tmp_path)
        await journal.record(findings, known)
        await journal.record(findings[:1], known[:1])
        assert await contents(journal) == (findings, known)
        await journal.close()


async def test_a_finished_run_leaves_no_file(tmp_path: Path) -> None:
    """`finish` deletes the journal with all that SQLite keeps beside it."""
    journal = await opened(tmp_path)
    await journal.record([("a" * 32, replied(ReplyClass.ACCEPTED))], [])
    await journal.finish()
    assert list(tmp_path.iterdir()) == []


async def test_restart_begins_anew(tmp_path: Path) -> None:
    """`--restart` knows nothing of the run before."""
    journal = await opened(tmp_path)
    await journal.record([("a" * 32, replied(ReplyClass.ACCEPTED))], [facts("shop.example", route())])
    await journal.close()
    journal = await opened(tmp_path, restart=True)
    assert await contents(journal) == ([], [])
    await journal.close()


async def test_only_one_process_holds_a_journal(tmp_path: Path) -> None:
    """A second run of the same list is told so, and the first is not disturbed."""
    first = await opened(tmp_path)
    with pytest.raises(ServiceUnavailable, match="in use by another process"):
        await opened(tmp_path)
    await first.record([("a" * 32, replied(ReplyClass.ACCEPTED))], [])
    assert len((await contents(first))[0]) == 1
    await first.close()


async def test_a_damaged_journal_is_begun_anew(tmp_path: Path) -> None:
    """A file that is no database costs the work of the earlier run, never this one."""
    (tmp_path / f"{NAME}.sqlite").write_bytes(b"not a database at all" * 100)
    journal = await opened(tmp_path)
    await journal.record([("a" * 32, replied(ReplyClass.ACCEPTED))], [])
    assert len((await contents(journal))[0]) == 1
    await journal.close()


async def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """What a newer version wrote is neither read nor deleted."""
    path = tmp_path / f"{NAME}.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(ServiceUnavailable, match="newer version of verifier"):
        await opened(tmp_path)
    assert path.exists()


async def test_only_this_user_may_read_it(tmp_path: Path) -> None:
    """Findings are personal data: the file is 0600 in a folder that is 0700."""
    journal = await opened(tmp_path / "journals")
    await journal.record([("a" * 32, replied(ReplyClass.ACCEPTED))], [])
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "journals").iterdir()} == {0o600}
    assert (tmp_path / "journals").stat().st_mode & 0o777 == 0o700
    await journal.close()


async def test_a_recorder_that_is_cancelled_takes_nobody_with_it(tmp_path: Path) -> None:
    """Groups share a commit; cancelling one neither loses its findings nor the others'."""
    journal = await opened(tmp_path)
    records = [
        asyncio.create_task(journal.record([(f"{n:032x}", replied(ReplyClass.ACCEPTED))], [])) for n in range(20)
    ]
    await asyncio.sleep(0)
    records[3].cancel()
    await asyncio.gather(*records, return_exceptions=True)
    await journal.close()
    journal = await opened(tmp_path)
    assert [key for key, _ in (await contents(journal))[0]] == [f"{n:032x}" for n in range(20)]
    await journal.close()


async def test_a_full_disk_is_said_in_one_sentence(tmp_path: Path) -> None:
    """A journal that cannot be written stops the run with a clear fault, and what it held stays."""
    journal = await opened(tmp_path)
    await journal.record([("a" * 32, replied(ReplyClass.ACCEPTED))], [])
    await journal._thread.call(lambda connection: connection.execute("PRAGMA max_page_count=1").fetchall())
    with pytest.raises(ServiceUnavailable, match="cannot be written: database or disk is full"):
        await journal.record([(f"{n:032x}", replied(ReplyClass.ACCEPTED)) for n in range(5000)], [])
    assert [key for key, _ in (await contents(journal))[0]] == ["a" * 32]
    await journal.close()


async def test_old_journals_are_swept(tmp_path: Path) -> None:
    """A run that nobody took up for 30 days is forgotten; a younger one is kept."""
    clock = FakeClock()
    for name, days in (("1" * 32, 31), ("2" * 32, 29)):
        await (await opened(tmp_path, name=name)).close()
        written = (clock.now() - timedelta(days=days)).timestamp()
        os.utime(tmp_path / f"{name}.sqlite", (written, written))
    assert await sweep_journals(tmp_path, clock) == 1
    assert await sweep_journals(tmp_path / "absent", clock) == 0
    assert [path.name for path in tmp_path.iterdir()] == [f"{'2' * 32}.sqlite"]


async def test_forget_reaches_the_journals(tmp_path: Path) -> None:
    """`verifier forget` erases a mailbox from every journal, and says so where a run still holds one."""
    for name in ("1" * 32, "2" * 32):
        journal = await opened(tmp_path, name=name)
        await journal.record([("a" * 32, replied(ReplyClass.ACCEPTED)), ("b" * 32, hindered(Obstacle.TIMEOUT))], [])
        await journal.close()
    await forget_in_journals(tmp_path, "a" * 32)
    for name in ("1" * 32, "2" * 32):
        journal = await opened(tmp_path, name=name)
        assert await contents(journal) == ([("b" * 32, hindered(Obstacle.TIMEOUT))], [])
        with pytest.raises(ServiceUnavailable, match="in use"):
            await forget_in_journals(tmp_path, "b" * 32)
        await journal.close()


def test_the_name_tells_runs_apart() -> None:
    """Content, arguments and data versions each change the name, and cannot be shifted into each other."""
    names = {
        journal_name("c", ["a", "b"], ["v"]),
        journal_name("c", ["ab"], ["v"]),
        journal_name("c", ["a"], ["b", "v"]),
        journal_name("d", ["a", "b"], ["v"]),
        journal_name("c", ["a", "b"], ["w"]),
    }
    assert len(names) == 5
    assert journal_name("c", ["a", "b"], ["v"]) in names


CHILD = """
import asyncio, sys
from pathlib import Path
from tests.support.facts import facts, replied, route
from verifier.adapters.sqlite_journal import SqliteJournal
from verifier.adapters.system_clock import SystemClock
from verifier.core.replies import ReplyClass

async def lane(journal, number):
    group = 0
    while True:
        keys = [f"{number:04x}{group:020x}{n:08x}" for n in range(20)]
        findings = [(key, replied(ReplyClass.ACCEPTED)) for key in keys]
        await journal.record(findings, [facts(f"d{group}.lane{number}.example", route())])
        for key in keys:
            sys.stdout.write(key + "\\n")
        sys.stdout.flush()
        group += 1

async def main():
    journal = SqliteJournal(Path(sys.argv[1]), sys.argv[2], SystemClock())
    await journal.open()
    await asyncio.gather(*(lane(journal, number) for number in range(8)))

asyncio.run(main())
"""


@pytest.mark.parametrize("groups", [1, 40, 200])
async def test_kill_9_loses_nothing_that_was_recorded(tmp_path: Path, groups: int) -> None:
    """Every group whose `record` had returned before kill -9 is there afterwards, whole."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(tmp_path), NAME, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    said: list[str] = []
    for _ in range(20 * groups):
        said.append((await child.stdout.readline()).decode().strip())
    child.send_signal(signal.SIGKILL)
    rest = (await child.stdout.read()).decode()
    said += rest[: rest.rfind("\n") + 1].split()
    assert await child.wait() == -signal.SIGKILL
    journal = await opened(tmp_path)
    findings, known = await contents(journal)
    recorded = {key for key, _ in findings}
    assert set(said) - recorded == set()
    assert {len(group) for group in _groups(recorded)} == {20}
    assert len(known) == len(recorded) // 20
    await journal.close()


def _groups(keys: set[str]) -> list[Sequence[str]]:
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(key[:24], []).append(key)
    return list(groups.values())


async def test_fifty_thousand_findings_take_seconds_at_most(tmp_path: Path) -> None:
    """Groups of 20 from 16 lanes share commits: the journal never sets the pace of a probe."""
    journal = await opened(tmp_path)
    groups = iter(range(2500))

    async def lane() -> None:
        for group in groups:
            await journal.record([(f"{group:024x}{n:08x}", replied(ReplyClass.ACCEPTED)) for n in range(20)], [])

    begun = time.monotonic()
    await asyncio.gather(*(lane() for _ in range(16)))
    took = time.monotonic() - begun
    await journal.finish()
    assert took < 10


async def test_a_shared_journal_is_read_beside_its_writer(tmp_path: Path) -> None:
    """Readers of the same process come and go while it is written: they see what was recorded, and nothing of it is
    lost when they have gone.
    """
    writer = SqliteJournal(tmp_path, NAME, SystemClock(), shared=True)
    await writer.open()
    expected = []
    for number in range(20):
        key, finding = f"{number:032x}", replied(ReplyClass.ACCEPTED, number)
        await writer.record([(key, finding)], [])
        expected.append((key, finding))
        reader = SqliteJournal(tmp_path, NAME, SystemClock(), shared=True)
        await reader.open()
        assert await contents(reader) == (expected, [])
        await reader.close()
        assert (tmp_path / f"{NAME}.sqlite-wal").exists()
    await writer.close()
    alone = await opened(tmp_path)
    assert await contents(alone) == (expected, [])
    await alone.close()


async def test_an_open_journal_forgets(tmp_path: Path) -> None:
    """A mailbox is erased from it, and from its file."""
    journal = await opened(tmp_path)
    await journal.record([("a" * 32, replied(ReplyClass.ACCEPTED, 0)), ("b" * 32, replied(ReplyClass.ACCEPTED, 1))], [])
    await journal.forget("a" * 32)
    assert await contents(journal) == ([("b" * 32, replied(ReplyClass.ACCEPTED, 1))], [])
    assert [path for path in tmp_path.iterdir() if b"a" * 32 in path.read_bytes()] == []
    await journal.close()
