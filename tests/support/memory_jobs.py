"""A JobStore, EventLog and DeliveryStore in memory."""

from collections.abc import Collection, Sequence
from datetime import datetime

from verifier.core.list_jobs import ListEvent, ListJob
from verifier.core.list_states import ListState
from verifier.core.webhooks import Delivery, WebhookState

_KEPT = 500


class MemoryJobs:
    def __init__(self) -> None:
        self._jobs: dict[str, ListJob] = {}
        self._events: dict[str, list[ListEvent]] = {}
        self._deliveries: dict[str, Delivery] = {}

    async def close(self) -> None: ...

    async def add(self, job: ListJob) -> ListJob:
        if job.id in self._jobs:
            return self._jobs[job.id]
        for known in self._jobs.values():
            if job.idempotency_key and (known.workspace, known.idempotency_key) == (job.workspace, job.idempotency_key):
                return known
        self._jobs[job.id] = job
        return job

    async def get(self, list_id: str) -> ListJob | None:
        return self._jobs.get(list_id)

    async def jobs(
        self,
        *,
        workspace: str | None = None,
        states: Collection[ListState] = (),
        before: tuple[datetime, str] | None = None,
        limit: int = 100,
    ) -> Sequence[ListJob]:
        found = [
            job
            for job in self._jobs.values()
            if (workspace is None or job.workspace == workspace)
            and (not states or job.state in states)
            and (before is None or (job.created, job.id) < before)
        ]
        return sorted(found, key=lambda job: (job.created, job.id), reverse=True)[:limit]

    async def put(self, job: ListJob, event: ListEvent, delivery: Delivery | None = None) -> bool:
        known = self._jobs.get(job.id)
        if known is None or known.revision >= job.revision:
            return False
        self._jobs[job.id] = job
        self._events.setdefault(job.id, []).append(event)
        del self._events[job.id][:-_KEPT]
        if delivery is not None:
            self._deliveries[delivery.id] = delivery
        return True

    async def remove(self, list_id: str) -> None:
        self._jobs.pop(list_id, None)
        self._events.pop(list_id, None)
        self._deliveries = {name: d for name, d in self._deliveries.items() if d.list_id != list_id}

    async def events(self, list_id: str, after: int, limit: int = 100) -> Sequence[ListEvent]:
        return [event for event in self._events.get(list_id, ()) if event.number > after][:limit]

    async def due(self, now: datetime, limit: int = 100) -> Sequence[Delivery]:
        pending = [delivery for delivery in self._deliveries.values() if delivery.state is WebhookState.PENDING]
        due = [delivery for delivery in pending if delivery.due <= now]
        return sorted(due, key=lambda delivery: (delivery.due, delivery.id))[:limit]

    async def put_delivery(self, delivery: Delivery) -> None:
        if delivery.list_id in self._jobs:
            self._deliveries[delivery.id] = delivery

    async def delivery(self, list_id: str) -> Delivery | None:
        theirs = [delivery for delivery in self._deliveries.values() if delivery.list_id == list_id]
        return theirs[-1] if theirs else None
