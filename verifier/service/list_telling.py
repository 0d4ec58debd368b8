"""Whether a list's receiver has heard that it is done; and telling it once more."""

from collections.abc import Callable

from verifier.core.list_faults import NobodyTold, WrongState
from verifier.core.list_jobs import ListJob, Told, told
from verifier.core.webhooks import once_more, secret_for
from verifier.list_ports import DeliveryStore
from verifier.ports import Clock
from verifier.service.list_book import ListBook


class ListTelling:
    """`wake` is called when a message waits for its delivery, None where nobody is told of anything."""

    def __init__(
        self, book: ListBook, store: DeliveryStore, clock: Clock, secret: bytes, wake: Callable[[], None] | None
    ) -> None:
        self._book = book
        self._store = store
        self._clock = clock
        self._secret = secret
        self._wake = wake

    async def told(self, job: ListJob) -> Told | None:
        """How it stands; None where nobody is to be told."""
        return told(job, await self._store.delivery(job.id)) if job.options.webhook is not None else None

    async def tell_again(self, workspace: str, list_id: str) -> ListJob:
        """The same message, with the same id, to be sent now; one that is pending is sent sooner.

        Raises NobodyTold, or WrongState where there is nothing to be told yet, or never was.
        """
        job = await self._book.shown(list_id, workspace)
        if job.options.webhook is None or self._wake is None:
            raise NobodyTold
        delivery = await self._store.delivery(list_id)
        if delivery is None:
            raise WrongState(job.state, "told of again")
        await self._store.put_delivery(once_more(delivery, self._clock.now()))
        self._wake()
        return job

    def secret(self, name: str) -> str:
        """What a receiver checks signatures with; `name` is that of `Webhook.secret`."""
        return secret_for(self._secret, name)
