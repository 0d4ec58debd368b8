"""One SQLite connection in a thread of its own, so that no statement ever holds the event loop.

Law: work is done in the order in which it was handed in. Writes that are handed in while a transaction runs share the
next one (group commit), so that many small writers cost few commits.

WAL with synchronous=NORMAL: a commit is a write() to the log without fsync. What was written is the kernel's, so it
survives kill -9 of this process; only a crash of the machine can lose the last commits, and never corrupts the file
(sqlite.org/wal.html §2.4, pragma synchronous).
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from errno import ENOSPC
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from verifier.core.faults import DiskFull, ServiceUnavailable

_Result = TypeVar("_Result")
_Item = TypeVar("_Item")
_BUSY_SECONDS = 5.0
_BUSY_PAUSE = 0.01
_BESIDE = 1 << 16
_COMMIT_PAUSE = 0.02
_ROWS_AT_ONCE = (1024, 256, 64, 16, 4, 1)
"""Few sizes, so that few statements have to be prepared."""


class SqliteThread:
    """Runs functions of the connection, one after another. `connect` is called in the thread, by the first of them."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sqlite")

    async def call(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """What `work` returns or raises. Once begun it is done to its end, even where the caller is cancelled."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._work, work)

    async def replace(self, prepare: Callable[[], None]) -> None:
        """Closes the connection and runs `prepare`; the next call connects anew."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._renew, prepare)

    async def close(self) -> None:
        """Closes the connection after all that was handed in before."""
        await self.replace(_nothing)
        self._executor.shutdown(wait=False)

    def _work(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        if self._connection is None:
            self._connection = self._connect()
        return work(self._connection)

    def _renew(self, prepare: Callable[[], None]) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        prepare()


class GroupCommit(Generic[_Item]):
    """Gathers items while a commit runs, and for `pause` seconds after it unless somebody waits for it to be `settled`,
    and writes them together in the next: a commit a group of a busy list would cost more than asking it.
    """

    def __init__(self, write: Callable[[list[_Item]], Awaitable[None]], pause: float = _COMMIT_PAUSE) -> None:
        self._write = write
        self._pause = pause
        self._gathered: list[_Item] = []
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._rested_at = 0.0
        self._pressed = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many items no commit has taken up yet."""
        return len(self._gathered)

    def add(self, items: Iterable[_Item]) -> "asyncio.Task[None]":
        """The commit that will hold the items; await it behind a shield, for others share it."""
        self._gathered.extend(items)
        if self._next is None:
            self._next = asyncio.create_task(self._commit(self._running))
        return self._next

    async def settled(self) -> None:
        """Returns once everything that was added before is written, or has failed to be. What is added meanwhile is not
        waited for: where many write, there would be no end of it.
        """
        last = self._next or self._running
        if last is not None and not last.done():
            self._pressed.set()
            await asyncio.wait([last])

    async def _commit(self, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait([before])
        pause = self._rested_at - asyncio.get_running_loop().time()
        if pause > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._pressed.wait(), pause)
        self._pressed.clear()
        items, self._gathered = self._gathered, []
        self._running, self._next = self._next, None
        try:
            await self._write(items)
        finally:
            self._rested_at = asyncio.get_running_loop().time() + self._pause


def open_database(
    path: Path, scripts: tuple[str, ...], *, exclusive: bool = False, create: bool = True
) -> sqlite3.Connection:
    """A connection in autocommit mode to a file that only this user may read, its schema brought up to date.

    `scripts[n]` takes the schema from version n to n + 1. Raises ServiceUnavailable where a newer version of this
    program wrote the file, where it cannot be opened, where `exclusive` and another process has it open, or where it is
    not there and shall not be created; and sqlite3.DatabaseError where the file is no database or is damaged.
    """
    try:
        _make(path) if create else os.utime(path)
    except OSError as error:
        raise ServiceUnavailable(f"{path} cannot be opened: {error.strerror or error}.") from None
    patience = 0.0 if exclusive else _BUSY_SECONDS
    mode = f"{path.absolute().as_uri()}?mode=rw"  # should it be deleted meanwhile, no other is made
    try:
        connection = sqlite3.connect(mode, patience, isolation_level=None, check_same_thread=False, uri=True)
    except sqlite3.OperationalError as error:
        raise ServiceUnavailable(f"{path} cannot be opened: {error}.") from None
    try:
        if exclusive:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        _write_ahead(connection, round(patience / _BUSY_PAUSE))
        connection.execute("PRAGMA synchronous=NORMAL")
        _migrate(connection, path, scripts)
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise ServiceUnavailable(f"{path} is in use by another process.") from None
        kind = DiskFull if _is_full(path) else ServiceUnavailable  # it writes beside the file, to read it too
        raise kind(f"{path} cannot be opened: {error}.") from None
    except (sqlite3.DatabaseError, ServiceUnavailable):
        connection.close()
        raise
    return connection


def _is_full(path: Path) -> bool:
    """Its disk has no room for what SQLite keeps beside a file that is open."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize < _BESIDE


def _make(path: Path) -> None:
    """Makes the file, or marks it as used just now. One that is there is not opened for that: closing it again would
    drop the locks of every other connection that this process has to it (sqlite.org/howtocorrupt.html §2.2).
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        os.utime(path)


def _write_ahead(connection: sqlite3.Connection, retries: int) -> None:
    """SQLite's own timeout does not hold for this pragma: two processes that open a new file would be told at once that
    it is busy, each by the other (sqlite.org/c3ref/busy_handler.html).
    """
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not retries:
                raise
        retries -= 1
        time.sleep(_BUSY_PAUSE)


def transact(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], object]) -> None:
    """Runs `work` in one transaction: all of it is written, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        work(connection)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def write_rows(
    connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[object, ...]]
) -> list[tuple[Any, ...]]:
    """Runs `statement`, whose `{rows}` stands for the rows of a VALUES clause, with as many rows at a time as possible;
    gives what it is RETURNING.

    Each step of a statement gives the interpreter's lock away, and a busy event loop gives it back 5 ms later: with a
    statement a row, a commit of a hundred rows took a second.
    """
    done, returned = 0, []
    while done < len(rows):
        size = next(size for size in _ROWS_AT_ONCE if size <= len(rows) - done)
        some = rows[done : done + size]
        values = ",".join(["(" + ",".join("?" * len(some[0])) + ")"] * size)
        returned += connection.execute(statement.format(rows=values), [cell for row in some for cell in row]).fetchall()
        done += size
    return returned


def empty_log(connection: sqlite3.Connection) -> None:
    """What was deleted or overwritten stands in the log until this takes the log into the file and cuts it to
    nothing. Raises OperationalError where others read the file for longer than the connection waits.
    """
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise sqlite3.OperationalError("it is being read; what was to be erased is still in its log: try again")


def is_damage(error: Exception) -> bool:
    """The file is no database, or a broken one: nothing that time or space on the disk would put right."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def unwritten(what: str, error: Exception) -> ServiceUnavailable:
    """What to raise where `what` cannot be written: DiskFull where that is why."""
    full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL or getattr(error, "errno", 0) == ENOSPC
    kind = DiskFull if full else ServiceUnavailable
    return kind(f"{what} cannot be written: {error}.")


def _migrate(connection: sqlite3.Connection, path: Path, scripts: tuple[str, ...]) -> None:
    version = _version(connection)
    if version > len(scripts):
        raise ServiceUnavailable(
            f"{path} was written by a newer version of verifier (schema {version}, this one knows {len(scripts)}): "
            "upgrade verifier, or set VERIFIER_DATA_DIR to another folder."
        )
    if version < len(scripts):
        transact(connection, partial(_bring_up_to_date, scripts=scripts))


def _bring_up_to_date(connection: sqlite3.Connection, scripts: tuple[str, ...]) -> None:
    version = _version(connection)
    for statement in ";".join(scripts[version:]).split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version={max(version, len(scripts))}")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _nothing() -> None:
    pass
