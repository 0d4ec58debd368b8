"""The rows of lists for people: pages and downloads, from what was settled, else judged by what is known by now."""

import asyncio
import io
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager, aclosing
from itertools import chain
from typing import BinaryIO, Protocol

from msgspec import structs

from verifier.core.list_rows import Block, Cut, Page, PageWish, ShownRow, shown
from verifier.core.reasons import StageName
from verifier.core.row_filter import RowFilter
from verifier.core.table import Layout, TableKind
from verifier.core.verdict import Assessment
from verifier.list_ports import SheetFile
from verifier.ports import ListWriter
from verifier.service.judging import Judging
from verifier.service.list_sheets import SheetFolder, settle
from verifier.service.row_judging import Render, RowJudge

_PAGE_BLOCKS = 200
"""Blocks that one page looks at: some 100,000 rows."""
_LIVE_BLOCKS = 20
"""Of these so many that have to be judged first."""
_WORKBOOK_BLOCKS = 16


class Forms(Protocol):
    """The forms in which rows are written (writers/)."""

    def stream(self, target: BinaryIO, layout: Layout, kind: TableKind) -> ListWriter: ...
    @property
    def longest_cell(self) -> int: ...
    def workbook(self, list_id: str, layout: Layout, name: str) -> AbstractContextManager[ListWriter]: ...
    def preset(
        self, name: str, layout: Layout, rows: Sequence[Sequence[str]], addresses: Sequence[str], *, heading: bool
    ) -> bytes: ...
    async def piece(self, list_id: str, name: str, offset: int) -> bytes: ...
    async def discard(self, list_id: str, name: str) -> None: ...


class ListViews:
    """The SheetViews of list_ports.py."""

    def __init__(self, folder: SheetFolder, judging: Judging, render: Render, forms: Forms) -> None:
        self._folder = folder
        self._judging = judging
        self._render = render
        self._forms = forms
        self._making: set[str] = set()
        self._withheld: set[str] = set()
        self._unwanted: set[str] = set()

    async def page(self, list_id: str, wish: PageWish) -> Page:
        """Rows that pass, in order; short where too many had to be looked at."""
        rows: list[ShownRow] = []
        looked_at = live = 0
        with self._folder.sheet(list_id) as sheet:
            number, width = sheet.first_at(wish.after + 1), sheet.layout.width
            after = wish.after
            async with aclosing(self._judged(list_id, sheet, number, wish.stages, wish.filter)) as judged:
                async for block, columns, stored in judged:
                    looked_at += 1
                    live += not stored
                    for place in _kept(wish.filter, columns, block):
                        row = block.first + place
                        if row <= wish.after:
                            continue
                        cells, earlier = shown(block.rows[place], width), block.repeats[place]
                        rows.append(ShownRow(row, cells, earlier, columns[0][place]))
                        if len(rows) >= wish.limit:
                            return Page(rows, row if row < sheet.layout.rows else None)
                    after = block.first + len(block.rows) - 1
                    if looked_at >= _PAGE_BLOCKS or live >= _LIVE_BLOCKS:
                        return Page(rows, after if after < sheet.layout.rows else None)
        return Page(rows, None)

    async def render(self, list_id: str, cut: Cut, first: int, count: int) -> bytes:
        """The rows of some blocks as the bytes of a file; the first of them with the file's beginning."""
        with self._folder.sheet(list_id) as sheet:
            if cut.preset:
                return await self._preset(list_id, sheet, cut, first, count)
            layout = sheet.layout
            layout = structs.replace(layout, bom=layout.bom or cut.bom)
            content = io.BytesIO()
            writer = self._forms.stream(content, layout, cut.kind or layout.kind)
            beginning = content.tell()
            await self._write(list_id, sheet, cut, first, count, writer)
            return content.getvalue()[0 if first == 0 else beginning :]

    async def workbook(self, list_id: str, cut: Cut, name: str) -> None:
        """Makes a workbook of the list in its folder. Where some cell may be too long for one, nothing is given of it
        before it is whole: the fault can be told in its place.
        """
        self._making.add(name)
        self._withheld.add(name)
        try:
            with self._folder.sheet(list_id) as sheet, self._forms.workbook(list_id, sheet.layout, name) as writer:
                if await self._fits(sheet):
                    self._withheld.discard(name)
                first = 0
                while name not in self._unwanted and sheet.block(first) is not None:
                    await self._write(list_id, sheet, cut, first, _WORKBOOK_BLOCKS, writer)
                    first += _WORKBOOK_BLOCKS
                if name not in self._unwanted:
                    await asyncio.to_thread(writer.commit)
        finally:
            for names in (self._making, self._withheld, self._unwanted):
                names.discard(name)

    async def piece(self, list_id: str, name: str, offset: int) -> bytes:
        """What there is of a workbook behind `offset`."""
        piece = await self._forms.piece(list_id, name, offset)
        return b"" if name in self._withheld else piece

    async def discard(self, list_id: str, name: str) -> None:
        """The workbook is not needed any more."""
        self._unwanted |= self._making & {name}
        await self._forms.discard(list_id, name)

    async def _fits(self, sheet: SheetFile) -> bool:
        number = 0
        while (block := sheet.block(number)) is not None:
            if max(map(len, chain.from_iterable(block.rows)), default=0) > self._forms.longest_cell:
                return False
            number += 1
            await asyncio.sleep(0)
        return True

    async def _write(
        self, list_id: str, sheet: SheetFile, cut: Cut, first: int, count: int, writer: ListWriter
    ) -> None:
        async for block, columns, _ in self._judged(list_id, sheet, first, cut.stages, cut.filter, count):
            kept = _kept(cut.filter, columns, block)
            if not kept:
                continue
            render, first_column, repeats = self._render, columns[0], block.repeats
            ours = [render(first_column[place], repeats[place]) for place in kept]
            for further in columns[1:]:
                ours = [[*cells, *render(further[place])] for cells, place in zip(ours, kept, strict=True)]
            writer.write_rows([block.rows[place] for place in kept], ours)

    async def _preset(self, list_id: str, sheet: SheetFile, cut: Cut, first: int, count: int) -> bytes:
        layout = sheet.layout
        content = self._forms.preset(cut.preset, layout, [], [], heading=True) if first == 0 else b""
        async for block, columns, _ in self._judged(list_id, sheet, first, cut.stages, cut.filter, count):
            kept = _kept(cut.filter, columns, block)
            content += self._forms.preset(
                cut.preset,
                layout,
                [block.rows[place] for place in kept],
                [columns[0][place].normalized or columns[0][place].email.strip() for place in kept],
                heading=False,
            )
        return content

    async def _judged(
        self,
        list_id: str,
        sheet: SheetFile,
        first: int | None,
        stages: Sequence[StageName],
        filter_: RowFilter,
        count: int = _PAGE_BLOCKS,
    ) -> AsyncGenerator[tuple[Block, list[list[Assessment]], bool], None]:
        """Blocks with their verdicts, and whether these were settled before; no verdicts where no row can pass."""
        if first is None:
            return
        reasons = sheet.reasons(first, count)
        async with self._folder.journal(list_id) as journal:
            judge = RowJudge(self._judging, journal, tuple(stages), sheet.layout.email_columns)
            for number in range(first, first + count):
                block = sheet.block(number)
                if block is None:
                    return
                if number in reasons and not filter_.may_pass(reasons[number]):
                    yield block, [], True
                    continue
                settled = sheet.settled(number)
                known = settled or await settle(judge, block)
                yield block, known.assessments, settled is not None
                await asyncio.sleep(0)


def _kept(filter_: RowFilter, columns: Sequence[Sequence[Assessment]], block: Block) -> Sequence[int]:
    if not columns:
        return []
    if filter_.lets_all_through:
        return range(len(block.rows))
    return [place for place, each in enumerate(columns[0]) if filter_.passes(each, block.repeats[place])]
