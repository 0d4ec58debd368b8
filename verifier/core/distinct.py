"""About how many different ones there were, in memory that does not grow: linear counting (Whang and others, 1990).

Within 1 % up to a million different ones; beyond some ten million it says no more than that there are so many.
"""

import math
from collections.abc import Iterable

_BITS = 1 << 21


class DistinctCounter:
    """Sees hashes, any integers that are spread evenly."""

    def __init__(self) -> None:
        self._seen = bytearray(_BITS)
        self._count = 0

    def see(self, hashes: Iterable[int]) -> None:
        """Some more, seen before or not."""
        seen = self._seen
        for each in hashes:
            place = each % _BITS
            if not seen[place]:
                seen[place] = 1
                self._count += 1

    def estimate(self) -> int:
        """About how many different ones have been seen."""
        free = max(1, _BITS - self._count)
        return round(_BITS * math.log(_BITS / free))
