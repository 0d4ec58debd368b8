"""A list from its first row to its cleaned copy: ask about everybody, wait for the greylisted, then write.

Memory does not grow with the list, but for de-duplication and for the keys of greylisted rows: the input is streamed
once for each of the steps, and what was learned lies in the journal.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.egress import Egress
from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts
from verifier.core.keep import Keep
from verifier.core.reasons import StageName
from verifier.core.replies import ReplyClass
from verifier.core.summary import Summary
from verifier.core.table import Layout
from verifier.core.verdict import Assessment
from verifier.ports import Clock, FactStore, Journal
from verifier.service.mailboxes import Asking, EgressSource, Knowledge
from verifier.service.verify import Verification

_ASK_ROWS = 500
_ASK_CHUNKS = 100
_WRITE_ROWS = 4000
_NOTHING_TO_DO = 0.05


class Table(Protocol):
    """A list that can be read through as often as needed (readers/)."""

    @property
    def layout(self) -> Layout: ...
    def chunks(self, size: int) -> Iterator[list[list[str]]]: ...


class Rows(Protocol):
    """Where finished rows go (writers/): `ours` are the assessments of a row's e-mail columns, None where the row's
    earlier cells stay; `duplicate_of` is the 1-based row where the first of them stood before, or 0.
    """

    def write(
        self, rows: Sequence[list[str]], ours: Sequence[Sequence[Assessment] | None], duplicate_of: Sequence[int]
    ) -> None: ...


class Duplicates(Protocol):
    """Gives for each key the 1-based number of the row where it first stood, or 0 (adapters/)."""

    def first_rows(self, keys: Sequence[str], first_number: int) -> Sequence[int]: ...


class Selection(Protocol):
    """Whether a row is to be verified (`--only`); rows that are not keep what they have."""

    def __call__(self, row: Sequence[str]) -> bool: ...


class Progress(Protocol):
    """Who is told how far it is."""

    def settled(self, rows: int) -> None: ...
    def way_out(self, egress: Egress) -> None: ...
    def waiting(self, rows: int, until: datetime) -> None: ...


class Job(Struct, frozen=True):
    """What is to be done with a list."""

    source: str
    stages: tuple[StageName, ...]
    max_wait: timedelta
    selection: Selection | None = None


class Cleaning:
    """`ask` learns everything that the stages want to know; `write` needs nobody any more."""

    def __init__(
        self,
        verification: Verification,
        *,
        table: Table,
        journal: Journal,
        store: FactStore,
        egress: EgressSource,
        clock: Clock,
        job: Job,
        progress: Progress,
    ) -> None:
        self._verification = verification
        self._table = table
        self._journal = journal
        self._store = store
        self._egress = egress
        self._clock = clock
        self._job = job
        self._progress = progress
        self._greylisted: dict[str, datetime] = {}
        self._enough = asyncio.Event()
        self._round = 0

    def stop_waiting(self) -> None:
        """Greylisted rows are left as they are from now on."""
        self._enough.set()

    async def ask(self) -> None:
        """Every address is asked about, greylisted ones again until `max_wait` is over; all of it is in the journal."""
        if StageName.MX not in self._job.stages:
            return
        await self._take_up()
        way_out = asyncio.create_task(self._test_way_out())
        await self._ask_all(frozenset())
        await way_out
        await self._wait_for_greylisted()

    async def write(self, rows: Rows, duplicates: Duplicates, keep: Keep | None) -> Summary:
        """Read the list once more and write every row with its verdict; those that `keep` refuses are left out."""
        summary = Summary()
        number = 1
        for chunk in self._table.chunks(_WRITE_ROWS):
            await self._write_chunk(chunk, number, rows, duplicates, keep, summary)
            number += len(chunk)
        return summary

    async def _take_up(self) -> None:
        """What an earlier, killed run had learned is known again."""
        async for findings, facts in self._journal.load():
            await self._store.remember_mailboxes(findings)
            await self._store.remember_domains(facts)
            self._note(findings)

    async def _test_way_out(self) -> None:
        if StageName.SMTP in self._job.stages:
            self._progress.way_out(await self._egress.outcome())

    async def _ask_all(self, again: frozenset[str]) -> None:
        """One pass over the list; with `again` only those mailboxes are asked, once more."""
        tasks: set[asyncio.Task[None]] = set()
        try:
            for chunk in self._table.chunks(_ASK_ROWS):
                tasks.add(asyncio.create_task(self._ask_chunk(self._addresses(chunk), len(chunk), again)))
                pending = _ASK_CHUNKS - 1 if len(tasks) >= _ASK_CHUNKS else len(tasks)
                tasks = await _until(tasks, pending)
                await asyncio.sleep(0)
            await _until(tasks, 0)
        finally:
            for task in tasks:
                task.cancel()

    async def _ask_chunk(self, parsed: Sequence[Address | SyntaxFault], rows: int, again: frozenset[str]) -> None:
        if again:
            parsed = [a for a in parsed if isinstance(a, Address) and self._verification.key_of(a) in again]
        if parsed:
            asking = Asking(
                stages=self._job.stages,
                source=self._job.source,
                again=again,
                greylist_round=self._round,
                record=self._record,
            )
            await self._verification.gather(parsed, asking)
        if not again:
            self._progress.settled(rows)

    async def _record(self, findings: Sequence[tuple[str, Finding]], facts: Sequence[DomainFacts]) -> None:
        await self._journal.record(findings, facts)
        self._note(findings)

    def _note(self, findings: Sequence[tuple[str, Finding]]) -> None:
        """Keep in mind who is greylisted, and until when."""
        for key, finding in findings:
            if finding.reply_class is ReplyClass.GREYLISTED and finding.retry_after is not None:
                self._greylisted[key] = finding.retry_after
            else:
                self._greylisted.pop(key, None)

    async def _wait_for_greylisted(self) -> None:
        deadline = self._clock.now() + self._job.max_wait
        while self._greylisted and not self._enough.is_set():
            in_time = {key: at for key, at in self._greylisted.items() if at <= deadline}
            if not in_time:
                return
            until = max(in_time.values())
            self._progress.waiting(len(in_time), until)
            await self._pause((until - self._clock.now()).total_seconds() + _NOTHING_TO_DO)
            if self._enough.is_set():
                return
            self._round += 1
            await self._ask_all(frozenset(in_time))
            for key, at in in_time.items():
                if self._greylisted.get(key) == at:
                    del self._greylisted[key]

    async def _pause(self, seconds: float) -> None:
        pause = asyncio.ensure_future(self._clock.sleep(max(0.0, seconds)))
        stop = asyncio.ensure_future(self._enough.wait())
        await asyncio.wait((pause, stop), return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()
        stop.cancel()

    def _addresses(self, chunk: Sequence[Sequence[str]]) -> list[Address | SyntaxFault]:
        selection = self._job.selection
        columns = self._table.layout.email_columns
        return [
            parse_address(row[column])
            for row in chunk
            if selection is None or selection(row)
            for column in columns
            if column < len(row)
        ]

    async def _write_chunk(
        self,
        chunk: list[list[str]],
        number: int,
        rows: Rows,
        duplicates: Duplicates,
        keep: Keep | None,
        summary: Summary,
    ) -> None:
        columns = self._table.layout.email_columns
        parsed = [[_parse(row, column) for row in chunk] for column in columns]
        knowledge = await self._known([a for column in parsed for a in column])
        judged = [self._verification.judge(column, knowledge, self._job.stages) for column in parsed]
        first = parsed[0]
        keys = [a.comparison if isinstance(a, Address) else "" for a in first]
        duplicate_of = duplicates.first_rows(keys, number)
        for address, assessment, earlier in zip(first, judged[0], duplicate_of, strict=True):
            if not address.raw.strip():
                summary.add_blank()
            else:
                summary.add(assessment, duplicate=earlier > 0)
        ours: list[Sequence[Assessment] | None] = list(zip(*judged, strict=True))
        selection = self._job.selection
        if selection is not None:
            ours = [own if selection(row) else None for row, own in zip(chunk, ours, strict=True)]
        if keep is not None:
            kept = [place for place, assessment in enumerate(judged[0]) if keep(assessment)]
            chunk = [chunk[place] for place in kept]
            ours = [ours[place] for place in kept]
            duplicate_of = [duplicate_of[place] for place in kept]
        rows.write(chunk, ours, duplicate_of)

    async def _known(self, parsed: Sequence[Address | SyntaxFault]) -> Knowledge:
        if StageName.MX not in self._job.stages:
            return Knowledge.of({})
        addresses = [a for a in parsed if isinstance(a, Address)]
        keys = {self._verification.key_of(address) for address in addresses}
        findings, facts = await self._journal.known(keys, {address.domain for address in addresses})
        knowledge = Knowledge.of(facts)
        knowledge.findings.update(findings)
        knowledge.live.update(findings)
        return knowledge


def _parse(row: Sequence[str], column: int) -> Address | SyntaxFault:
    return parse_address(row[column] if column < len(row) else "")


async def _until(tasks: "set[asyncio.Task[None]]", remaining: int) -> "set[asyncio.Task[None]]":
    """Wait until at most so many are running; whatever one raised is raised here."""
    while len(tasks) > remaining:
        done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    return tasks
