"""The pipeline: syntax, disposable, MX, SMTP. One address and ten million take this road, chunk by chunk."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Protocol

from msgspec import structs

from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.facts import DomainFacts
from verifier.core.knowledge import Knowledge
from verifier.core.measures import STAGE_SECONDS
from verifier.core.reasons import StageName
from verifier.core.test_addresses import stated_reason
from verifier.core.verdict import Assessment
from verifier.ports import Clock, Meter
from verifier.service.asking import Asking
from verifier.service.at_hand import AtHand
from verifier.service.judging import Judging
from verifier.service.mailboxes import Mailboxes
from verifier.service.turns import Turns

_AT_ONCE = 50
"""Mailboxes that are begun together, in a millisecond: with a whole chunk's 500 everybody else waits for ten."""


class FactSource(Protocol):
    """Gives the facts of domains as they become known (service/domains.py)."""

    def facts_in_turn(self, domains: Sequence[str]) -> AsyncGenerator[Mapping[str, DomainFacts], None]: ...


class Verification:
    """`assess` is the whole pipeline; a list takes its halves, `gather` and `judging`, one after the other. `at_hand`
    is for what needs neither. Lists take `turns`.
    """

    def __init__(
        self,
        *,
        judging: Judging,
        domains: FactSource,
        mailboxes: Mailboxes,
        clock: Clock,
        meter: Meter,
        turns: Turns | None = None,
    ) -> None:
        self.judging = judging
        self.at_hand = AtHand(judging, mailboxes, clock)
        self._domains = domains
        self._mailboxes = mailboxes
        self._clock = clock
        self._meter = meter
        self.turns = turns or Turns()

    async def assess(self, raws: Sequence[str], asking: Asking) -> list[Assessment]:
        """One assessment for each text, in order."""
        started = self._clock.monotonic()
        parsed = [parse_address(raw) for raw in raws]
        knowledge = await self.gather(parsed, asking)
        elapsed = round(1000 * (self._clock.monotonic() - started))
        judged = self.judging.judge(parsed, knowledge, asking.stages)
        return [structs.replace(assessment, duration_ms=elapsed) for assessment in judged]

    async def gather(self, parsed: Iterable[Address | SyntaxFault], asking: Asking) -> Knowledge:
        """Ask whoever has to be asked: name servers for every domain, and as soon as one is known its mail hosts."""
        addresses = {a.comparison: a for a in parsed if isinstance(a, Address) and stated_reason(a) is None}
        knowledge = Knowledge.of({})
        if StageName.MX not in asking.stages or not addresses:
            return knowledge
        by_domain: dict[str, list[Address]] = {}
        for address in addresses.values():
            by_domain.setdefault(address.domain, []).append(address)
        started = self._clock.monotonic()
        asked: list[asyncio.Task[None]] = []
        ahead = asking.ahead
        if ahead is not None:
            ahead.parts += 1
        try:
            async with aclosing(self._domains.facts_in_turn(sorted(by_domain))) as in_turn:
                async for facts in in_turn:
                    if not asking.interactive:
                        await self.turns.mine()
                    knowledge.facts.update(facts)
                    if asking.record is not None:
                        await asking.record((), tuple(facts.values()))
                    if StageName.SMTP in asking.stages:
                        asked += [
                            asyncio.create_task(self._ask_mailboxes(some, knowledge, asking))
                            for some in _some_at_once(by_domain[domain] for domain in facts)
                        ]
                    if ahead is not None:
                        ahead.parts -= 1
                        ahead = None
            self._meter.observe(STAGE_SECONDS, self._clock.monotonic() - started, StageName.MX)
            await asyncio.gather(*asked)
        finally:
            if ahead is not None:
                ahead.parts -= 1
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return knowledge

    async def _ask_mailboxes(self, addresses: Sequence[Address], knowledge: Knowledge, asking: Asking) -> None:
        started = self._clock.monotonic()
        await self._mailboxes.gather({self.judging.key_of(a): a for a in addresses}, knowledge, asking)
        self._meter.observe(STAGE_SECONDS, self._clock.monotonic() - started, StageName.SMTP)


def _some_at_once(domains: Iterable[list[Address]]) -> Iterator[list[Address]]:
    """The addresses of whole domains, a few together: what one domain answers is looked at as a whole."""
    some: list[Address] = []
    for addresses in domains:
        some += addresses
        if len(some) >= _AT_ONCE:
            yield some
            some = []
    if some:
        yield some
