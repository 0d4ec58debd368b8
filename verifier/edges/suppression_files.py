"""Files of suppressions, in and out, for commands and pages."""

import csv
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import IO

from verifier.core.faults import InputError
from verifier.core.suppression_rows import COLUMNS, SuppressionRow, cells_of, place_of_texts, places_of, row_of
from verifier.core.suppressions import Suppression, SuppressionKind
from verifier.gate_ports import SuppressionWish
from verifier.readers.list_table import ListTable
from verifier.readers.source import ListSource
from verifier.readers.tables import open_table
from verifier.service.suppressing import Scope, Suppressing

_CHUNK = 5000
_PAGE = 1000
_LOOKED_AT = 200


async def take_in(
    suppressing: Suppressing, source: str, kind: SuppressionKind, column: str | None, sender: str | None, told_by: str
) -> tuple[int, int, list[str]]:
    """Suppresses every row of a file; how many rows there were, how many entries are new (what was there is
    renewed), and what was left out.

    Raises InputError for a file that is no list.
    """
    taken = added = 0
    faults: list[str] = []
    for rows in _rows(source, column, faults):
        entries = []
        for number, row in rows:
            try:
                entries.append(_entry(suppressing, row, kind, sender, told_by))
            except InputError as error:
                faults.append(f"row {number}: {error}")
        taken += len(entries)
        added += await suppressing.add(entries)
    return taken + len(faults), added, faults


def _rows(source: str, column: str | None, faults: list[str]) -> Iterator[list[tuple[int, SuppressionRow]]]:
    """Data rows in chunks, each with its number; blank ones are none."""
    with ExitStack() as stack:
        spooled = stack.enter_context(closing(ListSource(source)))  # it may have to be opened more than once
        table, headed = _opened(spooled, column)
        stack.callback(table.close)
        layout = table.layout
        places = places_of(layout.header) if layout.has_header else None
        first = 0 if headed else 1
        for chunk in table.chunks(_CHUNK):
            rows: list[tuple[int, SuppressionRow]] = []
            for number, cells in enumerate(chunk, first):
                if not number:
                    continue
                try:
                    row = row_of(cells, places or {"address": layout.email_columns[0]})
                except InputError as error:
                    faults.append(f"row {number}: {error}")
                    continue
                if row.text:
                    rows.append((number, row))
            yield rows
            first += len(chunk)


def _opened(source: ListSource, column: str | None) -> tuple[ListTable, bool]:
    """The file, and whether its first row is a heading that the reader took for a row: digests and domains look like no
    address.
    """
    try:
        return open_table(source.path, [column] if column else [], name=source.name), False
    except InputError:
        if column:
            raise
    table = open_table(source.path, ["1"], name=source.name)
    place, headed = place_of_texts(next(table.chunks(_LOOKED_AT), []))
    headed = headed and not table.layout.has_header
    if not place:
        return table, headed
    table.close()
    return open_table(source.path, [str(place + 1)], name=source.name), headed


def _entry(
    suppressing: Suppressing, row: SuppressionRow, kind: SuppressionKind, sender: str | None, told_by: str
) -> Suppression:
    return suppressing.entry(
        row.text,
        row.kind or kind,
        Scope(row.sender or sender, row.message_class, row.topic),
        source=row.source or told_by,
        at=row.at,
        expires=row.expires,
    )


async def write_out(
    suppressing: Suppressing,
    file: IO[str],
    kind: SuppressionKind | None,
    sender: str | None,
    hashed: bool,
    bare: bool,
) -> tuple[int, int]:
    """Writes those of a kind and sender: how many, and how many have but a hash. `bare`: addresses alone."""
    writer = csv.writer(file, lineterminator="\n")
    if not bare:
        writer.writerow(COLUMNS)
    written = unnamed = after = 0
    while page := await suppressing.page(SuppressionWish(kind, sender, after=after, limit=_PAGE)):
        for number, entry in page:
            after = number
            cells = cells_of(entry, hashed=hashed)
            if cells is None:
                unnamed += 1
                continue
            writer.writerow(cells[:1] if bare else cells)
            written += 1
    return written, unnamed
