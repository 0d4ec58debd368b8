"""open_writer: the one door to every kind of output."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

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


def open_writer(
    path: str | Path,
    layout: Layout,
    kind: TableKind | None = None,
    *,
    force: bool = False,
    stdout: BinaryIO | None = None,
) -> ListWriter:
    """Begins the output of a list at `path`, "-" for standard output, in its own format or as `kind`.

    Raises OperatorError, with nothing written, where the output exists and `force` is not set, where the format cannot
    hold the list, or where the folder cannot be written to.
    """
    kind = kind or layout.kind
    if kind is TableKind.XLSX:
        refuse_what_no_sheet_holds(layout)
    target = Target(path, force=force, stdout=stdout)
    return _WRITERS[kind](target, layout)
