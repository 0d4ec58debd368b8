"""SenderStore and UseStore in one SQLite file of the data folder, which several processes may use at once.

A use is kept by its name for as long as it may be told again or count for a cap; the month's count is a row of its own,
so asking for it costs the same however much was sent.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from verifier.adapters.sqlite_file import SqliteFile, forget_for_good, keep_hashes
from verifier.adapters.sqlite_thread import transact, write_rows
from verifier.core.senders import BLASTS_KEPT, Sender, month_of
from verifier.gate_ports import Usage, Use
from verifier.ports import Clock

_SCHEMA = (
    """
    CREATE TABLE senders (name TEXT PRIMARY KEY, sender BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE uses (
        sender TEXT NOT NULL, id TEXT NOT NULL, recipient TEXT NOT NULL, at REAL NOT NULL, blast INTEGER NOT NULL,
        PRIMARY KEY (sender, id)
    ) WITHOUT ROWID;
    CREATE INDEX uses_of_recipients ON uses (recipient, sender, at);
    CREATE INDEX uses_by_age ON uses (at);
    CREATE TABLE months (
        sender TEXT NOT NULL, month TEXT NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (sender, month)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE used (
        recipient TEXT NOT NULL, sender TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL, blast INTEGER NOT NULL,
        PRIMARY KEY (recipient, sender, id)
    ) WITHOUT ROWID;
    INSERT INTO used SELECT recipient, sender, id, at, blast FROM uses ORDER BY recipient, sender, id;
    DROP TABLE uses;
    CREATE INDEX used_by_age ON used (at)
    """,
)
"""A use stands with its recipient, by whom it is looked for; one who was forgotten is `''`, and his uses count on."""
_COUNT = """
    INSERT OR IGNORE INTO used SELECT * FROM (VALUES {rows}) AS new WHERE NOT EXISTS (
        SELECT 1 FROM used WHERE recipient = '' AND sender = new.column2 AND id = new.column3
    ) RETURNING sender, at
"""
_COUNTED = """
    SELECT used.id FROM json_each(?) AS mail CROSS JOIN used ON used.recipient IN (mail.value ->> 0, '')
        AND used.id = mail.value ->> 1 AND used.sender = ?
"""
_SLICE = 500
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Sender).decode


class SqliteSenders:
    """The file at `path`, opened when it is first needed; `close` comes last."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._writer = SqliteFile(path, _SCHEMA, self._prepare)
        self._reader = SqliteFile(path, _SCHEMA, self._prepare)

    async def close(self) -> None:
        await self._writer.close()
        await self._reader.close()

    async def put(self, sender: Sender) -> None:
        await self._writer.write(partial(_put, sender=sender))

    async def senders(self) -> Sequence[Sender]:
        return await self._reader.read(_senders)

    async def remove(self, name: str) -> bool:
        return await self._writer.write(partial(_remove, name=name))

    async def count(self, uses: Sequence[Use]) -> int:
        return await self._writer.write(partial(_count, uses=uses))

    async def usage(
        self, sender: str, moment: datetime, recipients: Sequence[str], mails: Sequence[tuple[str, str]] = ()
    ) -> Usage:
        work = partial(_usage, sender=sender, moment=moment, recipients=recipients, mails=mails)
        return await self._reader.read(work)

    async def forget(self, recipient: str) -> None:
        await self._writer.erase(partial(_forget, recipient=recipient))

    def _prepare(self, connection: sqlite3.Connection) -> None:
        forget_for_good(connection)
        keep_hashes(connection)
        oldest = (self._clock.now() - BLASTS_KEPT).timestamp()
        connection.execute("DELETE FROM used WHERE at < ?", (oldest,))


def _put(connection: sqlite3.Connection, sender: Sender) -> None:
    connection.execute("INSERT OR REPLACE INTO senders VALUES (?, ?)", (sender.name, _encode(sender)))


def _senders(connection: sqlite3.Connection) -> list[Sender]:
    return [_decode(blob) for (blob,) in connection.execute("SELECT sender FROM senders ORDER BY name")]


def _remove(connection: sqlite3.Connection, name: str) -> bool:
    return connection.execute("DELETE FROM senders WHERE name = ?", (name,)).rowcount > 0


def _count(connection: sqlite3.Connection, uses: Sequence[Use]) -> int:
    rows = [(use.recipient, use.sender, use.id, use.at.timestamp(), use.blast) for use in uses]
    new: list[tuple[str, float]] = []

    def work(open_: sqlite3.Connection) -> None:
        new.extend(write_rows(open_, _COUNT, rows))
        months = Counter((sender, month_of(datetime.fromtimestamp(at, UTC))) for sender, at in new)
        open_.executemany(
            "INSERT INTO months VALUES (?, ?, ?) ON CONFLICT (sender, month) DO UPDATE SET used = used + excluded.used",
            [(*month, used) for month, used in months.items()],
        )

    transact(connection, work)
    return len(new)


def _usage(
    connection: sqlite3.Connection,
    sender: str,
    moment: datetime,
    recipients: Sequence[str],
    mails: Sequence[tuple[str, str]],
) -> Usage:
    row = connection.execute(
        "SELECT used FROM months WHERE sender = ? AND month = ?", (sender, month_of(moment))
    ).fetchone()
    oldest = (moment - BLASTS_KEPT).timestamp()
    blasts: dict[str, list[datetime]] = {}
    for first in range(0, len(recipients), _SLICE):
        some = recipients[first : first + _SLICE]
        marks = ",".join("?" * len(some))
        found = connection.execute(
            f"SELECT recipient, at FROM used WHERE recipient IN ({marks}) AND sender = ? AND blast AND at > ?"
            " ORDER BY at",
            (*some, sender, oldest),
        )
        for recipient, at in found:
            blasts.setdefault(recipient, []).append(datetime.fromtimestamp(at, UTC))
    counted: set[str] = set()
    for first in range(0, len(mails), _SLICE):
        some = msgspec.json.encode(mails[first : first + _SLICE]).decode()
        counted.update(name for (name,) in connection.execute(_COUNTED, (some, sender)))
    times = {key: tuple(found) for key, found in blasts.items()}
    return Usage(0 if row is None else int(row[0]), times, frozenset(counted))


def _forget(connection: sqlite3.Connection, recipient: str) -> None:
    connection.execute("UPDATE OR REPLACE used SET recipient = '' WHERE recipient = ?", (recipient,))
