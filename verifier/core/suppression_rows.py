"""Suppressions as rows of a file, written so that reading them again gives the same entries."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from msgspec import Struct

from verifier.core.faults import InputError
from verifier.core.feedback.exports import time_of
from verifier.core.suppressions import Suppression, SuppressionKind

COLUMNS = ("address", "kind", "sender", "message_class", "topic", "source", "at", "expires")

_ADDRESS_NAMES = {"email": "address", "e-mail": "address"}
_TEXT = re.compile(r"[0-9a-fA-F]{64}|@[^@\s]+|[^@\s]+@[^@\s]+")


class SuppressionRow(Struct, frozen=True):
    """What a row says; None is what it does not say."""

    text: str
    kind: SuppressionKind | None = None
    sender: str | None = None
    message_class: str | None = None
    topic: str | None = None
    source: str | None = None
    at: datetime | None = None
    expires: datetime | None = None


def cells_of(entry: Suppression, *, hashed: bool = False) -> list[str] | None:
    """The row of an entry in the order of COLUMNS; None where its text is not known any more.

    `hashed`: the SHA-256 of the address in its place; a domain stays what it is.
    """
    text = entry.address
    if text is None:
        return None
    if hashed and not text.startswith("@"):
        text = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return [
        text,
        entry.kind,
        entry.sender or "",
        entry.message_class or "",
        entry.topic or "",
        entry.source,
        entry.at.isoformat(),
        "" if entry.expires is None else entry.expires.isoformat(),
    ]


def places_of(header: Sequence[str]) -> Mapping[str, int] | None:
    """Where the columns of an export of ours stand in a heading; None where it is somebody else's file. An `email` with
    a `kind` beside it is its address.
    """
    names = [_ADDRESS_NAMES.get(name, name) for name in (name.strip().lower() for name in header)]
    if "address" not in names or "kind" not in names:
        return None
    return {name: names.index(name) for name in COLUMNS if name in names}


def row_of(cells: Sequence[str], places: Mapping[str, int]) -> SuppressionRow:
    """What the cells say. Raises InputError for a kind or a time that is none."""
    said = {name: cells[place].strip() if place < len(cells) else "" for name, place in places.items()}
    return SuppressionRow(
        said.get("address", ""),
        _kind(said.get("kind")),
        said.get("sender") or None,
        said.get("message_class") or None,
        said.get("topic") or None,
        said.get("source") or None,
        _time(said.get("at")),
        _time(said.get("expires")),
    )


def place_of_texts(rows: Sequence[Sequence[str]]) -> tuple[int, bool]:
    """Which column of the first rows of a file has digests or domains in it, and whether its first row is a heading.

    For files without addresses; 0 where no column has any.
    """
    width = max((len(row) for row in rows), default=0)
    found = [[column < len(row) and _is_text(row[column]) for row in rows] for column in range(width)]
    place = max(range(width), key=lambda column: (sum(found[column]), -column), default=0)
    return place, bool(width) and not found[place][0] and any(found[place])


def _is_text(cell: str) -> bool:
    return _TEXT.fullmatch(cell.strip()) is not None


def _kind(text: str | None) -> SuppressionKind | None:
    if not text:
        return None
    word = text.lower().replace(" ", "_").replace("-", "_")
    if word not in list(SuppressionKind):
        raise InputError(f"{text!r} is no kind; there are {', '.join(SuppressionKind)}.")
    return SuppressionKind(word)


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = time_of(text)
    if moment is None:
        raise InputError(f"{text!r} is no time; one is written 2026-11-22 or 2026-11-22T10:00:00Z.")
    return moment
