"""The columns of a campaign's lists: those that say whom to leave out (who has unsubscribed, who was selected; French
and English headings), and how those of several lists stand side by side in one file.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from verifier.core.faults import InputError

_UNSUBSCRIBED = frozenset(
    {
        *("unsubscribed", "unsubscribe", "unsub", "optout", "optedout"),
        *("desabonne", "desabonnes", "desabonnement", "desinscrit", "desinscrits", "desinscription"),
    }
)
_SELECTED = frozenset(
    {
        *("selected", "select", "included", "include", "send"),
        *("selectionne", "selectionnes", "selection", "coche", "envoyer"),
    }
)
_NO = frozenset(["", "0", "no", "n", "non", "false", "faux", "f", "-", "null", "none"])


def unsubscribed_column(header: Sequence[str], wish: str = "") -> int | None:
    """The place of the column whose filled cells mean “has unsubscribed”; None where there is none.

    Raises InputError for a wish that is no column.
    """
    return _column(header, wish, _UNSUBSCRIBED)


def selected_column(header: Sequence[str], wish: str = "") -> int | None:
    """The same of the column whose filled cells mean “is to be mailed”."""
    return _column(header, wish, _SELECTED)


def is_yes(cell: str) -> bool:
    """A cell says yes by anything but an explicit no: “x”, “oui”, “1”, or the date when it happened."""
    return cell.strip().casefold() not in _NO


class SharedColumns(Struct, frozen=True):
    """One heading for several lists: `header`, in which `address` is the place of the e-mail column of all of them, and
    of each list the place of each of its columns.
    """

    header: tuple[str, ...]
    address: int
    places: tuple[tuple[int, ...], ...]

    def placed(self, number: int, cells: Sequence[str]) -> tuple[str, ...]:
        """A row of the list of that number, under the shared heading."""
        row = [""] * len(self.header)
        for place, cell in zip(self.places[number], cells, strict=False):
            row[place] = cell
        return tuple(row)


def shared_columns(lists: Sequence[tuple[Sequence[str], int]]) -> SharedColumns:
    """The columns of lists, each its heading and the place of its e-mail column: those of the first, then what others
    have besides. Columns of one name are one, whatever its case; so are the e-mail columns, whatever they are called.
    """
    header: list[str] = []
    known: dict[tuple[str, int] | None, int] = {}
    places: list[tuple[int, ...]] = []
    for names, address in lists:
        seen: Counter[str] = Counter()
        mine: list[int] = []
        for column, name in enumerate(names):
            plain = name.strip().casefold()
            key = None if column == address else (plain, seen[plain])
            seen[plain] += column != address
            if key not in known:
                known[key] = len(header)
                header.append(name)
            mine.append(known[key])
        places.append(tuple(mine))
    return SharedColumns(tuple(header), known.get(None, 0), tuple(places))


def _column(header: Sequence[str], wish: str, words: frozenset[str]) -> int | None:
    if not wish:
        return next((place for place, name in enumerate(header) if _plain(name) in words), None)
    if wish in header:
        return list(header).index(wish)
    if wish.isascii() and wish.isdigit() and 1 <= int(wish) <= len(header):
        return int(wish) - 1
    raise InputError(f"The list has no column {wish!r}; it has {', '.join(header)}.")


def _plain(text: str) -> str:
    """Lower case, without accents and whatever is no letter."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return re.sub("[^a-z]", "", letters)
