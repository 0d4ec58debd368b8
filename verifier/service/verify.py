"""The pipeline: syntax, disposable, MX, SMTP. One address and ten million take this road, chunk by chunk."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import structs

from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.evidence import Evidence, NameFlags
from verifier.core.facts import DomainFacts, MailRoute, RouteStatus
from verifier.core.keys import keyed_hash
from verifier.core.names import Names
from verifier.core.reasons import StageName
from verifier.core.test_addresses import stated_reason
from verifier.core.verdict import Assessment, BounceRisks, Source, judge, stated_assessment
from verifier.ports import Clock
from verifier.service.mailboxes import Asking, Knowledge, Mailboxes

_NO_FLAGS = NameFlags()


class FactSource(Protocol):
    """Gives the facts of domains (service/domains.py)."""

    async def facts_for(self, domains: Sequence[str]) -> Mapping[str, DomainFacts]: ...


class Verification:
    """`assess` is the whole pipeline; `gather` and `judge` are its halves, for a list whose output is written later."""

    def __init__(
        self,
        *,
        names: Names,
        risks: BounceRisks,
        domains: FactSource,
        mailboxes: Mailboxes,
        clock: Clock,
        mailbox_subkey: bytes,
    ) -> None:
        self._names = names
        self._risks = risks
        self._domains = domains
        self._mailboxes = mailboxes
        self._clock = clock
        self._subkey = mailbox_subkey

    async def assess(self, raws: Sequence[str], asking: Asking) -> list[Assessment]:
        """One assessment for each text, in order."""
        started = self._clock.monotonic()
        parsed = [parse_address(raw) for raw in raws]
        knowledge = await self.gather(parsed, asking)
        elapsed = round(1000 * (self._clock.monotonic() - started))
        return [structs.replace(a, duration_ms=elapsed) for a in self.judge(parsed, knowledge, asking.stages)]

    def key_of(self, address: Address) -> str:
        """The keyed hash under which a mailbox is stored: spellings that meet in one mailbox share it."""
        return keyed_hash(self._subkey, address.comparison)

    async def gather(self, parsed: Iterable[Address | SyntaxFault], asking: Asking) -> Knowledge:
        """Ask whoever has to be asked: name servers for every domain, mail hosts for every mailbox."""
        addresses = {a.comparison: a for a in parsed if isinstance(a, Address) and stated_reason(a) is None}
        if StageName.MX not in asking.stages or not addresses:
            return Knowledge.of({})
        domains = sorted({address.domain for address in addresses.values()})
        knowledge = Knowledge.of(await self._domains.facts_for(domains))
        if asking.record is not None:
            await asking.record((), tuple(knowledge.facts.values()))
        if StageName.SMTP in asking.stages:
            by_key = {self.key_of(address): address for address in addresses.values()}
            await self._mailboxes.gather(by_key, knowledge, asking)
        return knowledge

    def judge(
        self, parsed: Iterable[Address | SyntaxFault], knowledge: Knowledge, stages: tuple[StageName, ...]
    ) -> list[Assessment]:
        """What the knowledge says of each, by now."""
        now = self._clock.now()
        return [self._judge(address, knowledge, stages, now) for address in parsed]

    def _judge(
        self, address: Address | SyntaxFault, knowledge: Knowledge, stages: tuple[StageName, ...], now: datetime
    ) -> Assessment:
        if isinstance(address, SyntaxFault):
            return judge(Evidence(address, _NO_FLAGS, (StageName.SYNTAX,)), now, self._risks)
        stated = stated_reason(address)
        if stated is not None:
            return stated_assessment(address, stated, now, self._risks)
        facts = knowledge.facts.get(address.domain)
        route = facts.route if facts is not None else None
        provider = self._names.provider(address.domain, route)
        key = self.key_of(address) if knowledge.findings else ""
        findings = knowledge.findings.get(key, ())
        assessment = judge(
            Evidence(
                address=address,
                flags=self._names.flags(address, route),
                stages=_stages_done(stages, route, asked=any(f.code is not None for f in findings)),
                route=route,
                accepts_all=facts.accepts_all if facts is not None else None,
                findings=findings,
                provider=provider.name if provider is not None else None,
                did_you_mean=self._names.spelling.suggestion(address, _works(route)),
            ),
            now,
            self._risks,
        )
        if findings and key not in knowledge.live:
            return structs.replace(assessment, source=Source.CACHE)
        return assessment


def _stages_done(stages: tuple[StageName, ...], route: MailRoute | None, *, asked: bool) -> tuple[StageName, ...]:
    done = {StageName.SYNTAX, StageName.DISPOSABLE}
    if route is not None:
        done.add(StageName.MX)
    if asked:
        done.add(StageName.SMTP)
    return tuple(stage for stage in stages if stage in done)


def _works(route: MailRoute | None) -> bool | None:
    """Whether the domain can receive mail; None where that is not known."""
    if route is None or route.status in (RouteStatus.TEMP_ERROR, RouteStatus.UNTRUSTED):
        return None
    return route.reachable
