"""KeyStore, LoginStore and UsageStore in one SQLite file of the data folder, which several processes may use at once.

Law: no token stands in the file, and what is promised here is not forgotten: a damaged file is never begun anew, since
a key that was revoked would then be unknown and a link that was used fresh.
"""

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from verifier.adapters.sqlite_file import SqliteFile
from verifier.core.api_keys import ApiKey, same_digest
from verifier.ports import Clock

_SCHEMA = (
    """
    CREATE TABLE keys (
        position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest TEXT UNIQUE, revoked TEXT, key BLOB NOT NULL
    );
    CREATE TABLE links (digest TEXT PRIMARY KEY, key TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE sessions (digest TEXT PRIMARY KEY, key TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE usage (
        key TEXT NOT NULL, day TEXT NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (key, day)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE owners (owner TEXT PRIMARY KEY, day TEXT NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID",
)
_USAGE_KEPT = timedelta(days=90)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ApiKey).decode


class SqliteKeys:
    """The file at `path`, opened when it is first needed; `close` comes last."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._file = SqliteFile(path, _SCHEMA, self._prepare)

    async def close(self) -> None:
        await self._file.close()

    async def add(self, key: ApiKey) -> None:
        await self._file.transact(partial(_insert_key, key=key))

    async def by_digest(self, digest: str) -> ApiKey | None:
        return await self._file.read(partial(_key_of_digest, digest=digest))

    async def keys(self) -> Sequence[ApiKey]:
        return await self._file.read(_all_keys)

    async def revoke(self, key_id: str, at: datetime) -> bool:
        return await self._file.write(partial(_revoke, key_id=key_id, at=at))

    async def invite(self, digest: str, key_id: str, until: datetime) -> None:
        await self._file.transact(partial(_insert_token, table="links", digest=digest, key_id=key_id, until=until))

    async def redeem(self, digest: str, now: datetime) -> ApiKey | None:
        return await self._file.write(partial(_redeem, digest=digest, now=now))

    async def open_session(self, digest: str, key_id: str, until: datetime) -> None:
        await self._file.transact(partial(_insert_token, table="sessions", digest=digest, key_id=key_id, until=until))

    async def session(self, digest: str, now: datetime) -> ApiKey | None:
        return await self._file.read(partial(_key_of_session, digest=digest, now=now))

    async def close_session(self, digest: str) -> None:
        await self._file.transact(partial(_delete_session, digest=digest))

    async def used(self, key_id: str, day: date) -> int:
        return await self._file.read(partial(_used, key_id=key_id, day=day))

    async def use(self, key_id: str, day: date, count: int) -> None:
        await self._file.transact(partial(_use, key_id=key_id, day=day, count=count))

    async def use_up_to(self, key_id: str, day: date, owner: str, total: int) -> int:
        new = 0

        def work(connection: sqlite3.Connection) -> None:
            nonlocal new
            row = connection.execute("SELECT used FROM owners WHERE owner = ?", (owner,)).fetchone()
            new = max(0, total - (0 if row is None else int(row[0])))
            if new:
                connection.execute("REPLACE INTO owners VALUES (?, ?, ?)", (owner, day.isoformat(), total))
                _use(connection, key_id=key_id, day=day, count=new)

        await self._file.transact(work)
        return new

    def _prepare(self, connection: sqlite3.Connection) -> None:
        now = self._clock.now()
        for table in ("links", "sessions"):
            connection.execute(f"DELETE FROM {table} WHERE until <= ?", (now.timestamp(),))
        for table in ("usage", "owners"):
            connection.execute(f"DELETE FROM {table} WHERE day < ?", ((now - _USAGE_KEPT).date().isoformat(),))


def _insert_key(connection: sqlite3.Connection, key: ApiKey) -> None:
    connection.execute("INSERT INTO keys (id, digest, key) VALUES (?, ?, ?)", (key.id, key.digest, _encode(key)))


def _key_of_digest(connection: sqlite3.Connection, digest: str) -> ApiKey | None:
    key = _one(connection.execute("SELECT key, revoked FROM keys WHERE digest = ?", (digest,)))
    return key if key is not None and key.digest is not None and same_digest(key.digest, digest) else None


def _all_keys(connection: sqlite3.Connection) -> list[ApiKey]:
    rows = connection.execute("SELECT key, revoked FROM keys ORDER BY position")
    return [_key(blob, revoked) for blob, revoked in rows]


def _revoke(connection: sqlite3.Connection, key_id: str, at: datetime) -> bool:
    done = connection.execute("UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL", (at.isoformat(), key_id))
    return done.rowcount > 0


def _insert_token(connection: sqlite3.Connection, table: str, digest: str, key_id: str, until: datetime) -> None:
    connection.execute(f"INSERT INTO {table} VALUES (?, ?, ?)", (digest, key_id, until.timestamp()))


def _redeem(connection: sqlite3.Connection, digest: str, now: datetime) -> ApiKey | None:
    """One statement takes the link out: of two who come with it at once, one finds it."""
    row = connection.execute("DELETE FROM links WHERE digest = ? RETURNING key, until", (digest,)).fetchall()
    if not row or row[0][1] <= now.timestamp():
        return None
    return _holding(connection, row[0][0], now)


def _key_of_session(connection: sqlite3.Connection, digest: str, now: datetime) -> ApiKey | None:
    row = connection.execute(
        "SELECT key FROM sessions WHERE digest = ? AND until > ?", (digest, now.timestamp())
    ).fetchone()
    return None if row is None else _holding(connection, row[0], now)


def _delete_session(connection: sqlite3.Connection, digest: str) -> None:
    connection.execute("DELETE FROM sessions WHERE digest = ?", (digest,))


def _holding(connection: sqlite3.Connection, key_id: str, now: datetime) -> ApiKey | None:
    key = _one(connection.execute("SELECT key, revoked FROM keys WHERE id = ?", (key_id,)))
    return key if key is not None and key.holds(now) else None


def _one(rows: sqlite3.Cursor) -> ApiKey | None:
    row = rows.fetchone()
    return None if row is None else _key(*row)


def _key(blob: bytes, revoked: str | None) -> ApiKey:
    key = _decode(blob)
    return key if revoked is None else msgspec.structs.replace(key, revoked_at=datetime.fromisoformat(revoked))


def _used(connection: sqlite3.Connection, key_id: str, day: date) -> int:
    row = connection.execute("SELECT used FROM usage WHERE key = ? AND day = ?", (key_id, day.isoformat())).fetchone()
    return 0 if row is None else int(row[0])


def _use(connection: sqlite3.Connection, key_id: str, day: date, count: int) -> None:
    connection.execute(
        "INSERT INTO usage VALUES (?1, ?2, ?3) ON CONFLICT (key, day) DO UPDATE SET used = used + ?3",
        (key_id, day.isoformat(), count),
    )
