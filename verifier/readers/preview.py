"""A first look at a list, from its beginning only: what a person needs to see to say which column it is."""

from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from verifier.core.table import TableKind, made_up_names
from verifier.readers.columns import named_columns
from verifier.readers.delimited import read_head
from verifier.readers.jsonl import preview_rows
from verifier.readers.source import ListSource
from verifier.readers.tables import table_kind
from verifier.readers.workbook import spool_workbook

_ROWS = 10
_JSON_LINES = 200


class Preview(Struct, frozen=True):
    """The list as its first rows show it; all of it may show more columns.

    `columns` are the headings, or made-up names where there are none; `email_columns` are the guess, 0-based, empty
    where there is none; `rows` are the first data rows.
    """

    kind: TableKind
    encoding: str
    separator: str
    has_header: bool
    columns: tuple[str, ...]
    email_columns: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]


def preview(path: str | Path, rows: int = _ROWS, stdin: BinaryIO | None = None) -> Preview:
    """Looks at the first 256 KiB (all of a workbook). Raises InputError where that is no list."""
    source = ListSource(path, stdin=stdin)
    try:
        kind = table_kind(source)
        if kind is TableKind.JSONL:
            return _of_jsonl(source, rows)
        if kind is TableKind.XLSX:
            spool, _ = spool_workbook(source)
            try:
                return _of_text(spool, rows, kind, ",")
            finally:
                spool.close()
        return _of_text(source, rows, kind, None)
    finally:
        source.close()


def _of_text(source: ListSource, rows: int, kind: TableKind, separator: str | None) -> Preview:
    head = read_head(source, separator)
    width = max(map(len, head.rows))
    first = head.rows[max(0, head.columns.headings_row - 1)]
    named = head.columns.has_header
    return Preview(
        kind=kind,
        encoding=head.dialect.encoding.codec,
        separator=head.dialect.separator or ",",
        has_header=named,
        columns=(*first, *[""] * (width - len(first)))
        if named or head.columns.headings_row
        else made_up_names(width, head.columns.email),
        email_columns=head.columns.email,
        rows=tuple(tuple(row) for row in head.rows[int(named) : int(named) + rows]),
    )


def _of_jsonl(source: ListSource, rows: int) -> Preview:
    header, found = preview_rows(source, max(rows, _JSON_LINES))
    return Preview(
        kind=TableKind.JSONL,
        encoding="utf-8",
        separator=",",
        has_header=True,
        columns=header,
        email_columns=named_columns(header, found),
        rows=tuple(tuple(row) for row in found[:rows]),
    )
