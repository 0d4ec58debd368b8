"""What is known of domains: the store first, then one look-up at a time for each domain, then the store again."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Collection, Sequence
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
_RUNNING = 1024
"""With so many look-ups running, lists begin no more of them: they would only be kept in memory."""
_FEW = 16
"""Who wants no more domains than that does not wait for room."""
_TOGETHER = 0.5
"""Seconds in which what is found is handed on together."""


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
        self._queue: deque[asyncio.Future[None]] = deque()

    async def facts_for(self, domains: Sequence[str]) -> dict[str, DomainFacts]:
        """Facts with an unexpired route for each of `domains` (lower-case A-labels), each once, in their order."""
        found: dict[str, DomainFacts] = {}
        async for some in self.facts_in_turn(domains):
            found |= some
        return {name: found[name] for name in dict.fromkeys(domains)}

    async def facts_in_turn(self, domains: Sequence[str]) -> AsyncGenerator[dict[str, DomainFacts], None]:
        """The same as they become known, each domain once, so that nobody waits for another's silent name server.

        One round trip to the store for all, whose answers come first; then what is missing or has expired is resolved,
        and what is found together comes together. After the last, all of it is remembered.
        """
        names = list(dict.fromkeys(domains))
        now = self._clock.now()
        known = await self._store.domains(names)
        holding = {name: facts for name, facts in known.items() if _holds(facts, now)}
        if holding:
            yield holding
        missing = [name for name in names if name not in holding]
        if not missing:
            return
        async for routes in self._resolve(missing):
            yield {
                name: DomainFacts(name, route, None if (stored := known.get(name)) is None else stored.accepts_all)
                for name, route in routes.items()
            }

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

    async def _resolve(self, names: list[str]) -> AsyncGenerator[dict[str, MailRoute], None]:
        self._canaries.prepare()
        flights: dict[asyncio.Task[MailRoute], str] = {}
        writers: list[asyncio.Task[None]] = []
        to_begin = deque(names)
        few = len(names) <= _FEW
        while to_begin or flights:
            found: dict[str, MailRoute] = {}
            if to_begin and not flights and not few:
                await self._room()
            while to_begin and (few or self._has_room):
                batch = [to_begin.popleft() for _ in range(min(_BATCH, len(to_begin)))]
                found |= {name: self._landed[name] for name in batch if name in self._landed}
                begun = self._begin([name for name in batch if name not in found], writers)
                flights |= {flight: name for name, flight in begun.items()}
                await asyncio.sleep(0)
            if flights:
                found |= {flights.pop(flight): flight.result() for flight in await _landed(flights, bool(to_begin))}
            if found:
                yield await self._believed(found)
        if writers:
            await asyncio.wait(writers)
        for writer in writers:
            writer.result()

    @property
    def _has_room(self) -> bool:
        return self._routes.running < _RUNNING

    async def _room(self) -> None:
        """Waits, first come, first served, until further look-ups may begin."""
        while not self._has_room:
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._queue.append(place)
            await place

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
        """Keeps a result until it is remembered, so that nobody asks in between, counts failures in a row, and lets
        the next begin.
        """
        if self._has_room:
            self._wake()
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

    def _wake(self) -> None:
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                return

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


async def _landed(flights: Collection[asyncio.Task[MailRoute]], more_to_begin: bool) -> "set[asyncio.Task[MailRoute]]":
    """Those that are done: all, else what is done a moment later, else the first; none where more may begin."""
    done, _ = await asyncio.wait(flights, timeout=_TOGETHER)
    if not done and not more_to_begin:
        done, _ = await asyncio.wait(flights, return_when=asyncio.FIRST_COMPLETED)
    return done


def _holds(facts: DomainFacts | None, now: datetime) -> bool:
    return facts is not None and facts.route is not None and facts.route.expires_at > now
