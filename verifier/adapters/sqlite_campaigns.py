"""CampaignStore in a SQLite file of the data folder. It holds no address: rows stay in their lists."""

import sqlite3
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from verifier.adapters.sqlite_thread import SqliteThread, open_database, unwritten
from verifier.core.campaigns import Campaign

_SCHEMA = (
    """
    CREATE TABLE campaigns (
        id TEXT PRIMARY KEY, workspace TEXT NOT NULL, created REAL NOT NULL, campaign BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX campaigns_by_age ON campaigns (created);
    CREATE TABLE fates (
        campaign TEXT NOT NULL, list TEXT NOT NULL, fates BLOB NOT NULL, PRIMARY KEY (campaign, list)
    )
    """,
)
_LEVEL = 1
_Result = TypeVar("_Result")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Campaign).decode


class SqliteCampaigns:
    """The file at `path`, opened when it is first needed; `close` comes last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = SqliteThread(self._connect)

    async def close(self) -> None:
        await self._thread.close()

    async def put(self, campaign: Campaign) -> None:
        await self._call(partial(_put, campaign=campaign))

    async def get(self, campaign_id: str) -> Campaign | None:
        return await self._call(partial(_get, campaign_id=campaign_id))

    async def campaigns(
        self, workspace: str | None = None, before: datetime | None = None, limit: int = 100
    ) -> Sequence[Campaign]:
        return await self._call(partial(_newest, workspace=workspace, before=before, limit=limit))

    async def keep_fates(self, campaign_id: str, list_id: str, fates: bytes) -> None:
        await self._call(partial(_keep_fates, campaign_id=campaign_id, list_id=list_id, fates=fates))

    async def fates(self, campaign_id: str, list_id: str) -> bytes:
        return await self._call(partial(_fates, campaign_id=campaign_id, list_id=list_id))

    async def _call(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        try:
            return await self._thread.call(work)
        except (sqlite3.DatabaseError, OSError, msgspec.MsgspecError, zlib.error) as error:
            raise unwritten(str(self._path), error) from None

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open_database(self._path, _SCHEMA)


def _put(connection: sqlite3.Connection, campaign: Campaign) -> None:
    row = campaign.id, campaign.order.workspace, campaign.created.timestamp(), _encode(campaign)
    connection.execute("INSERT OR REPLACE INTO campaigns VALUES (?, ?, ?, ?)", row)


def _get(connection: sqlite3.Connection, campaign_id: str) -> Campaign | None:
    row = connection.execute("SELECT campaign FROM campaigns WHERE id = ?", (campaign_id,)).fetchone()
    return None if row is None else _decode(row[0])


def _newest(
    connection: sqlite3.Connection, workspace: str | None, before: datetime | None, limit: int
) -> list[Campaign]:
    rows = connection.execute(
        "SELECT campaign FROM campaigns WHERE (?1 IS NULL OR workspace = ?1) AND (?2 IS NULL OR created < ?2)"
        " ORDER BY created DESC, id LIMIT ?3",
        (workspace, None if before is None else before.timestamp(), limit),
    )
    return [_decode(blob) for (blob,) in rows]


def _keep_fates(connection: sqlite3.Connection, campaign_id: str, list_id: str, fates: bytes) -> None:
    packed = zlib.compress(fates, _LEVEL)
    connection.execute("INSERT OR REPLACE INTO fates VALUES (?, ?, ?)", (campaign_id, list_id, packed))


def _fates(connection: sqlite3.Connection, campaign_id: str, list_id: str) -> bytes:
    row = connection.execute(
        "SELECT fates FROM fates WHERE campaign = ? AND list = ?", (campaign_id, list_id)
    ).fetchone()
    return b"" if row is None else zlib.decompress(row[0])
