"""FactStore in a SQLite file, so that a restart is warm; written behind the caller, in batches.

What the file holds is a memory, not a record: where it is damaged it is set aside and begun anew, and where it cannot
be written facts are forgotten. Facts stand under the identity of the resolver that they were learned through, and are
not given to another.
"""

import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from verifier.adapters.sqlite_thread import (
    GroupCommit,
    SqliteThread,
    empty_log,
    is_damage,
    open_database,
    transact,
    write_rows,
)
from verifier.core.evidence import Finding, retained, retained_until
from verifier.core.facts import DomainFacts, holds_until, merge_facts, unexpired
from verifier.core.faults import ServiceUnavailable
from verifier.ports import Clock

_SCHEMA = (
    """
    CREATE TABLE scopes (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
    CREATE TABLE domains (
        scope INTEGER NOT NULL, name TEXT NOT NULL, until INTEGER NOT NULL, facts BLOB NOT NULL,
        PRIMARY KEY (scope, name)
    ) WITHOUT ROWID;
    CREATE TABLE mailboxes (
        key TEXT NOT NULL, scope INTEGER NOT NULL, until INTEGER NOT NULL, findings BLOB NOT NULL,
        PRIMARY KEY (key, scope)
    ) WITHOUT ROWID
    """,
)
_SLICE = 200  # names of one question: a longer one keeps the interpreter from the loop for more than a millisecond
_WRITTEN_AT_ONCE = 1_000
_COMMIT_PAUSE = 2.0
"""Seconds between commits. Names of mailboxes are hashes, so that each row of a small commit is on a page of its own:
100,000 rows by the thousand, in the order of their names, write half as many pages as by the hundred.
"""
_BEHIND = 20_000  # items not yet written, from which on `remember` waits
_SWEEP = timedelta(hours=1)

_Fact = DomainFacts | tuple[str, Finding]
_Result = TypeVar("_Result")
_Item = TypeVar("_Item")
_encode = msgspec.msgpack.Encoder().encode
_decode_facts = msgspec.msgpack.Decoder(DomainFacts).decode
_decode_findings = msgspec.msgpack.Decoder(tuple[Finding, ...]).decode


class SqliteStore:
    """Facts of one resolver `identity` in the file at `path`. `warn` is told, in a sentence, of what went wrong.

    `open` comes first and `close` last: it writes what is still to be written.
    """

    def __init__(self, path: Path, clock: Clock, identity: str, warn: Callable[[str], None]) -> None:
        self._path = path
        self._clock = clock
        self._identity = identity
        self._warn = warn
        self._failing = False
        self._thread = SqliteThread(self._connect)
        self._behind: GroupCommit[_Fact] = GroupCommit(self._write, _COMMIT_PAUSE)
        self._coming: set[str] = set()
        self._going: set[str] = set()
        """Names of what is not written yet, and of what is being written."""
        self._swept = clock.now()

    async def open(self) -> None:
        """Raises ServiceUnavailable where the file cannot be opened or a newer version wrote it."""
        sweep = partial(_sweep, now=self._clock.now())
        try:
            await self._thread.call(sweep)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                await self._thread.close()
                raise ServiceUnavailable(f"{self._path} cannot be used: {error}.") from None
            await self._begin_anew(error)
            await self._thread.call(sweep)
        except ServiceUnavailable:
            await self._thread.close()
            raise

    async def close(self) -> None:
        await self._behind.settled()
        await self._thread.close()

    async def domains(self, names: Sequence[str]) -> Mapping[str, DomainFacts]:
        await self._written(names)
        known: dict[str, DomainFacts] = {}
        for some in _slices(names):
            known |= await self._attempt(partial(_select_domains, names=some, now=self._clock.now())) or {}
        return known

    async def remember_domains(self, facts: Sequence[DomainFacts]) -> None:
        self._coming.update(new.domain for new in facts)
        await self._remember(facts)

    async def mailboxes(self, keys: Sequence[str]) -> Mapping[str, tuple[Finding, ...]]:
        await self._written(keys)
        known: dict[str, tuple[Finding, ...]] = {}
        for some in _slices(keys):
            known |= await self._attempt(partial(_select_mailboxes, keys=some, now=self._clock.now())) or {}
        return known

    async def remember_mailboxes(self, findings: Sequence[tuple[str, Finding]]) -> None:
        self._coming.update(key for key, _ in findings)
        await self._remember(findings)

    async def forget(self, key: str) -> None:
        """Erases the mailbox under every identity. Raises ServiceUnavailable where that cannot be promised."""
        await self._behind.settled()
        try:
            await self._thread.call(partial(_erase, key=key))
        except sqlite3.DatabaseError as error:
            raise ServiceUnavailable(f"{self._path} cannot be written, nothing was erased: {error}.") from None

    async def _remember(self, facts: Iterable[_Fact]) -> None:
        self._behind.add(facts)
        if self._behind.waiting > _BEHIND:
            await self._behind.settled()

    async def _written(self, names: Sequence[str]) -> None:
        """What was remembered of these is in the file, or has failed to be."""
        if not (self._coming.isdisjoint(names) and self._going.isdisjoint(names)):
            await self._behind.settled()

    async def _write(self, facts: list[_Fact]) -> None:
        self._going, self._coming = self._coming, set()
        now = self._clock.now()
        if now - self._swept > _SWEEP:
            self._swept = now
            await self._attempt(partial(_sweep, now=now))
        for some in _slices(sorted(facts, key=_name), _WRITTEN_AT_ONCE):
            await self._attempt(partial(transact, work=partial(_upsert, facts=some, now=now)))
        self._going = set()

    async def _attempt(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result | None:
        """What `work` returns; None, with a warning, where the file is damaged or cannot be used."""
        try:
            result = await self._thread.call(work)
        except (sqlite3.DatabaseError, ServiceUnavailable) as error:
            if is_damage(error):
                await self._begin_anew(error)
            elif not self._failing:
                self._failing = True
                self._warn(f"{self._path} cannot be used for now, facts are not kept: {error}")
            return None
        self._failing = False
        return result

    async def _begin_anew(self, error: Exception) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged-{self._clock.now():%Y%m%dT%H%M%S}")
        await self._thread.replace(partial(_set_aside, self._path, aside))
        self._warn(f"{self._path} is damaged ({error}): set aside as {aside.name} and begun anew.")

    def _connect(self) -> sqlite3.Connection:
        connection = open_database(self._path, _SCHEMA)
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("CREATE TEMP TABLE here (scope INTEGER NOT NULL)")
        connection.execute("INSERT OR IGNORE INTO scopes (identity) VALUES (?)", (self._identity,))
        connection.execute("INSERT INTO here SELECT id FROM scopes WHERE identity = ?", (self._identity,))
        return connection


def _select_domains(connection: sqlite3.Connection, names: Sequence[str], now: datetime) -> dict[str, DomainFacts]:
    rows = connection.execute(
        "SELECT name, facts FROM domains WHERE scope = (SELECT scope FROM here)"
        " AND name IN (SELECT value FROM json_each(?)) AND until > ?",
        (_json(names), now.timestamp()),
    )
    known: dict[str, DomainFacts] = {}
    for name, blob in rows:
        try:
            facts = unexpired(_decode_facts(blob), now)
        except msgspec.MsgspecError:  # written by another version: forgotten
            continue
        if facts is not None:
            known[name] = facts
    return known


def _select_mailboxes(
    connection: sqlite3.Connection, keys: Sequence[str], now: datetime
) -> dict[str, tuple[Finding, ...]]:
    rows = connection.execute(
        "SELECT key, findings FROM mailboxes WHERE scope = (SELECT scope FROM here)"
        " AND key IN (SELECT value FROM json_each(?)) AND until > ?",
        (_json(keys), now.timestamp()),
    )
    known: dict[str, tuple[Finding, ...]] = {}
    for key, blob in rows:
        try:
            findings = retained(_decode_findings(blob), now)
        except msgspec.MsgspecError:  # written by another version: forgotten
            continue
        if findings:
            known[key] = findings
    return known


def _name(fact: _Fact) -> str:
    return fact.domain if isinstance(fact, DomainFacts) else fact[0]


def _upsert(connection: sqlite3.Connection, facts: list[_Fact], now: datetime) -> None:
    _upsert_domains(connection, [fact for fact in facts if isinstance(fact, DomainFacts)], now)
    _upsert_mailboxes(connection, [fact for fact in facts if isinstance(fact, tuple)], now)


def _upsert_domains(connection: sqlite3.Connection, facts: list[DomainFacts], now: datetime) -> None:
    merged = _select_domains(connection, [new.domain for new in facts], now)
    for new in facts:
        old = merged.get(new.domain)
        merged[new.domain] = new if old is None else merge_facts(old, new, now)
    rows = [
        (name, math.ceil(until.timestamp()), _encode(known))
        for name, known in merged.items()
        if (until := holds_until(known)) is not None and until > now
    ]
    write_rows(connection, "REPLACE INTO domains SELECT here.scope, v.* FROM here, (VALUES {rows}) v", rows)


def _upsert_mailboxes(connection: sqlite3.Connection, findings: list[tuple[str, Finding]], now: datetime) -> None:
    merged = _select_mailboxes(connection, [key for key, _ in findings], now)
    for key, finding in findings:
        merged[key] = retained((*merged.get(key, ()), finding), now)
    rows = [
        (key, math.ceil(max(map(retained_until, kept)).timestamp()), _encode(kept))
        for key, kept in merged.items()
        if kept
    ]
    write_rows(
        connection,
        "REPLACE INTO mailboxes SELECT v.column1, here.scope, v.column2, v.column3 FROM here, (VALUES {rows}) v",
        rows,
    )


def _sweep(connection: sqlite3.Connection, now: datetime) -> None:
    connection.execute("DELETE FROM domains WHERE until <= ?", (now.timestamp(),))
    connection.execute("DELETE FROM mailboxes WHERE until <= ?", (now.timestamp(),))


def _erase(connection: sqlite3.Connection, key: str) -> None:
    connection.execute("DELETE FROM mailboxes WHERE key = ?", (key,))
    empty_log(connection)


def _set_aside(path: Path, aside: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))


def _slices(items: Iterable[_Item], size: int = _SLICE) -> Iterator[list[_Item]]:
    source = iter(items)
    while some := list(islice(source, size)):
        yield some


def _json(texts: Sequence[str]) -> str:
    return msgspec.json.encode(texts).decode()
