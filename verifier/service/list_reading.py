"""Reading a list: pages of its rows, and its cleaned file, from whatever is known of it by now."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from msgspec import Struct

from verifier.core.list_faults import BadRequest, WrongState
from verifier.core.list_jobs import ListJob
from verifier.core.list_orders import check_form, cut_filter, download_name, row_after
from verifier.core.list_rows import Cut, Page, PageWish, ShownRow
from verifier.core.list_states import READABLE
from verifier.core.record import to_record
from verifier.core.row_filter import RowFilter
from verifier.core.table import TableKind
from verifier.list_ports import SheetViews
from verifier.ports import Clock

MOST_ROWS = 1000
_BLOCKS = 16
_NAME_LENGTH = 26
_LOOK_SECONDS = 0.2
_MEDIA = {
    TableKind.CSV: "text/csv; charset=utf-8",
    TableKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    TableKind.JSONL: "application/x-ndjson",
}


class Results(Struct, frozen=True):
    """A page of rows as records, and the cursor of the next; None behind the last row."""

    rows: list[dict[str, Any]]
    cursor: str | None


class Download(Struct, frozen=True):
    """A file: what it may be called, its media type, its bytes."""

    name: str
    media_type: str
    chunks: AsyncGenerator[bytes, None]


class ListReading:
    """For lists that the caller has asked the book for: whose they are is settled by then."""

    def __init__(self, views: SheetViews, clock: Clock) -> None:
        self._views = views
        self._clock = clock

    async def results(self, job: ListJob, filter_: RowFilter, cursor: str = "", limit: int = 100) -> Results:
        """Rows that pass, in order. A page may hold fewer than `limit` and not be the last: the cursor tells."""
        _require_rows(job)
        if not 1 <= limit <= MOST_ROWS:
            raise BadRequest("limit", f"limit is a number from 1 to {MOST_ROWS}.")
        wish = PageWish(filter_, row_after(cursor), limit, job.options.stages)
        page = await self._views.page(job.id, wish)
        return Results([_row_record(row) for row in page.rows], None if page.after is None else str(page.after))

    async def rows(self, job: ListJob, after: int, limit: int) -> Page:
        """Rows as they are kept: at most `limit` behind the row `after`."""
        _require_rows(job)
        return await self._views.page(job.id, PageWish(after=after, limit=limit, stages=job.options.stages))

    async def download(
        self,
        job: ListJob,
        kind: TableKind | None = None,
        filter_: RowFilter | None = None,
        preset: str = "",
        *,
        bom: bool = False,
    ) -> Download:
        """The cleaned file, as `clean` writes it; or what a preset makes of it. Nothing is held in memory whole.

        `filter_` None keeps what the list's own rule says; with `bom` separated text begins with a byte order mark,
        without which Excel takes UTF-8 for another code page. Raises OperatorError where the form cannot hold the list.
        """
        _require_rows(job)
        check_form(kind, preset)
        assert job.preview is not None
        form = TableKind.CSV if preset else kind or job.preview.kind
        cut = Cut(cut_filter(job, filter_, preset), form, preset, job.options.stages, bom)
        chunks = self._workbook(job, cut) if form is TableKind.XLSX else self._stream(job, cut)
        return Download(download_name(job, form, preset), _MEDIA[form], chunks)

    async def _stream(self, job: ListJob, cut: Cut) -> AsyncGenerator[bytes, None]:
        """The next piece is made while this one is sent."""

        def begun(first: int) -> asyncio.Task[bytes]:
            return asyncio.create_task(self._views.render(job.id, cut, first, _BLOCKS))

        following = begun(0)
        try:
            for first in range(_BLOCKS, job.blocks, _BLOCKS):
                piece, following = await following, begun(first)
                yield piece
            yield await following
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _workbook(self, job: ListJob, cut: Cut) -> AsyncGenerator[bytes, None]:
        """What there is of it is sent while the rest is made."""
        name, offset = f"{self._clock.token(_NAME_LENGTH)}.xlsx", 0
        making = asyncio.create_task(self._views.workbook(job.id, cut, name))
        try:
            while True:
                is_whole = making.done()
                if is_whole:
                    making.result()
                piece = await self._views.piece(job.id, name, offset)
                offset += len(piece)
                if piece:
                    yield piece
                elif is_whole:
                    return
                else:
                    await asyncio.wait([making], timeout=_LOOK_SECONDS)
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            await self._views.discard(job.id, name)


def _require_rows(job: ListJob) -> None:
    if job.state not in READABLE or job.preview is None or job.started is None:
        raise WrongState(job.state, "read")


def _row_record(row: ShownRow) -> dict[str, Any]:
    return {
        "row": row.number,
        "cells": list(row.cells),
        "duplicate_of": row.duplicate_of or None,
        **to_record(row.assessment),
    }
