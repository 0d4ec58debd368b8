"""Resolver and MailDialer that tell a Meter what they did; the work is another adapter's."""

from verifier.core.measures import DIALS, DNS_SECONDS
from verifier.ports import Answer, Clock, Connection, DialFailure, MailDialer, Meter, RecordType, Resolver


class MeteredResolver:
    """Every question is timed, by its type and by what came of it."""

    def __init__(self, resolver: Resolver, clock: Clock, meter: Meter) -> None:
        self._resolver = resolver
        self._clock = clock
        self._meter = meter

    @property
    def identity(self) -> str:
        return self._resolver.identity

    async def lookup(self, name: str, record_type: RecordType) -> Answer:
        started = self._clock.monotonic()
        answer = await self._resolver.lookup(name, record_type)
        self._meter.observe(DNS_SECONDS, self._clock.monotonic() - started, record_type.name, answer.status)
        return answer

    async def close(self) -> None:
        await self._resolver.close()


class MeteredDialer:
    """Every attempt is counted by how it ended."""

    def __init__(self, dialer: MailDialer, meter: Meter) -> None:
        self._dialer = dialer
        self._meter = meter

    async def dial(self, address: str, *, pin: str, timeout: float) -> Connection | DialFailure:
        outcome = await self._dialer.dial(address, pin=pin, timeout=timeout)
        self._meter.count(DIALS, outcome.value if isinstance(outcome, DialFailure) else "connected")
        return outcome
