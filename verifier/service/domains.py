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
_BATCH = 32
_SLICE = 512
_RUNNING = 1024
"""With so many look-ups running, lists begin no more of them: they would only be kept in memory."""
_TAKING_UP = 4 * _SLICE
"""So many names are looked for in the store at a time, which may be busy with writing."""
_FEW = 16
"""Who wants no more domains than that does not wait for room."""
_TOGETHER = 2.0
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
        self._reserved = 0

    async def facts_for(self, domains: Sequence[str]) -> dict[str, DomainFacts]:
        """Facts with an unexpired route for each of `domains` (lower-case A-labels), each once, in their order."""
        found: dict[str, DomainFacts] = {}
        async for some in self.facts_in_turn(domains):
            found |= some
        return {name: found[name] for name in dict.fromkeys(domains)}

    async def facts_in_turn(self, domains: Sequence[str]) -> AsyncGenerator[dict[str, DomainFacts], None]:
        """The same as they become known, each domain once, so that nobody waits for another's silent name server.

        What the store knows (one round trip for 512 domains) comes first; what is missing or has expired is resolved,
        and what is found together comes together. After the last, all of it is remembered.
        """
        to_begin = deque(dict.fromkeys(domains))
        few = len(to_begin) <= _FEW
        flights: dict[asyncio.Future[MailRoute], str] = {}
        writers: list[asyncio.Task[None]] = []
        expired: dict[str, DomainFacts] = {}
        while to_begin or flights:
            if to_begin and (few or self._has_room or not flights):
                if not few:
                    await self._room()
                some = [to_begin.popleft() for _ in range(min(_SLICE, len(to_begin)))]
                holding, begun = await self._take_up(some, expired, writers)
                flights |= {flight: name for name, flight in begun.items()}
                if holding:
                    yield holding
            if flights:
                landed = await _landed(flights, bool(to_begin))
                found = await self._believed({flights.pop(flight): flight.result() for flight in landed})
                if found:
                    yield {name: _renewed(expired.get(name), name, route) for name, route in found.items()}
        if writers:
            await asyncio.wait(writers)
        for writer in writers:
            writer.result()

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

    @property
    def _has_room(self) -> bool:
        return self._routes.running < _RUNNING and self._reserved < _TAKING_UP

    async def _room(self) -> None:
        """Waits, first come, first served, until further look-ups may begin."""
        while not self._has_room:
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._queue.append(place)
            await place

    async def _take_up(
        self, names: list[str], expired: dict[str, DomainFacts], writers: list[asyncio.Task[None]]
    ) -> tuple[dict[str, DomainFacts], dict[str, asyncio.Future[MailRoute]]]:
        """What the store knows of the names, and the flights of the others; what has expired is added to `expired`."""
        self._reserved += len(names)
        try:
            known = await self._store.domains(names)
            now = self._clock.now()
            holding = {name: facts for name, facts in known.items() if _holds(facts, now)}
            expired |= {name: facts for name, facts in known.items() if name not in holding}
            return holding, await self._begin_all([name for name in names if name not in holding], writers)
        finally:
            self._reserved -= len(names)
            self._wake()

    async def _begin_all(
        self, names: Sequence[str], writers: list[asyncio.Task[None]]
    ) -> dict[str, asyncio.Future[MailRoute]]:
        """The flights of all `names`, those included that have landed and are not remembered yet."""
        if names:
            self._canaries.prepare()
        flights: dict[str, asyncio.Future[MailRoute]] = {}
        for first in range(0, len(names), _BATCH):
            batch = names[first : first + _BATCH]
            for name in batch:
                if name in self._landed:
                    flights[name] = asyncio.get_running_loop().create_future()
                    flights[name].set_result(self._landed[name])
            flights |= self._begin([name for name in batch if name not in flights], writers)
            await asyncio.sleep(0)
        return flights

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
        """The first who waits for room begins, if there is any."""
        while self._queue and self._has_room:
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


async def _landed(
    flights: Collection[asyncio.Future[MailRoute]], more_to_begin: bool
) -> "set[asyncio.Future[MailRoute]]":
    """Those that are done: all, else what is done a moment later, else the first; none where more may begin."""
    done, _ = await asyncio.wait(flights, timeout=_TOGETHER)
    if not done and not more_to_begin:
        done, _ = await asyncio.wait(flights, return_when=asyncio.FIRST_COMPLETED)
    return done


def _renewed(expired: DomainFacts | None, name: str, route: MailRoute) -> DomainFacts:
    return DomainFacts(name, route, None if expired is None else expired.accepts_all)


def _holds(facts: DomainFacts | None, now: datetime) -> bool:
    return facts is not None and facts.route is not None and facts.route.expires_at > now
