"""A domain's mail route, asked of the resolver: its MX, then the addresses of the exchanges, which thousands share."""

import asyncio
from collections import OrderedDict
from functools import partial

from verifier.core.facts import MailRoute
from verifier.core.guard import Guard
from verifier.core.routing import (
    HostAddresses,
    exchanges,
    exchanges_to_ask,
    host_addresses,
    mail_route,
    needs_implicit,
    needs_ipv6,
)
from verifier.ports import Answer, Clock, RecordType, Resolver
from verifier.service.flights import Flights

_HOSTS_KEPT = 20_000


class Routes:
    """Finds routes. Each domain and each exchange is asked for once at a time, an exchange again only when its answer
    has expired."""

    def __init__(self, resolver: Resolver, clock: Clock, guard: Guard) -> None:
        self._resolver = resolver
        self._clock = clock
        self._guard = guard
        self._hosts: OrderedDict[str, HostAddresses] = OrderedDict()
        self._finding: Flights[MailRoute] = Flights()
        self._asking: Flights[HostAddresses] = Flights()

    async def find(self, domain: str, failures: int = 0) -> MailRoute:
        """The route as DNS gives it; `failures` is how often in a row it could not be found before."""
        return await asyncio.shield(self.finding(domain, failures))

    def finding(self, domain: str, failures: int = 0) -> asyncio.Task[MailRoute]:
        """`find` as a task that all who want the domain share: to be waited for, never cancelled."""
        return self._finding.join(domain, partial(self._find, domain, failures))

    def is_finding(self, domain: str) -> bool:
        """A task for the domain is running."""
        return domain in self._finding

    @property
    def running(self) -> int:
        """How many domains are being looked up."""
        return len(self._finding)

    async def close(self) -> None:
        await self._finding.close()
        await self._asking.close()

    async def _find(self, domain: str, failures: int) -> MailRoute:
        mx = await self._resolver.lookup(domain, RecordType.MX)
        ordered = exchanges(mx, self._clock.random())
        hosts: dict[str, HostAddresses] = {}
        if needs_implicit(mx):
            hosts[domain] = await self._host(domain)
        while names := exchanges_to_ask(ordered, hosts):
            hosts.update(zip(names, await self._several(names), strict=True))
        return mail_route(domain, mx, ordered, hosts, now=self._clock.now(), failures=failures)

    async def _several(self, names: tuple[str, ...]) -> list[HostAddresses]:
        known = [self._remembered(name) for name in names]
        missing = [name for name, host in zip(names, known, strict=True) if host is None]
        fresh = dict(zip(missing, await asyncio.gather(*map(self._host, missing)), strict=True)) if missing else {}
        return [host or fresh[name] for name, host in zip(names, known, strict=True)]

    async def _host(self, name: str) -> HostAddresses:
        return self._remembered(name) or await self._asking.wait(name, partial(self._ask, name))

    def _remembered(self, name: str) -> HostAddresses | None:
        host = self._hosts.get(name)
        if host is None or host.expires_at <= self._clock.now():
            return None
        self._hosts.move_to_end(name)
        return host

    async def _ask(self, name: str) -> HostAddresses:
        answers: tuple[Answer, ...] = (await self._resolver.lookup(name, RecordType.A),)
        if needs_ipv6(answers[0], self._guard):
            answers += (await self._resolver.lookup(name, RecordType.AAAA),)
        host = host_addresses(name, answers, self._guard, self._clock.now())
        self._hosts[name] = host
        self._hosts.move_to_end(name)
        if len(self._hosts) > _HOSTS_KEPT:
            self._hosts.popitem(last=False)
        return host
