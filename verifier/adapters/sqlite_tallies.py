"""TallyStore in a small SQLite file of the data folder: what the harvest guard counted survives a restart.

It is a memory of one day: where the file is damaged it is begun anew, and where it cannot be used nothing is kept.
"""

import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from verifier.adapters.shared_reads import SharedReads
from verifier.adapters.sqlite_thread import SqliteThread, is_damage, open_database, transact
from verifier.core.faults import ServiceUnavailable
from verifier.core.harvest import WINDOW, Tally
from verifier.ports import Clock

_SCHEMA = (
    """
    CREATE TABLE tallies (
        domain TEXT NOT NULL, client TEXT NOT NULL, until INTEGER NOT NULL, tally BLOB NOT NULL,
        PRIMARY KEY (domain, client)
    ) WITHOUT ROWID
    """,
)
_SLICE = 200
_Result = TypeVar("_Result")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Tally).decode


class SqliteTallies:
    """The file at `path`, opened when it is first needed. `warn` is told, in a sentence, when it cannot be used."""

    def __init__(self, path: Path, clock: Clock, warn: Callable[[str], None]) -> None:
        self._path = path
        self._clock = clock
        self._warn = warn
        self._warned = False
        self._thread = SqliteThread(self._connect)
        self._reads: SharedReads[tuple[str, str], Tally] = SharedReads(self._read)

    async def close(self) -> None:
        await self._thread.close()

    async def tallies(self, client: str, domains: Sequence[str]) -> Mapping[str, Tally]:
        known = await self._reads.get([(client, domain) for domain in domains])
        return {domain: tally for (_, domain), tally in known.items()}

    async def _read(self, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Tally]:
        by_client: dict[str, list[str]] = {}
        for client, domain in pairs:
            by_client.setdefault(client, []).append(domain)
        known: dict[tuple[str, str], Tally] = {}
        now = self._clock.now()
        for client, domains in by_client.items():
            for start in range(0, len(domains), _SLICE):
                work = partial(_select, client=client, domains=domains[start : start + _SLICE], now=now)
                some = await self._attempt(work) or {}
                known |= {(client, domain): tally for domain, tally in some.items()}
        return known

    async def remember(self, client: str, tallies: Mapping[str, Tally]) -> None:
        now, some = self._clock.now(), list(tallies.items())
        for start in range(0, len(some), _SLICE):
            work = partial(_upsert, client=client, tallies=some[start : start + _SLICE], now=now)
            await self._attempt(partial(transact, work=work))

    async def forget(self, domain: str, key: str) -> None:
        """Raises ServiceUnavailable where it cannot be promised."""
        try:
            await self._thread.call(partial(transact, work=partial(_erase, domain=domain, key=key)))
        except sqlite3.DatabaseError as error:
            raise ServiceUnavailable(f"{self._path} cannot be written, nothing was erased: {error}.") from None

    async def _attempt(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result | None:
        try:
            return await self._thread.call(work)
        except (sqlite3.DatabaseError, ServiceUnavailable) as error:
            if is_damage(error):
                await self._thread.replace(self._remove)
            if not self._warned:
                self._warned = True
                self._warn(f"{self._path} cannot be used, so a restart forgets what the harvest guard counted: {error}")
            return None

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _connect(self) -> sqlite3.Connection:
        connection = open_database(self._path, _SCHEMA)
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("DELETE FROM tallies WHERE until <= ?", (self._clock.now().timestamp(),))
        return connection


def _select(connection: sqlite3.Connection, client: str, domains: Sequence[str], now: datetime) -> dict[str, Tally]:
    rows = connection.execute(
        "SELECT domain, tally FROM tallies WHERE client = ? AND until > ?"
        " AND domain IN (SELECT value FROM json_each(?))",
        (client, now.timestamp(), msgspec.json.encode(domains).decode()),
    )
    known: dict[str, Tally] = {}
    for domain, blob in rows:
        try:
            known[domain] = _decode(blob).without_old(now)
        except msgspec.MsgspecError:  # written by another version: forgotten
            continue
    return known


def _upsert(connection: sqlite3.Connection, client: str, tallies: Sequence[tuple[str, Tally]], now: datetime) -> None:
    known = _select(connection, client, [domain for domain, _ in tallies], now)
    for domain, tally in tallies:
        known.setdefault(domain, Tally({})).take_in(tally)
    until = math.ceil((now + WINDOW).timestamp())
    rows = [(domain, client, until, _encode(known[domain])) for domain, _ in tallies]
    connection.executemany("REPLACE INTO tallies VALUES (?, ?, ?, ?)", rows)


def _erase(connection: sqlite3.Connection, domain: str, key: str) -> None:
    rows = connection.execute("SELECT client, tally FROM tallies WHERE domain = ?", (domain,)).fetchall()
    for client, blob in rows:
        tally = _decode(blob)
        tally.remove(key)
        connection.execute(
            "UPDATE tallies SET tally = ? WHERE domain = ? AND client = ?", (_encode(tally), domain, client)
        )
