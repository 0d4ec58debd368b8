"""Separated text with the separator and line ending of the input, UTF-8, quoted as RFC 4180 wants it.

Most rows need no quotes, and joining is six times as fast as csv.writer: a chunk is joined and its separators, quotes
and line ends counted; only where the count shows one too many is each row looked at, and quoted if it must be.
"""

import re
from collections.abc import Sequence

from verifier.core.table import Layout
from verifier.writers.placing import placement
from verifier.writers.target import Target

_BOM = b"\xef\xbb\xbf"


class CsvWriter:
    """Writes to a target; `separator` and `line_ending` are the layout's."""

    def __init__(self, target: Target, layout: Layout) -> None:
        self._target = target
        self._placed = placement(layout)
        self._separator = layout.separator
        self._ending = layout.line_ending
        self._special = re.compile(rf'[{re.escape(layout.separator)}"\r\n]').search
        if layout.bom:
            target.write(_BOM)
        if layout.separator_line:
            target.write(f"sep={layout.separator}{layout.line_ending}".encode())
        self._write([layout.output_header])

    def write_rows(self, rows: Sequence[Sequence[str]], ours: Sequence[Sequence[str]]) -> None:
        """Adds rows with our cells."""
        if rows:
            self._write(self._placed(rows, ours))

    def commit(self) -> None:
        """Makes the output appear."""
        self._target.commit()

    def abort(self) -> None:
        """Leaves nothing behind."""
        self._target.abort()

    def _write(self, rows: Sequence[Sequence[str]]) -> None:
        separator, ending = self._separator, self._ending
        text = ending.join([*map(separator.join, rows), ""])
        plain = (
            '"' not in text
            and text.count(separator) == len(rows) * (len(rows[0]) - 1)
            and text.count("\n") == len(rows) * ending.count("\n")
            and text.count("\r") == len(rows) * ending.count("\r")
        )
        if not plain:
            text = ending.join([*map(self._line, rows), ""])
        self._target.write(text.encode("utf-8", "surrogatepass"))

    def _line(self, row: Sequence[str]) -> str:
        line = self._separator.join(row)
        special = self._special
        if '"' not in line and "\n" not in line and "\r" not in line and line.count(self._separator) == len(row) - 1:
            return line
        return self._separator.join([_quoted(cell) if special(cell) else cell for cell in row])


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'
