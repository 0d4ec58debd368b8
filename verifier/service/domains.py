"""What is known of domains: the store first, then one look-up at a time for each domain, then the store again."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from verifier.core.facts import DomainFacts, MailRoute, RouteStatus
from verifier.core.guard import Guard
from verifier.core.routing import believed
from verifier.ports import Clock, FactStore, Resolver
from verifier.service.canaries import Canaries
from verifier.service.routes import Routes

_FAILURES_KEPT = 10_000
_BATCH = 128


class Domains:
    """Facts about domains, from `store` while they hold and otherwise from `resolver`.

    Laws: however many wait for a domain, one look-up of it runs in this process; who stops waiting does not stop it;
    nothing that the resolver denies is believed before it has passed its `canaries`.
    """

    def __init__(
        self, resolver: Resolver, store: FactStore, clock: Clock, canaries: Sequence[str], guard: Guard
    ) -> None:
        self._store = store
        self._clock = clock
        self._routes = Routes(resolver, clock, guard)
        self._canaries = Canaries(resolver, self._routes, clock, canaries)
        self._landed: dict[str, MailRoute] = {}
        self._writers: set[asyncio.Task[None]] = set()
        self._failures: OrderedDict[str, int] = OrderedDict()

    async def facts_for(self, domains: Sequence[str]) -> dict[str, DomainFacts]:
        """Facts with an unexpired route for each of `domains` (lower-case A-labels), each once, in their order.

        One round trip to the store for all; then only what is missing or has expired is resolved and remembered.
        """
        names = list(dict.fromkeys(domains))
        now = self._clock.now()
        known = dict(await self._store.domains(names))
        missing = [name for name in names if not _holds(known.get(name), now)]
        for name, route in (await self._resolve(missing)).items() if missing else ():
            stored = known.get(name)
            known[name] = DomainFacts(name, route, None if stored is None else stored.accepts_all)
        return {name: known[name] for name in names}

    @property
    def trusted(self) -> bool | None:
        """Whether the resolver passed its canaries; None where nothing had to be asked yet."""
        trust = self._canaries.last
        return None if trust is None else trust.doubt is None

    @property
    def doubt(self) -> str:
        """Why the resolver is not trusted, as a clause for the summary; "" where it is, or was not asked."""
        trust = self._canaries.last
        return "" if trust is None or trust.doubt is None else trust.doubt

    async def close(self) -> None:
        """Ends what still runs; results that are not yet remembered may be lost."""
        writers = list(self._writers)
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        await self._canaries.close()
        await self._routes.close()

    async def _resolve(self, names: list[str]) -> dict[str, MailRoute]:
        self._canaries.prepare()
        found: dict[str, MailRoute] = {}
        flights: dict[str, asyncio.Task[MailRoute]] = {}
        writers: list[asyncio.Task[None]] = []
        for first in range(0, len(names), _BATCH):
            batch = names[first : first + _BATCH]
            found |= {name: self._landed[name] for name in batch if name in self._landed}
            flights |= self._begin([name for name in batch if name not in found], writers)
            await asyncio.sleep(0)
        if flights:
            await asyncio.wait(flights.values())
        if writers:
            await asyncio.wait(writers)
        for writer in writers:
            writer.result()
        return await self._believed(found | {name: flight.result() for name, flight in flights.items()})

    def _begin(self, names: list[str], writers: list[asyncio.Task[None]]) -> dict[str, asyncio.Task[MailRoute]]:
        """The flights of all `names`. Those that nobody had begun become one batch, whose writer joins `writers`."""
        flights: dict[str, asyncio.Task[MailRoute]] = {}
        mine: dict[str, asyncio.Task[MailRoute]] = {}
        for name in names:
            begun = self._routes.is_finding(name)
            flights[name] = self._routes.finding(name, self._failures.get(name, 0))
            if not begun:
                mine[name] = flights[name]
                flights[name].add_done_callback(partial(self._land, name))
        if mine:
            writer = asyncio.create_task(self._remember(mine))
            writers.append(writer)
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)
        return flights

    def _land(self, name: str, flight: asyncio.Task[MailRoute]) -> None:
        """Keeps a result until it is remembered, so that nobody asks in between, and counts failures in a row."""
        if flight.cancelled() or flight.exception() is not None:
            return
        self._landed[name] = flight.result()
        if flight.result().status is not RouteStatus.TEMP_ERROR:
            self._failures.pop(name, None)
            return
        self._failures[name] = self._failures.get(name, 0) + 1
        self._failures.move_to_end(name)
        if len(self._failures) > _FAILURES_KEPT:
            self._failures.popitem(last=False)

    async def _remember(self, flights: dict[str, asyncio.Task[MailRoute]]) -> None:
        """Waits for a batch and writes its results at once."""
        try:
            await asyncio.wait(flights.values())
            routes = await self._believed({name: self._landed[name] for name in flights if name in self._landed})
            await self._store.remember_domains([DomainFacts(name, route) for name, route in routes.items()])
        finally:
            for name in flights:
                self._landed.pop(name, None)

    async def _believed(self, routes: dict[str, MailRoute]) -> dict[str, MailRoute]:
        """The routes as far as the resolver is trusted, its canaries asked first where anything depends on them."""
        if all(route.status is RouteStatus.TEMP_ERROR for route in routes.values()):
            return routes
        trust = await self._canaries.trust()
        now = self._clock.now()
        return {name: believed(route, trust.lies, trust.doubt, now, trust.lifetime) for name, route in routes.items()}


def _holds(facts: DomainFacts | None, now: datetime) -> bool:
    return facts is not None and facts.route is not None and facts.route.expires_at > now
