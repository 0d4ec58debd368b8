"""The contracts of KeyStore, LoginStore and UsageStore, over their adapters: what was given is not forgotten, and what
was ended stays ended.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.clock import START, FakeClock
from tests.support.facts import at
from tests.support.keys import MemoryKeys
from verifier.adapters.sqlite_keys import SqliteKeys
from verifier.core.api_keys import ApiKey, Scope

TODAY = START.date()
Store = SqliteKeys | MemoryKeys


def key(name: str, digest: str | None = None, expires: float | None = None) -> ApiKey:
    return ApiKey(
        id=f"id-{name}",
        name=name,
        scopes=frozenset({Scope.VERIFY, Scope.LISTS}),
        created_at=at(0),
        digest=digest,
        workspace="shop",
        expires_at=None if expires is None else at(expires),
        rate=7,
        daily_quota=9,
    )


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryKeys()
        return
    sqlite = SqliteKeys(tmp_path / "keys.sqlite", FakeClock())
    yield sqlite
    await sqlite.close()


async def test_a_key_is_found_by_its_digest(store: Store) -> None:
    """Whole, as it was given; nobody else's digest finds it."""
    form = key("form", "digest 1", expires=60)
    await store.add(form)
    await store.add(key("jane"))
    assert await store.by_digest("digest 1") == form
    assert await store.by_digest("digest 2") is None


async def test_keys_are_listed_in_order_and_for_ever(store: Store) -> None:
    """Oldest first, revoked ones with the time of it."""
    for name in ("c", "a", "b"):
        await store.add(key(name, name))
    assert await store.revoke("id-a", at(5))
    assert [(each.name, each.revoked_at) for each in await store.keys()] == [("c", None), ("a", at(5)), ("b", None)]


async def test_a_key_is_revoked_once(store: Store) -> None:
    """The first time counts; what is not there cannot be revoked."""
    await store.add(key("form", "digest"))
    assert [await store.revoke("id-form", at(5)), await store.revoke("id-form", at(9))] == [True, False]
    assert not await store.revoke("nobody", at(5))
    found = await store.by_digest("digest")
    assert found is not None and found.revoked_at == at(5)


async def test_a_link_works_once(store: Store) -> None:
    """Of many who come with it at once, one gets in."""
    await store.add(key("jane"))
    await store.invite("link", "id-jane", at(60))
    redeemed = await asyncio.gather(*(store.redeem("link", at(1)) for _ in range(10)))
    assert [each.name for each in redeemed if each is not None] == ["jane"]


async def test_a_link_ends(store: Store) -> None:
    """At its time, and with its key."""
    await store.add(key("jane"))
    await store.add(key("john", expires=30))
    for link, whose in (("late", "id-jane"), ("expired", "id-john"), ("revoked", "id-jane")):
        await store.invite(link, whose, at(60))
    assert await store.redeem("late", at(60)) is None
    assert await store.redeem("expired", at(40)) is None
    await store.revoke("id-jane", at(2))
    assert await store.redeem("revoked", at(3)) is None


async def test_a_session_lasts_until_it_ends(store: Store) -> None:
    """By being closed, at its time, or with its key."""
    await store.add(key("jane"))
    for session in ("one", "two"):
        await store.open_session(session, "id-jane", at(60))
    found = await store.session("one", at(59))
    assert found is not None and found.name == "jane"
    assert await store.session("one", at(60)) is None
    await store.close_session("one")
    assert await store.session("one", at(1)) is None
    await store.revoke("id-jane", at(2))
    assert await store.session("two", at(3)) is None


async def test_use_is_counted_by_key_and_day(store: Store) -> None:
    """It adds up; another key's, and another day's, are their own."""
    await store.use("a", TODAY, 3)
    await asyncio.gather(*(store.use("a", TODAY, 2) for _ in range(10)))
    await store.use("b", TODAY, 1)
    assert [await store.used(name, TODAY) for name in ("a", "b", "c")] == [23, 1, 0]
    assert await store.used("a", at(86_400).date()) == 0


async def test_what_a_list_has_used_is_counted_once(store: Store) -> None:
    """However often its total is told: only what is new counts, on the day on which it is told."""
    tomorrow = at(86_400).date()
    assert [await store.use_up_to("a", TODAY, "list 1", total) for total in (5, 5, 8, 3, 8)] == [5, 0, 3, 0, 0]
    assert await store.use_up_to("a", tomorrow, "list 1", 10) == 2
    assert await store.use_up_to("a", TODAY, "list 2", 4) == 4
    assert [await store.used("a", day) for day in (TODAY, tomorrow)] == [12, 2]


async def test_a_file_is_shared_and_survives(tmp_path: Path) -> None:
    """What one process does another sees at once, and a restart keeps it; tokens stand nowhere in it."""
    path = tmp_path / "keys.sqlite"
    one, other = SqliteKeys(path, FakeClock()), SqliteKeys(path, FakeClock())
    await one.add(key("form", "digest"))
    assert await other.by_digest("digest") == key("form", "digest")
    await other.revoke("id-form", at(1))
    found = await one.by_digest("digest")
    assert found is not None and found.revoked_at == at(1)
    await one.use("id-form", TODAY, 4)
    await one.close()
    await other.close()
    later = SqliteKeys(path, FakeClock())
    assert await later.used("id-form", TODAY) == 4
    assert path.stat().st_mode & 0o077 == 0
    await later.close()
