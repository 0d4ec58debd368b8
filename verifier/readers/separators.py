"""Which character separates the cells, and which ends the lines: tried out on the first lines of a list."""

import re
from collections import Counter
from itertools import chain

from verifier.readers.records import records

SEPARATORS = (",", ";", "\t", "|")
NONE = ""
"""Every line is one cell: a text file with one address a line."""

_SEPARATOR_LINE = re.compile(r"sep=([,;\t|:])(?:\r\n|\n|\r)", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*<?[^@\s,;|<>\"]+@[^@\s,;|<>\"]+>?\s*").fullmatch
_QUOTED_LINE = re.compile(r'(?:^|(?<=[\r\n]))"[^\r\n]*"(?=[\r\n]|$)')
_FILLED_LINE = re.compile(r"[^\r\n]+")
_ENOUGH = 0.5
_TEXT_SUFFIXES = frozenset({".txt", ".text", ".lst", ".list", ".eml", ""})


def stated_separator(head: str) -> str | None:
    """The separator that a first line such as `sep=;` states: Excel reads it so, and shows no row for it."""
    line = _SEPARATOR_LINE.match(head)
    return line[1] if line else None


def head_rows(head: str, separator: str) -> list[list[str]]:
    """The rows of the first lines of a list."""
    if separator == NONE:
        return [[line] if line else [] for line in re.split(r"\r\n|\n|\r", head.removesuffix("\n"))]
    return list(chain.from_iterable(records([head], separator)))


def guess_separator(head: str, suffix: str) -> str:
    """The separator under which most rows have the same number of cells, addresses standing alone in theirs.

    "," where no line is separated; NONE where, besides, the file's name promises no table (`.txt`, standard input)
    and quotes do not surround most lines.
    """
    best, best_rank = ",", (0.0, 0.0, 0)
    for separator in SEPARATORS:
        rows = [row for row in head_rows(head, separator) if len(row) > 1 or (row and row[0].strip())]
        widths = Counter(map(len, rows))
        if not rows:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        if width < 2 or count < _ENOUGH * len(rows):
            continue
        alone = sum(1 for row in rows if any(_ADDRESS(cell) for cell in row)) / len(rows)
        rank = (round(alone, 1), count / len(rows), width)
        if rank > best_rank:
            best, best_rank = separator, rank
    unseparated = best_rank[2] == 0 and suffix in _TEXT_SUFFIXES
    return NONE if unseparated and 2 * len(_QUOTED_LINE.findall(head)) <= len(_FILLED_LINE.findall(head)) else best


def guess_line_ending(head: str) -> str:
    """The commonest of CRLF, LF and CR; LF where no line ends."""
    crlf = head.count("\r\n")
    counts = {"\n": head.count("\n") - crlf, "\r\n": crlf, "\r": head.count("\r") - crlf}
    return max(counts, key=lambda ending: counts[ending])
