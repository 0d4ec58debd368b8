"""Whether the service can do its work just now, part by part."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from msgspec import Struct

from verifier.core.egress import Egress, EgressState

_PATIENCE = 2.0


class Condition(StrEnum):
    """`degraded`: less is proved, everything else works. `failed`: not ready."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


class Part(Struct, frozen=True):
    """One part and, where it is not ok, one sentence about it."""

    condition: Condition
    sentence: str = ""


Look = Callable[[], Awaitable[Part]]


class Readiness:
    """Looks at all parts at once, none for longer than two seconds."""

    def __init__(self, parts: Mapping[str, Look]) -> None:
        self.parts = dict(parts)
        self.draining = False
        """The service stops: it finishes what it has begun and wants nothing new."""

    async def look(self) -> dict[str, Part]:
        """Every part by its name."""
        looks = [self._look(look) for look in self.parts.values()]
        return dict(zip(self.parts, await asyncio.gather(*looks), strict=True))

    async def _look(self, look: Look) -> Part:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await look()
        except TimeoutError:
            return Part(Condition.DEGRADED, "no answer within 2 seconds")


def is_ready(parts: Mapping[str, Part]) -> bool:
    """Nothing has failed."""
    return all(part.condition is not Condition.FAILED for part in parts.values())


def egress_part(egress: Egress) -> Part:
    """A shut port 25 leaves mailboxes unknown, and nothing else undone."""
    if egress.state in (EgressState.BLOCKED, EgressState.INTERCEPTED):
        return Part(Condition.DEGRADED, egress.sentence)
    return Part(Condition.OK)


def dns_part(trusted: bool | None, doubt: str) -> Part:
    """A resolver that is not believed leaves domains unknown."""
    if trusted is False:
        return Part(Condition.DEGRADED, doubt)
    return Part(Condition.OK, "" if trusted else "not asked yet")
