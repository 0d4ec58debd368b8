"""Asking about a whole list: everybody once, then those who are greylisted again when their time has come.

Memory does not grow with the list, but for the keys of greylisted rows: the input is streamed once for each round, and
what was learned lies in the journal.
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
from verifier.core.only import Selection
from verifier.core.reasons import StageName
from verifier.core.replies import ReplyClass
from verifier.core.table import Layout
from verifier.ports import Clock, FactStore, Journal
from verifier.service.harvest_guard import Client
from verifier.service.mailboxes import COMMAND_LINE, Asking, EgressSource
from verifier.service.verify import Verification

_ASK_ROWS = 500
_ASK_CHUNKS = 100
_NOTHING_TO_DO = 0.05


class Table(Protocol):
    """A list that can be read through as often as needed (readers/)."""

    @property
    def layout(self) -> Layout: ...
    def chunks(self, size: int) -> Iterator[list[list[str]]]: ...


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
    client: Client = COMMAND_LINE


class Cleaning:
    """`ask` learns everything that the stages want to know, and leaves it in the journal."""

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
        self._waiting = False

    def stop_waiting(self) -> bool:
        """Greylisted rows are left as they are; False where they are not being waited for."""
        if self._waiting:
            self._enough.set()
        return self._waiting

    async def ask(self) -> None:
        """Every address is asked about, greylisted ones again until `max_wait` is over; all of it is in the journal."""
        if StageName.MX not in self._job.stages:
            return
        await self._take_up()
        way_out = asyncio.create_task(self._test_way_out())
        await self._ask_all(frozenset())
        await way_out
        await self._wait_for_greylisted()

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
            parsed = [a for a in parsed if isinstance(a, Address) and self._verification.judging.key_of(a) in again]
        if parsed:
            asking = Asking(
                stages=self._job.stages,
                source=self._job.source,
                client=self._job.client,
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
        if not self._job.max_wait:
            return
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
        self._waiting = True
        pause = asyncio.ensure_future(self._clock.sleep(max(0.0, seconds)))
        stop = asyncio.ensure_future(self._enough.wait())
        await asyncio.wait((pause, stop), return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()
        stop.cancel()
        self._waiting = False

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


async def _until(tasks: "set[asyncio.Task[None]]", remaining: int) -> "set[asyncio.Task[None]]":
    """Wait until at most so many are running; whatever one raised is raised here."""
    while len(tasks) > remaining:
        done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    return tasks
