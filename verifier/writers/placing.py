"""Puts our cells beside a row's own, under the headings that the layout gives."""

from collections.abc import Callable, Sequence

from verifier.core.table import Layout

Placed = Callable[[Sequence[Sequence[str]], Sequence[Sequence[str]]], list[list[str]]]


def placement(layout: Layout, absent: str = "") -> Placed:
    """A function that makes output rows of rows and our cells; `absent` pads short rows.

    Every output row has as many cells as `layout.output_header`.
    """
    width, places = layout.width, layout.our_places
    if places[0] == width and places == tuple(range(width, width + len(places))):
        padding = [[absent] * missing for missing in range(width + 1)]

        def appended(rows: Sequence[Sequence[str]], ours: Sequence[Sequence[str]]) -> list[list[str]]:
            return [
                [*row, *own] if len(row) == width else [*row, *padding[width - len(row)], *own]
                for row, own in zip(rows, ours, strict=True)
            ]

        return appended
    total = len(layout.output_header)

    def replaced(rows: Sequence[Sequence[str]], ours: Sequence[Sequence[str]]) -> list[list[str]]:
        placed = []
        for row, own in zip(rows, ours, strict=True):
            cells = [*row, *[absent] * (total - len(row))]
            for place, cell in zip(places, own, strict=True):
                cells[place] = cell
            placed.append(cells)
        return placed

    return replaced
