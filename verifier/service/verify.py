"""The pipeline: syntax, disposable, MX, SMTP. One address and ten million take this road, chunk by chunk."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import structs

from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.facts import DomainFacts
from verifier.core.measures import STAGE_SECONDS
from verifier.core.reasons import StageName
from verifier.core.test_addresses import stated_reason
from verifier.core.verdict import Assessment
from verifier.ports import Clock, Meter
from verifier.service.judging import Judging
from verifier.service.mailboxes import Asking, Knowledge, Mailboxes


class FactSource(Protocol):
    """Gives the facts of domains (service/domains.py)."""

    async def facts_for(self, domains: Sequence[str]) -> Mapping[str, DomainFacts]: ...


class Verification:
    """`assess` is the whole pipeline; a list takes its halves, `gather` and `judging`, one after the other."""

    def __init__(
        self,
        *,
        judging: Judging,
        domains: FactSource,
        mailboxes: Mailboxes,
        clock: Clock,
        meter: Meter,
    ) -> None:
        self.judging = judging
        self._domains = domains
        self._mailboxes = mailboxes
        self._clock = clock
        self._meter = meter

    async def assess(self, raws: Sequence[str], asking: Asking) -> list[Assessment]:
        """One assessment for each text, in order."""
        started = self._clock.monotonic()
        parsed = [parse_address(raw) for raw in raws]
        knowledge = await self.gather(parsed, asking)
        elapsed = round(1000 * (self._clock.monotonic() - started))
        judged = self.judging.judge(parsed, knowledge, asking.stages)
        return [structs.replace(assessment, duration_ms=elapsed) for assessment in judged]

    async def gather(self, parsed: Iterable[Address | SyntaxFault], asking: Asking) -> Knowledge:
        """Ask whoever has to be asked: name servers for every domain, mail hosts for every mailbox."""
        addresses = {a.comparison: a for a in parsed if isinstance(a, Address) and stated_reason(a) is None}
        if StageName.MX not in asking.stages or not addresses:
            return Knowledge.of({})
        domains = sorted({address.domain for address in addresses.values()})
        started = self._clock.monotonic()
        knowledge = Knowledge.of(await self._domains.facts_for(domains))
        routed = self._clock.monotonic()
        self._meter.observe(STAGE_SECONDS, routed - started, StageName.MX)
        if asking.record is not None:
            await asking.record((), tuple(knowledge.facts.values()))
        if StageName.SMTP in asking.stages:
            by_key = {self.judging.key_of(address): address for address in addresses.values()}
            await self._mailboxes.gather(by_key, knowledge, asking)
            self._meter.observe(STAGE_SECONDS, self._clock.monotonic() - routed, StageName.SMTP)
        return knowledge
