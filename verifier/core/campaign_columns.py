"""Columns of a list that say whom to leave out: who has unsubscribed, who was selected. French and English headings."""

import re
import unicodedata
from collections.abc import Sequence

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
