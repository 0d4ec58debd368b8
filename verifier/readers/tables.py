"""open_table: the one door to every kind of list; the kind is told by content first, by name second."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from verifier.core.faults import InputError
from verifier.core.table import TableKind
from verifier.readers.delimited import open_delimited
from verifier.readers.jsonl import open_jsonl
from verifier.readers.list_table import ListTable
from verifier.readers.source import ListSource
from verifier.readers.workbook import open_workbook

_ZIP_MAGIC = b"PK\x03\x04"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER_KINDS = (
    (b"%pdf-", "is a PDF, not a list: ask for the table itself, as XLSX or CSV."),
    (b"{\\rtf", "is a text document (RTF): save it as plain text, or its table as XLSX or CSV."),
    (b"begin:vcard", "is a file of vCards: export the contacts as CSV."),
    *(
        (start, "is a web page or XML, whatever its name says: open it in a spreadsheet, and save it as XLSX or CSV.")
        for start in (b"<!doctype", b"<html", b"<head", b"<meta", b"<table", b"<?xml")
    ),
)
"""How files begin that are taken for lists, in lower case, and what is said of them."""
_JSON_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json"})
_OPENERS = {TableKind.CSV: open_delimited, TableKind.JSONL: open_jsonl, TableKind.XLSX: open_workbook}


def open_table(
    path: str | Path, columns: Sequence[str] = (), stdin: BinaryIO | None = None, *, name: str | None = None
) -> ListTable:
    """The list at `path`, "-" for standard input, read through once; `columns` are headings or 1-based numbers.

    Without `columns` the e-mail columns are guessed. People are told of it by `name`, else by its file's. Raises
    InputError with one sentence where there is no list.
    """
    source = ListSource(path, name=name, stdin=stdin)
    try:
        return _OPENERS[table_kind(source)](source, columns)
    except InputError:
        source.close()
        raise


def table_kind(source: ListSource) -> TableKind:
    """The format of a source. Raises InputError for what is plainly another."""
    with source.open() as stream:
        head = stream.read(1 << 12)
    if head.startswith(_ZIP_MAGIC):
        return TableKind.XLSX
    if head.startswith(_OLE_MAGIC):
        raise InputError(
            f"{source.name} is an old or password-protected Excel workbook: save it as XLSX without a password, "
            "or as CSV."
        )
    if source.suffix in {".xlsx", ".xlsm"} and head:
        raise InputError(f"{source.name} is not an XLSX workbook, whatever its name says.")
    text = head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").replace(b"\0", b"")
    beginning = text[:16].lower()
    for start, sentence in _OTHER_KINDS:
        if beginning.startswith(start):
            raise InputError(f"{source.name} {sentence}")
    if text.startswith(b"[") and source.suffix in _JSON_SUFFIXES:
        raise InputError(f"{source.name} is one JSON array: write one object a line (JSON lines).")
    return TableKind.JSONL if text.startswith(b"{") or source.suffix in _JSON_SUFFIXES else TableKind.CSV
