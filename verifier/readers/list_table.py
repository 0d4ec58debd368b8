"""A list that was read through once, whatever its format: the ListReader of ports.py."""

from collections.abc import Callable, Iterator

from verifier.core.faults import InputError
from verifier.core.table import Layout
from verifier.readers.source import ListSource

Chunks = Callable[[int], Iterator[list[list[str]]]]


class ListTable:
    """The rows of a source, as often as they are wanted, as long as nobody writes to it."""

    def __init__(self, source: ListSource, layout: Layout, digest: str, chunks: Chunks) -> None:
        self._source = source
        self._stamp = source.stamp()
        self._layout = layout
        self._digest = digest
        self._chunks = chunks

    @property
    def layout(self) -> Layout:
        """The shape of the list."""
        return self._layout

    @property
    def digest(self) -> str:
        """SHA-256 of the unpacked content, hexadecimal."""
        return self._digest

    def chunks(self, size: int) -> Iterator[list[list[str]]]:
        """All data rows in order, `size` at a time; raises InputError where the file is no longer what was read."""
        rows = 0
        if self._source.stamp() == self._stamp:
            for chunk in self._chunks(size):
                rows += len(chunk)
                yield chunk
        if rows != self._layout.rows or self._source.stamp() != self._stamp:
            raise InputError(f"{self._source.name} was changed while it was being read.")

    def relabel(self, layout: Layout) -> None:
        """Replaces what is said of the format; the rows stay."""
        self._layout = layout

    def close(self) -> None:
        """Gives back what was spooled."""
        self._source.close()

    def __enter__(self) -> "ListTable":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
