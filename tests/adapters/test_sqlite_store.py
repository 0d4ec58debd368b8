"""What the SQLite store promises beyond its port's contract: about damage, versions, privacy and the event loop."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.facts import facts, hindered, replied, route
from verifier.adapters.sqlite_store import SqliteStore
from verifier.adapters.sqlite_thread import GroupCommit, open_database
from verifier.core.evidence import Obstacle
from verifier.core.facts import RouteStatus
from verifier.core.faults import ServiceUnavailable
from verifier.core.replies import ReplyClass

KEY = "a" * 32


class Files:
    """Opens stores on one file, with their clock and their warnings."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = FakeClock()
        self.warnings: list[str] = []
        self._opened: list[SqliteStore] = []

    async def open(self) -> SqliteStore:
        store = SqliteStore(self.path, self.clock, "192.0.2.53", self.warnings.append)
        await store.open()
        self._opened.append(store)
        return store

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[Files]:
    made = Files(tmp_path / "facts.sqlite")
    yield made
    await made.close()


async def test_a_damaged_file_is_set_aside(files: Files) -> None:
    """No database at all: kept under another name for whoever wants to look, and begun anew with a warning."""
    files.path.write_bytes(b"rubbish" * 1000)
    store = await files.open()
    await store.remember_domains([facts("shop.example", route())])
    assert await store.domains(["shop.example"]) == {"shop.example": facts("shop.example", route())}
    assert files.path.with_name("facts.sqlite.damaged-20261122T100000").read_bytes() == b"rubbish" * 1000
    assert [warning.partition(" is damaged")[0] for warning in files.warnings] == [str(files.path)]


@pytest.mark.parametrize("damage", ["header", "middle", "truncated"])
async def test_damage_is_survived_wherever_it_is(files: Files, damage: str) -> None:
    """Whatever of the file was overwritten or lost: no call fails, nothing is invented, and remembering goes on."""
    store = await files.open()
    known = {f"d{n}.example": facts(f"d{n}.example", route()) for n in range(2000)}
    await store.remember_domains(list(known.values()))
    await files.close()
    whole = bytearray(files.path.read_bytes())
    match damage:
        case "header":
            whole[:100] = b"\xff" * 100
        case "middle":
            whole[4096 * 3 : -4096] = b"\xff" * (len(whole) - 4096 * 4)
        case "truncated":
            del whole[len(whole) // 2 :]
    files.path.write_bytes(whole)
    store = await files.open()
    found = await store.domains(list(known))
    assert {name: known[name] for name in found} == found
    await store.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED))])
    await store.remember_domains(list(known.values()))
    await store.domains(list(known))
    await store.remember_domains([facts("new.example", route())])
    assert await store.domains(["new.example"]) == {"new.example": facts("new.example", route())}
    assert len(files.warnings) == 1


async def test_a_row_that_cannot_be_read_is_forgotten(files: Files) -> None:
    """A value that another version wrote in another shape is as good as absent, and can be written over."""
    store = await files.open()
    await store.remember_domains([facts("shop.example", route())])
    await store.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED))])
    await files.close()
    with closing(sqlite3.connect(files.path, isolation_level=None)) as connection:
        connection.execute("UPDATE domains SET facts = x'ff00'")
        connection.execute("UPDATE mailboxes SET findings = x'91a0'")
    store = await files.open()
    assert await store.domains(["shop.example"]) == {}
    assert await store.mailboxes([KEY]) == {}
    await store.remember_domains([facts("shop.example", route(RouteStatus.NULL_MX))])
    assert set(await store.domains(["shop.example"])) == {"shop.example"}
    assert files.warnings == []


async def test_a_newer_version_is_refused(files: Files) -> None:
    """A file that a newer version wrote is neither read nor set aside: exit 69 with what to do."""
    with closing(sqlite3.connect(files.path)) as connection:
        connection.execute("PRAGMA user_version=7")
    with pytest.raises(ServiceUnavailable, match="newer version of verifier \\(schema 7, this one knows 1\\)"):
        await files.open()
    assert [path.name for path in files.path.parent.iterdir()] == ["facts.sqlite"]


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A path that cannot be opened is the operator's to put right."""
    with pytest.raises(ServiceUnavailable, match="cannot be opened"):
        await Files(tmp_path / "absent" / "facts.sqlite").open()


async def test_a_full_disk_costs_memory_not_work(files: Files) -> None:
    """Where nothing can be written facts are forgotten, with one warning, and it is tried again."""
    store = await files.open()
    await store.remember_domains([facts("shop.example", route())])
    assert len(await store.domains(["shop.example"])) == 1
    await store._thread.call(lambda connection: connection.execute("PRAGMA max_page_count=1").fetchall())
    for n in range(3):
        await store.remember_domains([facts(f"d{n}-{m}.example", route()) for m in range(500)])
        assert await store.domains([f"d{n}-0.example"]) == {}
    assert len(await store.domains(["shop.example"])) == 1
    await store._thread.call(lambda connection: connection.execute("PRAGMA max_page_count=100000").fetchall())
    await store.remember_domains([facts("again.example", route())])
    assert len(await store.domains(["again.example"])) == 1
    assert {warning.partition(": ")[2] for warning in files.warnings} == {"database or disk is full"}


def test_many_open_a_new_file_at_once(tmp_path: Path) -> None:
    """Whoever comes first makes the file; nobody is told that it is in use."""
    script = ("CREATE TABLE notes (text TEXT)",)

    def openings(file: Path) -> None:
        for _ in range(3):
            with closing(open_database(file, script)) as connection:
                connection.execute("INSERT INTO notes VALUES ('here')")

    with ThreadPoolExecutor(6) as threads:
        for n in range(40):
            list(threads.map(openings, [tmp_path / f"{n}.sqlite"] * 6))
            with closing(open_database(tmp_path / f"{n}.sqlite", script)) as connection:
                assert connection.execute("SELECT count(*) FROM notes").fetchone() == (18,)


async def test_two_processes_share_a_file(files: Files) -> None:
    """`check` beside a running `serve`: both read and write, and what each learned merges."""
    first, second = await asyncio.gather(files.open(), files.open())
    for n in range(20):
        await asyncio.gather(
            first.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED, n))]),
            second.remember_mailboxes([(KEY, hindered(Obstacle.TIMEOUT, n))]),
        )
    await first.mailboxes([KEY])
    await second.mailboxes([KEY])
    kept = {replied(ReplyClass.ACCEPTED, 19), hindered(Obstacle.TIMEOUT, 19)}
    assert set((await first.mailboxes([KEY]))[KEY]) == kept
    assert files.warnings == []


async def test_only_this_user_may_read_it(files: Files) -> None:
    """The file and what SQLite keeps beside it are 0600."""
    store = await files.open()
    await store.remember_domains([facts("shop.example", route())])
    await store.domains([])
    assert {path.stat().st_mode & 0o777 for path in files.path.parent.iterdir()} == {0o600}


async def test_forgetting_leaves_no_trace(files: Files) -> None:
    """After `forget` neither key nor finding stands anywhere in the files."""
    store = await files.open()
    await store.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED, text="a-text-to-look-for"))])
    await store.mailboxes([KEY])
    await store.forget(KEY)
    traces = b"".join(path.read_bytes() for path in files.path.parent.iterdir())
    assert (KEY.encode() in traces, b"a-text-to-look-for" in traces) == (False, False)


async def test_what_has_expired_is_swept(files: Files) -> None:
    """The file does not grow by what nobody may see any more."""
    store = await files.open()
    await store.remember_domains([facts(f"d{n}.example", route(lasts=60)) for n in range(100)])
    await store.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED))])
    assert len(await store.domains(["d1.example"])) == 1
    files.clock.move(7200)
    await store.remember_domains([facts("new.example", route(seen=7200))])
    await files.close()
    with closing(sqlite3.connect(files.path)) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("domains", "mailboxes")
        ]
    assert counts == [1, 1]


async def test_close_writes_what_is_behind(files: Files) -> None:
    """`remember` returns before it is written; `close` does not."""
    store = await files.open()
    for n in range(300):
        await store.remember_domains([facts(f"d{n}.example", route())])
    await files.close()
    store = await files.open()
    assert len(await store.domains([f"d{n}.example" for n in range(300)])) == 300


async def test_the_event_loop_is_left_alone(files: Files) -> None:
    """Batches of thousands are worked off in another thread, in jobs that are short: the loop keeps turning."""
    store = await files.open()
    known = [facts(f"d{n}.example", route()) for n in range(10_000)]
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    turning = asyncio.create_task(turn())
    await store.remember_domains(known)
    written_after = turns
    assert len(await store.domains([fact.domain for fact in known])) == 10_000
    turning.cancel()
    assert written_after < 10
    assert turns > 100


async def test_who_reads_waits_for_what_was_added_before_alone() -> None:
    """However many go on writing, what is settled is what was added before: there would be no end of the rest."""
    written: list[int] = []

    async def write(items: list[int]) -> None:
        await asyncio.sleep(0.01)
        written.extend(items)

    async def add_on() -> None:
        for number in range(1, 1_000_000):
            commits.add([number])
            await asyncio.sleep(0.001)

    commits: GroupCommit[int] = GroupCommit(write)
    commits.add([0])
    adding = asyncio.create_task(add_on())
    await asyncio.sleep(0)
    await asyncio.wait_for(commits.settled(), 5)
    adding.cancel()
    assert 0 in written
