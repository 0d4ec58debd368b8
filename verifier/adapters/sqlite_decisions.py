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

from verifier.adapters.sqlite_file import SqliteFile, forget_for_good
from verifier.adapters.sqlite_thread import empty_log, transact, write_rows
from verifier.core.decisions import DECISIONS_KEPT, Became, Decided, Outcome, Tallied
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
    "DROP INDEX decisions_by_recipient",
    """
    CREATE TABLE kinds (
        id INTEGER PRIMARY KEY, surface TEXT NOT NULL, observed INTEGER NOT NULL, message_class TEXT NOT NULL,
        policy TEXT NOT NULL, rule TEXT NOT NULL, decision TEXT NOT NULL, degraded INTEGER NOT NULL,
        UNIQUE (surface, observed, message_class, policy, rule, decision, degraded)
    );
    CREATE TABLE decided (
        at REAL NOT NULL, kind INTEGER NOT NULL, recipient TEXT NOT NULL, masked TEXT NOT NULL, sender TEXT,
        campaign TEXT
    );
    INSERT INTO kinds SELECT DISTINCT NULL, surface, observed, message_class, policy, rule, decision, degraded
        FROM decisions;
    INSERT INTO decided SELECT at, id, recipient, masked, sender, campaign FROM decisions
        NATURAL JOIN kinds ORDER BY decisions.rowid;
    DROP TABLE decisions;
    CREATE INDEX decided_by_age ON decided (at)
    """,
)
"""What was said is one of few kinds, and each is written once: a row of seven words more took twice as long.

There is no index of recipients: each row would have its place anywhere in it, which cost ten times what the row itself
costs, and more with every row. Whoever is looked for is found by reading the log through.
"""
_INSERT = "INSERT INTO decided VALUES {rows}"
_KIND = "surface, observed, message_class, policy, rule, decision, degraded"
_END = """
    INSERT INTO ended SELECT decision, outcome FROM (
        SELECT d.rowid AS decision, b.outcome AS outcome, max(d.at)
        FROM decided d CROSS JOIN became b ON b.recipient = d.recipient AND d.at < b.at + 1
        WHERE d.at >= :since AND d.recipient != '' GROUP BY b.rowid
    )
"""
_FLAGS = ", ".join(f"max(outcome = '{outcome}') AS {outcome}" for outcome in Outcome)
_ENDED = ", ".join(f"coalesce(sum({outcome}), 0)" for outcome in Outcome)
_PAUSE = 1.0
_MOST_WAITING = 100_000
_AT_ONCE = 1024
_Kind = tuple[str, bool, str, str, str, str, bool]
"""What was said, as the columns of `kinds` have it."""
_READ_AT_ONCE = 500_000
"""Rows that are read through before others may write again."""


class SqliteDecisions:
    """The file at `path`, opened when it is first needed; `close` comes last and writes what is still to be written."""

    def __init__(self, path: Path, clock: Clock, warn: Callable[[str], None]) -> None:
        self._file = SqliteFile(path, _SCHEMA, self._prepare)
        self._clock = clock
        self._warn = warn
        self._failing = False
        self._waiting: deque[Decided] = deque(maxlen=_MOST_WAITING)
        self._writing: asyncio.Task[None] | None = None
        self._kinds: dict[_Kind, int] = {}

    async def close(self) -> None:
        await self.settled()
        await self._file.close()

    def note(self, decided: Sequence[Decided]) -> None:
        self._waiting.extend(decided)
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    async def settled(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])
        await self._write()

    async def tally(self, since: datetime, became: Sequence[Became] = ()) -> Sequence[Tallied]:
        return await self._file.read(partial(_tally, since=since, became=became))

    async def forget(self, recipient: str) -> None:
        await self.settled()
        first, last = await self._file.read(_extent)
        for start in range(first, last + 1, _READ_AT_ONCE):
            await self._file.transact(partial(_forget, recipient=recipient, start=start))
        await self._file.write(empty_log)

    async def _write_soon(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(_PAUSE)
                await self._write()
        finally:
            self._writing = None

    async def _write(self) -> None:
        """What waits by now. What comes meanwhile waits for the next time: else, of many, each would be a commit."""
        for _ in range(0, len(self._waiting), _AT_ONCE):
            some = [self._waiting.popleft() for _ in range(min(len(self._waiting), _AT_ONCE))]
            try:
                self._kinds = await self._file.write(partial(_insert, some=some, known=self._kinds))
                self._failing = False
            except ServiceUnavailable as error:
                if not self._failing:
                    self._warn(f"Decisions are not logged: {error}")
                self._failing = True

    def _prepare(self, connection: sqlite3.Connection) -> None:
        forget_for_good(connection)
        connection.execute("DELETE FROM decided WHERE at < ?", ((self._clock.now() - DECISIONS_KEPT).timestamp(),))


def _kind(each: Decided) -> _Kind:
    return each.surface, each.observed, each.message_class, each.policy, each.rule, each.decision, each.degraded


def _insert(connection: sqlite3.Connection, some: Sequence[Decided], known: dict[_Kind, int]) -> dict[_Kind, int]:
    """Writes them; gives the numbers of all kinds that are known by then."""
    kinds = [_kind(each) for each in some]
    new = {kind for kind in kinds if kind not in known}

    def write(open_: sqlite3.Connection) -> None:
        numbers.update({kind: _number(open_, kind) for kind in new})
        rows = [
            (each.at.timestamp(), numbers[kind], each.recipient, each.masked, each.sender, each.campaign)
            for each, kind in zip(some, kinds, strict=True)
        ]
        write_rows(open_, _INSERT, rows)

    numbers = known | {} if new else known
    transact(connection, write)
    return numbers


def _number(connection: sqlite3.Connection, kind: _Kind) -> int:
    """That of a kind which another process may have written meanwhile."""
    words = [str(part) if isinstance(part, str) else int(part) for part in kind]
    connection.execute(f"INSERT OR IGNORE INTO kinds ({_KIND}) VALUES (?, ?, ?, ?, ?, ?, ?)", words)
    where = " AND ".join(f"{name} = ?" for name in _KIND.split(", "))
    number: int = connection.execute(f"SELECT id FROM kinds WHERE {where}", words).fetchone()[0]
    return number


def _tally(connection: sqlite3.Connection, since: datetime, became: Sequence[Became]) -> list[Tallied]:
    """An outcome belongs to the last decision before it: of the same second too, since senders tell whole ones."""
    start = since.timestamp()
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS became (recipient TEXT, at REAL, outcome TEXT)")
    connection.execute("CREATE INDEX IF NOT EXISTS temp.became_by_recipient ON became (recipient)")
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS ended (decision INTEGER, outcome TEXT)")
    try:
        rows = [(each.recipient, each.at.timestamp(), each.outcome.value) for each in became]
        connection.executemany("INSERT INTO became VALUES (?, ?, ?)", rows)
        if rows:
            connection.execute(_END, {"since": start})
        names = "surface, observed, message_class, policy, rule, decision"
        found = connection.execute(
            f"WITH ends AS (SELECT decision AS id, {_FLAGS} FROM ended GROUP BY decision)"
            f" SELECT {names}, count(*), sum(degraded), {_ENDED}"
            " FROM decided JOIN kinds ON kinds.id = kind LEFT JOIN ends ON ends.id = decided.rowid"
            f" WHERE at >= ? GROUP BY {names} ORDER BY {names}",
            (start,),
        ).fetchall()
    finally:
        connection.execute("DELETE FROM became")
        connection.execute("DELETE FROM ended")
    return [
        Tallied(surface, bool(observed), message_class, policy, rule, GateDecision(decision), *counts)
        for surface, observed, message_class, policy, rule, decision, *counts in found
    ]


def _extent(connection: sqlite3.Connection) -> tuple[int, int]:
    first, last = connection.execute("SELECT min(rowid), max(rowid) FROM decided").fetchone()
    return first or 0, last or 0


def _forget(connection: sqlite3.Connection, recipient: str, start: int) -> None:
    connection.execute(
        "UPDATE decided SET recipient = '', masked = '***' WHERE rowid >= ? AND rowid < ? AND recipient = ?",
        (start, start + _READ_AT_ONCE, recipient),
    )
