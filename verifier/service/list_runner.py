"""Runs lists side by side in this process: takes up what an earlier one left, pauses what cannot go on, gives up last.

Law: whatever happens to one list happens to that list alone; a list that is paused goes on by itself.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from verifier.core.egress import EgressState
from verifier.core.faults import DiskFull, OperatorError, ServiceUnavailable
from verifier.core.forecast import Forecast
from verifier.core.list_faults import UNREADABLE, ListFault, QuotaExceeded, UnknownList
from verifier.core.list_jobs import ListJob, Preview
from verifier.core.list_states import AT_REST, ListState, PauseCode
from verifier.list_ports import JobStore
from verifier.service.list_tasks import ListTasks
from verifier.service.list_work import Equipment, ListWork, expect

_LARGE_ROWS = 20_000
_LARGE_AT_A_TIME = 8
_SMALL_AT_A_TIME = 32
_SHARED_PARTS = 500
_FEWEST_PARTS = 20
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 300.0
_MOST_FAULTS = 3
_PAGE = 100


class ListRunner:
    """`resume` once at the start, `start` for each list that has work to be done, `stop` before one is taken away."""

    def __init__(
        self,
        equip: Callable[[Callable[[], int]], Equipment],
        store: JobStore,
        report_fault: Callable[[BaseException], None],
    ) -> None:
        self._equipment = equip(self._share)
        self._store = store
        self._report_fault = report_fault
        self._tasks = ListTasks()
        self._places = {
            True: asyncio.Semaphore(_LARGE_AT_A_TIME),
            False: asyncio.Semaphore(_SMALL_AT_A_TIME),
        }
        self._busy = 0

    async def resume(self) -> None:
        """Takes up every list that an earlier process left at work, and what it did not come to clear away."""
        states = frozenset(ListState) - AT_REST | {ListState.READY}
        before = None
        while jobs := await self._store.jobs(states=states, before=before, limit=_PAGE):
            for job in jobs:
                if not _rests(job):
                    self.start(job.id)
            before = (jobs[-1].created, jobs[-1].id)

    def expect(self, job: ListJob, preview: Preview, egress: EgressState) -> Forecast:
        """What is to be expected of a list that looks so."""
        return expect(self._equipment, job, preview, egress)

    def work(self, list_id: str) -> ListWork:
        """The work on one list, to be done by whoever asks for it."""
        return ListWork(self._equipment, list_id)

    def start(self, list_id: str) -> None:
        """Works on the list until it rests; nothing where somebody does so already."""
        self._tasks.begin(list_id, partial(self._run, list_id))

    async def stop(self, list_id: str) -> None:
        """Nobody works on the list any more."""
        await self._tasks.end(list_id)

    async def close(self) -> None:
        """Ends all work; it is taken up again by `resume`."""
        await self._tasks.close()

    async def _run(self, list_id: str) -> None:
        work = self.work(list_id)
        while True:
            try:
                job = await self._equipment.book.get(list_id)
                if _rests(job):
                    return
                if job.state is ListState.PAUSED:
                    job = await self._go_on(job)
                await self._step(work, job)
            except UnknownList:
                return
            except Exception as fault:  # noqa: BLE001 the outermost loop of a list: whatever it is, it is that list's
                if not await self._survive(list_id, fault):
                    return

    async def _step(self, work: ListWork, job: ListJob) -> None:
        if job.state in (ListState.UPLOADED, ListState.PARSING):
            await work.read(job)
            return
        if job.state is ListState.READY:
            job = await work.begin(job)
        rows = job.preview.rows if job.preview is not None else 0
        async with self._places[rows > _LARGE_ROWS]:
            self._busy += 1
            try:
                await work.finish(job)
            finally:
                self._busy -= 1

    async def _go_on(self, job: ListJob) -> ListJob:
        """Waits for the key's next day, or longer each time, and takes up what was being done."""
        quotas = self._equipment.quotas
        if job.pause is PauseCode.QUOTA_EXCEEDED and quotas is not None:
            await quotas.room(job.client)
        else:
            await self._equipment.clock.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** max(0, job.faults - 1)))
        state = ListState.RECHECKING if job.progress.all_asked else ListState.RUNNING
        return await self._equipment.book.move(job.id, state, pause=None, error="")

    async def _survive(self, list_id: str, fault: Exception) -> bool:
        """Whether the list goes on after what happened to it."""
        try:
            return await self._settled_with(list_id, fault)
        except UnknownList:
            return False
        except ServiceUnavailable as unwritten:  # the book itself cannot be written: the same again, a little later
            await self._stop_unwritten(list_id, unwritten)
            await self._equipment.clock.sleep(_FIRST_PAUSE)
            return True

    async def _stop_unwritten(self, list_id: str, fault: ServiceUnavailable) -> None:
        with suppress(ServiceUnavailable, UnknownList):
            await self._equipment.book.stop_unwritten(list_id, _pause_of(fault), str(fault))

    async def _settled_with(self, list_id: str, fault: Exception) -> bool:
        job = await self._equipment.book.get(list_id)
        reading = job.state in (ListState.UPLOADED, ListState.PARSING)
        if isinstance(fault, QuotaExceeded):
            await self._equipment.book.move(list_id, ListState.PAUSED, pause=PauseCode.QUOTA_EXCEEDED, error=str(fault))
            return True
        if isinstance(fault, ServiceUnavailable) and not reading:
            await self._equipment.book.move(
                list_id, ListState.PAUSED, pause=_pause_of(fault), error=str(fault), faults=job.faults + 1
            )
            return True
        if isinstance(fault, OperatorError):
            await self._fail(job, str(fault), _code_of(fault))
            return False
        self._report_fault(fault)
        if job.faults < _MOST_FAULTS:
            await self._equipment.book.note(list_id, lambda known: {"faults": known.faults + 1})
            await self._equipment.clock.sleep(_FIRST_PAUSE)
            return True
        await self._fail(job, "A fault of this program: its log says which.", "internal_error")
        return False

    async def _fail(self, job: ListJob, sentence: str, code: str) -> None:
        """The list has come to its end; of an upload that was not read nothing is kept."""
        now = self._equipment.clock.now()
        if job.preview is None:
            await self._equipment.uploads.remove(job.id)
        await self._equipment.book.move(job.id, ListState.FAILED, error=sentence, error_code=code, finished=now)

    def _share(self) -> int:
        """How many parts of each list may be in flight: the same for all, so that none is held up by another's."""
        return max(_FEWEST_PARTS, _SHARED_PARTS // max(1, self._busy))


def _rests(job: ListJob) -> bool:
    """Nothing is to be done; a list that is ready goes on where it was uploaded to be started, and can be."""
    return job.state in AT_REST and not (job.state is ListState.READY and job.options.start and job.columns)


def _pause_of(fault: ServiceUnavailable) -> PauseCode:
    return PauseCode.DISK_FULL if isinstance(fault, DiskFull) else PauseCode.STORE_UNAVAILABLE


def _code_of(fault: OperatorError) -> str:
    if isinstance(fault, ServiceUnavailable):
        return _pause_of(fault)
    return fault.code if isinstance(fault, ListFault) else UNREADABLE
