"""Journals: one for each list, in the list's folder (`list_folder.py`), which others may read while it is open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from verifier.adapters.list_folder import ListFolder
from verifier.adapters.sqlite_journal import SqliteJournal
from verifier.ports import Clock, Journal

_NAME = "journal"


class ListJournals:
    """The journals under a ListFolder."""

    def __init__(self, folder: ListFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    async def open(self, list_id: str) -> Journal:
        """The list's journal, made where there is none; to be closed or finished before it is opened again."""
        return await self._opened(list_id)

    @asynccontextmanager
    async def reading(self, list_id: str) -> AsyncIterator[Journal | None]:
        """The list's journal beside whoever writes to it; None where there is none."""
        if not self._path(list_id).exists():
            yield None
            return
        journal = await self._opened(list_id)
        try:
            yield journal
        finally:
            await journal.close()

    async def discard(self, list_id: str) -> None:
        """Deletes the list's journal."""
        if self._path(list_id).exists():
            await (await self._opened(list_id)).finish()

    async def forget(self, key: str) -> None:
        """Erases a mailbox from the journals of all lists. Raises ServiceUnavailable where one cannot be written."""
        for list_id in await self._folder.ids():
            async with self.reading(list_id) as journal:
                if isinstance(journal, SqliteJournal):
                    await journal.forget(key)

    async def _opened(self, list_id: str) -> SqliteJournal:
        journal = SqliteJournal(self._folder.path(list_id), _NAME, self._clock, shared=True)
        await journal.open()
        return journal

    def _path(self, list_id: str) -> Path:
        return self._folder.path(list_id) / f"{_NAME}.sqlite"
