"""Asks a few large mail hosts for their banner before anybody's mailbox is asked for, and remembers the outcome."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from verifier.core.egress import CanarySighting, Egress, EgressState, judge_egress
from verifier.core.facts import DomainFacts
from verifier.ports import Clock, DialFailure, MailDialer

_TRUSTED_FOR = 600.0
_DOUBTED_FOR = 60.0
_BANNER_LENGTH = 512


class FactSource(Protocol):
    """Gives the facts of domains (service/domains.py)."""

    async def facts_for(self, domains: Sequence[str]) -> Mapping[str, DomainFacts]: ...


class EgressTest:
    """The way out to port 25: tested once when first needed, again after 10 minutes, after 1 minute if it was shut.

    A test takes at most `patience` seconds a canary, all at the same time.
    """

    def __init__(
        self, domains: FactSource, dialer: MailDialer, clock: Clock, canaries: Sequence[str], patience: float
    ) -> None:
        self._domains = domains
        self._dialer = dialer
        self._clock = clock
        self._canaries = tuple(canaries)
        self._patience = patience
        self._lock = asyncio.Lock()
        self._known: Egress | None = None
        self._until = 0.0

    @property
    def last(self) -> EgressState | None:
        """What was found last; None before the first test."""
        return None if self._known is None else self._known.state

    async def outcome(self) -> Egress:
        """What is known of the way out, tested now if it is not known any more."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._known is None or now >= self._until:
                self._known = await self._test()
                open_ = self._known.state is EgressState.OPEN
                self._until = self._clock.monotonic() + (_TRUSTED_FOR if open_ else _DOUBTED_FOR)
            return self._known

    async def _test(self) -> Egress:
        facts = await self._domains.facts_for(self._canaries)
        routed = [(name, fact.route) for name, fact in facts.items() if fact.route is not None and fact.route.hosts]
        sightings = await asyncio.gather(
            *(self._look(name, route.hosts[0].name, route.hosts[0].addresses[0]) for name, route in routed)
        )
        return judge_egress(sightings)

    async def _look(self, domain: str, mx_host: str, address: str) -> CanarySighting:
        connection = await self._dialer.dial(address, pin=domain, timeout=self._patience)
        if isinstance(connection, DialFailure):
            return CanarySighting(domain, mx_host, None, connection.value)
        try:
            banner = await connection.receive(self._patience)
            connection.send(b"QUIT\r\n")
        except (TimeoutError, ConnectionError) as error:
            return CanarySighting(domain, mx_host, None, str(error) or "no banner")
        finally:
            connection.close()
        text = banner[:_BANNER_LENGTH].decode("ascii", "replace").splitlines()
        return CanarySighting(domain, mx_host, text[0] if text else None)
