"""Rows of a campaign as CSV: all with what was decided of each, or as a sending service's importer wants them."""

import csv
import io
from collections.abc import Sequence

from verifier.core.campaign_counts import Fate, RowFate, bucket_of
from verifier.core.list_rows import ShownRow
from verifier.core.presets import PRESETS

GATE_COLUMNS = ("gate_decision", "gate_rule", "gate_bucket", "gate_reason", "gate_address")
_OF_SHEETS, _MARK = ";", "\ufeff"
"""The separator of spreadsheets wherever a comma parts decimals; they take such a file for UTF-8 by its mark alone."""


def decided_rows(
    header: Sequence[str], rows: Sequence[tuple[ShownRow, Fate]], separator: str = ",", *, heading: bool
) -> bytes:
    """The list's own cells, then what was decided; a row that nobody decided about has its bucket alone."""
    content = io.StringIO()
    writer = csv.writer(content, delimiter=separator, lineterminator="\r\n")
    if heading:
        if separator == _OF_SHEETS:
            content.write(_MARK)
        writer.writerow([*header, *GATE_COLUMNS])
    for row, fate in rows:
        writer.writerow([*row.cells, *_cells(row, fate)])
    return content.getvalue().encode("utf-8", "replace")


def preset_rows(name: str, header: Sequence[str], column: int, rows: Sequence[ShownRow], *, heading: bool) -> bytes:
    """The address first, under the heading that the service knows, then the list's other columns where it takes any.

    `column` is the e-mail column's place. Raises KeyError for a preset that is none.
    """
    preset = PRESETS[name]
    others = [place for place in range(len(header)) if place != column] if preset.others else []
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\r\n")
    if heading and preset.heading is not None:
        writer.writerow([preset.heading, *(header[place] for place in others)])
    for row in rows:
        writer.writerow([_address(row), *(row.cells[place] for place in others)])
    return content.getvalue().encode("utf-8", "replace")


def _cells(row: ShownRow, fate: Fate) -> list[str]:
    if isinstance(fate, RowFate):
        return ["", "", fate, "", ""]
    decision, rule = fate
    return [decision, rule, bucket_of(decision, rule), row.assessment.reason, row.assessment.normalized or ""]


def _address(row: ShownRow) -> str:
    return row.assessment.normalized or row.assessment.email.strip()
