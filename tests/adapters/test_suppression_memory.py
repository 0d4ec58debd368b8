"""Suppressions in memory: nobody who is suppressed is ever unsuspected."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.facts import at
from verifier.adapters import suppression_memory
from verifier.adapters.sqlite_suppressions import SqliteSuppressions
from verifier.adapters.suppression_memory import SuppressionMemory
from verifier.core.suppressions import Removal, Suppression, SuppressionKind


def key(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15 % (1 << 64):016x}{number:016x}"


def entry(number: int, kind: SuppressionKind = SuppressionKind.UNSUBSCRIBED) -> Suppression:
    return Suppression(key(number), kind, at(0), "test")


async def opened(folder: Path) -> tuple[SqliteSuppressions, SuppressionMemory]:
    store = SqliteSuppressions(folder / "s.sqlite", "mark")
    memory = SuppressionMemory(folder / "s.front", store)
    await memory.open()
    return store, memory


async def test_what_was_noted_is_suspected_at_once(tmp_path: Path) -> None:
    """With its kinds; nobody else is."""
    store, memory = await opened(tmp_path)
    memory.note([entry(1), entry(1, SuppressionKind.COMPLAINT), entry(2)])
    both = {SuppressionKind.UNSUBSCRIBED, SuppressionKind.COMPLAINT}
    assert memory.suspected([key(1)]) == both
    assert memory.suspected([key(3), key(1), key(2)]) == both
    assert memory.suspected([key(3)]) == memory.suspected([]) == frozenset()
    await store.close()


async def test_what_another_process_added_is_suspected_soon(tmp_path: Path) -> None:
    """After the next look; and after a start."""
    store, memory = await opened(tmp_path)
    other = SqliteSuppressions(tmp_path / "s.sqlite", "mark")
    await other.add([entry(5)])
    await memory.look()
    assert memory.suspected([key(5)])
    again = SuppressionMemory(tmp_path / "s.front", other)
    await again.open()
    assert again.suspected([key(5)])
    await store.close()
    await other.close()


async def test_the_edition_is_another_whenever_somebody_more_is_suspected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever added him, also while the arrays are written anew; and the same as long as nobody is."""
    monkeypatch.setattr(suppression_memory, "_WORTH_WRITING", 3)
    store, memory = await opened(tmp_path)
    other = SqliteSuppressions(tmp_path / "s.sqlite", "mark")
    editions = [memory.edition]
    for number in range(8):
        if number % 2:
            await other.add([entry(number)])
        else:
            memory.note([entry(number)])
        await memory.look()
        editions.append(memory.edition)
        await memory.look()
        assert memory.edition == editions[-1] and memory.suspected([key(number)])
    assert len(set(editions)) == 9
    await store.close()
    await other.close()


@pytest.mark.parametrize("worth", [1, 10, 10_000])
async def test_many_are_found_however_they_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worth: int
) -> None:
    """In the arrays, beside them, or half and half; a file that was written is read again."""
    monkeypatch.setattr(suppression_memory, "_WORTH_WRITING", worth)
    monkeypatch.setattr(suppression_memory, "_MOST_APART", 3000)
    store, memory = await opened(tmp_path)
    await store.add([entry(n, list(SuppressionKind)[n % 7]) for n in range(0, 9000, 2)])
    await memory.look()
    assert (tmp_path / "s.front").exists()
    await store.add([entry(n) for n in range(9000, 9006, 2)])
    again = SuppressionMemory(tmp_path / "s.front", store)
    await again.open()
    for each in (memory, again):
        await each.look()
        for n in range(9006):
            expected = set() if n % 2 else {SuppressionKind.UNSUBSCRIBED if n >= 9000 else list(SuppressionKind)[n % 7]}
            assert each.suspected([key(n)]) == expected
        assert len(each) == 4503
    await store.close()


async def test_a_file_of_another_store_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a broken one, nor one that is ahead of its store: all is read again."""
    monkeypatch.setattr(suppression_memory, "_WORTH_WRITING", 1)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, memory = await opened(tmp_path / "a")
    await first.add([entry(1), entry(2)])
    await memory.look()
    front = (tmp_path / "a" / "s.front").read_bytes()
    second, _ = await opened(tmp_path / "b")
    await second.add([entry(3)])
    for content in (front, front[:40], b"", front[:-1]):
        (tmp_path / "b" / "s.front").write_bytes(content)
        memory = SuppressionMemory(tmp_path / "b" / "s.front", second)
        await memory.open()
        assert memory.suspected([key(3)]) and not memory.suspected([key(1)])
    ahead = front[:40] + (99).to_bytes(8, "little") + front[48:]
    (tmp_path / "a" / "s.front").write_bytes(ahead)
    memory = SuppressionMemory(tmp_path / "a" / "s.front", first)
    await memory.open()
    await first.add([entry(4)])
    await memory.look()
    assert all(memory.suspected([key(n)]) for n in (1, 2, 4))
    await first.close()
    await second.close()


async def test_a_disk_that_cannot_be_written_costs_time_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody is suspected all the same."""
    monkeypatch.setattr(suppression_memory, "_WORTH_WRITING", 1)
    store = SqliteSuppressions(tmp_path / "s.sqlite", "mark")
    await store.add([entry(1)])
    memory = SuppressionMemory(tmp_path / "nowhere" / "s.front", store)
    await memory.open()
    assert memory.suspected([key(1)])
    await store.close()


async def test_suspicion_outlives_its_entry(tmp_path: Path) -> None:
    """A removed entry is the store's to know; memory only ever says too much."""
    store, memory = await opened(tmp_path)
    await store.add([entry(1)])
    await memory.look()
    await store.remove([Removal(key(1))])
    await memory.look()
    assert memory.suspected([key(1)]) and not await store.under([key(1)])
    await store.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(SuppressionKind), st.sampled_from("nal")), max_size=40))
async def test_never_less_than_what_was_added(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, SuppressionKind, str]]
) -> None:
    """Noted here, added elsewhere, looked at in between: whoever was suppressed before a look is suspected after it."""
    store, memory = await opened(tmp_path_factory.mktemp("front"))
    expected: dict[int, set[SuppressionKind]] = {}
    for number, kind, step in steps:
        await store.add([entry(number, kind)])
        expected.setdefault(number, set()).add(kind)
        if step == "n":
            memory.note([entry(number, kind)])
        elif step == "l":
            await memory.look()
    await memory.look()
    assert all(memory.suspected([key(number)]) == kinds for number, kinds in expected.items())
    await store.close()
