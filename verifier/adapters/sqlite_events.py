"""EventStore, OutcomeStore, SecretStore and ActivitySource in a SQLite file of the data folder, which several processes
may use at once.

Law: what was committed is not forgotten; a damaged file is never begun anew. Batches that come while a commit runs
share the next one. What is kept of an event stands under hashes; its address only until its effects are done
(secure_delete). What came longer ago than the retention is deleted, the outcomes that it had are kept.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from verifier.adapters.sqlite_file import SqliteFile, forget_for_good, keep_hashes
from verifier.adapters.sqlite_thread import GroupCommit, empty_log, write_rows
from verifier.core.calibration import Seen
from verifier.core.decisions import DECISIONS_KEPT, Became
from verifier.core.decisions import Outcome as Ended
from verifier.core.faults import ServiceUnavailable
from verifier.core.feedback.effects import History, Opt, SoftBounce, is_sign_of_life, is_soft, opt_of
from verifier.core.feedback.hook import Once
from verifier.core.mail_events import MailEvent
from verifier.feedback_ports import Arrival, Outcome, Waiting
from verifier.ports import Clock

_SCHEMA = (
    """
    CREATE TABLE events (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, mailbox TEXT NOT NULL, role INTEGER NOT NULL,
        at REAL NOT NULL, received REAL NOT NULL, event BLOB NOT NULL
    );
    CREATE INDEX events_of ON events (mailbox, role, at);
    CREATE TABLE waiting (number INTEGER PRIMARY KEY, mailbox TEXT NOT NULL, event BLOB NOT NULL);
    CREATE TABLE tokens (token TEXT PRIMARY KEY, digest TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE outcomes (
        mailbox TEXT NOT NULL, reason TEXT NOT NULL, provider TEXT NOT NULL, period INTEGER NOT NULL,
        risk REAL NOT NULL, hard INTEGER NOT NULL, PRIMARY KEY (mailbox, reason, provider, period)
    ) WITHOUT ROWID;
    CREATE TABLE active (recipient TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE secrets (source TEXT PRIMARY KEY, secrets BLOB NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE last (number INTEGER NOT NULL);
    INSERT INTO last VALUES (0)
    """,
    """
    CREATE TABLE became (
        recipient TEXT NOT NULL, at REAL NOT NULL, outcome TEXT NOT NULL, PRIMARY KEY (recipient, at, outcome)
    ) WITHOUT ROWID;
    CREATE INDEX became_by_age ON became (at)
    """,
    """
    DROP INDEX events_of;
    CREATE INDEX events_that_bear ON events (mailbox, role, at) WHERE role != 0;
    CREATE TABLE ended (
        at REAL NOT NULL, recipient TEXT NOT NULL, outcome TEXT NOT NULL, PRIMARY KEY (at, recipient, outcome)
    ) WITHOUT ROWID;
    INSERT INTO ended SELECT at, recipient, outcome FROM became ORDER BY at;
    DROP TABLE became
    """,
)
"""Hashes touch pages all over a file, and each is a page to write. Only what bears on a later event is found by its
mailbox, and what became of mails lies in order of time. Whoever is forgotten is found by reading through."""
RETENTION = timedelta(days=400)
"""More than a year, so that a yearly mail meets what became of the last one."""
_TOKENS_KEPT = timedelta(days=3)
_SWEEP = timedelta(hours=1)
_LOGGED = timedelta(minutes=1)
_SWEPT_AT_ONCE = 5000
_SLICE = 2000
_OTHER, _SOFT, _LIFE, _OPT = range(4)
_Item = TypeVar("_Item")
_encode = msgspec.msgpack.Encoder().encode
_decode_event = msgspec.msgpack.Decoder(MailEvent).decode
_decode_soft = msgspec.msgpack.Decoder(SoftBounce).decode
_decode_opt = msgspec.msgpack.Decoder(Opt).decode
_decode_secrets = msgspec.msgpack.Decoder(tuple[str, ...]).decode


class _Batch(Struct, eq=False):
    """One `add` on its way; `new` is its answer."""

    arrivals: Sequence[Arrival]
    once: Once | None
    new: int | None = 0


class SqliteEvents:
    """The file at `path`, opened when it is first needed; `close` comes last."""

    def __init__(self, path: Path, clock: Clock, retention: timedelta = RETENTION) -> None:
        self._file = SqliteFile(path, _SCHEMA, self._prepare)
        self._clock = clock
        self._retention = retention
        self._coming: GroupCommit[_Batch] = GroupCommit(self._write)
        self._swept: datetime | None = None
        self._logged: datetime | None = None

    async def close(self) -> None:
        await self._coming.settled()
        await self._file.close()

    async def add(self, arrivals: Sequence[Arrival], once: Once | None = None) -> int | None:
        batch = _Batch(arrivals, once)
        await asyncio.shield(self._coming.add([batch]))
        return batch.new

    async def waiting(self, limit: int) -> Sequence[Waiting]:
        """Before it is read, addresses of what was settled a minute ago leave the log too, unless others read it."""
        if self._logged is not None and abs(self._clock.now() - self._logged) >= _LOGGED:
            self._logged = None
            with suppress(ServiceUnavailable):
                await self._file.write(empty_log)
        query = "SELECT number, mailbox, event FROM waiting ORDER BY number LIMIT ?"
        rows = await self._file.read(lambda connection: connection.execute(query, (limit,)).fetchall())
        return [Waiting(number, mailbox, _decode_event(blob)) for number, mailbox, blob in rows]

    async def history(self, mailboxes: Sequence[str]) -> Mapping[str, History]:
        known: dict[str, History] = {}
        for some in _slices(mailboxes):
            known |= await self._file.read(partial(_histories, mailboxes=some))
        return known

    async def settle(
        self, through: int, outcomes: Sequence[Outcome], active: Mapping[str, datetime], became: Sequence[Became] = ()
    ) -> None:
        await self._file.transact(partial(_settle, through=through, outcomes=outcomes, active=active, became=became))
        self._logged = self._logged or self._clock.now()

    async def became(self, since: datetime) -> Sequence[Became]:
        query = "SELECT recipient, at, outcome FROM ended WHERE at >= ?"
        rows = await self._file.read(lambda connection: connection.execute(query, (since.timestamp(),)).fetchall())
        return [Became(recipient, datetime.fromtimestamp(at, UTC), Ended(outcome)) for recipient, at, outcome in rows]

    async def last_active(self, recipients: Sequence[str]) -> Mapping[str, datetime]:
        query = "SELECT recipient, at FROM active WHERE recipient IN (SELECT value FROM json_each(?))"
        rows = await self._file.read(lambda connection: connection.execute(query, (_json(recipients),)).fetchall())
        return {recipient: datetime.fromtimestamp(at, UTC) for recipient, at in rows}

    async def forget(self, mailbox: str, recipient: str) -> None:
        await self._file.erase(partial(_forget, mailbox=mailbox, recipient=recipient))

    async def seen(self) -> Sequence[Seen]:
        query = "SELECT reason, provider, count(*), sum(hard), sum(risk) FROM outcomes GROUP BY reason, provider"
        rows = await self._file.read(lambda connection: connection.execute(query).fetchall())
        return [Seen(reason, provider, total, hard, risk) for reason, provider, total, hard, risk in rows]

    async def secrets(self, source: str) -> Sequence[str]:
        query = "SELECT secrets FROM secrets WHERE source = ?"
        row = await self._file.read(lambda connection: connection.execute(query, (source,)).fetchone())
        return () if row is None else _decode_secrets(row[0])

    async def put_secrets(self, source: str, secrets: Sequence[str], at: datetime) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM secrets WHERE source = ?", (source,))
            if secrets:
                row = (source, _encode(tuple(secrets)), at.timestamp())
                connection.execute("INSERT INTO secrets VALUES (?, ?, ?)", row)

        await self._file.transact(work)

    async def _write(self, batches: list[_Batch]) -> None:
        now = self._clock.now()
        await self._file.transact(partial(_insert, batches=batches, now=now))
        if self._swept is None or now - self._swept > _SWEEP:
            self._swept = now
            while await self._file.read(partial(_sweep, now=now, retention=self._retention)):
                pass

    @staticmethod
    def _prepare(connection: sqlite3.Connection) -> None:
        forget_for_good(connection)
        keep_hashes(connection)


def _insert(connection: sqlite3.Connection, batches: Sequence[_Batch], now: datetime) -> None:
    first: int = connection.execute("SELECT number FROM last").fetchone()[0] + 1
    names = [arrival.name for batch in batches for arrival in batch.arrivals]
    known = {name for some in _slices(names) for name in _known(connection, some)}
    events: list[tuple[object, ...]] = []
    waiting: list[tuple[object, ...]] = []
    for batch in batches:
        batch.new = 0
        if batch.once is not None and not _is_its_own(connection, batch.once, now):
            batch.new = None
            continue
        for arrival in batch.arrivals:
            if arrival.name in known:
                continue
            known.add(arrival.name)
            batch.new += 1
            number, event = first + len(events), arrival.event
            role, kept = _kept(arrival)
            events.append((number, arrival.name, arrival.mailbox, role, event.at.timestamp(), now.timestamp(), kept))
            waiting.append((number, arrival.mailbox, _encode(event)))
    if events:
        write_rows(connection, "INSERT INTO events VALUES {rows}", events)
        write_rows(connection, "INSERT INTO waiting VALUES {rows}", waiting)
        connection.execute("UPDATE last SET number = ?", (first + len(events) - 1,))


def _known(connection: sqlite3.Connection, names: Sequence[str]) -> list[str]:
    query = "SELECT name FROM events WHERE name IN (SELECT value FROM json_each(?))"
    return [name for (name,) in connection.execute(query, (_json(names),))]


def _is_its_own(connection: sqlite3.Connection, once: Once, now: datetime) -> bool:
    """The token is new, or comes with the message that it came with before."""
    row = connection.execute("SELECT digest FROM tokens WHERE token = ?", (once.token,)).fetchone()
    if row is None:
        until = (now + _TOKENS_KEPT).timestamp()
        connection.execute("INSERT INTO tokens VALUES (?, ?, ?)", (once.token, once.digest, until))
        return True
    return bool(row[0] == once.digest)


def _kept(arrival: Arrival) -> tuple[int, bytes]:
    """What has to be known of an event later on, and how it is found."""
    event = arrival.event
    opt = opt_of(event)
    if opt is not None:
        return _OPT, _encode(opt)
    if is_soft(event):
        return _SOFT, _encode(SoftBounce(event.at, arrival.message))
    return (_LIFE if is_sign_of_life(event) else _OTHER), _encode((event.kind, event.bounce_class, event.source))


def _histories(connection: sqlite3.Connection, mailboxes: Sequence[str]) -> dict[str, History]:
    softs: dict[str, list[SoftBounce]] = {}
    opts: dict[str, list[Opt]] = {}
    names = _json(mailboxes)
    rows = connection.execute(
        "SELECT mailbox, role, event FROM events WHERE mailbox IN (SELECT value FROM json_each(?))"
        " AND role != 0 AND role IN (?, ?)",
        (names, _SOFT, _OPT),
    )
    for mailbox, role, blob in rows:
        if role == _SOFT:
            softs.setdefault(mailbox, []).append(_decode_soft(blob))
        else:
            opts.setdefault(mailbox, []).append(_decode_opt(blob))
    alive: dict[str, datetime] = {}
    if softs:
        query = (
            "SELECT mailbox, max(at) FROM events WHERE mailbox IN (SELECT value FROM json_each(?)) AND role != 0"
            " AND role = ? GROUP BY mailbox"
        )
        for mailbox, at in connection.execute(query, (_json(list(softs)), _LIFE)):
            alive[mailbox] = datetime.fromtimestamp(at, UTC)
    return {
        mailbox: History(tuple(softs.get(mailbox, ())), alive.get(mailbox), tuple(opts.get(mailbox, ())))
        for mailbox in softs.keys() | opts.keys()
    }


def _settle(
    connection: sqlite3.Connection,
    through: int,
    outcomes: Sequence[Outcome],
    active: Mapping[str, datetime],
    became: Sequence[Became],
) -> None:
    connection.execute("DELETE FROM waiting WHERE number <= ?", (through,))
    rows = [(o.mailbox, o.reason, o.provider, o.period, o.risk, int(o.hard)) for o in outcomes]
    statement = (
        "INSERT INTO outcomes SELECT * FROM (VALUES {rows}) WHERE true"
        " ON CONFLICT (mailbox, reason, provider, period) DO UPDATE SET hard = max(hard, excluded.hard)"
    )
    write_rows(connection, statement, rows)
    seen = "INSERT INTO active VALUES {rows} ON CONFLICT (recipient) DO UPDATE SET at = max(at, excluded.at)"
    write_rows(connection, seen, [(recipient, at.timestamp()) for recipient, at in active.items()])
    ends = [(each.at.timestamp(), each.recipient, each.outcome.value) for each in became]
    write_rows(connection, "INSERT OR IGNORE INTO ended VALUES {rows}", ends)


def _forget(connection: sqlite3.Connection, mailbox: str, recipient: str) -> None:
    for table in ("events", "waiting", "outcomes"):
        connection.execute(f"DELETE FROM {table} WHERE mailbox = ?", (mailbox,))
    for table in ("active", "ended"):
        connection.execute(f"DELETE FROM {table} WHERE recipient = ?", (recipient,))


def _sweep(connection: sqlite3.Connection, now: datetime, retention: timedelta) -> bool:
    """Deletes some of what is too old; whether there may be more. Numbers grow with the time of arrival."""
    connection.execute("DELETE FROM tokens WHERE until <= ?", (now.timestamp(),))
    connection.execute("DELETE FROM ended WHERE at < ?", ((now - DECISIONS_KEPT).timestamp(),))
    done = connection.execute(
        "DELETE FROM events WHERE received < ? AND number IN (SELECT number FROM events ORDER BY number LIMIT ?)",
        ((now - retention).timestamp(), _SWEPT_AT_ONCE),
    )
    return done.rowcount == _SWEPT_AT_ONCE


def _slices(items: Sequence[_Item]) -> Iterator[list[_Item]]:
    source = iter(items)
    while some := list(islice(source, _SLICE)):
        yield some


def _json(texts: Sequence[str]) -> str:
    return msgspec.json.encode(texts).decode()
