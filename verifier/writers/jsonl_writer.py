"""JSON lines: every row an object with the keys of the input and ours, all of ours as text."""

from collections.abc import Sequence

import msgspec

from verifier.core.table import ABSENT, NULL, JsonText, Layout, unique_names
from verifier.writers.placing import placement
from verifier.writers.target import Target

_encode = msgspec.json.encode


class JsonlWriter:
    """Writes to a target. Cells that were no JSON strings are given back as they were, absent keys stay absent."""

    def __init__(self, target: Target, layout: Layout) -> None:
        self._target = target
        self._placed = placement(layout, ABSENT)
        self._keys = [_encode(name) + b":" for name in unique_names(layout.output_header)]

    def write_rows(self, rows: Sequence[Sequence[str]], ours: Sequence[Sequence[str]]) -> None:
        """Adds rows with our cells."""
        lines = [self._line(cells) for cells in self._placed(rows, ours)]
        self._target.write(b"".join(lines))

    def commit(self) -> None:
        """Makes the output appear."""
        self._target.commit()

    def abort(self) -> None:
        """Leaves nothing behind."""
        self._target.abort()

    def _line(self, cells: Sequence[str]) -> bytes:
        members = [
            key + (b"null" if cell is NULL else cell.encode() if type(cell) is JsonText else _encode(cell))
            for key, cell in zip(self._keys, cells, strict=True)
            if cell is not ABSENT
        ]
        return b"{" + b",".join(members) + b"}\n"
