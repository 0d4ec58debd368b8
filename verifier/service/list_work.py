"""The work on one list, from its upload to its end: read it, ask about it, judge it, ask the greylisted again.

Law: it can be killed at any moment and taken up again; what was learned stands in the list's journal before anybody
acts on it, and what is done twice comes to the same.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from verifier.core.egress import EgressState
from verifier.core.forecast import Forecast, forecast
from verifier.core.list_counts import Counts
from verifier.core.list_faults import QuotaExceeded
from verifier.core.list_jobs import ListJob, Preview, Progress
from verifier.core.list_states import ListState
from verifier.core.providers import ProviderTable
from verifier.core.reasons import Reason, StageName
from verifier.list_ports import Journals, Sheets, Uploads
from verifier.ports import Clock, FactStore, Journal
from verifier.service.cleaning import Cleaning, Job
from verifier.service.harvest_guard import Client
from verifier.service.list_book import ListBook
from verifier.service.list_meter import ListMeter, cancelled
from verifier.service.list_quotas import ListQuotas
from verifier.service.mailboxes import EgressSource
from verifier.service.verify import Verification

_JUDGED_TOGETHER = 16
_BLOCK_ROWS = 500
"""At most, but for the rows of further e-mail columns."""


class Equipment(Struct, frozen=True):
    """What the work on lists needs. `share` says how many parts of a list may be in flight just now."""

    book: ListBook
    uploads: Uploads
    journals: Journals
    sheets: Sheets
    verification: Verification
    facts: FactStore
    egress: EgressSource
    providers: ProviderTable
    probe_opt_in: bool
    clock: Clock
    share: Callable[[], int]
    quotas: ListQuotas | None = None


class ListWork:
    """`read` brings a list to `ready`, `begin` to `running`, `finish` from there to its end."""

    def __init__(self, equipment: Equipment, list_id: str) -> None:
        self._equipment = equipment
        self._id = list_id

    async def read(self, job: ListJob) -> ListJob:
        """Reads the upload. Raises InputError where it is no list."""
        book, uploads = self._equipment.book, self._equipment.uploads
        if job.state is ListState.UPLOADED:
            job = await book.move(self._id, ListState.PARSING)
        if job.preview is None:
            survey = await self._equipment.sheets.survey(self._id, job.name, job.suffix, job.options.columns)
            preview, blocks = survey.preview, survey.blocks
            egress = await self._way_out(job)
            news: dict[str, Any] = {
                "preview": preview,
                "blocks": blocks,
                "columns": preview.email_columns,
                "egress": egress,
                "forecast": expect(self._equipment, job, preview, egress),
            }
            job = await book.note(self._id, lambda _: news)
        await uploads.parsed(self._id, job.suffix)
        return await book.move(self._id, ListState.READY)

    async def begin(self, job: ListJob) -> ListJob:
        """A list that is ready is started."""
        return await self._equipment.book.move(job.id, ListState.RUNNING, started=self._equipment.clock.now())

    async def finish(self, job: ListJob) -> None:
        """Everything that is left to do of a list that was started."""
        if job.preview is not None and job.columns != job.preview.email_columns:
            job = await self._marked(job, job.preview)
        quotas = self._equipment.quotas
        quota = await quotas.of(job) if quotas is not None else None
        meter = ListMeter(job, self._equipment.book, self._equipment.sheets, self._equipment.clock, quota)
        ticking = asyncio.create_task(meter.ticking())
        work = asyncio.create_task(
            self._asked(job, meter) if StageName.MX in job.options.stages else self._looked_at(job, meter)
        )
        for task in (work, ticking):
            task.add_done_callback(_heard)
        try:
            await asyncio.wait((work, ticking), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                ticking.result()
            await work
        except QuotaExceeded:
            await meter.write()
            raise
        finally:
            work.cancel()
            await asyncio.wait([work])
            await cancelled(ticking)
            if quota is not None:
                quota.close()
        await self._end(meter)

    async def _asked(self, job: ListJob, meter: ListMeter) -> None:
        """Asks the network about the list, judges it, and asks the greylisted again as long as they are waited for."""
        journal = await self._equipment.journals.open(self._id)
        try:
            cleaning = self._cleaning(job, journal, meter)
            await cleaning.take_up()
            if job.progress.all_asked:
                await self._all(job, meter, Reason.GREYLISTED)  # asked again, perhaps, by whoever was killed
            else:
                await cleaning.ask_all()
                meter.all_answered()
                await self._all(job, meter)
                meter.set(all_asked=True, deadline=self._equipment.clock.now() + job.options.max_wait)
                await meter.write()
            await self._ask_greylisted(job, cleaning, meter)
        finally:
            await journal.close()

    async def _ask_greylisted(self, job: ListJob, cleaning: Cleaning[Any], meter: ListMeter) -> None:
        deadline = meter.progress.deadline
        assert deadline is not None
        while job.options.max_wait:
            rows, until = cleaning.greylisted(deadline)
            if not rows:
                break
            meter.set(waiting=rows, until=until)
            await meter.write()
            await self._state(ListState.RECHECKING)
            await cleaning.ask_greylisted(deadline)
            meter.set(greylist_round=meter.progress.greylist_round + 1)
            await self._all(job, meter, Reason.GREYLISTED)
            await meter.write()
        meter.set(waiting=0, until=None)

    async def _looked_at(self, job: ListJob, meter: ListMeter) -> None:
        """Judges every block by what needs no network."""
        together = _JUDGED_TOGETHER if not meter.is_limited else 1
        for first in range(0, job.blocks, together):
            await meter.admit(first, _BLOCK_ROWS)
            counts = await self._equipment.sheets.judge(self._id, first, together, job.options.stages)
            await meter.judged(range(first, first + together), counts)

    async def _all(self, job: ListJob, meter: ListMeter, only: Reason | None = None) -> None:
        """Judges every block, or those with a row of that reason."""
        for first in range(0, job.blocks, _JUDGED_TOGETHER):
            sheets = self._equipment.sheets
            counts = await sheets.judge(self._id, first, _JUDGED_TOGETHER, job.options.stages, only)
            await meter.judged(range(first, first + _JUDGED_TOGETHER), counts)

    async def _end(self, meter: ListMeter) -> None:
        """Every row has its verdict: the journal is not needed any more."""
        await meter.write()
        await self._equipment.journals.discard(self._id)
        await self._equipment.book.move(self._id, ListState.COMPLETED, finished=self._equipment.clock.now(), faults=0)

    async def _state(self, state: ListState) -> None:
        job = await self._equipment.book.get(self._id)
        if job.state is not state:
            await self._equipment.book.move(self._id, state)

    async def _marked(self, job: ListJob, before: Preview) -> ListJob:
        """Reads the rows under the columns that were chosen; nothing that was known before counts."""
        preview = await self._equipment.sheets.mark(self._id, job.columns)
        news = {
            "preview": preview,
            "forecast": expect(self._equipment, job, preview, job.egress),
            "counts": Counts(),
            "progress": Progress(),
        }
        return await self._equipment.book.note(self._id, lambda _: news)

    async def _way_out(self, job: ListJob) -> EgressState:
        if StageName.SMTP not in job.options.stages:
            return EgressState.UNTESTED
        return (await self._equipment.egress.outcome()).state

    def _cleaning(self, job: ListJob, journal: Journal, meter: ListMeter) -> Cleaning[Any]:
        return Cleaning(
            self._equipment.verification,
            source=meter,
            journal=journal,
            store=self._equipment.facts,
            egress=self._equipment.egress,
            clock=self._equipment.clock,
            job=Job(
                source=self._id,
                stages=job.options.stages,
                max_wait=job.options.max_wait,
                client=Client(job.client, job.name),
            ),
            progress=meter,
            share=self._equipment.share,
            greylist_round=job.progress.greylist_round,
        )


def expect(equipment: Equipment, job: ListJob, preview: Preview, egress: EgressState) -> Forecast:
    """What is to be expected of a list that looks so."""
    return forecast(
        preview.addresses,
        equipment.providers,
        domains=preview.domains,
        probe_opt_in=equipment.probe_opt_in,
        egress=egress,
        stages=job.options.stages,
    )


def _heard(task: "asyncio.Task[None]") -> None:
    """What it raised is known, though whoever waited for it was stopped in the middle of that."""
    if not task.cancelled():
        task.exception()
