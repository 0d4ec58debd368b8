"""Counts rows and columns of separated text without making the rows: some 20 times as fast as reading them.

Law: it speaks only where every quote stands where RFC 4180 wants it, and then it counts as a strict csv.reader would.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

_LF, _CR, _QUOTE = 10, 13, 34
_Positions = NDArray[np.intp]


class Measure(Struct):
    """Of all rows so far: their number, the cells of the widest, the bytes of the longest."""

    rows: int = 0
    width: int = 0
    longest: int = 0


def measure(block: bytes, separator: str, total: Measure) -> int | None:
    """Adds the block's complete rows to `total` and returns the bytes that they take.

    The block begins at a row and is cut behind a line end, the last of a file excepted. A quoted cell that it leaves
    open is not counted. None, with `total` as it was, where a quote stands elsewhere than RFC 4180 allows.
    """
    octets = np.frombuffer(block, np.uint8)
    ends = _line_ends(block, octets)
    separators = np.flatnonzero(octets == ord(separator))
    if b'"' in block:
        quotes = np.flatnonzero(octets == _QUOTE)
        outside = _outside_quotes(octets, ord(separator), quotes, separators, ends)
        if outside is None:
            return None
        separators, ends = outside
    if not ends.size:
        return 0
    before = np.searchsorted(separators, ends)
    total.rows += ends.size
    total.width = max(total.width, int(np.diff(before, prepend=0).max()) + 1)
    total.longest = max(total.longest, int(np.diff(ends, prepend=0).max()))
    return min(int(ends[-1]) + 1, len(block))


def _line_ends(block: bytes, octets: NDArray[np.uint8]) -> _Positions:
    """Where rows end: at LF, at a CR that no LF follows, and at the end of the file."""
    ends = np.flatnonzero(octets == _LF)
    if b"\r" in block and block.count(b"\r\n") != block.count(b"\r"):
        returns = np.flatnonzero(octets == _CR)
        followers = np.append(octets, 0)[returns + 1]
        ends = np.sort(np.concatenate([ends, returns[followers != _LF]]))
    if not block.endswith((b"\n", b"\r")):
        ends = np.append(ends, len(block))
    return ends


def _outside_quotes(
    octets: NDArray[np.uint8], separator: int, quotes: _Positions, separators: _Positions, ends: _Positions
) -> tuple[_Positions, _Positions] | None:
    """The separators and line ends that no quotes surround, up to a cell left open; None where quotes stand wrong."""
    borders = np.array([separator, _LF, _CR, _QUOTE], np.uint8)
    padded = np.concatenate([[_LF], octets, [_LF]])
    opening, closing = quotes[0::2], quotes[1::2]
    if not np.isin(padded[opening], borders).all() or not np.isin(padded[closing + 2], borders).all():
        return None
    ends = ends[(np.searchsorted(quotes, ends) & 1) == 0]
    if quotes.size % 2:
        ends = ends[ends < quotes[-1]]
    return separators[(np.searchsorted(quotes, separators) & 1) == 0], ends
