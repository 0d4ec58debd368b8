"""The rows of lists: read into sheets, looked at, judged, forgotten. Works beside whoever waits for the network.

Judging is that of `clean` (service/cleaned.py), block by block. Whatever is done of a list can be done again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol
from weakref import WeakValueDictionary

from msgspec import structs

from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.distinct import DistinctCounter
from verifier.core.faults import InputError
from verifier.core.forecast import OTHERS
from verifier.core.forgetting import holds
from verifier.core.list_counts import Counts, counted, further, total
from verifier.core.list_jobs import Preview
from verifier.core.list_rows import Block, Row, Settled, Survey, Texts, encodable, shown
from verifier.core.names import Names
from verifier.core.reasons import Reason, StageName
from verifier.core.table import Layout, made_up_names
from verifier.core.verdict import Assessment
from verifier.list_ports import SheetFile
from verifier.ports import Journal, ListReader
from verifier.service.judging import Judging
from verifier.service.row_judging import Duplicates, RowJudge

MOST_ROWS = 10_000_000
"""Which row repeats which takes 8 to 17 bytes a row; the shortest rows of an upload of 1 GB would be 500 million."""
_BLOCK_ROWS = 500
_BLOCK_CHARACTERS = 1 << 18
_READ_ROWS = 100
_SHOWN_ROWS = 20
_SHOWN_CHARACTERS = 120
_YIELD_BLOCKS = 8
_DOMAINS_TOGETHER = 1 << 16


class SheetFolder(Protocol):
    """Where the files of a list are (wiring)."""

    def sheet(self, list_id: str, *, anew: bool = False) -> AbstractContextManager[SheetFile]: ...
    def upload(self, list_id: str, suffix: str, name: str, columns: Sequence[str]) -> ListReader: ...
    def journal(self, list_id: str) -> AbstractAsyncContextManager[Journal | None]: ...


class ListSheets:
    """The Sheets of list_ports.py. `duplicates` makes an empty index of keys."""

    def __init__(
        self, folder: SheetFolder, judging: Judging, names: Names, duplicates: Callable[[], Duplicates]
    ) -> None:
        self._folder = folder
        self._judging = judging
        self._names = names
        self._duplicates = duplicates
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def survey(self, list_id: str, name: str, suffix: str, columns: Sequence[str]) -> Survey:
        """Reads the upload from end to end; in a thread, for it takes as long as the list is long."""
        async with self._turn(list_id):
            return await asyncio.to_thread(self._survey, list_id, name, suffix, columns)

    async def mark(self, list_id: str, columns: Sequence[int]) -> Preview:
        """The same rows under other e-mail columns; every verdict is dropped."""
        async with self._turn(list_id):
            return await asyncio.to_thread(self._mark, list_id, tuple(columns))

    async def texts(self, list_id: str, block: int) -> Texts:
        """Rows that repeat an earlier one are not asked again."""
        with self._folder.sheet(list_id) as sheet:
            found, first, *further = sheet.block(block), *sheet.layout.email_columns
        if found is None:
            return Texts(block, [], 0)
        texts = [_cell(row, first) for row, earlier in zip(found.rows, found.repeats, strict=True) if not earlier]
        texts += [_cell(row, column) for column in further for row in found.rows]
        return Texts(block, [encodable(text) for text in texts if text.strip()], len(found.rows))

    async def judge(
        self, list_id: str, first: int, count: int, stages: Sequence[StageName], only: Reason | None = None
    ) -> Counts:
        """Judges by what is known by now, replacing earlier verdicts."""
        async with self._turn(list_id):
            return await self._judge(list_id, range(first, first + count), tuple(stages), only)

    async def _judge(
        self, list_id: str, numbers: Sequence[int], stages: tuple[StageName, ...], only: Reason | None
    ) -> Counts:
        with self._folder.sheet(list_id) as sheet:
            if only is not None:
                numbers = [n for n, reasons in sheet.reasons(numbers[0], len(numbers)).items() if only in reasons]
            settled = []
            async with self._folder.journal(list_id) as journal:
                judge = RowJudge(self._judging, journal, stages, sheet.layout.email_columns)
                for number in numbers:
                    block = sheet.block(number)
                    if block is not None:
                        settled.append(await settle(judge, block))
                    await asyncio.sleep(0)
            return sheet.settle(settled)

    async def forget(self, list_id: str, address: str, stages: Sequence[StageName]) -> Counts | None:
        """Blanks every cell that holds the mailbox, whatever its column; rows keep their number and other cells."""
        parsed = parse_address(address)
        if isinstance(parsed, SyntaxFault):
            return None
        async with self._turn(list_id):
            return await self._forget(list_id, parsed, stages)

    async def _forget(self, list_id: str, parsed: Address, stages: Sequence[StageName]) -> Counts | None:
        counts: Counts | None = None
        with self._folder.sheet(list_id) as sheet:
            judge = RowJudge(self._judging, None, tuple(stages), sheet.layout.email_columns)
            number = 0
            while (block := sheet.block(number)) is not None:
                without = _without(block, parsed, sheet.layout.email_columns[0])
                if without is not None:
                    settled = sheet.settled(number)
                    sheet.change(without)
                    changed = [] if settled is None else [await _again(judge, block, without, settled)]
                    counts = sheet.settle(changed)
                number += 1
                if number % _YIELD_BLOCKS == 0:
                    await asyncio.sleep(0)
        return counts

    def _turn(self, list_id: str) -> asyncio.Lock:
        """Who changes a list's rows or verdicts does so one after another, in the order of asking."""
        lock = self._turns.get(list_id)
        if lock is None:
            lock = self._turns[list_id] = asyncio.Lock()
        return lock

    def _survey(self, list_id: str, name: str, suffix: str, columns: Sequence[str]) -> Survey:
        table, guessed = self._opened(list_id, name, suffix, columns)
        try:
            layout = table.layout if guessed else _without_guess(table.layout)
            if layout.rows > MOST_ROWS:
                raise InputError(f"{name} has {layout.rows:,} rows: a list has at most {MOST_ROWS:,} here. Split it.")
            look = _Look(self._names, self._duplicates(), layout.email_columns[0])
            blocks = 0
            with self._folder.sheet(list_id, anew=True) as sheet:
                for rows in _blocks(table):
                    sheet.append(rows, look.at(rows))
                    blocks += 1
                sheet.seal(layout)
            return Survey(look.preview(layout, guessed), blocks)
        finally:
            table.close()

    def _opened(self, list_id: str, name: str, suffix: str, columns: Sequence[str]) -> tuple[ListReader, bool]:
        """The upload; where its address column cannot be guessed it is read all the same, for somebody to say."""
        try:
            return self._folder.upload(list_id, suffix, name, columns), True
        except InputError as fault:
            if columns:
                raise
            try:
                return self._folder.upload(list_id, suffix, name, ("1",)), False
            except InputError:
                raise fault from None

    def _mark(self, list_id: str, columns: tuple[int, ...]) -> Preview:
        with self._folder.sheet(list_id) as sheet:
            layout = sheet.layout
            named = layout.has_header or layout.headings_row
            header = layout.header if named else made_up_names(layout.width, columns)
            layout = structs.replace(layout, email_columns=columns, header=header)
            sheet.unsettle()
            look = _Look(self._names, self._duplicates(), columns[0])
            number = 0
            while (block := sheet.block(number)) is not None:
                sheet.change(structs.replace(block, repeats=look.at(block.rows)))
                number += 1
            sheet.seal(layout)
            return look.preview(layout, True)


def _without_guess(layout: Layout) -> Layout:
    """No heading that was made up says that there are addresses below it."""
    return (
        layout
        if layout.has_header or layout.headings_row
        else structs.replace(layout, header=made_up_names(layout.width, ()))
    )


class _Look:
    """What a list looks like: counted while its rows go by."""

    def __init__(self, names: Names, duplicates: Duplicates, column: int) -> None:
        self._names = names
        self._duplicates = duplicates
        self._column = column
        self._addresses: Counter[str] = Counter()
        self._uncounted: Counter[str] = Counter()
        self._domains = DistinctCounter()
        self._first: list[Row] = []
        self._blank = self._malformed = self._repeated = 0

    def at(self, rows: Sequence[Row]) -> list[int]:
        """The next rows; for each the earlier one that it repeats, or 0."""
        if len(self._first) < _SHOWN_ROWS:
            self._first.extend(rows[: _SHOWN_ROWS - len(self._first)])
        parsed = [parse_address(_cell(row, self._column)) for row in rows]
        repeats = self._duplicates.first_rows([a.comparison if isinstance(a, Address) else "" for a in parsed])
        self._repeated += len(repeats) - repeats.count(0)
        faults = [each for each in parsed if isinstance(each, SyntaxFault)]
        blank = sum(1 for fault in faults if not fault.raw.strip())
        self._blank += blank
        self._malformed += len(faults) - blank
        self._uncounted.update(
            [a.domain for a, earlier in zip(parsed, repeats, strict=True) if isinstance(a, Address) and not earlier]
        )
        if len(self._uncounted) >= _DOMAINS_TOGETHER:
            self._count_domains()
        return repeats

    def _count_domains(self) -> None:
        self._domains.see(map(hash, self._uncounted))
        for domain, count in self._uncounted.items():
            provider = self._names.provider(domain, None)
            self._addresses[provider.name if provider is not None else OTHERS] += count
        self._uncounted.clear()

    def preview(self, layout: Layout, guessed: bool) -> Preview:
        """All of it."""
        self._count_domains()
        first = [shown(row, layout.width) for row in self._first]
        return Preview(
            kind=layout.kind,
            encoding=layout.encoding,
            separator=layout.separator,
            has_header=layout.has_header,
            columns=tuple(map(encodable, layout.header)),
            email_columns=layout.email_columns if guessed else (),
            first_rows=tuple(tuple(cell[:_SHOWN_CHARACTERS] for cell in row) for row in first),
            rows=layout.rows,
            blank=self._blank,
            malformed=self._malformed,
            duplicates=self._repeated,
            addresses=dict(self._addresses),
            domains=self._domains.estimate(),
            headings_row=layout.headings_row,
            sheet=encodable(layout.sheet),
            other_sheets=tuple(map(encodable, layout.other_sheets)),
        )


async def settle(judge: RowJudge, block: Block) -> Settled:
    """The block's verdicts by what is known by now."""
    _, judged = await judge.judged(block.rows)
    assessments = [[_plain(assessment) for assessment in column] for column in judged]
    return Settled(block.number, assessments, _counts(assessments, block))


def _counts(assessments: Sequence[Sequence[Assessment]], block: Block) -> Counts:
    return total([counted(assessments[0], block.repeats), *map(further, assessments[1:])])


def _plain(assessment: Assessment) -> Assessment:
    """The assessment with its cell as text that can be kept: JSON values as such, ? for what is no valid Unicode."""
    cell = assessment.email
    if type(cell) is str and cell.isascii():
        return assessment
    return structs.replace(assessment, email=encodable(cell))


def _blocks(table: ListReader) -> Iterator[list[Row]]:
    """The rows in blocks of some hundred, fewer where they are long: a block is held in memory, and packed, as one."""
    block: list[Row] = []
    size = 0
    for rows in table.chunks(_READ_ROWS):
        for row in rows:
            block.append(row)
            size += sum(map(len, row))
            if size > _BLOCK_CHARACTERS:
                yield block
                block, size = [], 0
        if len(block) >= _BLOCK_ROWS:
            yield block
            block, size = [], 0
    if block:
        yield block


def _without(block: Block, address: Address, column: int) -> Block | None:
    """The block without the mailbox; None where it does not hold it."""
    rows, repeats = [], []
    found = False
    for row, earlier in zip(block.rows, block.repeats, strict=True):
        hit = [holds(cell, address) for cell in row]
        found = found or any(hit)
        rows.append(["" if held else cell for cell, held in zip(row, hit, strict=True)] if any(hit) else row)
        repeats.append(0 if column < len(hit) and hit[column] else earlier)
    return structs.replace(block, rows=rows, repeats=repeats) if found else None


async def _again(judge: RowJudge, before: Block, after: Block, settled: Settled) -> Settled:
    """The verdicts with those of the rows that have changed made anew."""
    places = [n for n, (old, new) in enumerate(zip(before.rows, after.rows, strict=True)) if old != new]
    _, anew = await judge.judged([after.rows[place] for place in places])
    assessments = [list(column) for column in settled.assessments]
    for column, fresh in zip(assessments, anew, strict=True):
        for place, assessment in zip(places, fresh, strict=True):
            if not assessment.email.strip():
                column[place] = assessment
    return Settled(after.number, assessments, _counts(assessments, after))


def _cell(row: Sequence[str], column: int) -> str:
    return row[column] if column < len(row) else ""
