"""Which column holds the addresses, and whether the first row is a heading: by headings and by what cells look like.

Law: a first row with an address in it is never taken for a heading, and neither is that of a one-column list unless it
is a known word for an address: a row must not get lost.
"""

import re
from collections.abc import Sequence

from msgspec import Struct, structs

from verifier.core.table import OUR_COLUMNS
from verifier.readers.heading_words import ADDRESS_WORDS, FILLERS, HEADING_WORDS, MAIL_WORD, OTHERS

_Row = Sequence[str]
_ADDRESS_CELL = re.compile(r"[^@]*[^@\s]@[^@\s][^@]*").fullmatch
_FIGURES = re.compile(r"[\d\s.,:/+()T-]*\d[\d\s.,:/+()T-]*Z?").fullmatch
_WORDS = re.compile(r"[^\W_\d]+")
_MANY = 0.5
_MOST_TITLES = 10
_SOME = 0.1
_HEADING_WEIGHT = (0.0, 0.15, 0.5)


class Columns(Struct, frozen=True):
    """What the first rows say: whether they begin with a heading, and the likely e-mail columns, 0-based."""

    has_header: bool
    email: tuple[int, ...]
    headings_row: int = 0
    """Where the headings stand below a title: which row that is, 1-based."""


def guess_columns(rows: Sequence[_Row]) -> Columns:
    """The heading and the e-mail columns of the first rows of a list; no columns where none looks like it."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        return Columns(False, ())
    below = _heading_below_title(rows)
    if below is not None:
        return below
    first, others = filled[0], filled[1:]
    width = max(map(len, filled))
    body = [_address_share(others, column) for column in range(width)]
    has_header = first is rows[0] and _is_heading(first, body)
    if not has_header:
        body = [_address_share(filled, column) for column in range(width)]
    heading = [_mail_heading(first[column]) if has_header and column < len(first) else 0 for column in range(width)]
    return Columns(has_header, _emails(heading, body))


def _heading_below_title(rows: Sequence[_Row]) -> Columns | None:
    """A line or a few above the headings, as exports have them: the title of the list, its date, a blank."""
    above = 0
    for number, row in enumerate(rows[: _MOST_TITLES + 1], 1):
        filled = sum(1 for cell in row if cell.strip())
        if any("@" in cell for cell in row):
            break
        if 0 < above < filled and any(_mail_heading(cell) == 2 for cell in row):
            below = guess_columns(rows[number - 1 :])
            if below.has_header and below.email:
                return structs.replace(below, has_header=False, headings_row=number)
        above = max(above, filled)
    return None


def named_columns(header: _Row, rows: Sequence[_Row]) -> tuple[int, ...]:
    """The e-mail columns of a list whose headings are known to be such."""
    return _emails([_mail_heading(name) for name in header], [_address_share(rows, n) for n in range(len(header))])


def _emails(heading: Sequence[int], share: Sequence[float]) -> tuple[int, ...]:
    """A column that is headed so and not filled with something else; several where each has both; else by content."""
    if not share:
        return ()
    named = [column for column in range(len(share)) if heading[column] == 2 and share[column] >= _MANY]
    if named:
        return tuple(named)
    best = max(range(len(share)), key=lambda column: (share[column] + _HEADING_WEIGHT[heading[column]], -column))
    alone = len(share) == 1 and (heading[best] or share[best])
    return (best,) if heading[best] == 2 or share[best] >= _SOME or alone else ()


def _address_share(rows: Sequence[_Row], column: int) -> float:
    """The share of a column's filled cells that have one @ between other characters."""
    cells = [row[column] for row in rows if column < len(row) and row[column].strip()]
    return sum(1 for cell in cells if _ADDRESS_CELL(cell)) / len(cells) if cells else 0.0


def _is_heading(first: _Row, share: Sequence[float]) -> bool:
    cells = [cell.strip().casefold() for cell in first]
    if any("@" in cell for cell in cells):
        return False
    if len(cells) == 1:
        return _mail_heading(cells[0]) == 2 or cells[0] in ADDRESS_WORDS
    if any(_mail_heading(cell) or cell in OUR_COLUMNS for cell in cells):
        return True
    known = [cell for cell in cells if HEADING_WORDS.intersection(_WORDS.findall(cell))]
    named = [cell for cell in cells if cell]
    distinct = len(set(named)) == len(cells) and not any(_FIGURES(cell) for cell in named)
    return distinct and max(share, default=0) > 0 and (bool(known) or len(cells[share.index(max(share))]) < 40)


def _mail_heading(text: str) -> int:
    """2 for a heading that means an e-mail address, 1 for one that may, 0 for any other."""
    cell = text.strip().casefold()
    if cell.startswith("ev_"):
        return 0
    words = _WORDS.findall(cell.replace("e-mail", "email").replace("e mail", "email"))
    if not any(MAIL_WORD(word) for word in words):
        return 1 if words and all(word in ADDRESS_WORDS for word in words) else 0
    if OTHERS.intersection(words):
        return 0
    return 2 if all(word in FILLERS or MAIL_WORD(word) for word in words) else 1
