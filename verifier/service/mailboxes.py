"""Findings for mailboxes: from the store where they are fresh, else asked of their mail hosts, once each."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct, structs

from verifier.core.address import Address
from verifier.core.egress import Egress, EgressState
from verifier.core.evidence import Finding, Obstacle, expires_at, merge
from verifier.core.facts import DomainFacts
from verifier.core.names import Names
from verifier.core.providers import ProbePolicy, Provider
from verifier.core.reasons import ALL_STAGES, StageName
from verifier.core.replies import ReplyClass
from verifier.ports import Clock, FactStore, SingleFlight
from verifier.service.lanes import Lanes
from verifier.service.probing import Probed, Target

_CLAIM_SECONDS = 120.0
_POLL_SECONDS = 0.5
_SHUT = {
    EgressState.BLOCKED: Obstacle.EGRESS_BLOCKED,
    EgressState.INTERCEPTED: Obstacle.EGRESS_INTERCEPTED,
}

Record = Callable[[Sequence[tuple[str, Finding]], Sequence[DomainFacts]], Awaitable[None]]


class EgressSource(Protocol):
    """Tells whether port 25 can be reached (service/egress.py)."""

    async def outcome(self) -> Egress: ...


class Asking(Struct, frozen=True):
    """How a chunk is asked: for whom (`source`), how urgently, and who has to know each group's results before the
    next group is sent (`record`). `again` are keys whose inconclusive findings don't count: they are asked once more.
    """

    stages: tuple[StageName, ...] = ALL_STAGES
    source: str = ""
    interactive: bool = False
    keep_transcript: bool = False
    again: frozenset[str] = frozenset()
    greylist_round: int = 0
    """How often greylisted mailboxes were asked again before."""
    record: Record | None = None


class Knowledge(Struct):
    """What is known of a chunk: facts by domain, findings by mailbox key, which of them were observed just now, and
    the conversations that were kept.
    """

    facts: dict[str, DomainFacts]
    findings: dict[str, tuple[Finding, ...]]
    live: set[str]
    transcripts: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, facts: Mapping[str, DomainFacts]) -> "Knowledge":
        return cls(dict(facts), {}, set(), {})


class Policy(Struct, frozen=True):
    """The operator's choices that bear on asking."""

    smtp_enabled: bool = True
    probe_opt_in: bool = False
    greylist_delays: tuple[float, ...] = (310.0, 900.0, 3600.0, 14400.0)
    """Seconds, round by round."""


class Mailboxes:
    """Asks for mailboxes; whatever is in the way becomes a finding too, never a verdict."""

    def __init__(
        self,
        *,
        names: Names,
        lanes: Lanes,
        egress: EgressSource,
        store: FactStore,
        flights: SingleFlight | None,
        clock: Clock,
        policy: Policy,
    ) -> None:
        self._names = names
        self._lanes = lanes
        self._egress = egress
        self._store = store
        self._flights = flights
        self._clock = clock
        self._policy = policy

    async def gather(self, addresses: Mapping[str, Address], knowledge: Knowledge, asking: Asking) -> None:
        """Add findings for the addresses (by key) to the knowledge, whose facts are there already."""
        if not self._policy.smtp_enabled:
            return
        now = self._clock.now()
        known = await self._store.mailboxes(list(addresses))
        to_ask: dict[str, Address] = {}
        for key, address in addresses.items():
            route = knowledge.facts[address.domain].route
            if route is None or not route.reachable or self._names.is_disposable(address.domain, route):
                continue
            provider = self._names.provider(address.domain, route)
            speaking = merge(known.get(key, ()), now)
            if (
                speaking is not None
                and self._counts(speaking, knowledge.facts[address.domain], provider, now)
                and (speaking.conclusive or key not in asking.again)
            ):
                knowledge.findings[key] = known[key]
            elif (obstacle := self._not_asked(provider)) is not None:
                knowledge.findings[key] = (Finding(now, obstacle=obstacle),)
                knowledge.live.add(key)
            else:
                to_ask[key] = address
        if asking.record is not None and knowledge.findings:
            await asking.record([(key, f) for key, found in knowledge.findings.items() for f in found], ())
        if to_ask:
            await self._ask(to_ask, knowledge, asking)

    def _counts(self, finding: Finding, facts: DomainFacts, provider: Provider | None, now: datetime) -> bool:
        """The finding is still authoritative; an acceptance only beside a control that is, where one is needed."""
        if expires_at(finding) <= now:
            return False
        if finding.reply_class is not ReplyClass.ACCEPTED or not _needs_control(provider, facts.domain):
            return True
        return facts.accepts_all is not None and facts.accepts_all.expires_at > now

    def _not_asked(self, provider: Provider | None) -> Obstacle | None:
        """Providers whose answer is known to be worth nothing, or who ask not to be asked."""
        if provider is None:
            return None
        opt_in = provider.probe is ProbePolicy.OPT_IN and not self._policy.probe_opt_in
        return Obstacle.PROVIDER_UNVERIFIABLE if provider.accepts_all or opt_in else None

    async def _ask(self, to_ask: Mapping[str, Address], knowledge: Knowledge, asking: Asking) -> None:
        egress = await self._egress.outcome()
        if egress.state in _SHUT:
            finding = Finding(self._clock.now(), obstacle=_SHUT[egress.state], detail=egress.sentence)
            if asking.record is not None:
                await asking.record([(key, finding) for key in to_ask], ())
            knowledge.findings.update(dict.fromkeys(to_ask, (finding,)))
            knowledge.live.update(to_ask)
            return
        record = self._recorder(asking)
        targets = [self._target(key, address, knowledge, asking, record) for key, address in to_ask.items()]
        if self._flights is None:
            await self._probe(targets, knowledge)
            return
        claims = await asyncio.gather(*(self._flights.claim(t.key, _CLAIM_SECONDS) for t in targets))
        mine = [target for target, claimed in zip(targets, claims, strict=True) if claimed]
        others = [target for target, claimed in zip(targets, claims, strict=True) if not claimed]
        try:
            await self._probe(mine, knowledge)
        finally:
            await asyncio.gather(*(self._flights.release(target.key) for target in mine))
        await asyncio.gather(*(self._await_another(self._flights, target, knowledge, asking) for target in others))

    async def _probe(self, targets: Sequence[Target], knowledge: Knowledge) -> None:
        self._lanes.submit(targets)
        try:
            for target in targets:
                self._learn(target, await target.future, knowledge)
        finally:
            for target in targets:
                target.future.cancel()

    async def _await_another(self, flights: SingleFlight, target: Target, knowledge: Knowledge, asking: Asking) -> None:
        """Another process asks already: its finding is waited for, or its claim, when it died."""
        since = self._clock.now()
        while not await flights.claim(target.key, _CLAIM_SECONDS):
            await self._clock.sleep(_POLL_SECONDS)
            known = (await self._store.mailboxes([target.key])).get(target.key, ())
            if any(finding.observed_at >= since for finding in known):
                knowledge.findings[target.key] = known
                if asking.record is not None:
                    await asking.record([(target.key, finding) for finding in known], ())
                return
        try:
            known = (await self._store.mailboxes([target.key])).get(target.key, ())
            if any(finding.observed_at >= since for finding in known):
                knowledge.findings[target.key] = known
            else:
                await self._probe([target], knowledge)
        finally:
            await flights.release(target.key)

    def _learn(self, target: Target, probed: Probed, knowledge: Knowledge) -> None:
        earlier = knowledge.findings.get(target.key, ())
        knowledge.findings[target.key] = (*earlier, probed.finding)
        knowledge.live.add(target.key)
        if probed.transcript:
            knowledge.transcripts[target.key] = probed.transcript
        if probed.accepts_all is not None:
            facts = knowledge.facts[target.domain]
            knowledge.facts[target.domain] = structs.replace(facts, accepts_all=probed.accepts_all)

    def _target(
        self,
        key: str,
        address: Address,
        knowledge: Knowledge,
        asking: Asking,
        record: Callable[[Sequence[tuple[Target, Probed]]], Awaitable[None]],
    ) -> Target:
        facts = knowledge.facts[address.domain]
        assert facts.route is not None
        provider = self._names.provider(address.domain, facts.route)
        fact = facts.accepts_all
        fresh = fact is not None and fact.expires_at > self._clock.now()
        delays = self._policy.greylist_delays
        return Target(
            key=key,
            path=address.mailbox,
            domain=address.domain,
            smtputf8=address.smtputf8,
            route=facts.route,
            provider=provider,
            accepts_all=fact.value if fact is not None and fresh else None,
            control_wanted=_needs_control(provider, address.domain)
            and not (fresh and fact is not None and fact.value is None),
            source=asking.source,
            interactive=asking.interactive,
            record=record,
            future=asyncio.get_running_loop().create_future(),
            keep_transcript=asking.keep_transcript,
            greylist_delay=delays[min(asking.greylist_round, len(delays) - 1)],
        )

    def _recorder(self, asking: Asking) -> Callable[[Sequence[tuple[Target, Probed]]], Awaitable[None]]:
        """What a lane awaits after each group: the store knows, and then whoever asked."""

        async def record(results: Sequence[tuple[Target, Probed]]) -> None:
            findings = [(target.key, probed.finding) for target, probed in results]
            learned = {
                target.domain: DomainFacts(target.domain, accepts_all=probed.accepts_all)
                for target, probed in results
                if probed.accepts_all is not None
            }
            facts = tuple(learned.values())
            await self._store.remember_mailboxes(findings)
            if facts:
                await self._store.remember_domains(facts)
            if asking.record is not None:
                await asking.record(findings, facts)

        return record


def _needs_control(provider: Provider | None, domain: str) -> bool:
    return provider is None or provider.needs_control(domain)
