"""Closer looks at lists that wait to be started, in the background: at most a few at a time, none for ever.

Law: a look ends with its list's start, cancellation or deletion, and after its time; what it asked counts against the
key's day as rows of the list do, and is not counted again when the list is worked on.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from msgspec import Struct, structs

from verifier.core.egress import EgressState
from verifier.core.faults import OperatorError
from verifier.core.forecast import Forecast
from verifier.core.list_counts import counts_for_quota
from verifier.core.list_faults import QuotaExceeded
from verifier.core.list_jobs import ListJob, LookState, Preview
from verifier.core.verdict import Assessment
from verifier.service.list_book import ListBook
from verifier.service.list_look import SAMPLE_ROWS, ListLook
from verifier.service.list_quotas import ListQuotas
from verifier.service.list_tasks import ListTasks

_AT_A_TIME = 4
_SECONDS = 60.0
"""For the providers of a list, and as many for its sample."""
_SAMPLE = -1
"""Stands where blocks have their number."""


class Wish(Struct, frozen=True):
    """What is to be looked at: mail exchanges, and so many rows as a sample."""

    mx: bool = True
    sample: int = 0


class ListLooking:
    """`begin` and `end` a look; `state` says how it stands. `expect` makes a forecast anew."""

    def __init__(
        self,
        book: ListBook,
        look: ListLook,
        expect: Callable[[ListJob, Preview, EgressState], Forecast],
        quotas: ListQuotas | None,
        report_fault: Callable[[BaseException], None],
    ) -> None:
        self._book = book
        self._look = look
        self._expect = expect
        self._quotas = quotas
        self._report_fault = report_fault
        self._tasks = ListTasks()
        self._places = asyncio.Semaphore(_AT_A_TIME)

    async def begin(self, job: ListJob, wish: Wish) -> ListJob:
        """The list with the look at it begun; nothing where somebody looks already."""
        if job.id in self._tasks:
            return job
        job = await self._book.note(job.id, lambda _: {"look": LookState.RUNNING})
        self._tasks.begin(job.id, partial(self._run, job, wish))
        return job

    async def end(self, list_id: str) -> None:
        """Nobody looks at the list any more."""
        await self._tasks.end(list_id)

    async def close(self) -> None:
        """Ends all looks."""
        await self._tasks.close()

    def state(self, job: ListJob) -> LookState | None:
        """How the look stands; one that was running when its process ended has stopped."""
        if job.look is LookState.RUNNING and job.id not in self._tasks:
            return LookState.STOPPED
        return job.look

    async def _run(self, job: ListJob, wish: Wish) -> None:
        state = LookState.FAILED
        try:
            async with self._places:
                state = await self._closer(job, wish)
        except QuotaExceeded:
            state = LookState.QUOTA_EXCEEDED
        except OperatorError:  # the list is gone, or a store is: whoever wants to know asks again
            pass
        except Exception as fault:  # noqa: BLE001 nobody waits for it: it is told here or nowhere
            self._report_fault(fault)
        with suppress(OperatorError):
            await self._book.note(job.id, lambda _: {"look": state})

    async def _closer(self, job: ListJob, wish: Wish) -> LookState:
        whole = True
        if wish.mx and job.preview is not None:
            mix = await self._look.providers(job, _SECONDS)
            whole = mix.is_whole
            preview = structs.replace(job.preview, addresses=mix.addresses, by="mx" if whole else "part")
            expected = self._expect(job, preview, job.egress)
            await self._book.note(job.id, lambda _: {"preview": preview, "forecast": expected})
        if wish.sample:
            whole = await self._sampled(job, min(wish.sample, SAMPLE_ROWS)) and whole
        return LookState.DONE if whole else LookState.CUT_SHORT

    async def _sampled(self, job: ListJob, rows: int) -> bool:
        quota = await self._quotas.of(job) if self._quotas is not None else None
        try:
            if quota is not None:
                await quota.admit(_SAMPLE, rows)
            taken = await self._look.sample(job, rows, _SECONDS)
            if quota is not None:
                await quota.judged([_SAMPLE], _answers(taken.assessments))
        finally:
            if quota is not None:
                quota.close()
        await self._book.note(job.id, lambda _: {"sample": taken.sample})
        return taken.is_whole


def _answers(assessments: Sequence[Assessment]) -> int:
    return sum(map(counts_for_quota, assessments))
