"""Which rows repeat an earlier one, in 15 bytes or so a row.

Law: for every row the number of the first row with an equal key, whatever the size of the calls.

Keys are known by 64-bit keyed hashes (Python's own SipHash, keyed anew in every process), so two different keys may
pass for equal: with n rows the odds are n² / 2⁶⁵, for ten million rows 1 in 370,000. The result does not depend on the
key otherwise. Hashes lie in one flat array by row; a second array is an open-addressing table of row numbers, probed
for a whole chunk at once.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FIRST_SLOTS = 1 << 12
_MOST_LOAD = 0.65
_SLICE = 1 << 15
_Hashes = NDArray[np.uint64]
_Numbers = NDArray[np.uint32]


class DuplicateIndex:
    """Rows are numbered from 1 in the order in which their keys are given; at most 2³² − 2 of them."""

    def __init__(self) -> None:
        self._hashes: _Hashes = np.zeros(_FIRST_SLOTS, np.uint64)
        self._slots: _Numbers = np.zeros(_FIRST_SLOTS, np.uint32)
        self._rows = 0
        self._distinct = 0

    def first_rows(self, keys: Sequence[str]) -> list[int]:
        """For each key the 1-based row number of its first occurrence where that is an earlier row, else 0.

        The empty key stands for nothing: it is never a repetition.
        """
        found: list[int] = []
        for begin in range(0, len(keys), _SLICE):
            found.extend(self._first_rows(keys[begin : begin + _SLICE]))
        return found

    def _first_rows(self, keys: Sequence[str]) -> list[int]:
        count = len(keys)
        hashes = np.fromiter(map(hash, keys), np.int64, count).view(np.uint64)
        numbers = np.arange(self._rows + 1, self._rows + count + 1, dtype=np.uint32)
        self._reserve(count)
        self._hashes[self._rows + 1 : self._rows + count + 1] = hashes
        self._rows += count
        if "" in keys:
            filled = np.fromiter(map(bool, keys), np.bool_, count)
            first = numbers.copy()
            first[filled] = self._placed(hashes[filled], numbers[filled])
        else:
            first = self._placed(hashes, numbers)
        repeated = first != numbers
        self._distinct += count - int(np.count_nonzero(repeated))
        result: list[int] = np.where(repeated, first, 0).tolist()
        return result

    def _reserve(self, count: int) -> None:
        """Makes room for as many more rows; the flat array grows in place, by a quarter."""
        needed = self._rows + count + 1
        if needed > self._hashes.size:
            self._hashes.resize(max(needed, self._hashes.size * 5 // 4), refcheck=False)
        slots = self._slots.size
        while self._distinct + count > _MOST_LOAD * slots:
            slots *= 2
        if slots == self._slots.size:
            return
        held = self._slots[self._slots != 0]
        self._slots = np.zeros(slots, np.uint32)
        for begin in range(0, held.size, _SLICE):
            numbers = held[begin : begin + _SLICE]
            self._placed(self._hashes[numbers], numbers)

    def _placed(self, hashes: _Hashes, numbers: _Numbers) -> _Numbers:
        """Puts rows into the table unless an equal one is there, and gives for each the row that is.

        Rows are written last first: of several that want a free slot the first wins (NumPy keeps the last value of a
        repeated index). Equal rows probe the same slots in the same order, so the first of them is found by the others.
        """
        slots, mask = self._slots, np.uint64(self._slots.size - 1)
        first = numbers.copy()
        waiting = np.arange(numbers.size - 1, -1, -1)
        at = hashes[waiting] & mask
        steps = (hashes[waiting] >> np.uint64(32)) | np.uint64(1)
        while waiting.size:
            free = slots[at] == 0
            slots[at[free]] = numbers[waiting[free]]
            holders = slots[at]
            equal = self._hashes[holders] == hashes[waiting]
            first[waiting[equal]] = holders[equal]
            others = ~equal
            waiting, steps = waiting[others], steps[others]
            at = (at[others] + steps) & mask
        return first
