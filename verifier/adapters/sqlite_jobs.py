"""JobStore, EventLog and DeliveryStore in one SQLite file of the data folder.

Law: what `add`, `put` and `put_delivery` have returned survives kill -9 (why WAL is enough for that:
`sqlite_thread.py`); a job, its event and its message are written together or not at all. It holds no address but the
few rows of a preview, and these go with their list (secure_delete).
"""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec

from verifier.adapters.sqlite_file import SqliteFile, forget_for_good
from verifier.adapters.sqlite_thread import empty_log
from verifier.core.list_jobs import ListEvent, ListJob
from verifier.core.list_states import ListState
from verifier.core.webhooks import Delivery, WebhookState

_SCHEMA = (
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY, workspace TEXT NOT NULL, state TEXT NOT NULL, created REAL NOT NULL,
        idempotency_key TEXT, revision INTEGER NOT NULL, job BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX jobs_by_key ON jobs (workspace, idempotency_key) WHERE idempotency_key IS NOT NULL;
    CREATE INDEX jobs_by_age ON jobs (created, id);
    CREATE TABLE events (
        job TEXT NOT NULL, number INTEGER NOT NULL, event BLOB NOT NULL, PRIMARY KEY (job, number)
    ) WITHOUT ROWID;
    CREATE TABLE deliveries (
        id TEXT PRIMARY KEY, job TEXT NOT NULL, due REAL NOT NULL, delivery BLOB NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE messages (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, job TEXT NOT NULL, due REAL, delivery BLOB NOT NULL
    );
    INSERT INTO messages (id, job, due, delivery) SELECT id, job, due, delivery FROM deliveries ORDER BY due;
    DROP TABLE deliveries;
    ALTER TABLE messages RENAME TO deliveries;
    CREATE INDEX deliveries_due ON deliveries (due) WHERE due IS NOT NULL;
    CREATE INDEX deliveries_by_job ON deliveries (job)
    """,
)
_EVENTS_KEPT = 500
_encode = msgspec.msgpack.Encoder().encode
_decode_job = msgspec.msgpack.Decoder(ListJob).decode
_decode_event = msgspec.msgpack.Decoder(ListEvent).decode
_decode_delivery = msgspec.msgpack.Decoder(Delivery).decode


class SqliteJobs:
    """The file at `path`, opened when it is first needed."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _SCHEMA, forget_for_good)

    async def close(self) -> None:
        await self._file.close()

    async def add(self, job: ListJob) -> ListJob:
        """The job itself, or the one that has its idempotency key already."""
        known: ListJob | None = None

        def work(connection: sqlite3.Connection) -> None:
            nonlocal known
            known = _by_key(connection, job)
            if known is None:
                _insert(connection, job)

        await self._file.transact(work)
        return known or job

    async def get(self, list_id: str) -> ListJob | None:
        return await self._file.read(partial(_job, list_id=list_id))

    async def jobs(
        self,
        *,
        workspace: str | None = None,
        states: Collection[ListState] = (),
        before: tuple[datetime, str] | None = None,
        limit: int = 100,
    ) -> Sequence[ListJob]:
        """The newest first."""
        conditions, values = ["1"], list[object]()
        if workspace is not None:
            conditions.append("workspace = ?")
            values.append(workspace)
        if states:
            conditions.append("state IN (SELECT value FROM json_each(?))")
            values.append(msgspec.json.encode(sorted(states)).decode())
        if before is not None:
            conditions.append("(created, id) < (?, ?)")
            values += [before[0].timestamp(), before[1]]
        query = f"SELECT job FROM jobs WHERE {' AND '.join(conditions)} ORDER BY created DESC, id DESC LIMIT ?"
        rows = await self._file.read(lambda connection: connection.execute(query, (*values, limit)).fetchall())
        return [_decode_job(blob) for (blob,) in rows]

    async def put(self, job: ListJob, event: ListEvent, delivery: Delivery | None = None) -> bool:
        """Whether it was news. Rows of the preview that are in the new one no more stay nowhere."""
        news, erased = False, False

        def work(connection: sqlite3.Connection) -> None:
            nonlocal news, erased
            erased = bool(_rows_shown(_job(connection, job.id)) - _rows_shown(job))
            changed = connection.execute(
                "UPDATE jobs SET state = ?, revision = ?, job = ? WHERE id = ? AND revision < ?",
                (job.state, job.revision, _encode(job), job.id, job.revision),
            )
            news = changed.rowcount > 0
            if news:
                connection.execute("REPLACE INTO events VALUES (?, ?, ?)", (job.id, event.number, _encode(event)))
                oldest = event.number - _EVENTS_KEPT
                connection.execute("DELETE FROM events WHERE job = ? AND number <= ?", (job.id, oldest))
                if delivery is not None:
                    _put_delivery(connection, delivery)

        await self._file.transact(work)
        if news and erased:
            await self._file.write(empty_log)
        return news

    async def remove(self, list_id: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM jobs WHERE id = ?", (list_id,))
            connection.execute("DELETE FROM events WHERE job = ?", (list_id,))
            connection.execute("DELETE FROM deliveries WHERE job = ?", (list_id,))

        await self._file.transact(work)
        await self._file.write(empty_log)

    async def events(self, list_id: str, after: int, limit: int = 100) -> Sequence[ListEvent]:
        query = "SELECT event FROM events WHERE job = ? AND number > ? ORDER BY number LIMIT ?"
        rows = await self._file.read(lambda connection: connection.execute(query, (list_id, after, limit)).fetchall())
        return [_decode_event(blob) for (blob,) in rows]

    async def due(self, now: datetime, limit: int = 100) -> Sequence[Delivery]:
        query = "SELECT delivery FROM deliveries WHERE due <= ? ORDER BY due, id LIMIT ?"
        rows = await self._file.read(lambda connection: connection.execute(query, (now.timestamp(), limit)).fetchall())
        return [_decode_delivery(blob) for (blob,) in rows]

    async def put_delivery(self, delivery: Delivery) -> None:
        """Nothing where its list was removed meanwhile."""

        def work(connection: sqlite3.Connection) -> None:
            if _job(connection, delivery.list_id) is not None:
                _put_delivery(connection, delivery)

        await self._file.transact(work)

    async def delivery(self, list_id: str) -> Delivery | None:
        query = "SELECT delivery FROM deliveries WHERE job = ? ORDER BY number DESC LIMIT 1"
        row = await self._file.read(lambda connection: connection.execute(query, (list_id,)).fetchone())
        return None if row is None else _decode_delivery(row[0])


def _job(connection: sqlite3.Connection, list_id: str) -> ListJob | None:
    found = connection.execute("SELECT job FROM jobs WHERE id = ?", (list_id,)).fetchone()
    return None if found is None else _decode_job(found[0])


def _rows_shown(job: ListJob | None) -> set[tuple[str, ...]]:
    return set() if job is None or job.preview is None else set(job.preview.first_rows)


def _by_key(connection: sqlite3.Connection, job: ListJob) -> ListJob | None:
    """The job itself where it was added before, else the one that has its key."""
    known = _job(connection, job.id)
    if known is not None or not job.idempotency_key:
        return known
    found = connection.execute(
        "SELECT job FROM jobs WHERE workspace = ? AND idempotency_key = ?", (job.workspace, job.idempotency_key)
    ).fetchone()
    return None if found is None else _decode_job(found[0])


def _insert(connection: sqlite3.Connection, job: ListJob) -> None:
    key = job.idempotency_key or None
    created = job.created.timestamp()
    entry = (job.id, job.workspace, job.state, created, key, job.revision, _encode(job))
    connection.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?)", entry)


def _put_delivery(connection: sqlite3.Connection, delivery: Delivery) -> None:
    due = delivery.due.timestamp() if delivery.state is WebhookState.PENDING else None
    connection.execute(
        "INSERT INTO deliveries (id, job, due, delivery) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET due = excluded.due, delivery = excluded.delivery",
        (delivery.id, delivery.list_id, due, _encode(delivery)),
    )
