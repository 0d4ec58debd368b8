"""The contract of TallyStore, over its adapters: a day's requests, of each client and domain by themselves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.facts import at
from tests.support.tallies import MemoryTallies
from verifier.adapters.sqlite_tallies import SqliteTallies
from verifier.core.faults import ServiceUnavailable
from verifier.core.harvest import Tally
from verifier.ports import TallyStore


def tally(*keys: str, seen: float = 0) -> Tally:
    made = Tally({})
    for key in keys:
        made.add(key, at(seen), unknown=True)
    return made


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TallyStore]:
    if request.param == "memory":
        yield MemoryTallies()
        return
    warnings: list[str] = []
    sqlite = SqliteTallies(tmp_path / "requests.sqlite", FakeClock(), warnings.append)
    yield sqlite
    await sqlite.close()
    assert warnings == []


async def test_what_was_remembered_is_known(store: TallyStore) -> None:
    """By client and domain; what nobody counted is not there."""
    await store.remember("cli", {"shop.example": tally("ann"), "town.example": tally("bob")})
    await store.remember("key 1", {"shop.example": tally("carl")})
    assert await store.tallies("cli", ["shop.example", "new.example"]) == {"shop.example": tally("ann")}
    assert await store.tallies("key 1", ["shop.example", "town.example"]) == {"shop.example": tally("carl")}
    assert await store.tallies("key 2", ["shop.example"]) == {}


async def test_more_is_taken_in(store: TallyStore) -> None:
    """Remembering adds to what is known, and the latest about a name counts."""
    await store.remember("cli", {"shop.example": tally("ann", seen=0)})
    await store.remember("cli", {"shop.example": tally("ann", "bob", seen=60)})
    await store.remember("cli", {"shop.example": tally("bob", seen=0)})
    assert await store.tallies("cli", ["shop.example"]) == {"shop.example": tally("ann", "bob", seen=60)}


async def test_what_is_given_is_the_callers(store: TallyStore) -> None:
    """Who counts on in a tally changes nothing in the store."""
    await store.remember("cli", {"shop.example": tally("ann")})
    (await store.tallies("cli", ["shop.example"]))["shop.example"].add("bob", at(0), unknown=True)
    assert await store.tallies("cli", ["shop.example"]) == {"shop.example": tally("ann")}


async def test_a_mailbox_is_forgotten_everywhere(store: TallyStore) -> None:
    """For every client of its domain."""
    for client in ("cli", "key 1"):
        await store.remember(client, {"shop.example": tally("ann", "bob"), "town.example": tally("ann")})
    await store.forget("shop.example", "ann")
    for client in ("cli", "key 1"):
        known = await store.tallies(client, ["shop.example", "town.example"])
        assert known == {"shop.example": tally("bob"), "town.example": tally("ann")}


async def test_many_domains(store: TallyStore) -> None:
    """Thousands at a time are no trouble."""
    many = {f"d{number}.example": tally(str(number)) for number in range(1500)}
    await store.remember("cli", many)
    assert await store.tallies("cli", list(many)) == many


async def test_a_restart_forgets_nothing_but_what_is_old(tmp_path: Path) -> None:
    """Another process knows what the first counted; a day later nobody does."""
    clock, path = FakeClock(), tmp_path / "requests.sqlite"
    for wait, known in ((0.0, {}), (80_000.0, {"shop.example": tally("ann")}), (6_500.0, {})):
        clock.move(wait)
        store = SqliteTallies(path, clock, _unexpected)
        assert await store.tallies("cli", ["shop.example"]) == known
        if not wait:
            await store.remember("cli", {"shop.example": tally("ann")})
        await store.close()


async def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    """It is said once, nothing is known for that moment, and counting goes on."""
    path, warnings = tmp_path / "requests.sqlite", list[str]()
    path.write_bytes(b"no database at all" * 1000)
    store = SqliteTallies(path, FakeClock(), warnings.append)
    assert await store.tallies("cli", ["shop.example"]) == {}
    await store.remember("cli", {"shop.example": tally("ann")})
    assert await store.tallies("cli", ["shop.example"]) == {"shop.example": tally("ann")}
    assert len(warnings) == 1
    await store.close()


async def test_a_file_that_cannot_be_opened_stops_nobody(tmp_path: Path) -> None:
    """Nothing is kept, that is said once; only forgetting cannot be promised."""
    warnings: list[str] = []
    store = SqliteTallies(tmp_path / "not there" / "requests.sqlite", FakeClock(), warnings.append)
    await store.remember("cli", {"shop.example": tally("ann")})
    assert await store.tallies("cli", ["shop.example"]) == {}
    assert len(warnings) == 1
    with pytest.raises(ServiceUnavailable):
        await store.forget("shop.example", "ann")
    await store.close()


def _unexpected(sentence: str) -> None:
    raise AssertionError(sentence)
