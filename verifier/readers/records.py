"""Rows out of separated text that is not always well made.

Law: a quote that never closes, or closes in the middle of a cell some lines further down, costs its own line and no
other: that line is one row of one cell, as it stands. Everything else reads as csv.reader reads it, except that a
quoted local part (`"a b"@domain`) which stands bare keeps its quotes: without them it is another address.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

LONGEST_RECORD = 1 << 20
"""Characters that a quoted cell may span before its quote counts as one that never closes."""

_FIRST_LOOK = 16
_Row = list[str]


def records(texts: Iterable[str], separator: str) -> Iterator[list[_Row]]:
    """The rows of the texts, which follow each other without a gap; a list for each text."""
    rest = ""
    for text in texts:
        lines = _lines(rest + text)
        last = [] if lines[-1].endswith("\n") else [lines.pop()]
        rows, used = _rows(lines, separator, final=False)
        rest = "".join(lines[used:] + last)
        yield rows
    if rest:
        yield _rows(_lines(rest), separator, final=True)[0]


def plain_lines(texts: Iterable[str]) -> Iterator[list[_Row]]:
    """Every line as a row of one cell, quotes and all; a blank line has none."""
    rest = ""
    for text in texts:
        lines = _lines(rest + text)
        rest = "" if lines[-1].endswith("\n") else lines.pop()
        yield [_whole(line) for line in lines]
    if rest:
        yield [_whole(line) for line in _lines(rest)]


def _lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline=""))


def _whole(line: str) -> _Row:
    cell = line.rstrip("\r\n")
    return [cell] if cell else []


def _rows(lines: list[str], separator: str, *, final: bool) -> tuple[list[_Row], int]:
    """The rows of the lines and how many lines they took: all if `final`, else up to a cell that may go on."""
    rows: list[_Row] = []
    at = 0
    while at < len(lines):
        begun = at
        reader = csv.reader(lines[at:], delimiter=separator, strict=True)
        try:
            for row in reader:
                rows.append(row)
                at = begun + reader.line_num
        except csv.Error:
            found = _odd_record(lines, at, separator)
            if found is None:
                if not final and sum(map(len, lines[at:])) <= LONGEST_RECORD:
                    break
                found = _whole(lines[at]), 1
            rows.append(found[0])
            at += found[1]
    return rows, at


def _odd_record(lines: list[str], at: int, separator: str) -> tuple[_Row, int] | None:
    """The record that begins at a line and the lines it takes; None where its quote is still open after the last."""
    for look in (1, _FIRST_LOOK, len(lines)):
        text = "".join(lines[at : at + look])
        end = _read_cells(text, separator)
        if end is None:
            continue
        row, length = end
        if row is None:
            return _whole(lines[at]), 1
        return row, len(_lines(text[:length]))
    return None


def _read_cells(text: str, separator: str) -> tuple[_Row | None, int] | None:
    """One record as a lenient reader takes it; (None, …) where a quote closed wrong on a later line, None if open."""
    quoted, bare = _cell_patterns(separator)
    row: _Row = []
    at = 0
    while True:
        if text.startswith('"', at):
            match = quoted.match(text, at)
            if match is None:
                return None
            inner, tail = match.groups()
            if tail and ("\n" in inner or "\r" in inner):
                return None, at
            row.append(match[0] if tail.startswith("@") else inner.replace('""', '"') + tail)
        else:
            match = bare.match(text, at)
            assert match is not None
            row.append(match[0])
        at = match.end()
        if at >= len(text) or text[at] != separator:
            return row, min(at + (2 if text.startswith("\r\n", at) else 1), len(text))
        at += 1


@lru_cache(maxsize=8)
def _cell_patterns(separator: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    bare = rf"[^{re.escape(separator)}\r\n]*+"
    return re.compile(rf'"([^"]*+(?:""[^"]*+)*+)"({bare})'), re.compile(bare)
