"""Suppressions as rows of a file, written so that reading them again gives the same entries."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from msgspec import Struct

from verifier.core.suppressions import Suppression, SuppressionKind

COLUMNS = ("address", "kind", "sender", "message_class", "topic", "source", "at", "expires")


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
    """Where the columns of an export of ours stand in a heading; None where it is somebody else's file."""
    names = [name.strip().lower() for name in header]
    if "address" not in names or "kind" not in names:
        return None
    return {name: names.index(name) for name in COLUMNS if name in names}


def row_of(cells: Sequence[str], places: Mapping[str, int]) -> SuppressionRow:
    """What the cells say. Raises ValueError for a kind or a time that is none."""
    said = {name: cells[place].strip() if place < len(cells) else "" for name, place in places.items()}
    return SuppressionRow(
        said.get("address", ""),
        SuppressionKind(said["kind"]) if said.get("kind") else None,
        said.get("sender") or None,
        said.get("message_class") or None,
        said.get("topic") or None,
        said.get("source") or None,
        _time(said.get("at")),
        _time(said.get("expires")),
    )


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
