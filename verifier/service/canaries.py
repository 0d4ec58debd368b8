"""Whether the resolver may be believed: known domains must resolve, and a name that cannot exist must not.

A captive portal, a filter or a split DNS says "no such domain" of good domains, or leads every name to a page of its
own. Its "no" must not kill a list.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from verifier.core.facts import MailRoute, RouteStatus
from verifier.ports import Clock, DnsStatus, RecordType, Resolver
from verifier.service.flights import Flights
from verifier.service.routes import Routes

RECHECK_TRUSTED = timedelta(minutes=10)
RECHECK_UNTRUSTED = timedelta(minutes=2)
_MOST_ASKED = 5
_MOST_RANDOM = 2
_PATIENCE = 6.0
_RANDOM_LENGTH = 16


class Trust(Struct, frozen=True):
    """How far the resolver is believed: `doubt` is None, or the sentence that says why its "no" is not.

    `lies` are the addresses that it gave for names that cannot exist; `lifetime` is how long this holds.
    """

    doubt: str | None
    lies: frozenset[str]
    lifetime: timedelta


class _Fabrication(Struct, frozen=True):
    """What the resolver said of a name that cannot exist."""

    name: str
    denied: bool
    exists: bool
    addresses: frozenset[str]


class Canaries:
    """Asks the first few of `domains` and as many random names once, and again when the answer is some minutes old."""

    def __init__(self, resolver: Resolver, routes: Routes, clock: Clock, domains: Sequence[str]) -> None:
        self._resolver = resolver
        self._routes = routes
        self._clock = clock
        self._domains = tuple(dict.fromkeys(domains))[:_MOST_ASKED]
        self._flights: Flights[Trust] = Flights()
        self._trust: Trust | None = None
        self._holds_until = 0.0

    @property
    def last(self) -> Trust | None:
        """What was found last; None before the first check."""
        return self._trust

    def prepare(self) -> None:
        """Starts the check where one is due, so that it runs beside other questions."""
        if self._due:
            self._flights.join("", self._check)

    async def trust(self) -> Trust:
        """The trust as of now, checked first where that is due; waits some seconds at most."""
        if self._trust is not None and not self._due:
            return self._trust
        return await self._flights.wait("", self._check)

    async def close(self) -> None:
        await self._flights.close()

    @property
    def _due(self) -> bool:
        return self._trust is None or self._clock.monotonic() >= self._holds_until

    async def _check(self) -> Trust:
        known = {domain: asyncio.create_task(self._routes.find(domain)) for domain in self._domains}
        invented = [asyncio.create_task(self._invent(suffix)) for suffix in self._suffixes()]
        tasks: list[asyncio.Task[MailRoute] | asyncio.Task[_Fabrication]] = [*known.values(), *invented]
        try:
            await asyncio.wait(tasks, timeout=_PATIENCE)
        finally:
            for task in tasks:
                task.cancel()
        routes = {domain: task.result() for domain, task in known.items() if _has_result(task)}
        fabrications = [task.result() for task in invented if _has_result(task)]
        doubt = _doubt(self._resolver.identity, routes, fabrications, bool(known))
        lies = frozenset().union(*(fabrication.addresses for fabrication in fabrications))
        self._trust = Trust(doubt, lies, RECHECK_TRUSTED if doubt is None else RECHECK_UNTRUSTED)
        self._holds_until = self._clock.monotonic() + self._trust.lifetime.total_seconds()
        return self._trust

    def _suffixes(self) -> tuple[str, ...]:
        """The top-level domains of the canaries: a random name under one of them does not exist."""
        return tuple(dict.fromkeys(domain.rpartition(".")[2] for domain in self._domains))[:_MOST_RANDOM] or ("com",)

    async def _invent(self, suffix: str) -> _Fabrication:
        name = f"v{self._clock.token(_RANDOM_LENGTH)}.{suffix}"
        route, address = await asyncio.gather(self._routes.find(name), self._resolver.lookup(name, RecordType.A))
        addresses = {address for host in route.hosts for address in host.addresses} | {a for _, a in address.records}
        silent = (DnsStatus.SERVFAIL, DnsStatus.REFUSED, DnsStatus.TIMEOUT, DnsStatus.BROKEN)
        return _Fabrication(
            name=name,
            denied=route.status is RouteStatus.DOMAIN_NOT_FOUND,
            exists=route.status not in (RouteStatus.DOMAIN_NOT_FOUND, RouteStatus.TEMP_ERROR)
            or address.status not in (DnsStatus.NXDOMAIN, *silent),
            addresses=frozenset(addresses),
        )


def _doubt(
    resolver: str, routes: dict[str, MailRoute], fabrications: list[_Fabrication], has_canaries: bool
) -> str | None:
    """Why the resolver is not believed; None where every sign is good."""
    invented = [fabrication.name for fabrication in fabrications if fabrication.exists]
    if invented:
        return f"the resolver {resolver} knows {invented[0]}, a name that does not exist"
    gone = [
        domain for domain, route in routes.items() if not route.reachable and route.status is not RouteStatus.TEMP_ERROR
    ]
    if gone:
        return f"the resolver {resolver} finds no mail host for {gone[0]}, a domain that takes mail"
    if has_canaries and not any(route.reachable for route in routes.values()):
        return f"the resolver {resolver} could not be tested: it does not find any of the domains that must exist"
    if not any(fabrication.denied for fabrication in fabrications):
        return (
            f"the resolver {resolver} could not be tested: it does not say of any made-up name that it does not exist"
        )
    return None


def _has_result(task: asyncio.Task[MailRoute] | asyncio.Task[_Fabrication]) -> bool:
    return task.done() and not task.cancelled()
