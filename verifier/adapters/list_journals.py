"""Journals: one for each list, in the list's folder (`list_folder.py`), which others may read while it is open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from verifier.adapters.list_folder import ListFolder
from verifier.adapters.sqlite_journal import SqliteJournal
from verifier.core.faults import ServiceUnavailable
from verifier.ports import Clock, Journal

_PREFIX = "journal-"


class ListJournals:
    """The journals under a ListFolder. Each has a name of its own, which no later one gets: a reader that still has a
    deleted one open would otherwise take the new one's log for its own (sqlite.org/howtocorrupt.html §2.4).
    """

    def __init__(self, folder: ListFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    async def open(self, list_id: str) -> Journal:
        """The list's journal, made where there is none; to be closed or finished before it is opened again."""
        name = self._name(list_id)
        journal = self._journal(list_id, name or _PREFIX + self._clock.token(8))
        await journal.open()
        return journal

    @asynccontextmanager
    async def reading(self, list_id: str) -> AsyncIterator[Journal | None]:
        """The list's journal beside whoever writes to it, and may delete it any moment; None where there is none."""
        name = self._name(list_id)
        journal = await self._found(list_id, name)
        try:
            yield journal
        finally:
            if journal is not None:
                await journal.close()
            if name is not None:
                self._sweep(list_id, name)

    async def discard(self, list_id: str) -> None:
        """Deletes the list's journal."""
        journal = await self._found(list_id, self._name(list_id))
        if journal is not None:
            await journal.finish()

    async def forget(self, key: str) -> None:
        """Erases a mailbox from the journals of all lists. Raises ServiceUnavailable where one cannot be written."""
        for list_id in await self._folder.ids():
            async with self.reading(list_id) as journal:
                if isinstance(journal, SqliteJournal):
                    await journal.forget(key)

    async def _found(self, list_id: str, name: str | None) -> SqliteJournal | None:
        if name is None:
            return None
        journal = self._journal(list_id, name, create=False)
        try:
            await journal.open()
        except ServiceUnavailable:
            if self._name(list_id) == name:
                raise
            return None
        return journal

    def _journal(self, list_id: str, name: str, *, create: bool = True) -> SqliteJournal:
        return SqliteJournal(self._folder.path(list_id), name, self._clock, shared=True, create=create)

    def _sweep(self, list_id: str, name: str) -> None:
        """What a reader makes beside a file that is deleted while it opens it is not deleted by SQLite."""
        folder = self._folder.path(list_id)
        if not (folder / f"{name}.sqlite").exists():
            for path in folder.glob(f"{name}.sqlite-*"):
                path.unlink(missing_ok=True)

    def _name(self, list_id: str) -> str | None:
        return next((path.stem for path in self._folder.path(list_id).glob(f"{_PREFIX}*.sqlite")), None)
