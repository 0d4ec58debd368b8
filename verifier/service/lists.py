"""Lists over their whole life: handed in, looked at, started, watched, read, cancelled, deleted. One verb a route.

Every verb takes the workspace that asks: what is another's does not exist for it. What cannot be done raises a
ListFault (core/list_faults.py), what is wrong here ServiceUnavailable.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import Any

from msgspec import Struct, structs

from verifier.core.address import Address
from verifier.core.faults import InputError, ServiceUnavailable
from verifier.core.forgetting import holds
from verifier.core.list_faults import BadRequest, KeyReused, WrongState
from verifier.core.list_jobs import ListEvent, ListJob, ListOptions, LookState
from verifier.core.list_orders import (
    Order,
    checked,
    columns_for,
    fingerprint,
    list_cursor,
    lists_before,
    suffix_of,
)
from verifier.core.list_states import AT_REST, FINISHED, ListState
from verifier.list_ports import JobStore, Journals, Received, Sheets, Uploads, WebhookPoster
from verifier.ports import Clock
from verifier.service.list_book import ListBook
from verifier.service.list_looking import ListLooking, Wish
from verifier.service.list_quotas import ListQuotas
from verifier.service.list_runner import ListRunner

_ID_LENGTH = 26
_PAGE = 100
_SWEEP_EVERY = 3600.0
_REMEMBERED = timedelta(days=30)
"""How long an expired list's record is kept, without its rows."""


class Keep(Struct, frozen=True):
    """Where lists and their parts are kept."""

    store: JobStore
    uploads: Uploads
    journals: Journals
    sheets: Sheets


class Lists:
    """`open` takes up what was at work, `close` leaves it for the next process. Reading is service/list_reading.py."""

    def __init__(
        self,
        keep: Keep,
        book: ListBook,
        runner: ListRunner,
        looking: ListLooking,
        *,
        clock: Clock,
        most: int,
        poster: WebhookPoster | None = None,
        quotas: ListQuotas | None = None,
    ) -> None:
        """`most` is the cap on an upload, in bytes; without a
        `poster` nobody is told of finished lists, and who asks for it is refused; without `quotas` no key has one."""
        self._keep = keep
        self._book = book
        self._runner = runner
        self._looking = looking
        self._clock = clock
        self._most = most
        self._poster = poster
        self._quotas = quotas
        self._sweeping: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Clears away what a killed process left half-way, and goes on with what it left undone."""
        await self._keep.uploads.sweep()
        known = {job.id async for job in self._all()}
        for orphan in set(await self._keep.uploads.ids()) - known:
            await self._keep.uploads.remove(orphan)
        await self._runner.resume()
        self._sweeping = asyncio.create_task(self._sweep_for_ever())

    async def close(self) -> None:
        """Ends all work at once; nothing of it is lost."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait([self._sweeping])
        await self._looking.close()
        await self._runner.close()

    async def upload(
        self, order: Order, chunks: AsyncIterable[bytes], final: Callable[[], Order] | None = None
    ) -> tuple[ListJob, bool]:
        """A file, chunk by chunk; the list, and whether an earlier request with its key had made it already.

        `final` is asked once everything has come in: what was said behind the file counts too.
        """
        order = await self._accepted(order)
        list_id, suffix = self._clock.token(_ID_LENGTH), suffix_of(order.name)
        received = await self._keep.uploads.receive(list_id, suffix, chunks, self._most)
        try:
            if final is not None:
                order = await self._accepted(_with_kind_of(order, final()))
            job = self._new_job(list_id, suffix, received, order)
            known = await self._keep.store.add(job)
        except BaseException:
            await asyncio.shield(self._keep.uploads.remove(list_id))
            raise
        if known.id != list_id:
            await self._keep.uploads.remove(list_id)
            if known.fingerprint != job.fingerprint:
                raise KeyReused
            return known, True
        self._runner.start(list_id)
        return job, False

    def _new_job(self, list_id: str, suffix: str, received: Received, order: Order) -> ListJob:
        now = self._clock.now()
        return ListJob(
            id=list_id,
            workspace=order.workspace,
            client=order.client,
            name=order.name,
            created=now,
            changed=now,
            state=ListState.UPLOADED,
            options=order.options,
            suffix=suffix,
            size=received.size,
            fingerprint=fingerprint(order, received.sha256),
            idempotency_key=order.idempotency_key,
        )

    async def _accepted(self, order: Order) -> Order:
        """The order as it can be carried out. Raises BadRequest, or QuotaExceeded where it is to be started."""
        order = checked(order)
        webhook = order.options.webhook
        if webhook is not None:
            if self._poster is None:
                raise BadRequest("webhook_url", "Nobody is told of finished lists here: leave it out.")
            refusal = await self._poster.refusal(webhook.url)
            if refusal is not None:
                raise BadRequest("webhook_url", f"A webhook cannot be sent there: {refusal}.")
        if order.options.start and self._quotas is not None:
            await self._quotas.require(order.client)
        return order

    async def read(self, workspace: str, list_id: str) -> ListJob:
        """The list as soon as it was read: with its preview, or failed, or whatever became of it."""
        job = await self.get(workspace, list_id)
        async with aclosing(self._book.events(list_id, job.revision)) as events:
            while job.state in (ListState.UPLOADED, ListState.PARSING):
                await anext(events, None)
                job = await self.get(workspace, list_id)
        return job

    async def get(self, workspace: str, list_id: str) -> ListJob:
        return await self._book.shown(list_id, workspace)

    async def lists(self, workspace: str, cursor: str = "", limit: int = _PAGE) -> tuple[Sequence[ListJob], str | None]:
        """The newest first, and where the next page begins."""
        before = lists_before(cursor)
        jobs = await self._keep.store.jobs(workspace=workspace, before=before, limit=limit)
        return [self._book.as_shown(job) for job in jobs], list_cursor(jobs[-1]) if len(jobs) == limit else None

    async def start(
        self, workspace: str, list_id: str, columns: Sequence[str] = (), options: ListOptions | None = None
    ) -> ListJob:
        """A list that is ready is worked on; `columns` are headings or 1-based numbers, `options` replace its own."""
        job = await self.get(workspace, list_id)
        if job.state is not ListState.READY:
            raise WrongState(job.state, "started")
        chosen = columns_for(job, columns)
        options = (await self._accepted(Order(workspace, job.client, job.name, options or job.options))).options
        await self._looking.end(list_id)
        if self._quotas is not None:
            await self._quotas.require(job.client)
        job = await self._book.move(
            list_id, ListState.RUNNING, "started", columns=chosen, options=options, started=self._clock.now()
        )
        self._runner.start(list_id)
        return job

    async def examine(self, workspace: str, list_id: str, *, mx: bool = True, sample: int = 0) -> ListJob:
        """A closer look at a list that is ready, in the background: events tell when the preview knows more."""
        job = await self.get(workspace, list_id)
        if job.state is not ListState.READY:
            raise WrongState(job.state, "examined")
        return await self._looking.begin(job, Wish(mx, sample))

    def look(self, job: ListJob) -> LookState | None:
        """How the closer look at a list stands; None where there was none."""
        return self._looking.state(job)

    async def cancel(self, workspace: str, list_id: str) -> ListJob:
        """Stops what is being done; what was learned can be read."""
        job = await self.get(workspace, list_id)
        if job.state in FINISHED:
            raise WrongState(job.state, "cancelled")
        await self._end_work(list_id)
        job = await self._book.move(list_id, ListState.CANCELLED, "cancelled", finished=self._clock.now())
        if job.preview is None:
            await self._keep.uploads.remove(list_id)
        return job

    async def delete(self, workspace: str, list_id: str) -> None:
        """The list, its rows, results and journal are gone when this returns."""
        await self.get(workspace, list_id)
        await self._remove(list_id)

    def events(self, list_id: str, after: int) -> AsyncGenerator[ListEvent, None]:
        """What has happened since the event of that number, and what is happening (whoever calls has used `get`)."""
        return self._book.events(list_id, after)

    async def forget(self, address: Address, key: str) -> int:
        """Blanks the address in all lists, and erases it from their journals; in how many lists it stood.

        Raises ServiceUnavailable where that cannot be done in one of them; it is done in the others.
        """
        found, fault = 0, None
        async for job in self._all():
            try:
                if job.state in (ListState.UPLOADED, ListState.PARSING):
                    job = await self._read_now(job)
                if job.preview is not None and job.state is not ListState.EXPIRED:
                    found += await self._forget_in(job, address)
            except ServiceUnavailable as unable:
                fault = fault or unable
        await self._keep.journals.forget(key)
        if fault is not None:
            raise fault
        return found

    async def sweep(self) -> int:
        """Deletes the rows of lists whose time is over, and later their records; how many it deleted."""
        now, swept = self._clock.now(), 0
        async for job in self._all():
            if job.state is ListState.EXPIRED:
                if job.changed + _REMEMBERED <= now:
                    await self._remove(job.id)
            elif job.state in AT_REST and job.expires <= now:
                await self._end_work(job.id)
                preview = None if job.preview is None else structs.replace(job.preview, first_rows=())
                await self._keep.uploads.remove(job.id)
                await self._book.move(job.id, ListState.EXPIRED, preview=preview)
                swept += 1
        return swept

    async def _read_now(self, job: ListJob) -> ListJob:
        """The list read, by whoever is at work, else by us and no further."""
        self._runner.start(job.id)
        job = await self.read(job.workspace, job.id)
        if self._sweeping is None:
            await self._runner.stop(job.id)
        return await self.get(job.workspace, job.id)

    async def _forget_in(self, job: ListJob, address: Address) -> bool:
        try:
            counts = await self._keep.sheets.forget(job.id, address.raw, job.options.stages)
        except InputError:  # its rows are gone
            return False
        if counts is None:
            return False

        def without(known: ListJob) -> dict[str, Any]:
            assert known.preview is not None
            rows = tuple(
                tuple("" if holds(cell, address) else cell for cell in row) for row in known.preview.first_rows
            )
            return {"preview": structs.replace(known.preview, first_rows=rows), "counts": counts}

        await self._book.note(job.id, without)
        return True

    async def _end_work(self, list_id: str) -> None:
        await self._looking.end(list_id)
        await self._runner.stop(list_id)

    async def _remove(self, list_id: str) -> None:
        await self._end_work(list_id)
        try:
            await self._keep.store.remove(list_id)
        except ServiceUnavailable:  # of a full disk its own rows make room for that
            await self._keep.uploads.remove(list_id)
            await self._keep.store.remove(list_id)
        await self._keep.uploads.remove(list_id)
        self._book.forget(list_id)

    async def _sweep_for_ever(self) -> None:
        while True:
            with suppress(ServiceUnavailable):  # another time
                await self.sweep()
            await self._clock.sleep(_SWEEP_EVERY)

    async def _all(self) -> AsyncGenerator[ListJob, None]:
        before = None
        while jobs := await self._keep.store.jobs(before=before, limit=_PAGE):
            for job in jobs:
                yield job
            before = (jobs[-1].created, jobs[-1].id)


def _with_kind_of(order: Order, final: Order) -> Order:
    """The final order, under the first one's name where another would make another kind of file of what came in."""
    return final if suffix_of(final.name) == suffix_of(order.name) else structs.replace(final, name=order.name)
