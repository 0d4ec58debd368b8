"""Reads that many share: one at a time, each begun after everybody asked who shares it."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from verifier.adapters.shared_reads import SharedReads


class Shelf:
    """Gives each name's length, as of when the read began, once `go` is set; keeps what it was asked for."""

    def __init__(self) -> None:
        self.reads: list[list[str]] = []
        self.go = asyncio.Event()
        self.fault: Exception | None = None
        self.holds = {"a", "bb", "ccc"}

    async def read(self, names: Sequence[str]) -> Mapping[str, int]:
        self.reads.append(list(names))
        known = {name: len(name) for name in names if name in self.holds}
        await self.go.wait()
        if self.fault is not None:
            raise self.fault
        return known


async def begun(*coroutines: object) -> list["asyncio.Task[Mapping[str, int]]"]:
    tasks = [asyncio.ensure_future(each) for each in coroutines]  # type: ignore[call-overload]
    await asyncio.sleep(0)
    return tasks


async def test_who_asks_meanwhile_shares_the_next() -> None:
    """Three askers, two reads; everybody gets his names, and only those that are there."""
    shelf = Shelf()
    reads = SharedReads(shelf.read)
    tasks = await begun(reads.get(["a"]), reads.get(["bb", "x"]), reads.get(["ccc", "bb"]))
    shelf.go.set()
    assert await asyncio.gather(*tasks) == [{"a": 1}, {"bb": 2}, {"ccc": 3, "bb": 2}]
    assert shelf.reads == [["a"], ["bb", "x", "ccc"]]
    assert await reads.get(["a"]) == {"a": 1}
    assert len(shelf.reads) == 3


async def test_nobody_is_told_what_was_before_he_asked() -> None:
    """What is on the shelf by the time of asking is found."""
    shelf = Shelf()
    reads = SharedReads(shelf.read)
    (first,) = await begun(reads.get(["new"]))
    shelf.holds.add("new")
    (second,) = await begun(reads.get(["new"]))
    shelf.go.set()
    assert [await first, await second] == [{}, {"new": 3}]


async def test_who_wants_many_reads_by_himself() -> None:
    """And at once."""
    shelf = Shelf()
    reads = SharedReads(shelf.read)
    tasks = await begun(reads.get(["a"]), reads.get([f"n{n}" for n in range(100)]), reads.get(["bb"]))
    assert [len(names) for names in shelf.reads] == [1, 100]
    shelf.go.set()
    assert (await asyncio.gather(*tasks))[2] == {"bb": 2}


async def test_a_fault_is_everybodys_and_then_over() -> None:
    """All who share a read hear of its fault; the next is read again."""
    shelf = Shelf()
    reads = SharedReads(shelf.read)
    tasks = await begun(reads.get(["a"]), reads.get(["bb"]), reads.get(["ccc"]))
    shelf.fault = OSError("gone")
    shelf.go.set()
    assert [type(found) for found in await asyncio.gather(*tasks, return_exceptions=True)] == [OSError] * 3
    shelf.fault = None
    assert await reads.get(["a"]) == {"a": 1}


@pytest.mark.parametrize("who", [0, 1])
async def test_who_goes_away_takes_nothing_from_the_others(who: int) -> None:
    """Be it he whose read runs, or one who shares the next."""
    shelf = Shelf()
    reads = SharedReads(shelf.read)
    tasks = await begun(reads.get(["a"]), reads.get(["bb"]), reads.get(["ccc"]))
    tasks[who].cancel()
    await asyncio.sleep(0)
    shelf.go.set()
    assert await tasks[2] == {"ccc": 3}
    assert await reads.get(["a"]) == {"a": 1}
