"""Rows as a sending service's importer wants them (core/presets.py): comma-separated, UTF-8, the address first."""

import csv
import io
from collections.abc import Sequence

from verifier.core.presets import PRESETS
from verifier.core.table import OUR_COLUMNS, Layout


def preset_rows(
    name: str, layout: Layout, rows: Sequence[Sequence[str]], addresses: Sequence[str], *, heading: bool
) -> bytes:
    """`addresses` are those of the rows; with `heading` the heading line stands before them, if there is to be one.

    What an earlier run put beside the rows is left out. Raises KeyError for a preset that is none.
    """
    preset = PRESETS[name]
    others = _others(layout) if preset.others else ()
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\r\n")
    if heading and preset.heading is not None:
        writer.writerow([preset.heading, *(layout.header[column] for column in others)])
    writer.writerows(
        [address, *(row[column] if column < len(row) else "" for column in others)]
        for row, address in zip(rows, addresses, strict=True)
    )
    return content.getvalue().encode("utf-8", "replace")


def _others(layout: Layout) -> tuple[int, ...]:
    ours = set(layout.our_names) | set(OUR_COLUMNS)
    address = layout.email_columns[0]
    return tuple(n for n, name in enumerate(layout.header) if n != address and name not in ours)
