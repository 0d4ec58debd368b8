"""open_writer: the one door to every kind of output."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from msgspec import structs

from verifier.core.table import Layout, TableKind
from verifier.ports import ListWriter
from verifier.writers.csv_writer import CsvWriter
from verifier.writers.jsonl_writer import JsonlWriter
from verifier.writers.target import Target
from verifier.writers.xlsx_writer import XlsxWriter, refuse_what_no_sheet_holds

_WRITERS: dict[TableKind, Callable[[Target, Layout], ListWriter]] = {
    TableKind.CSV: CsvWriter,
    TableKind.XLSX: XlsxWriter,
    TableKind.JSONL: JsonlWriter,
}
_TABBED = ".tsv"
_NAMED = {
    ".csv": TableKind.CSV,
    _TABBED: TableKind.CSV,
    ".txt": TableKind.CSV,
    ".xlsx": TableKind.XLSX,
    ".jsonl": TableKind.JSONL,
    ".ndjson": TableKind.JSONL,
}


def open_writer(
    path: str | Path,
    layout: Layout,
    kind: TableKind | None = None,
    *,
    force: bool = False,
    stdout: BinaryIO | None = None,
) -> ListWriter:
    """Begins the output of a list at `path`, "-" for standard output: as `kind`, else in the format that the name says,
    else in the list's own.

    Raises OperatorError, with nothing written, where the output exists and `force` is not set, where the format cannot
    hold the list, or where the folder cannot be written to.
    """
    suffix = _suffix(Path(path))
    kind = kind or _NAMED.get(suffix) or layout.kind
    if suffix == _TABBED and layout.kind is not TableKind.CSV:
        layout = structs.replace(layout, separator="\t")
    if kind is TableKind.XLSX:
        refuse_what_no_sheet_holds(layout)
    target = Target(path, force=force, stdout=stdout)
    try:
        return _WRITERS[kind](target, layout)
    except BaseException:
        target.abort()
        raise


def _suffix(path: Path) -> str:
    """What a file's name ends with, where it is packed before `.gz`."""
    unpacked = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return unpacked.suffix.lower()
