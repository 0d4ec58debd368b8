"""The contracts of SenderStore and UseStore: nothing is forgotten, and what is told twice counts once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from tests.support.clock import START, FakeClock
from tests.support.facts import at
from verifier.adapters import sqlite_senders
from verifier.adapters.sqlite_senders import SqliteSenders
from verifier.core.faults import ServiceUnavailable
from verifier.core.senders import BLASTS_KEPT, Sender, month_of
from verifier.gate_ports import Use

DAY = 86_400.0
SHOP = Sender("shop", "strict", "mailjet", 60_000, 4, 24.0)


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteSenders]:
    made = SqliteSenders(tmp_path / "senders.sqlite", FakeClock())
    yield made
    await made.close()


def use(number: int, recipient: str = "jane", when: float = 0, blast: bool = True) -> Use:
    return Use("shop", f"mail {number}", recipient, at(when), blast)


async def test_senders_are_kept_by_name(store: SqliteSenders) -> None:
    """Replaced by whoever comes later with the same name; removed once."""
    await store.put(SHOP)
    await store.put(Sender("crm"))
    await store.put(structs.replace(SHOP, quota=None))
    assert await store.senders() == [Sender("crm"), structs.replace(SHOP, quota=None)]
    assert [await store.remove("crm"), await store.remove("crm")] == [True, False]


async def test_a_use_counts_once(store: SqliteSenders) -> None:
    """Whoever tells it again, at once or later; another sender's uses are its own."""
    assert await store.count([use(1), use(2), use(1)]) == 2
    counts = await asyncio.gather(*(store.count([use(3)]) for _ in range(5)))
    assert sum(counts) == 1
    usage = await store.usage("shop", START, ["jane", "john"])
    assert (usage.used, usage.blasts) == (3, {"jane": (START,) * 3})
    assert (await store.usage("crm", START, ["jane"])).used == 0


async def test_which_uses_are_counted_is_known(store: SqliteSenders) -> None:
    """Of those that are asked about, and of this sender's alone."""
    await store.count([use(1), use(2)])
    asked = [f"mail {number}" for number in range(2, 1200)]
    assert (await store.usage("shop", START, [], asked)).counted == {"mail 2"}
    assert (await store.usage("crm", START, [], asked)).counted == frozenset()


async def test_a_month_counts_by_itself(store: SqliteSenders) -> None:
    """By the calendar, in UTC."""
    await store.count([use(1), use(2, when=9 * DAY)])
    assert [(await store.usage("shop", at(days * DAY), [])).used for days in (0, 8, 9)] == [1, 1, 1]
    assert (await store.usage("shop", at(40 * DAY), [])).used == 0


async def test_blasts_are_recent_and_of_a_recipient(store: SqliteSenders) -> None:
    """Oldest first; order mail is none; what is older than the longest cap is not given."""
    await store.count([use(1, when=50), use(2, when=10), use(3, blast=False), use(4, "john", 30)])
    usage = await store.usage("shop", at(60), ["jane", "nobody"])
    assert (usage.used, usage.blasts) == (4, {"jane": (at(10), at(50))})
    later = at(11) + BLASTS_KEPT
    assert (await store.usage("shop", later, ["jane"])).blasts == {"jane": (at(50),)}


async def test_forgetting_a_recipient_keeps_the_count(store: SqliteSenders) -> None:
    """The quota was used all the same."""
    await store.count([use(1)])
    await store.forget("jane")
    usage = await store.usage("shop", START, ["jane"])
    assert (usage.used, usage.blasts) == (1, {})
    assert await store.count([use(1)]) == 0


async def test_two_processes_count_together(tmp_path: Path) -> None:
    """What one counted, the other knows; old uses are swept at a start, months stay."""
    path = tmp_path / "senders.sqlite"
    one, other = SqliteSenders(path, FakeClock()), SqliteSenders(path, FakeClock())
    await one.count([use(1)])
    assert await other.count([use(1), use(2)]) == 1
    assert (await one.usage("shop", START, [])).used == 2
    await one.close()
    await other.close()
    later = SqliteSenders(path, FakeClock(at(40 * DAY)))
    assert (await later.usage("shop", START, ["jane"])).used == 2
    assert (await later.usage("shop", START, ["jane"])).blasts == {}
    await later.close()


async def test_a_file_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    """What was counted stays counted, and is told again in vain."""
    path = tmp_path / "senders.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.executescript(sqlite_senders._SCHEMA[0])
        file.execute("INSERT INTO uses VALUES ('shop', 'mail 1', 'jane', ?, 1)", (START.timestamp(),))
        file.execute("INSERT INTO uses VALUES ('shop', 'mail 2', '', ?, 1)", (START.timestamp(),))
        file.execute("INSERT INTO months VALUES ('shop', ?, 2)", (month_of(START),))
        file.execute("PRAGMA user_version=1")
        file.commit()
    store = SqliteSenders(path, FakeClock())
    assert await store.count([use(1), use(2), use(3)]) == 1
    usage = await store.usage("shop", START, ["jane"])
    assert (usage.used, usage.blasts) == (3, {"jane": (START, START)})
    await store.close()


async def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    """It is never begun anew: a quota would be whole again."""
    (tmp_path / "senders.sqlite").write_bytes(b"this is no database" * 300)
    store = SqliteSenders(tmp_path / "senders.sqlite", FakeClock())
    with pytest.raises(ServiceUnavailable):
        await store.usage("shop", START, [])
    with pytest.raises(ServiceUnavailable):
        await store.count([use(1)])
    await store.close()
