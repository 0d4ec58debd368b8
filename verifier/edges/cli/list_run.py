"""One run over one list: ask, wait, write; what was learned lies in a journal until the output is there."""

from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from verifier.adapters.duplicates import DuplicateIndex
from verifier.adapters.sqlite_journal import SqliteJournal, sweep_journals
from verifier.config import Settings
from verifier.core.keep import Keep
from verifier.core.keys import journal_name
from verifier.core.reasons import StageName
from verifier.core.summary import Summary
from verifier.core.table import TableKind
from verifier.edges.cli.clean_progress import CleanProgress
from verifier.edges.cli.event_loop import Interrupts
from verifier.edges.cli.session import probing
from verifier.ports import Clock, Journal, ListWriter
from verifier.readers.list_table import ListTable
from verifier.readers.source import STDIN
from verifier.service.cleaned import CleanedList
from verifier.service.cleaning import Cleaning, Job, TableSource
from verifier.service.judging import Judging
from verifier.service.probing import Timeouts
from verifier.wiring import Verifier, open_judging
from verifier.writers.columns import cells_of


class Wish(Struct, frozen=True):
    """What the command line asked for."""

    source: str
    output: str | None = None
    columns: tuple[str, ...] = ()
    keep: Keep | None = None
    only: str | None = None
    kind: TableKind | None = None
    report: Path | None = None
    stages: tuple[StageName, ...] = tuple(StageName)
    max_wait: timedelta = timedelta(minutes=20)
    restart: bool = False
    force: bool = False
    timeouts: Timeouts | None = None


class ListRun(Struct):
    """What a run works with. `work` gives the summary and how many rows were kept; nothing is committed offline."""

    settings: Settings
    wish: Wish
    job: Job
    table: ListTable
    writer: ListWriter
    progress: CleanProgress
    interrupts: Interrupts
    clock: Clock

    async def work(self) -> tuple[Summary, int]:
        """Ask whom the stages want asked, and write. Syntax and lists alone need no lock and leave nothing behind."""
        if StageName.MX not in self.job.stages:
            judging, _ = open_judging(self.settings, self.clock)
            return await self._write(judging, None)
        async with probing(self.settings, "verifier clean", self.wish.timeouts) as verifier:
            await sweep_journals(verifier.journals, self.clock)
            journal = SqliteJournal(verifier.journals, self._journal_name(verifier), self.clock)
            await journal.open(restart=self.wish.restart or self.wish.source == STDIN)
            try:
                await self._ask(verifier, journal)
                written = await self._write(verifier.verification.judging, journal)
                self.writer.commit()
            except BaseException:
                await journal.close()
                raise
            await journal.finish()
            return written

    def _journal_name(self, verifier: Verifier) -> str:
        """The same content, arguments and data take up the same journal."""
        arguments = [*self.wish.stages, *map(str, self.table.layout.email_columns), self.wish.only or ""]
        return journal_name(self.table.digest, arguments, [verifier.reference.version, verifier.resolver.identity])

    async def _ask(self, verifier: Verifier, journal: Journal) -> None:
        cleaning = Cleaning(
            verifier.verification,
            source=TableSource(self.table, self.job.selection, self.progress.settled),
            journal=journal,
            store=verifier.store,
            egress=verifier.egress,
            clock=self.clock,
            job=self.job,
            progress=self.progress,
        )
        self.interrupts.handle = cleaning.stop_waiting
        self.progress.step("progress.asking")
        await cleaning.ask()

    async def _write(self, judging: Judging, journal: Journal | None) -> tuple[Summary, int]:
        self.progress.step("progress.writing")
        cleaned = CleanedList(
            judging,
            table=self.table,
            journal=journal,
            job=self.job,
            render=cells_of,
            duplicates=DuplicateIndex(),
            keep=self.wish.keep,
        )
        summary = await cleaned.write(self.writer, self.progress.settled)
        return summary, cleaned.kept
