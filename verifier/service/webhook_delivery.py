"""Delivers messages to the receivers that lists name: signed, again after a while where it fails, until it is given up.

Law: a message is due until it was delivered or given up, so a restart forgets none; it may arrive twice, with the same
id. What became of it stays with its list.
"""

import asyncio
from collections.abc import Callable

from verifier.core.faults import ServiceUnavailable
from verifier.core.webhooks import Delivery, WebhookState, after, secret_for, signed_headers
from verifier.list_ports import DeliveryStore, WebhookPoster
from verifier.ports import Clock

_AT_A_TIME = 8
_LOOK_EVERY = 5.0


class WebhookDelivery:
    """`run` works until it is cancelled; `root` is the secret from which receivers' secrets are derived."""

    def __init__(
        self,
        store: DeliveryStore,
        poster: WebhookPoster,
        root: bytes,
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self._store = store
        self._poster = poster
        self._root = root
        self._clock = clock
        self._report = report
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Something new is to be delivered."""
        self._news.set()

    async def run(self) -> None:
        """Delivers what is due, again and again."""
        while True:
            self._news.clear()
            try:
                delivered = await self.deliver_due()
            except ServiceUnavailable:  # the store's: what is due stays due
                delivered = 0
            if not delivered:
                await self._pause()

    async def deliver_due(self) -> int:
        """One attempt at each of a few messages that are due; how many."""
        due = await self._store.due(self._clock.now(), _AT_A_TIME)
        await asyncio.gather(*map(self._attempt, due))
        return len(due)

    async def _attempt(self, delivery: Delivery) -> None:
        headers = signed_headers(secret_for(self._root, delivery.secret), delivery.id, self._clock.now(), delivery.body)
        posted = await self._poster.post(delivery.url, headers, delivery.body)
        delivery = after(delivery, posted, self._clock.now(), self._clock.random())
        if delivery.state is WebhookState.FAILED:
            why = posted.failure or f"HTTP {posted.status}"
            self._report(f"The webhook of list {delivery.list_id} was given up: {why}.")
        await self._store.put_delivery(delivery)

    async def _pause(self) -> None:
        waits = [asyncio.ensure_future(self._clock.sleep(_LOOK_EVERY)), asyncio.ensure_future(self._news.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
