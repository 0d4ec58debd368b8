"""A download's pieces: in order, one made ahead, none left behind."""

import asyncio
from typing import Any

import pytest

from tests.support.clock import START, FakeClock
from tests.support.list_jobs import job
from verifier.core.faults import OperatorError
from verifier.core.list_rows import Cut
from verifier.core.list_states import ListState
from verifier.core.table import TableKind
from verifier.service.list_reading import ListReading

BLOCKS = 40


class Views:
    """Makes a piece when it is told to; `begun` and `ended` say what was asked for."""

    def __init__(self, faulty: int | None = None) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.may_end = asyncio.Semaphore(0)
        self._faulty = faulty

    async def render(self, list_id: str, cut: Cut, first: int, count: int) -> bytes:
        self.begun.append(first)
        try:
            await self.may_end.acquire()
            if first == self._faulty:
                raise OSError("the disk is gone")
        finally:
            self.ended.append(first)
        return b"%d+%d " % (first, count)


async def test_the_next_piece_is_made_while_one_is_sent() -> None:
    """One ahead and no more: nothing is held in memory whole."""
    views = Views()
    views.may_end.release()
    chunks = await _chunks(views)
    assert await anext(chunks) == b"0+16 "
    await asyncio.sleep(0)
    assert views.begun == [0, 16]
    for _ in range(BLOCKS):
        views.may_end.release()
    assert b"".join([piece async for piece in chunks]) == b"16+16 32+16 "
    assert views.begun == [0, 16, 32]


async def test_who_goes_away_leaves_nothing_behind() -> None:
    """What was begun ahead for a reader who is gone is given up."""
    views = Views()
    views.may_end.release()
    chunks = await _chunks(views)
    await anext(chunks)
    await asyncio.sleep(0)
    await chunks.aclose()
    assert views.begun == views.ended == [0, 16]


async def test_a_piece_that_cannot_be_made_ends_the_file() -> None:
    """The pieces before it have gone out by then; the fault is told, once."""
    views = Views(faulty=16)
    for _ in range(BLOCKS):
        views.may_end.release()
    chunks = await _chunks(views)
    assert await anext(chunks) == b"0+16 "
    with pytest.raises(OSError, match="the disk is gone"):
        await anext(chunks)
    with pytest.raises(StopAsyncIteration):
        await anext(chunks)


class Workbooks(Views):
    """A workbook that grows when it is told to; `faulty` is how it ends then."""

    def __init__(self, fault: Exception | None = None) -> None:
        super().__init__()
        self.content = b""
        self.ended_early = False
        self.discarded: list[str] = []
        self.whole = asyncio.Event()
        self._fault = fault

    async def workbook(self, list_id: str, cut: Cut, name: str) -> None:
        try:
            await self.whole.wait()
        except asyncio.CancelledError:
            self.ended_early = True
            raise
        if self._fault is not None:
            raise self._fault

    async def piece(self, list_id: str, name: str, offset: int) -> bytes:
        return self.content[offset : offset + 4]

    async def discard(self, list_id: str, name: str) -> None:
        self.discarded.append(name)


async def test_a_workbook_is_sent_while_it_is_made() -> None:
    """Whoever downloads a large one is not kept waiting for its last row; in the end it is not there any more."""
    views = Workbooks()
    views.content = b"begin"
    chunks = await _chunks(views, TableKind.XLSX)
    assert [await anext(chunks), await anext(chunks)] == [b"begi", b"n"]
    views.content += b"+end"
    views.whole.set()
    assert [piece async for piece in chunks] == [b"+end"]
    assert len(views.discarded) == 1 and views.discarded[0].endswith(".xlsx")


async def test_who_leaves_a_workbook_ends_its_making() -> None:
    """It is neither made to its end for nobody, nor left behind."""
    views = Workbooks()
    views.content = b"begin"
    chunks = await _chunks(views, TableKind.XLSX)
    await anext(chunks)
    await asyncio.sleep(0)
    await chunks.aclose()
    assert (views.ended_early, len(views.discarded)) == (True, 1)


async def test_a_workbook_that_cannot_be_made_is_told_in_its_place() -> None:
    """Before anything of it was sent."""
    views = Workbooks(OperatorError("use --format csv"))
    views.whole.set()
    with pytest.raises(OperatorError, match="use --format csv"):
        await anext(await _chunks(views, TableKind.XLSX))
    assert len(views.discarded) == 1


async def _chunks(views: Views, form: TableKind = TableKind.CSV) -> Any:
    """The download of a list of forty blocks."""
    done = job(state=ListState.COMPLETED, blocks=BLOCKS, started=START)
    return (await ListReading(views, FakeClock()).download(done, form)).chunks  # type: ignore[arg-type]
