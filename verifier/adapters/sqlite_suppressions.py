"""SuppressionStore in a SQLite file of the data folder, which several processes may use at once.

Law: what was committed is not forgotten; a damaged file is never begun anew, since everybody who unsubscribed would be
mailed again. Readers have a connection of their own, so an import holds up no decision.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from verifier.adapters.sqlite_file import SqliteFile, forget_for_good
from verifier.adapters.sqlite_thread import transact, write_rows
from verifier.core.faults import ConfigError
from verifier.core.suppressions import FORGOTTEN_WHOLE, Removal, Suppression, SuppressionKind
from verifier.gate_ports import SuppressionWish

_SCHEMA = (
    """
    CREATE TABLE suppressions (
        number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL, kind INTEGER NOT NULL,
        sender TEXT NOT NULL, message_class TEXT NOT NULL, topic TEXT NOT NULL,
        at INTEGER NOT NULL, expires INTEGER, source TEXT NOT NULL, address TEXT,
        UNIQUE (key, kind, sender, message_class, topic)
    );
    CREATE TABLE identity (id TEXT NOT NULL);
    INSERT INTO identity VALUES (lower(hex(randomblob(16))))
    """,
    "ALTER TABLE identity ADD COLUMN mark TEXT NOT NULL DEFAULT ''",
)
_UPSERT = """
    INSERT INTO suppressions (key, kind, sender, message_class, topic, at, expires, source, address) VALUES {rows}
    ON CONFLICT (key, kind, sender, message_class, topic) DO UPDATE SET
        at = excluded.at, expires = excluded.expires, source = excluded.source,
        address = coalesce(excluded.address, address)
    WHERE excluded.at > at
"""
_COLUMNS = "number, key, kind, sender, message_class, topic, at, expires, source, address"
_SLICE = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
KINDS = tuple(SuppressionKind)
"""A kind is kept as its place here: new ones are added at the end of the enumeration."""
_PLACES = {kind: place for place, kind in enumerate(KINDS)}
_Result = TypeVar("_Result")


class News(Struct, frozen=True):
    """Entries in the order in which they came: the number of the last, and of each the first half of its key and its
    kind's bit.
    """

    last: int
    entries: list[tuple[bytes, int]]


class SqliteSuppressions:
    """The file at `path`, opened when it is first needed; `close` comes last.

    `mark` tells the secret that its keys are made with from any other: everything raises ConfigError where the entries
    were made with another, for none of them would be found.
    """

    def __init__(self, path: Path, mark: str) -> None:
        prepare = partial(_prepare, path=path, mark=mark)
        self._writer = SqliteFile(path, _SCHEMA, prepare)
        self._reader = SqliteFile(path, _SCHEMA, prepare)

    async def close(self) -> None:
        await self._writer.close()
        await self._reader.close()

    async def add(self, suppressions: Sequence[Suppression]) -> int:
        rows = [_row(each) for each in suppressions]
        return await self._writer.write(partial(_insert, rows=rows))

    async def remove(self, removals: Sequence[Removal]) -> int:
        return await self._writer.write(partial(_remove, removals=removals))

    async def under(self, keys: Sequence[str]) -> Mapping[str, tuple[Suppression, ...]]:
        return await self._reader.read(partial(_under, keys=keys))

    async def page(self, wish: SuppressionWish) -> Sequence[tuple[int, Suppression]]:
        return await self._reader.read(partial(_page, wish=wish))

    async def forget(self, keys: Sequence[str]) -> None:
        await self._writer.erase(partial(_forget, keys=keys))

    async def origin(self) -> tuple[str, int]:
        """Which file this is, whatever it is called, and the greatest number that it has given."""
        return await self._reader.read(_origin)

    async def news(self, after: int, limit: int) -> News:
        """What came behind the number `after`, at most so many."""
        return await self._reader.read(partial(_news, after=after, limit=limit))


def _prepare(connection: sqlite3.Connection, path: Path, mark: str) -> None:
    forget_for_good(connection)
    known: str = connection.execute("SELECT mark FROM identity").fetchone()[0]
    if known == mark:
        return
    if known and connection.execute("SELECT 1 FROM suppressions LIMIT 1").fetchone():
        raise ConfigError(
            f"{path} was written with another secret, so nobody in it would be found and all would be mailed again: set"
            " VERIFIER_SECRET_KEY to that secret (where it was never set, to what secret.key in the folder holds), or"
            " move the file away and import the suppressions again."
        )
    connection.execute("UPDATE identity SET mark = ?", (mark,))


def _insert(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> int:
    new = 0

    def work(open_: sqlite3.Connection) -> None:
        nonlocal new
        _, before = _origin(open_)
        write_rows(open_, _UPSERT, rows)
        new = open_.execute("SELECT count(*) FROM suppressions WHERE number > ?", (before,)).fetchone()[0]

    transact(connection, work)
    return new


def _remove(connection: sqlite3.Connection, removals: Sequence[Removal]) -> int:
    numbers: set[int] = set()

    def work(open_: sqlite3.Connection) -> None:
        for removal in removals:
            rows = open_.execute(f"SELECT {_COLUMNS} FROM suppressions WHERE key = ?", (bytes.fromhex(removal.key),))
            numbers.update(number for number, entry in map(_entry, rows) if removal.ends(entry))
        open_.executemany("DELETE FROM suppressions WHERE number = ?", [(number,) for number in numbers])

    transact(connection, work)
    return len(numbers)


def _under(connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, tuple[Suppression, ...]]:
    found: dict[str, list[Suppression]] = {}
    for some in _slices(keys):
        marks = ",".join("?" * len(some))
        rows = connection.execute(f"SELECT {_COLUMNS} FROM suppressions WHERE key IN ({marks}) ORDER BY number", some)
        for _, entry in map(_entry, rows):
            found.setdefault(entry.key, []).append(entry)
    return {key: tuple(entries) for key, entries in found.items()}


def _page(connection: sqlite3.Connection, wish: SuppressionWish) -> list[tuple[int, Suppression]]:
    where, values = ["number > ?"], [wish.after]
    narrowed: list[object] = list(values)
    if wish.kind is not None:
        where.append("kind = ?")
        narrowed.append(_PLACES[wish.kind])
    if wish.sender is not None:
        where.append("sender = ?")
        narrowed.append(wish.sender)
    if wish.keys is not None:
        where.append(f"key IN ({','.join('?' * len(wish.keys))})")
        narrowed += [bytes.fromhex(key) for key in wish.keys]
    condition = " AND ".join(where)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM suppressions WHERE {condition} ORDER BY number LIMIT ?", (*narrowed, wish.limit)
    )
    return [_entry(row) for row in rows]


def _forget(connection: sqlite3.Connection, keys: Sequence[str]) -> None:
    whole = ",".join(str(_PLACES[kind]) for kind in FORGOTTEN_WHOLE)

    for some in _slices(keys):
        marks = ",".join("?" * len(some))
        connection.execute(f"DELETE FROM suppressions WHERE key IN ({marks}) AND kind IN ({whole})", some)
        connection.execute(f"UPDATE suppressions SET address = NULL WHERE key IN ({marks})", some)


def _origin(connection: sqlite3.Connection) -> tuple[str, int]:
    identity: str = connection.execute("SELECT id FROM identity").fetchone()[0]
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'suppressions'").fetchone()
    return identity, 0 if row is None else int(row[0])


def _news(connection: sqlite3.Connection, after: int, limit: int) -> News:
    rows = connection.execute(
        "SELECT number, substr(key, 1, 8), 1 << kind FROM suppressions WHERE number > ? ORDER BY number LIMIT ?",
        (after, limit),
    ).fetchall()
    return News(rows[-1][0] if rows else after, [(key, bit) for _, key, bit in rows])


def _slices(keys: Sequence[str]) -> Iterator[list[bytes]]:
    for first in range(0, len(keys), _SLICE):
        yield [bytes.fromhex(key) for key in keys[first : first + _SLICE]]


def _row(entry: Suppression) -> tuple[object, ...]:
    return (
        bytes.fromhex(entry.key),
        _PLACES[entry.kind],
        entry.sender or "",
        entry.message_class or "",
        entry.topic or "",
        _moment(entry.at),
        None if entry.expires is None else _moment(entry.expires),
        entry.source,
        entry.address,
    )


def _entry(row: tuple[int, bytes, int, str, str, str, int, int | None, str, str | None]) -> tuple[int, Suppression]:
    number, key, kind, sender, message_class, topic, at, expires, source, address = row
    return number, Suppression(
        key=key.hex(),
        kind=KINDS[kind],
        at=_time(at),
        source=source,
        sender=sender or None,
        message_class=message_class or None,
        topic=topic or None,
        expires=None if expires is None else _time(expires),
        address=address,
    )


def _moment(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def _time(moment: int) -> datetime:
    return _EPOCH + timedelta(microseconds=moment)
