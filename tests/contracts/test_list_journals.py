"""Journals of lists, which others read while they are written, and while they come to their end."""

import asyncio
from pathlib import Path

from tests.support.facts import replied
from verifier.adapters.list_folder import ListFolder
from verifier.adapters.list_journals import ListJournals
from verifier.adapters.system_clock import SystemClock
from verifier.core.replies import ReplyClass
from verifier.ports import Journal

LIST = "a" * 26
KEY = "b" * 32
ENDS = 200
READERS = 4


async def known(journal: Journal | None) -> int:
    """How many mailboxes a reader finds."""
    return 0 if journal is None else len((await journal.known([KEY], []))[0])


async def test_a_journal_is_read_while_it_ends(tmp_path: Path) -> None:
    """Readers come at every moment of a journal's life: they see what was recorded, or that there is none; and nothing
    is left of it.
    """
    folder = ListFolder(tmp_path)
    folder.path(LIST).mkdir(parents=True)
    journals = ListJournals(folder, SystemClock())
    seen: set[int] = set()
    ended = False

    async def read() -> None:
        while not ended:
            async with journals.reading(LIST) as journal:
                seen.add(await known(journal))
            await asyncio.sleep(0)

    readers = [asyncio.create_task(read()) for _ in range(READERS)]
    for number in range(ENDS):
        journal = await journals.open(LIST)
        await journal.record([(KEY, replied(ReplyClass.ACCEPTED, number))], [])
        await journal.finish()
    ended = True
    await asyncio.gather(*readers)
    assert seen == {0, 1}
    assert list(folder.path(LIST).iterdir()) == []
