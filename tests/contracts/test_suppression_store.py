"""The contract of SuppressionStore, over its adapters: whoever is not to be mailed is never lost."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.support.facts import at
from tests.support.suppressions import MemorySuppressions
from verifier.adapters import sqlite_thread
from verifier.adapters.sqlite_suppressions import SqliteSuppressions
from verifier.core.faults import ConfigError, ServiceUnavailable
from verifier.core.suppressions import Removal, Suppression, SuppressionKind
from verifier.gate_ports import SuppressionStore, SuppressionWish

K1, K2, K3 = "1" * 32, "2" * 32, "ab" * 16
UNSUBSCRIBED = Suppression(
    K1, SuppressionKind.UNSUBSCRIBED, at(0), "mailjet", "shop", "marketing", "news", at(9), "jane@shop.example"
)
BOUNCE = Suppression(K2, SuppressionKind.HARD_BOUNCE, at(1), "dsn")
ALLOWED = Suppression(K2, SuppressionKind.MANUAL_ALLOW, at(2), "manual", "shop", address="john@shop.example")


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SuppressionStore]:
    made = MemorySuppressions() if request.param == "memory" else SqliteSuppressions(tmp_path / "s.sqlite", "mark")
    yield made
    await made.close()


async def test_what_was_added_is_there(store: SuppressionStore) -> None:
    """Whole, under its key, together with others of that key; of other keys there is nothing."""
    assert await store.add([UNSUBSCRIBED, BOUNCE, ALLOWED]) == 3
    assert await store.under([K1, K2, K3]) == {K1: (UNSUBSCRIBED,), K2: (BOUNCE, ALLOWED)}
    assert await store.under([]) == {}


async def test_the_later_word_counts(store: SuppressionStore) -> None:
    """Told again it is one entry, and none is added; an older telling changes nothing; a text that is known stays."""
    await store.add([UNSUBSCRIBED])
    assert await store.add([structs.replace(UNSUBSCRIBED, at=at(-1), source="old"), UNSUBSCRIBED]) == 0
    later = structs.replace(UNSUBSCRIBED, at=at(5), source="brevo", expires=None, address=None)
    assert await store.add([later]) == 0
    assert await store.under([K1]) == {K1: (structs.replace(later, address=UNSUBSCRIBED.address),)}


async def test_scopes_stand_side_by_side(store: SuppressionStore) -> None:
    """Sender, class and topic are part of an entry's name."""
    entries = [
        UNSUBSCRIBED,
        structs.replace(UNSUBSCRIBED, sender=None),
        structs.replace(UNSUBSCRIBED, message_class=None),
        structs.replace(UNSUBSCRIBED, topic=None),
    ]
    assert await store.add(entries) == 4
    assert await store.under([K1]) == {K1: tuple(entries)}


async def test_a_removal_ends_exactly_what_it_names(store: SuppressionStore) -> None:
    """By key, kinds, scope and time; what is not there is not counted."""
    other = structs.replace(UNSUBSCRIBED, sender="other", at=at(7))
    await store.add([UNSUBSCRIBED, other, BOUNCE])
    assert await store.remove([Removal(K1, sender="shop")]) == 0
    assert await store.remove([Removal(K1, any_scope=True, before=at(5))]) == 1
    assert await store.under([K1, K2]) == {K1: (other,), K2: (BOUNCE,)}
    assert await store.remove([Removal(K1, any_scope=True), Removal(K2), Removal(K3)]) == 2
    assert await store.under([K1, K2]) == {}


async def test_pages_go_through_all(store: SuppressionStore) -> None:
    """In growing numbers, narrowed by kind, sender and keys; nothing twice."""
    await store.add([UNSUBSCRIBED, BOUNCE, ALLOWED])
    first = await store.page(SuppressionWish(limit=2))
    rest = await store.page(SuppressionWish(after=first[-1][0]))
    assert [entry for _, entry in (*first, *rest)] == [UNSUBSCRIBED, BOUNCE, ALLOWED]
    for wish, expected in (
        (SuppressionWish(kind=SuppressionKind.HARD_BOUNCE), [BOUNCE]),
        (SuppressionWish(sender="shop"), [UNSUBSCRIBED, ALLOWED]),
        (SuppressionWish(keys=(K1, K3)), [UNSUBSCRIBED]),
        (SuppressionWish(keys=()), []),
        (SuppressionWish(kind=SuppressionKind.COMPLAINT), []),
    ):
        assert [entry for _, entry in await store.page(wish)] == expected


async def test_forgetting_keeps_the_hash_alone(store: SuppressionStore) -> None:
    """Nobody can read whom it was about, and nobody mails him either; an allowance goes."""
    await store.add([UNSUBSCRIBED, structs.replace(BOUNCE, address="john@shop.example"), ALLOWED])
    await store.forget([K1, K2])
    assert await store.under([K1, K2]) == {K1: (structs.replace(UNSUBSCRIBED, address=None),), K2: (BOUNCE,)}


async def test_forgetting_leaves_no_address_in_the_files(tmp_path: Path) -> None:
    """Neither in the file nor in its log, while it is open as afterwards: whoever copies the folder finds nothing."""
    path = tmp_path / "apart" / "suppressions.sqlite"
    store = SqliteSuppressions(path, "mark")
    await store.add([structs.replace(UNSUBSCRIBED, address="gone@shop.example"), ALLOWED])
    await store.forget([K1, K2])
    assert b"gone@shop" not in b"".join(part.read_bytes() for part in path.parent.iterdir())
    await store.close()
    assert b"gone@shop" not in path.read_bytes()


async def test_another_secret_is_refused(tmp_path: Path) -> None:
    """Under another none of the keys would be found, and everybody would be mailed again: it is said, by both ways in,
    and the file is left as it is. One that holds nobody is taken over, and so is one from before there were marks.
    """
    path = tmp_path / "suppressions.sqlite"
    empty, store, other = (SqliteSuppressions(path, mark) for mark in ("first", "second", "third"))
    await empty.origin()
    await store.add([UNSUBSCRIBED])
    for refused in (other.under([K1]), other.add([BOUNCE]), other.forget([K1])):
        with pytest.raises(ConfigError, match=r"written with another secret.*VERIFIER_SECRET_KEY"):
            await refused
    for each in (empty, store, other):
        await each.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("ALTER TABLE identity DROP COLUMN mark; PRAGMA user_version=1")
    older = SqliteSuppressions(path, "second")
    assert await older.under([K1]) == {K1: (UNSUBSCRIBED,)}
    await older.close()


async def test_forgetting_is_not_promised_while_the_log_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who reads the file from before holds its log, and the address in it: that is said, and tried again."""
    monkeypatch.setattr(sqlite_thread, "_BUSY_SECONDS", 0.05)
    path = tmp_path / "suppressions.sqlite"
    store = SqliteSuppressions(path, "mark")
    await store.add([structs.replace(UNSUBSCRIBED, address="gone@shop.example")])
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM suppressions").fetchone()
        with pytest.raises(ServiceUnavailable, match="still in its log: try again"):
            await store.forget([K1])
    await store.forget([K1])
    assert b"gone@shop" not in b"".join(part.read_bytes() for part in tmp_path.iterdir())
    await store.close()


entries = st.builds(
    Suppression,
    key=st.sampled_from([K1, K2]),
    kind=st.sampled_from(SuppressionKind),
    at=st.integers(0, 5).map(at),
    source=st.sampled_from(["manual", "dsn"]),
    sender=st.sampled_from([None, "shop"]),
    expires=st.none() | st.integers(0, 9).map(at),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(entries, max_size=4), max_size=5))
async def test_adapters_agree(tmp_path_factory: pytest.TempPathFactory, groups: list[list[Suppression]]) -> None:
    """Whatever is added in whatever order, both keep the same."""
    memory, sqlite = MemorySuppressions(), SqliteSuppressions(tmp_path_factory.mktemp("s") / "s.sqlite", "mark")
    for group in groups:
        assert await sqlite.add(group) == await memory.add(group)
    assert await sqlite.under([K1, K2]) == await memory.under([K1, K2])
    await sqlite.close()


async def test_two_processes_share_a_file(tmp_path: Path) -> None:
    """What one has committed the other reads, and only this user can."""
    one, other = SqliteSuppressions(tmp_path / "s.sqlite", "mark"), SqliteSuppressions(tmp_path / "s.sqlite", "mark")
    await one.add([BOUNCE])
    assert await other.under([K2]) == {K2: (BOUNCE,)}
    assert (tmp_path / "s.sqlite").stat().st_mode & 0o077 == 0
    await one.close()
    await other.close()


async def test_a_damaged_file_is_not_begun_anew(tmp_path: Path) -> None:
    """Nobody who unsubscribed is forgotten silently: reading and writing fail with one sentence."""
    (tmp_path / "s.sqlite").write_bytes(b"no database at all, but a text of some length" * 100)
    store = SqliteSuppressions(tmp_path / "s.sqlite", "mark")
    with pytest.raises(ServiceUnavailable, match=r"s\.sqlite"):
        await store.under([K1])
    with pytest.raises(ServiceUnavailable, match=r"s\.sqlite"):
        await store.add([BOUNCE])
    await store.close()


_WRITER = """
import asyncio, sys
from datetime import datetime, UTC
from pathlib import Path
from verifier.adapters.sqlite_suppressions import SqliteSuppressions
from verifier.core.suppressions import Suppression, SuppressionKind

async def main():
    store = SqliteSuppressions(Path(sys.argv[1]), "mark")
    for number in range(10_000):
        entry = Suppression(f"{number:032x}", SuppressionKind.COMPLAINT, datetime(2026, 1, 1, tzinfo=UTC), "test")
        await store.add([entry])
        print(number, flush=True)

asyncio.run(main())
"""


async def test_kill_loses_nothing_that_was_promised(tmp_path: Path) -> None:
    """Whatever `add` has returned for is there after kill -9."""
    path = tmp_path / "s.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(50):
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    promised = 50 + len(writer.stdout.read().split())
    writer.stdout.close()
    writer.wait()
    store = SqliteSuppressions(path, "mark")
    found = await store.under([f"{number:032x}" for number in range(promised)])
    assert len(found) == promised
    await store.close()


def test_expiry_is_the_readers_to_judge() -> None:
    """The store gives expired entries too: an entry says itself whether it holds."""
    assert not UNSUBSCRIBED.holds(at(9)) and UNSUBSCRIBED.holds(at(9) - timedelta(seconds=1))
