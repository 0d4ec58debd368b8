"""The shape of a list file: what a reader finds out and a writer keeps to.

Law: the output has the columns of the input in their order, then ours; columns of ours that an earlier run left behind
are replaced where they stand. The output always has a heading line: where the input had none, names are made up.
"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from verifier.core.faults import InputError

OUR_COLUMNS = (
    "ev_verdict",
    "ev_reason",
    "ev_score",
    "ev_suggestion",
    "ev_normalized",
    "ev_disposable",
    "ev_role",
    "ev_free",
    "ev_catch_all",
    "ev_duplicate_of",
    "ev_provider",
    "ev_smtp",
    "ev_retry_after",
    "ev_checked_at",
)

MOST_COLUMNS = 16_384
"""Cells of a row, as a sheet holds them: one row of a million would have all others padded to a million."""


class TableKind(StrEnum):
    """The format of a list; CSV stands for every separated text, TSV and one address a line included."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"


class JsonText(str):
    """A cell of a JSONL list that is not a JSON string: its JSON text, or "" where there is nothing in it."""

    __slots__ = ()


ABSENT = JsonText("")
"""The object lacks the key."""
NULL = JsonText("")
"""The key's value is null: as empty as a missing one to whoever reads it, and written as it came."""


class Layout(Struct, frozen=True):
    """What is known of a list once all of it was read.

    `encoding` is Python's name of the codec. `separator` and `line_ending` are those of the input, "," and "\\n" where
    it has none. `header` has `width` cells: the heading line padded with "", or, where `has_header` is false, the cells
    of `headings_row`, else made-up names. `rows` counts data rows, blank ones included. `email_columns` are 0-based, at
    least one, in the caller's order.
    """

    kind: TableKind
    encoding: str
    bom: bool
    separator: str
    line_ending: str
    has_header: bool
    header: tuple[str, ...]
    width: int
    rows: int
    email_columns: tuple[int, ...]
    separator_line: bool = False
    """The input begins with Excel's `sep=;`, and so does the output."""
    headings_row: int = 0
    """Where there is no heading line, but one below a title: that data row, 1-based, whose cells `header` has."""
    sheet: str = ""
    """The sheet of a workbook that was read."""
    other_sheets: tuple[str, ...] = ()
    """Its other visible sheets that have addresses: they are not read."""

    @property
    def our_names(self) -> tuple[str, ...]:
        """The headings of ours: of the first e-mail column as in OUR_COLUMNS, of the n-th with `_n` behind."""
        return tuple(
            name if number == 1 else f"{name}_{number}"
            for number in range(1, len(self.email_columns) + 1)
            for name in OUR_COLUMNS
        )

    @property
    def our_places(self) -> tuple[int, ...]:
        """For each of `our_names` its 0-based output column: that of an earlier run, else behind the widest row."""
        known = {name: place for place, name in reversed(list(enumerate(self.header)))} if self.has_header else {}
        places, following = [], self.width
        for name in self.our_names:
            if name in known:
                places.append(known[name])
            else:
                places.append(following)
                following += 1
        return tuple(places)

    @property
    def output_header(self) -> tuple[str, ...]:
        """The heading line of the output."""
        names = dict(enumerate(self.header))
        names.update(zip(self.our_places, self.our_names, strict=True))
        return tuple(names[place] for place in range(len(names)))


def made_up_names(width: int, email_columns: Sequence[int]) -> tuple[str, ...]:
    """Headings for a list without a heading line: `email`, `email_2` … and `column_N`, N counted from 1."""
    emails = {column: "email" if n == 1 else f"email_{n}" for n, column in enumerate(email_columns, 1)}
    return tuple(emails.get(column, f"column_{column + 1}") for column in range(width))


def unique_names(header: Sequence[str]) -> tuple[str, ...]:
    """The headings as keys of an object: a blank one becomes `column_N`, a repeated one gets `_2`, `_3` … behind."""
    taken = set(header)
    seen: set[str] = set()
    names = []
    for number, heading in enumerate(header, 1):
        name = heading or f"column_{number}"
        repeat = 2
        while name in seen or (not heading and name in taken):
            name = f"{heading or f'column_{number}'}_{repeat}"
            repeat += 1
        seen.add(name)
        names.append(name)
    return tuple(names)


def chosen_columns(wanted: Sequence[str], header: Sequence[str] | None, width: int) -> tuple[int, ...]:
    """The columns that the caller named: by heading (case and outer blanks aside) or by 1-based number.

    Raises InputError for a column that the list does not have, naming those that it has.
    """
    names = [heading.strip().casefold() for heading in header or ()]
    chosen = []
    for text in wanted:
        name = text.strip().casefold()
        if name in names:
            column = names.index(name)
        elif name.isascii() and name.isdigit() and 1 <= int(name) <= width:
            column = int(name) - 1
        else:
            shown = ", ".join(heading for heading in header or () if heading.strip())
            known = f"its columns are {shown}" if shown else f"it has {width} column{'s' * (width != 1)} without names"
            raise InputError(f"The list has no column {text!r}: {known}.")
        if column not in chosen:
            chosen.append(column)
    return tuple(chosen)
