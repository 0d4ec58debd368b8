"""Journal of a run in a SQLite file of its own, so that a run that was killed goes on where it was.

Law: once `record` has returned, kill -9 of this process loses nothing of what it was given (why WAL is enough for that:
`sqlite_thread.py`). Groups that arrive while a commit runs share the next one. What is recorded again, as happens when
a run takes up where it was, takes no room.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import msgspec

from verifier.adapters.sqlite_thread import (
    GroupCommit,
    SqliteThread,
    is_damage,
    open_database,
    transact,
    unwritten,
    write_rows,
)
from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts, merge_facts
from verifier.core.faults import ServiceUnavailable
from verifier.ports import Clock

_SCHEMA = (
    """
    CREATE TABLE findings (id INTEGER PRIMARY KEY, key TEXT NOT NULL, digest BLOB NOT NULL, finding BLOB NOT NULL);
    CREATE TABLE facts (id INTEGER PRIMARY KEY, domain TEXT NOT NULL, digest BLOB NOT NULL, facts BLOB NOT NULL);
    CREATE UNIQUE INDEX findings_by_key ON findings (key, digest);
    CREATE UNIQUE INDEX facts_by_domain ON facts (domain, digest)
    """,
)
_PAGE = 500
_DIGEST_BYTES = 8
_KEPT = timedelta(days=30)
_FILES = ("", "-wal", "-shm")
_Value = TypeVar("_Value")


class _Entry(NamedTuple):
    """A row to be written: a finding under its key, or the facts of a domain; `digest` tells a repetition."""

    table: Literal["findings", "facts"]
    name: str
    digest: bytes
    blob: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode_finding = msgspec.msgpack.Decoder(Finding).decode
_decode_facts = msgspec.msgpack.Decoder(DomainFacts).decode


class SqliteJournal:
    """The journal `name` (`core.keys.journal_name`) in `folder`; held by one process at a time, unless `shared`: then
    others may read it meanwhile, and who may write to it is somebody else's concern.

    `open` comes first; then either `finish`, which deletes it, or `close`, which keeps it for the next run.
    """

    def __init__(self, folder: Path, name: str, clock: Clock, *, shared: bool = False, create: bool = True) -> None:
        self._clock = clock
        self._path = folder / f"{name}.sqlite"
        self._thread = SqliteThread(partial(open_database, self._path, _SCHEMA, exclusive=not shared, create=create))
        self._commits: GroupCommit[_Entry] = GroupCommit(self._write)

    async def open(self, *, restart: bool = False) -> None:
        """Creates the file or takes up what an earlier run left; `restart` begins anew, as does a damaged file.

        Raises ServiceUnavailable where another process has it open, where it cannot be written, or where it is not
        there and shall not be created.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        look = partial(transact, work=_clear if restart else _look)
        try:
            await self._thread.call(look)
        except ServiceUnavailable:
            await self._thread.close()
            raise
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                await self._thread.close()
                raise ServiceUnavailable(f"The journal {self._path} cannot be used: {error}.") from None
            await self._thread.replace(partial(_remove, self._path))
            await self._thread.call(look)

    async def load(self) -> AsyncIterator[tuple[Sequence[tuple[str, Finding]], Sequence[DomainFacts]]]:
        """Pages of what was recorded, oldest first: findings by mailbox key, then facts of domains."""
        after = 0
        while rows := await self._thread.call(partial(_page, query=_FINDINGS, after=after)):
            after = rows[-1][0]
            findings = [(key, _decoded(_decode_finding, blob)) for _, key, blob in rows]
            yield [(key, finding) for key, finding in findings if finding is not None], ()
        after = 0
        while rows := await self._thread.call(partial(_page, query=_FACTS, after=after)):
            after = rows[-1][0]
            facts = [_decoded(_decode_facts, blob) for _, _, blob in rows]
            yield (), [known for known in facts if known is not None]

    async def known(
        self, keys: Collection[str], domains: Collection[str]
    ) -> tuple[Mapping[str, tuple[Finding, ...]], Mapping[str, DomainFacts]]:
        """What was recorded of these mailboxes, oldest first, and of these domains, merged."""
        findings: dict[str, tuple[Finding, ...]] = {}
        for key, blob in await self._thread.call(partial(_select, query=_FINDINGS_OF, names=keys)):
            finding = _decoded(_decode_finding, blob)
            if finding is not None:
                findings[key] = (*findings.get(key, ()), finding)
        facts: dict[str, DomainFacts] = {}
        for domain, blob in await self._thread.call(partial(_select, query=_FACTS_OF, names=domains)):
            new = _decoded(_decode_facts, blob)
            if new is not None:
                old = facts.get(domain)
                facts[domain] = new if old is None else merge_facts(old, new, self._clock.now())
        return findings, facts

    async def record(self, findings: Sequence[tuple[str, Finding]], facts: Sequence[DomainFacts]) -> None:
        """Returns once both are durable. Raises ServiceUnavailable where they cannot be written."""
        entries = [_entry("findings", key, finding) for key, finding in findings]
        entries += [_entry("facts", known.domain, known) for known in facts]
        if not entries:
            return
        try:
            await asyncio.shield(self._commits.add(entries))
        except sqlite3.DatabaseError as error:
            raise unwritten(f"The journal {self._path}", error) from None

    async def forget(self, key: str) -> None:
        """Erases a mailbox. Raises ServiceUnavailable where that cannot be done."""
        await self._commits.settled()
        try:
            await self._thread.call(partial(_erase, key=key))
        except sqlite3.DatabaseError as error:
            raise unwritten(f"The journal {self._path}", error) from None

    async def finish(self) -> None:
        """Deletes the journal: the run has come to its end."""
        await self._commits.settled()
        await self._thread.replace(partial(_remove, self._path))
        await self._thread.close()

    async def close(self) -> None:
        await self._commits.settled()
        await self._thread.close()

    async def _write(self, entries: list[_Entry]) -> None:
        await self._thread.call(partial(transact, work=partial(_insert, entries=entries)))


async def sweep_journals(folder: Path, clock: Clock) -> int:
    """Deletes the journals of runs that nobody took up for 30 days; how many."""
    return await asyncio.to_thread(_sweep, folder, (clock.now() - _KEPT).timestamp())


async def forget_in_journals(folder: Path, key: str) -> None:
    """Erases a mailbox from all journals. Raises ServiceUnavailable where a run holds one of them."""
    await asyncio.to_thread(_forget, folder, key)


_FINDINGS = "SELECT id, key, finding FROM findings WHERE id > ? ORDER BY id LIMIT ?"
_FINDINGS_OF = "SELECT key, finding FROM findings WHERE key IN (SELECT value FROM json_each(?)) ORDER BY id"
_FACTS_OF = "SELECT domain, facts FROM facts WHERE domain IN (SELECT value FROM json_each(?)) ORDER BY id"
_FACTS = "SELECT id, NULL, facts FROM facts WHERE id > ? ORDER BY id LIMIT ?"


def _page(connection: sqlite3.Connection, query: str, after: int) -> list[tuple[int, str, bytes]]:
    return connection.execute(query, (after, _PAGE)).fetchall()


def _decoded(decode: Callable[[bytes], _Value], blob: bytes) -> _Value | None:
    try:
        return decode(blob)
    except msgspec.MsgspecError:  # written by another version: asked again
        return None


def _select(connection: sqlite3.Connection, query: str, names: Collection[str]) -> list[tuple[str, bytes]]:
    return connection.execute(query, (msgspec.json.encode(list(names)).decode(),)).fetchall()


def _entry(table: Literal["findings", "facts"], name: str, value: Finding | DomainFacts) -> _Entry:
    blob = _encode(value)
    return _Entry(table, name, blake2b(blob, digest_size=_DIGEST_BYTES).digest(), blob)


def _insert(connection: sqlite3.Connection, entries: Sequence[_Entry]) -> None:
    findings = [entry[1:] for entry in entries if entry.table == "findings"]
    facts = [entry[1:] for entry in entries if entry.table == "facts"]
    write_rows(connection, "INSERT OR IGNORE INTO findings (key, digest, finding) VALUES {rows}", findings)
    write_rows(connection, "INSERT OR IGNORE INTO facts (domain, digest, facts) VALUES {rows}", facts)


def _clear(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM findings")
    connection.execute("DELETE FROM facts")


def _look(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT max(id) FROM findings").fetchone()


def _sweep(folder: Path, oldest: float) -> int:
    swept = 0
    for path in list(folder.glob("*.sqlite")):
        if max(part.stat().st_mtime for part in _parts(path)) < oldest:
            _remove(path)
            swept += 1
    return swept


def _forget(folder: Path, key: str) -> None:
    for path in list(folder.glob("*.sqlite")):
        try:
            with closing(open_database(path, _SCHEMA, exclusive=True)) as connection:
                _erase(connection, key)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise ServiceUnavailable(
                    f"The journal {path} cannot be written, nothing was erased: {error}."
                ) from None
            _remove(path)  # the run that takes it up begins it anew


def _erase(connection: sqlite3.Connection, key: str) -> None:
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("DELETE FROM findings WHERE key = ?", (key,))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _remove(path: Path) -> None:
    for part in _parts(path):
        part.unlink(missing_ok=True)


def _parts(path: Path) -> list[Path]:
    parts = [path.with_name(path.name + suffix) for suffix in _FILES]
    return [part for part in parts if part.exists()]
