"""Tries the things of this machine that the doctor judges; each gives half a sentence on what went wrong, or None."""

import os
import sqlite3
import tempfile
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

_PATIENCE = 3.0


def folder_fault(folder: Path) -> str | None:
    """Writes a file into the data folder, and has every database there check itself; nothing is left behind."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(b"\0" * 4096)
            trial.flush()
            os.fsync(trial.fileno())
    except OSError as error:
        return error.strerror or str(error)
    for database in sorted(folder.glob("*.sqlite*")) + sorted(folder.glob("*.db")):
        if database.name.endswith(("-wal", "-shm", "-journal")):
            continue
        if fault := _database_fault(database):
            return f"{database.name}: {fault}"
    return None


async def redis_fault(url: str) -> str | None:
    """Asks Redis whether it is there, for at most 3 seconds."""
    try:
        client = Redis.from_url(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)
    except ValueError as error:
        return str(error)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return str(error).rstrip(".") or type(error).__name__
    finally:
        await client.aclose()
    return None


def _database_fault(database: Path) -> str | None:
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE)
        try:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        return str(error)
    return None if said == ("ok",) else str(said[0])
