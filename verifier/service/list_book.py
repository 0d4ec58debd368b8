"""The book of lists: every change of a job goes through here, one after another, and is told to whoever listens.

Law: a change is written down before anybody is told of it; the numbers of a list's events only grow, also over a
restart; a state is followed only by one that may follow it (core/list_states.py).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

from msgspec import structs

from verifier.core.list_faults import UnknownList, WrongState
from verifier.core.list_jobs import EventKind, ListEvent, ListJob, changed, list_record
from verifier.core.list_states import FINISHED, ListState, PauseCode, may_follow
from verifier.core.webhooks import Delivery, message, message_id
from verifier.list_ports import EventLog, JobStore
from verifier.ports import Clock

_TOLD = frozenset({ListState.COMPLETED, ListState.FAILED})
_EVENTS = 100


class ListBook:
    """`told` is called when a message waits for its delivery."""

    def __init__(self, store: JobStore, log: EventLog, clock: Clock, told: Callable[[], None]) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._told = told
        self._locks: dict[str, asyncio.Lock] = {}
        self._stopped: dict[str, ListJob] = {}
        self._listeners: dict[str, set[asyncio.Event]] = {}

    async def get(self, list_id: str, workspace: str | None = None) -> ListJob:
        """The job. Raises UnknownList where there is none, or it is another workspace's."""
        job = await self._store.get(list_id)
        if job is None or (workspace is not None and job.workspace != workspace):
            raise UnknownList
        return job

    async def shown(self, list_id: str, workspace: str) -> ListJob:
        """The job as it is told to people: paused, too, where that could not be written down."""
        return self.as_shown(await self.get(list_id, workspace))

    def as_shown(self, job: ListJob) -> ListJob:
        """The same of a job that was read."""
        stopped = self._stopped.get(job.id)
        if stopped is None or stopped.revision != job.revision:
            self._stopped.pop(job.id, None)
            return job
        return stopped

    async def stop_unwritten(self, list_id: str, pause: PauseCode, sentence: str) -> None:
        """The list has stopped, and its book cannot be written: it is shown as paused until something is written."""
        job = await self.get(list_id)
        if may_follow(job.state, ListState.PAUSED):
            self._stopped[list_id] = structs.replace(job, state=ListState.PAUSED, pause=pause, error=sentence)

    async def move(self, list_id: str, state: ListState, wanted: str = "moved on", **changes: Any) -> ListJob:
        """The job in its next state. Raises WrongState where that may not follow, WrongState saying what was wanted."""
        async with self._lock(list_id):
            job = await self.get(list_id)
            if not may_follow(job.state, state):
                raise WrongState(job.state, wanted)
            return await self._put(changed(job, self._clock.now(), state=state, **changes), EventKind.STATE)

    async def note(self, list_id: str, edit: Callable[[ListJob], dict[str, Any]]) -> ListJob:
        """The job with what `edit` says is new; nothing happens where it says nothing."""
        async with self._lock(list_id):
            job = await self.get(list_id)
            news = edit(job)
            return await self._put(changed(job, self._clock.now(), **news), EventKind.PROGRESS) if news else job

    async def events(self, list_id: str, after: int) -> AsyncGenerator[ListEvent, None]:
        """Every event after that number as far as it is kept, then those to come, until the list is finished or gone.

        Each tells the whole record, so that nothing is lost with events that are not kept any more.
        """
        news = asyncio.Event()
        self._listeners.setdefault(list_id, set()).add(news)
        try:
            while True:
                news.clear()
                events = await self._log.events(list_id, after, _EVENTS)
                for event in events:
                    after = event.number
                    yield event
                if events:
                    continue
                job = await self._store.get(list_id)
                if job is None or (job.state in FINISHED and job.revision <= after):
                    return
                if job.revision <= after:
                    await news.wait()
        finally:
            self._listeners[list_id].discard(news)
            if not self._listeners[list_id]:
                del self._listeners[list_id]

    def forget(self, list_id: str) -> None:
        """The list is gone: whoever listens is told by its absence."""
        self._locks.pop(list_id, None)
        self._stopped.pop(list_id, None)
        self._tell(list_id)

    async def _put(self, job: ListJob, kind: EventKind) -> ListJob:
        event = ListEvent(job.revision, kind, list_record(job))
        delivery = self._delivery(job) if kind is EventKind.STATE else None
        if not await self._store.put(job, event, delivery):
            raise UnknownList
        if delivery is not None:
            self._told()
        self._tell(job.id)
        return job

    def _delivery(self, job: ListJob) -> Delivery | None:
        webhook = job.options.webhook
        if webhook is None or job.state not in _TOLD:
            return None
        kind = f"list.{job.state}"
        body = message(kind, job.changed, list_record(job))
        identity = message_id(job.id, kind, job.revision)
        return Delivery(identity, job.id, webhook.url, webhook.secret, body, job.changed)

    def _tell(self, list_id: str) -> None:
        for news in self._listeners.get(list_id, ()):
            news.set()

    def _lock(self, list_id: str) -> asyncio.Lock:
        with suppress(KeyError):
            return self._locks[list_id]
        lock = self._locks[list_id] = asyncio.Lock()
        return lock
