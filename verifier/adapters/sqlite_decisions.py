"""DecisionLog in a SQLite file of the data folder: gathered for a second, written together, kept for a while.

Where it cannot be written, decisions go on: what could not be logged is counted and said once.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from verifier.adapters.sqlite_thread import SqliteThread, open_database, transact, unwritten, write_rows
from verifier.core.decisions import DECISIONS_KEPT, Decided, Tallied
from verifier.core.faults import ServiceUnavailable
from verifier.core.gate_words import GateDecision
from verifier.ports import Clock

_SCHEMA = (
    """
    CREATE TABLE decisions (
        at REAL NOT NULL, surface TEXT NOT NULL, observed INTEGER NOT NULL, recipient TEXT NOT NULL,
        masked TEXT NOT NULL, message_class TEXT NOT NULL, sender TEXT, campaign TEXT, policy TEXT NOT NULL,
        rule TEXT NOT NULL, decision TEXT NOT NULL, degraded INTEGER NOT NULL
    );
    CREATE INDEX decisions_by_age ON decisions (at);
    CREATE INDEX decisions_by_recipient ON decisions (recipient)
    """,
)
_INSERT = "INSERT INTO decisions VALUES {rows}"
_PAUSE = 1.0
_MOST_WAITING = 100_000
_AT_ONCE = 1024


class SqliteDecisions:
    """The file at `path`, opened when it is first needed; `close` comes last and writes what is still to be written."""

    def __init__(self, path: Path, clock: Clock, warn: Callable[[str], None]) -> None:
        self._path = path
        self._clock = clock
        self._warn = warn
        self._failing = False
        self._waiting: deque[Decided] = deque(maxlen=_MOST_WAITING)
        self._writing: asyncio.Task[None] | None = None
        self._thread = SqliteThread(self._connect)

    async def close(self) -> None:
        await self.settled()
        await self._thread.close()

    def note(self, decided: Sequence[Decided]) -> None:
        self._waiting.extend(decided)
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    async def settled(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])
        await self._write()

    async def tally(self, since: datetime) -> Sequence[Tallied]:
        try:
            return await self._thread.call(partial(_tally, since=since))
        except (sqlite3.DatabaseError, OSError) as error:
            raise ServiceUnavailable(f"{self._path} cannot be read: {error}.") from None

    async def forget(self, recipient: str) -> None:
        await self.settled()
        try:
            await self._thread.call(partial(_forget, recipient=recipient))
        except (sqlite3.DatabaseError, OSError) as error:
            raise unwritten(str(self._path), error) from None

    async def _write_soon(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(_PAUSE)
                await self._write()
        finally:
            self._writing = None

    async def _write(self) -> None:
        while self._waiting:
            rows = [_row(self._waiting.popleft()) for _ in range(min(len(self._waiting), _AT_ONCE))]
            try:
                await self._thread.call(partial(_insert, rows=rows))
                self._failing = False
            except (sqlite3.DatabaseError, OSError, ServiceUnavailable) as error:
                if not self._failing:
                    self._warn(f"Decisions are not logged: {unwritten(str(self._path), error)}")
                self._failing = True

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = open_database(self._path, _SCHEMA)
        connection.execute("DELETE FROM decisions WHERE at < ?", ((self._clock.now() - DECISIONS_KEPT).timestamp(),))
        return connection


def _row(each: Decided) -> tuple[object, ...]:
    return (
        each.at.timestamp(),
        each.surface,
        each.observed,
        each.recipient,
        each.masked,
        each.message_class,
        each.sender,
        each.campaign,
        each.policy,
        each.rule,
        each.decision,
        each.degraded,
    )


def _insert(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    transact(connection, lambda open_: write_rows(open_, _INSERT, rows))


def _tally(connection: sqlite3.Connection, since: datetime) -> list[Tallied]:
    names = "surface, observed, message_class, policy, rule, decision"
    rows = connection.execute(
        f"SELECT {names}, count(*), sum(degraded) FROM decisions WHERE at >= ? GROUP BY {names} ORDER BY {names}",
        (since.timestamp(),),
    )
    return [
        Tallied(surface, bool(observed), message_class, policy, rule, GateDecision(decision), count, degraded)
        for surface, observed, message_class, policy, rule, decision, count, degraded in rows
    ]


def _forget(connection: sqlite3.Connection, recipient: str) -> None:
    connection.execute("UPDATE decisions SET recipient = '', masked = '***' WHERE recipient = ?", (recipient,))
