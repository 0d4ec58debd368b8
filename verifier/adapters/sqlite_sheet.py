"""Sheet and SheetVerdicts: the rows of one list in a SQLite file, in packed blocks, with their verdicts beside them.

Law: rows come out as they were put in, cell by cell; a file counts as whole once its layout is there; the counts are
those of the blocks that are settled. A block of verdicts takes some 20 bytes a row, for most are alike.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import cast

import msgspec
from isal import isal_zlib

from verifier.adapters.sqlite_thread import is_damage, open_database, transact, unwritten
from verifier.core.faults import InputError, ServiceUnavailable
from verifier.core.list_counts import Counts
from verifier.core.list_rows import Block, Row, Settled
from verifier.core.reasons import Reason
from verifier.core.table import ABSENT, NULL, JsonText, Layout
from verifier.core.verdict import Assessment

_SCHEMA = (
    """
    CREATE TABLE blocks (number INTEGER PRIMARY KEY, first INTEGER NOT NULL, repeats BLOB NOT NULL, rows BLOB NOT NULL);
    CREATE INDEX blocks_by_first ON blocks (first);
    CREATE TABLE verdicts (number INTEGER PRIMARY KEY, reasons TEXT NOT NULL, counts BLOB NOT NULL, rows BLOB NOT NULL);
    CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID
    """,
)
_FAST = 1
_PLAIN, _TAGGED, _NULL = b"p", b"t", b"jnull"
_FILES = ("", "-wal", "-shm")
_APPENDED = 20

_IsalError = cast(type[Exception], isal_zlib.IsalError)  # its stub takes the class for an instance
_DAMAGE = (sqlite3.DatabaseError, _IsalError, msgspec.MsgspecError)

_encode = msgspec.msgpack.Encoder().encode
_decode_rows = msgspec.msgpack.Decoder(list[list[str]]).decode
_decode_tagged = msgspec.msgpack.Decoder(list[list[bytes]]).decode
_decode_numbers = msgspec.msgpack.Decoder(list[int]).decode
_decode_assessments = msgspec.msgpack.Decoder(list[list[Assessment]]).decode
_decode_counts = msgspec.msgpack.Decoder(Counts).decode
_decode_layout = msgspec.msgpack.Decoder(Layout).decode


class SqliteSheet:
    """The sheet at `path`; `anew` begins an empty one. As a context it is closed at the end."""

    def __init__(self, path: Path, *, anew: bool = False) -> None:
        self._path = path
        if anew:
            for suffix in _FILES:
                path.with_name(path.name + suffix).unlink(missing_ok=True)
        try:
            self._connection = open_database(path, _SCHEMA, create=anew)
        except ServiceUnavailable:
            if anew or path.exists():
                raise
            raise InputError("The rows of this list are not there any more.") from None
        except sqlite3.DatabaseError as error:
            raise _unreadable(path, error) from None
        self._connection.execute("PRAGMA secure_delete=ON")
        self._waiting: list[tuple[int, int, bytes, bytes]] = []
        self._next, self._rows = 0, 0

    def __enter__(self) -> "SqliteSheet":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        if isinstance(error, _DAMAGE):
            raise _unreadable(self._path, error) from None

    def append(self, rows: Sequence[Row], repeats: Sequence[int]) -> None:
        """One more block, of a sheet that is not sealed yet."""
        self._waiting.append((self._next, self._rows + 1, _encode(list(repeats)), _packed_rows(rows)))
        self._next += 1
        self._rows += len(rows)
        if len(self._waiting) >= _APPENDED:
            self._flush()

    def seal(self, layout: Layout) -> None:
        """All rows are there, or their layout has changed."""
        self._flush()
        self._write(partial(_put_about, name="layout", value=_encode(layout)))

    @property
    def layout(self) -> Layout:
        """Raises InputError where the sheet is not whole."""
        value = self._about("layout")
        if value is None:
            raise InputError("The rows of this list are not there any more.")
        return _decode_layout(value)

    def block(self, number: int) -> Block | None:
        """The block, None behind the last."""
        found = self._connection.execute(
            "SELECT first, repeats, rows FROM blocks WHERE number = ?", (number,)
        ).fetchone()
        if found is None:
            return None
        first, repeats, rows = found
        return Block(number, first, _unpacked_rows(rows), _decode_numbers(repeats))

    def first_at(self, row: int) -> int | None:
        """The number of the block that has this row, None behind the last and where there is none."""
        if row > self.layout.rows:
            return None
        found = self._connection.execute(
            "SELECT number FROM blocks WHERE first <= ? ORDER BY first DESC LIMIT 1", (row,)
        )
        return next((number for (number,) in found), None)

    def change(self, block: Block) -> None:
        """Replaces rows and repeats of a block."""
        entry = (_encode(block.repeats), _packed_rows(block.rows), block.number)
        self._write(lambda c: _run(c, "UPDATE blocks SET repeats = ?, rows = ? WHERE number = ?", entry))

    def settle(self, blocks: Sequence[Settled]) -> Counts:
        """All of it or nothing; the counts of everything that is settled."""
        whole = Counts()

        def work(connection: sqlite3.Connection) -> None:
            nonlocal whole
            whole = _totals(connection)
            for block in blocks:
                old = connection.execute("SELECT counts FROM verdicts WHERE number = ?", (block.number,)).fetchone()
                if old is not None:
                    whole = whole.plus(_decode_counts(old[0]), -1)
                whole = whole.plus(block.counts)
                entry = (
                    block.number,
                    _joined(block.reasons),
                    _encode(block.counts),
                    _packed(block.assessments),
                )
                connection.execute("REPLACE INTO verdicts VALUES (?, ?, ?, ?)", entry)
            _put_about(connection, "counts", _encode(whole))

        self._write(work)
        return whole

    def settled(self, number: int) -> Settled | None:
        """What is known of a block, None where it was not judged yet."""
        found = self._connection.execute("SELECT counts, rows FROM verdicts WHERE number = ?", (number,)).fetchone()
        if found is None:
            return None
        return Settled(number, _decode_assessments(isal_zlib.decompress(found[1])), _decode_counts(found[0]))

    def reasons(self, first: int, count: int) -> Mapping[int, frozenset[Reason]]:
        """The reasons that occur in each of these blocks that is settled."""
        found = self._connection.execute(
            "SELECT number, reasons FROM verdicts WHERE number >= ? AND number < ?", (first, first + count)
        )
        return {number: frozenset(map(Reason, text.split())) for number, text in found}

    def unsettle(self) -> None:
        """Nothing is known of any row."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM verdicts")
            _put_about(connection, "counts", _encode(Counts()))

        self._write(work)

    def _flush(self) -> None:
        if not self._path.exists():  # its list was deleted meanwhile: who reads a million rows for it stops
            raise InputError("The rows of this list are not there any more.")
        waiting, self._waiting = self._waiting, []
        self._write(lambda c: _run_many(c, "INSERT INTO blocks VALUES (?, ?, ?, ?)", waiting))

    def _about(self, name: str) -> bytes | None:
        found = self._connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if found is None else bytes(found[0])

    def _write(self, work: Callable[[sqlite3.Connection], None]) -> None:
        try:
            transact(self._connection, work)
        except sqlite3.DatabaseError as error:
            raise unwritten(f"The sheet {self._path.parent.name}", error) from None


def _unreadable(path: Path, error: Exception) -> ServiceUnavailable:
    name = path.parent.name
    if isinstance(error, sqlite3.DatabaseError) and not is_damage(error):
        return ServiceUnavailable(f"The rows of list {name} cannot be read: {error}.")
    return ServiceUnavailable(f"The rows of list {name} are damaged ({error}): delete that list, and hand it in again.")


def _totals(connection: sqlite3.Connection) -> Counts:
    found = connection.execute("SELECT value FROM about WHERE name = 'counts'").fetchone()
    return Counts() if found is None else _decode_counts(found[0])


def _put_about(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    connection.execute("REPLACE INTO about VALUES (?, ?)", (name, value))


def _run(connection: sqlite3.Connection, statement: str, entry: Sequence[object]) -> None:
    connection.execute(statement, entry)


def _run_many(connection: sqlite3.Connection, statement: str, entries: Sequence[Sequence[object]]) -> None:
    connection.executemany(statement, entries)


def _joined(reasons: frozenset[Reason]) -> str:
    return " ".join(sorted(reasons))


def _packed(value: object) -> bytes:
    return isal_zlib.compress(_encode(value), _FAST)


def _packed_rows(rows: Sequence[Row]) -> bytes:
    """Most rows are plain; with a cell that was no JSON string, or is no valid Unicode, all are tagged bytes."""
    try:
        return _PLAIN + _packed(rows)
    except (TypeError, UnicodeEncodeError):
        return _TAGGED + _packed([[_tagged(cell) for cell in row] for row in rows])


def _unpacked_rows(blob: bytes) -> list[Row]:
    content = isal_zlib.decompress(blob[1:])
    if blob[:1] == _PLAIN:
        return _decode_rows(content)
    return [[_untagged(cell) for cell in row] for row in _decode_tagged(content)]


def _tagged(cell: str) -> bytes:
    if cell is NULL:
        return _NULL
    return (b"j" if type(cell) is JsonText else b"t") + cell.encode("utf-8", "surrogatepass")


def _untagged(cell: bytes) -> str:
    if cell == _NULL:
        return NULL
    text = cell[1:].decode("utf-8", "surrogatepass")
    if cell[:1] != b"j":
        return text
    return JsonText(text) if text else ABSENT
