"""SuppressionFront: which keys may be suppressed, in sorted arrays of memory that is mapped from a file.

Nine bytes an entry (half of its key, and a bit a kind), found by bisection among those that begin with the same bits;
and beside them, in a dictionary, what came since. The file is written anew when enough has come, so a start with
millions of entries reads only what came after it. What is read here is a suspicion: the store confirms it.
"""

import asyncio
import mmap
import os
import struct
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np
from msgspec import Struct

from verifier.adapters.sqlite_suppressions import KINDS, News
from verifier.core.suppressions import Suppression, SuppressionKind

_HEADER = struct.Struct("<8s32sQQ")
_MAGIC = b"verifsu1"
_FIRST_BITS = 16
_SHIFT = 64 - _FIRST_BITS
_AT_ONCE = 2_000  # rows of one reading: more would keep the interpreter from the event loop for too long
_WORTH_WRITING = 20_000
_MOST_APART = 500_000
"""Entries in the dictionary, which takes ten times as much memory as the arrays."""
_KINDS_OF = [
    frozenset(kind for place, kind in enumerate(KINDS) if mask >> place & 1) for mask in range(1 << len(KINDS))
]
_BITS = {kind: 1 << place for place, kind in enumerate(KINDS)}


class Following(Protocol):
    """A SuppressionStore that tells what came (adapters/sqlite_suppressions.py)."""

    async def origin(self) -> tuple[str, int]: ...
    async def news(self, after: int, limit: int) -> News: ...


class _Base(Struct, frozen=True):
    """What the file holds: halves of keys, ascending, and the kinds of each. `starts`: where those begin that have the
    same first bits, so that few of the halves have to be looked at, which lie far apart in memory.
    """

    halves: "memoryview[int]"
    masks: "memoryview[int]"
    last: int
    starts: "array[int]"


class SuppressionMemory:
    """`open` before anything else; `look` now and then; `close` at last. Of one file at `path`, of one store."""

    def __init__(self, path: Path, store: Following) -> None:
        self._path = path
        self._store = store
        self._base = _base(memoryview(b"").cast("Q"), memoryview(b""), 0)
        self._since: dict[int, int] = {}
        self._last = 0
        self._identity = ""
        self.edition = 0

    async def open(self) -> None:
        """Maps the file where it is this store's, and reads what came since."""
        self._identity, latest = await self._store.origin()
        base = await asyncio.to_thread(_mapped, self._path, self._identity)
        if base is not None and base.last <= latest:
            self._base, self._last = base, base.last
            self.edition += 1
        await self.look()

    async def look(self) -> None:
        """Takes in what came, from whatever process, and writes the file anew where that was much."""
        while True:
            news = await self._store.news(self._last, _AT_ONCE)
            for half, bit in news.entries:
                self._note(int.from_bytes(half, "big"), bit)
            self._last = news.last
            if len(news.entries) < _AT_ONCE:
                break
            if len(self._since) >= _MOST_APART:
                await self._settle()
        if len(self._since) >= max(_WORTH_WRITING, len(self._base.halves) // 50):
            await self._settle()

    def note(self, entries: Sequence[Suppression]) -> None:
        """Takes in what was just committed by this process."""
        for entry in entries:
            self._note(_half(entry.key), _BITS[entry.kind])

    def suspected(self, keys: Sequence[str]) -> frozenset[SuppressionKind]:
        mask = 0
        halves, masks, since = self._base.halves, self._base.masks, self._since
        starts = self._base.starts
        for key in keys:
            half = int(key[:16], 16)
            first = half >> _SHIFT
            end = starts[first + 1]
            place = bisect_left(halves, half, starts[first], end)
            if place < end and halves[place] == half:
                mask |= masks[place]
            if since:
                mask |= since.get(half, 0)
        return _KINDS_OF[mask]

    def __len__(self) -> int:
        return len(self._base.halves) + len(self._since)

    def _note(self, half: int, bit: int) -> None:
        self._since[half] = self._since.get(half, 0) | bit
        self.edition += 1

    async def _settle(self) -> None:
        """Merges what came since into the arrays, and writes them to the file, in a thread."""
        since, last = dict(self._since), self._last
        self._base = await asyncio.to_thread(_merged, self._base, since, last)
        self._since = {half: mask for half, mask in self._since.items() if since.get(half) != mask}
        await asyncio.to_thread(_write, self._path, self._identity, self._base)


def _base(halves: "memoryview[int]", masks: "memoryview[int]", last: int) -> _Base:
    firsts = np.arange(1 << _FIRST_BITS, dtype=np.uint64) << np.uint64(_SHIFT)
    starts = np.searchsorted(np.asarray(halves, np.uint64), firsts)
    return _Base(halves, masks, last, array("q", [*starts.tolist(), len(halves)]))


def _merged(base: _Base, since: dict[int, int], last: int) -> _Base:
    new = np.fromiter(since.keys(), np.uint64, len(since))
    halves = np.concatenate([np.asarray(base.halves, np.uint64), new])
    masks = np.concatenate([np.asarray(base.masks, np.uint8), np.fromiter(since.values(), np.uint8, len(since))])
    order = np.argsort(halves, kind="stable")
    halves, masks = halves[order], masks[order]
    first = np.flatnonzero(np.concatenate([[True], halves[1:] != halves[:-1]]))
    together = np.bitwise_or.reduceat(masks, first)
    return _base(memoryview(halves[first].tobytes()).cast("Q"), memoryview(together.tobytes()), last)


def _half(key: str) -> int:
    return int(key[:16], 16)


def _mapped(path: Path, identity: str) -> _Base | None:
    """None where the file is not there, is another store's, or is not whole."""
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    if len(mapped) < _HEADER.size:
        return None
    magic, owner, last, count = _HEADER.unpack_from(mapped)
    if magic != _MAGIC or owner != identity.encode() or len(mapped) != _HEADER.size + 9 * count:
        return None
    view = memoryview(mapped)
    end = _HEADER.size + 8 * count
    return _base(view[_HEADER.size : end].cast("Q"), view[end:], last)


def _write(path: Path, identity: str, base: _Base) -> None:
    """All of it, or what was there stays; where it cannot be written, the next start takes longer."""
    part = path.with_suffix(f".{os.getpid()}.part")  # another process may be writing its own
    with suppress(OSError):
        part.touch(0o600)
        with part.open("wb") as file:
            file.write(_HEADER.pack(_MAGIC, identity.encode(), base.last, len(base.halves)))
            file.write(base.halves)
            file.write(base.masks)
        part.replace(path)
