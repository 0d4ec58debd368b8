"""A SQLite file of the data folder as stores use it: what goes wrong with it is the operator's to hear, by its name."""

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from verifier.adapters.sqlite_thread import SqliteThread, empty_log, is_damage, open_database, transact, unwritten
from verifier.core.faults import ServiceUnavailable

_Result = TypeVar("_Result")
_CACHE_KB = 64 * 1024
_LOGGED_PAGES = 8000
_FAULTS = (sqlite3.DatabaseError, OSError, msgspec.MsgspecError)


def _nothing(_: sqlite3.Connection) -> None:
    pass


class SqliteFile:
    """One connection to the file at `path`, opened when it is first needed, its folder made; `close` comes last.

    `scripts` as for `open_database`; `prepare` is run on every new connection.
    """

    def __init__(
        self, path: Path, scripts: tuple[str, ...], prepare: Callable[[sqlite3.Connection], None] = _nothing
    ) -> None:
        self.path = path
        self._scripts = scripts
        self._prepare = prepare
        self._thread = SqliteThread(self._connect)

    async def close(self) -> None:
        await self._thread.close()

    async def read(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """What `work` returns. Raises ServiceUnavailable where the file cannot be read."""
        try:
            return await self._thread.call(work)
        except _FAULTS as error:
            raise _unread(self.path, error) from None

    async def write(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """The same of work that writes. Raises DiskFull where that is why it cannot."""
        try:
            return await self._thread.call(work)
        except _FAULTS as error:
            raise _unread(self.path, error) if is_damage(error) else unwritten(str(self.path), error) from None

    async def transact(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """`write` in one transaction: all of it is written, or nothing."""
        await self.write(partial(transact, work=work))

    async def erase(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """`transact` of work that deletes or overwrites: nothing stays in the file (`forget_for_good`) or in its log.

        Raises ServiceUnavailable where that cannot be promised.
        """
        await self.transact(work)
        await self.write(empty_log)

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = open_database(self.path, self._scripts)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def forget_for_good(connection: sqlite3.Connection) -> None:
    """A `prepare`: what is deleted is overwritten, so that nothing of it stays in the file."""
    connection.execute("PRAGMA secure_delete=ON")


def keep_hashes(connection: sqlite3.Connection) -> None:
    """A `prepare` for many rows under hashes, which touch pages all over the file: the longer the log, the more of them
    go to the file once for several rows. With SQLite's own 1000 pages a quarter more was written, and an event cost a
    seventh more.
    """
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
    connection.execute(f"PRAGMA wal_autocheckpoint={_LOGGED_PAGES}")


def examine_file(path: Path) -> None:
    """Raises ServiceUnavailable where the file cannot be opened anew: an open connection may not notice for long that
    it was taken away or replaced. Blocks for a moment.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        finally:
            connection.close()
    except _FAULTS as error:
        raise _unread(path, error) from None


def _unread(path: Path, error: Exception) -> ServiceUnavailable:
    if is_damage(error):
        return ServiceUnavailable(
            f"{path} is damaged ({error}): restore it from a backup; whoever moves it away instead loses what it held."
        )
    return ServiceUnavailable(f"{path} cannot be read: {error}.")
