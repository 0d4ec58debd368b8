"""When mail was first held, in a SQLite file of the data folder: a restart does not begin a hold anew.

Law: it names nobody (keyed hashes), forgets by itself and is bounded as `Holds` is; and a fault of it is reported, and
holds up no mail.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from verifier.adapters.sqlite_file import SqliteFile
from verifier.adapters.sqlite_thread import GroupCommit, write_rows
from verifier.core.faults import ServiceUnavailable
from verifier.core.holding import MOST_HOLDS, REMEMBERED
from verifier.ports import Clock

_SCHEMA = (
    """
    CREATE TABLE holds (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, at REAL NOT NULL);
    CREATE INDEX holds_by_age ON holds (at)
    """,
)
_Hold = tuple[str, datetime]


class SqliteHolds:
    """The file at `path`, opened when it is first needed; `close` comes last."""

    def __init__(
        self, path: Path, clock: Clock, report_fault: Callable[[BaseException], None], most: int = MOST_HOLDS
    ) -> None:
        self._file = SqliteFile(path, _SCHEMA)
        self._clock = clock
        self._report_fault = report_fault
        self._most = most
        self._coming: GroupCommit[_Hold] = GroupCommit(self._write)

    async def close(self) -> None:
        await self._coming.settled()
        await self._file.close()

    async def known(self) -> Mapping[str, datetime]:
        """When each hold that is remembered began, the oldest first; nothing where the file cannot be read."""
        try:
            await self._file.transact(self._sweep)
            rows = await self._file.read(
                lambda file: file.execute("SELECT name, at FROM holds ORDER BY number").fetchall()
            )
        except ServiceUnavailable as fault:
            self._report_fault(fault)
            return {}
        return {name: datetime.fromtimestamp(at, UTC) for name, at in rows}

    def note(self, name: str, at: datetime) -> None:
        """A hold began; it is written a moment later."""
        self._coming.add([(name, at)])

    async def _write(self, holds: Sequence[_Hold]) -> None:
        try:
            await self._file.transact(partial(self._keep, holds=holds))
        except ServiceUnavailable as fault:
            self._report_fault(fault)

    def _keep(self, file: sqlite3.Connection, holds: Sequence[_Hold]) -> None:
        rows = [(name, at.timestamp()) for name, at in dict(holds).items()]
        write_rows(file, "INSERT OR REPLACE INTO holds (name, at) VALUES {rows}", rows)
        self._sweep(file)

    def _sweep(self, file: sqlite3.Connection) -> None:
        file.execute("DELETE FROM holds WHERE at <= ?", ((self._clock.now() - REMEMBERED).timestamp(),))
        file.execute("DELETE FROM holds WHERE number <= (SELECT max(number) FROM holds) - ?", (self._most,))
