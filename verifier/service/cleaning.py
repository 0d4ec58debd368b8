"""Asking about a whole list: everybody once, then those who are greylisted again when their time has come.

Memory does not grow with the list, but for the keys of greylisted rows: the input is streamed once for each round, and
what was learned lies in the journal.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

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
from verifier.service.asking import COMMAND_LINE, Asking
from verifier.service.harvest_guard import Client
from verifier.service.mailboxes import EgressSource
from verifier.service.probing import Ahead
from verifier.service.verify import Verification

_ASK_ROWS = 500
_ASK_CHUNKS = 100
_NOTHING_TO_DO = 0.05


class Table(Protocol):
    """A list that can be read through as often as needed (readers/)."""

    @property
    def layout(self) -> Layout: ...
    def chunks(self, size: int) -> Iterator[list[list[str]]]: ...


class Chunk(Protocol):
    """Some addresses as they stand, and of how many rows they are."""

    @property
    def texts(self) -> Sequence[str]: ...
    @property
    def rows(self) -> int: ...


ChunkT = TypeVar("ChunkT", bound=Chunk)


class Source(Protocol[ChunkT]):
    """The addresses of a list, as often as needed; it is told which chunk has its answers."""

    def chunks(self) -> AsyncGenerator[ChunkT, None]: ...
    def settled(self, chunk: ChunkT) -> None: ...


class Progress(Protocol):
    """Who is told how far it is."""

    def way_out(self, egress: Egress) -> None: ...
    def waiting(self, rows: int, until: datetime) -> None: ...


class Job(Struct, frozen=True):
    """What is to be done with a list."""

    source: str
    stages: tuple[StageName, ...]
    max_wait: timedelta
    selection: Selection | None = None
    client: Client = COMMAND_LINE


class TextChunk(Struct, frozen=True):
    """A chunk of a table."""

    texts: list[str]
    rows: int


class TableSource:
    """The addresses of a table, of the rows that are selected; `told` gets how many more rows are settled."""

    def __init__(self, table: Table, selection: Selection | None, told: Callable[[int], None]) -> None:
        self._table = table
        self._selection = selection
        self._told = told

    async def chunks(self) -> AsyncGenerator[TextChunk, None]:
        columns, selection = self._table.layout.email_columns, self._selection
        for rows in self._table.chunks(_ASK_ROWS):
            chosen = rows if selection is None else [row for row in rows if selection(row)]
            yield TextChunk([row[c] for row in chosen for c in columns if c < len(row)], len(rows))

    def settled(self, chunk: TextChunk) -> None:
        self._told(chunk.rows)


class Cleaning(Generic[ChunkT]):
    """`ask` learns everything that the stages want to know, and leaves it in the journal.

    It is `ask_all` and then `ask_greylisted`, which may also come in another process: what is to be known of greylisted
    mailboxes is in the journal. `share` says how many chunks may be in flight just now.
    """

    def __init__(
        self,
        verification: Verification,
        *,
        source: Source[ChunkT],
        journal: Journal,
        store: FactStore,
        egress: EgressSource,
        clock: Clock,
        job: Job,
        progress: Progress,
        share: Callable[[], int] = lambda: _ASK_CHUNKS,
        greylist_round: int = 0,
    ) -> None:
        self._verification = verification
        self._source = source
        self._share = share
        self._journal = journal
        self._store = store
        self._egress = egress
        self._clock = clock
        self._job = job
        self._progress = progress
        self._greylisted: dict[str, datetime] = {}
        self._enough = asyncio.Event()
        self._round = greylist_round
        self._waiting = False
        self._ahead = Ahead()

    def stop_waiting(self) -> bool:
        """Greylisted rows are left as they are; False where they are not being waited for."""
        if self._waiting:
            self._enough.set()
        return self._waiting

    async def ask(self) -> None:
        """Every address is asked about, greylisted ones again until `max_wait` is over; all of it is in the journal."""
        if StageName.MX not in self._job.stages:
            return
        await self.take_up()
        await self.ask_all()
        deadline = self._clock.now() + self._job.max_wait
        while self._job.max_wait and await self.ask_greylisted(deadline):
            pass

    async def ask_all(self) -> None:
        """Every address is asked about once."""
        way_out = asyncio.create_task(self._test_way_out())
        try:
            await self._ask_all(frozenset())
            await way_out
        finally:
            way_out.cancel()

    async def take_up(self) -> None:
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
            async with aclosing(self._source.chunks()) as chunks:
                async for chunk in chunks:
                    tasks.add(asyncio.create_task(self._ask_chunk(chunk, again)))
                    share = self._share()
                    tasks = await _until(tasks, share - 1 if len(tasks) >= share else len(tasks))
                    await asyncio.sleep(0)
            await _until(tasks, 0)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)  # nobody writes to the journal after this

    async def _ask_chunk(self, chunk: ChunkT, again: frozenset[str]) -> None:
        parsed: list[Address | SyntaxFault] = [parse_address(text) for text in chunk.texts]
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
                ahead=self._ahead,
            )
            await self._verification.gather(parsed, asking)
        if not again:
            self._source.settled(chunk)

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

    def greylisted(self, deadline: datetime) -> tuple[int, datetime | None]:
        """How many greylisted mailboxes can be asked again by the deadline, and when all of them can."""
        in_time = [at for at in self._greylisted.values() if at <= deadline]
        return len(in_time), max(in_time, default=None)

    async def ask_greylisted(self, deadline: datetime) -> bool:
        """Waits until those that can be asked again by the deadline can be, and asks them; False where nobody can, or
        where there was enough of waiting.
        """
        in_time = {key: at for key, at in self._greylisted.items() if at <= deadline}
        if not in_time or self._enough.is_set():
            return False
        until = max(in_time.values())
        self._progress.waiting(len(in_time), until)
        await self._pause((until - self._clock.now()).total_seconds() + _NOTHING_TO_DO)
        if self._enough.is_set():
            return False
        self._round += 1
        await self._ask_all(frozenset(in_time))
        for key, at in in_time.items():
            if self._greylisted.get(key) == at:
                del self._greylisted[key]
        return True

    async def _pause(self, seconds: float) -> None:
        self._waiting = True
        pause = asyncio.ensure_future(self._clock.sleep(max(0.0, seconds)))
        stop = asyncio.ensure_future(self._enough.wait())
        await asyncio.wait((pause, stop), return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()
        stop.cancel()
        self._waiting = False


async def _until(tasks: "set[asyncio.Task[None]]", remaining: int) -> "set[asyncio.Task[None]]":
    """Wait until at most so many are running; whatever one raised is raised here."""
    while len(tasks) > remaining:
        done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    return tasks
