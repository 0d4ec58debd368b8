"""Findings for mailboxes: from the store where they are fresh, else asked of their mail hosts, once each."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct, structs

from verifier.core.address import Address
from verifier.core.egress import Egress, EgressState
from verifier.core.evidence import Finding, Obstacle, expires_at, merge
from verifier.core.facts import DomainFacts, MailRoute
from verifier.core.knowledge import Knowledge
from verifier.core.names import Names
from verifier.core.outage import is_proven, second_look_due
from verifier.core.providers import ProbePolicy, Provider
from verifier.core.replies import ReplyClass
from verifier.ports import Clock, FactStore, Glance, SingleFlight
from verifier.service.asking import Asking
from verifier.service.harvest_guard import Client, HarvestGuard
from verifier.service.lanes import Lanes
from verifier.service.outages import Outages
from verifier.service.probing import Probed, Target
from verifier.service.recording import ChunkNotes, Recorder
from verifier.service.turns import Turns

_CLAIM_SECONDS = 120.0
_POLL_SECONDS = 0.5
_SHUT = {
    EgressState.BLOCKED: Obstacle.EGRESS_BLOCKED,
    EgressState.INTERCEPTED: Obstacle.EGRESS_INTERCEPTED,
}

OPTED_OUT = "opt-out"


class EgressSource(Protocol):
    """Tells whether port 25 can be reached (service/egress.py)."""

    async def outcome(self) -> Egress: ...


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
        guard: HarvestGuard,
        glance: Glance | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._glance = glance
        self._turns = turns or Turns()
        self._names = names
        self._lanes = lanes
        self._egress = egress
        self._store = store
        self._flights = flights
        self._clock = clock
        self._policy = policy
        self._guard = guard
        self._outages = Outages(clock)

    def held(
        self, key: str, domain: str, client: Client, now: datetime
    ) -> tuple[DomainFacts, tuple[Finding, ...]] | None:
        """What memory holds of one mailbox and its domain; None where somebody would have to be waited for."""
        if self._glance is None or not self._policy.smtp_enabled or not self._guard.remembers(client, domain):
            return None
        self._guard.keep()
        return self._glance.at_hand(domain, key, now)

    def at_hand(
        self, key: str, address: Address, facts: DomainFacts, known: tuple[Finding, ...], asking: Asking, now: datetime
    ) -> Knowledge | None:
        """What `gather` would find by what is `held`, without waiting for anybody; None where it would have to wait."""
        route = facts.route
        if route is None or route.expires_at <= now:
            return None
        knowledge = Knowledge.of({address.domain: facts})
        if route.reachable and not self._names.is_disposable(address.domain, route):
            known_here = self._known_here(key, known, facts, asking, now)
            if not known_here:
                return None
            knowledge.findings[key] = known_here
        return knowledge

    def heard_again(self, key: str, domain: str, finding: Finding, client: Client, now: datetime) -> None:
        """Somebody was told of a finding that was known: it counts as having been asked for."""
        self._guard.heard(client, domain, key, finding, now)

    async def gather(self, addresses: Mapping[str, Address], knowledge: Knowledge, asking: Asking) -> None:
        """Add findings for the addresses (by key) to the knowledge, whose facts are there already."""
        if not self._policy.smtp_enabled:
            return
        now = self._clock.now()
        known = await self._store.mailboxes(list(addresses))
        await self._guard.recall(asking.client, {address.domain for address in addresses.values()})
        if not asking.interactive:
            await self._turns.mine()
        found: list[tuple[str, Finding]] = []
        to_ask: dict[str, Address] = {}
        for key, address in addresses.items():
            route = knowledge.facts[address.domain].route
            if route is None or not route.reachable or self._names.is_disposable(address.domain, route):
                continue
            known_here = self._known_here(key, known.get(key, ()), knowledge.facts[address.domain], asking, now)
            if known_here:
                knowledge.findings[key] = known_here
                if asking.anew and self.not_asked(address.domain, route, now) is None:
                    to_ask[key] = address
                else:
                    found += [(key, finding) for finding in known_here]
            elif (finding := self.not_asked(address.domain, route, now)) is not None:
                knowledge.findings[key] = (finding,)
                knowledge.live.add(key)
                found.append((key, finding))
            else:
                to_ask[key] = address
        if asking.record is not None and found:
            await asking.record(found, ())
        if to_ask:
            await self._ask(to_ask, known, knowledge, asking)
        self._guard.keep()

    def _known_here(
        self, key: str, known: tuple[Finding, ...], facts: DomainFacts, asking: Asking, now: datetime
    ) -> tuple[Finding, ...]:
        """What is known of a mailbox so well that it need not be asked; nothing, where it has to be."""
        speaking = merge(known, now)
        if speaking is None:
            return ()
        doubted = second_look_due(known, now)
        if doubted is not None:
            if is_proven(known, now):
                self._outages.expect(facts.domain, key)
                self._outages.heard(facts.domain, key, doubted, withdrawn=True)
            return (doubted,)
        if self._counts(speaking, facts, now) and (speaking.conclusive or key not in asking.again):
            self._guard.heard(asking.client, facts.domain, key, speaking, now)
            return known
        if is_proven(known, now):
            self._outages.expect(facts.domain, key)
        return ()

    def _counts(self, finding: Finding, facts: DomainFacts, now: datetime) -> bool:
        """The finding is still authoritative; an acceptance only beside a control that is, where one is needed. Who
        was not probed was not observed.
        """
        if expires_at(finding) <= now or finding.obstacle is Obstacle.NOT_PROBED:
            return False
        provider = self._names.provider(facts.domain, facts.route)
        if finding.reply_class is not ReplyClass.ACCEPTED or not _needs_control(provider, facts.domain):
            return True
        return facts.accepts_all is not None and facts.accepts_all.expires_at > now

    def not_asked(self, domain: str, route: MailRoute | None, now: datetime) -> Finding | None:
        """Whoever asked not to be asked, and providers whose answer is known to be worth nothing."""
        if self._names.is_opted_out(domain, route):
            return Finding(now, obstacle=Obstacle.NOT_PROBED, detail=OPTED_OUT)
        provider = self._names.provider(domain, route)
        if provider is None:
            return None
        opt_in = provider.probe is ProbePolicy.OPT_IN and not self._policy.probe_opt_in
        return Finding(now, obstacle=Obstacle.PROVIDER_UNVERIFIABLE) if provider.accepts_all or opt_in else None

    async def _ask(
        self,
        to_ask: Mapping[str, Address],
        known: Mapping[str, tuple[Finding, ...]],
        knowledge: Knowledge,
        asking: Asking,
    ) -> None:
        egress = await self._egress.outcome()
        if egress.state in _SHUT:
            finding = Finding(self._clock.now(), obstacle=_SHUT[egress.state], detail=egress.sentence)
            if asking.record is not None:
                await asking.record([(key, finding) for key in to_ask], ())
            knowledge.findings.update({key: (*knowledge.findings.get(key, ()), finding) for key in to_ask})
            knowledge.live.update(to_ask)
            return

        turns = None if asking.interactive else self._turns
        recorder = Recorder(self._guard, asking.client, self._store, self._clock, asking.record, turns)
        chunk = ChunkNotes(recorder, self._outages, known)
        targets = [self._target(key, address, knowledge, asking, chunk) for key, address in to_ask.items()]
        if self._flights is None:
            await self._probe(targets, knowledge, asking, chunk)
            return
        since = self._clock.now()
        claims = await asyncio.gather(*(self._flights.claim(t.key, _CLAIM_SECONDS) for t in targets))
        mine = [target for target, claimed in zip(targets, claims, strict=True) if claimed]
        others = [target for target, claimed in zip(targets, claims, strict=True) if not claimed]
        try:
            answered = await self._answered_elsewhere(mine, since, knowledge, asking)
            await self._probe([t for t in mine if t.key not in answered], knowledge, asking, chunk)
        finally:
            await asyncio.gather(*(self._flights.release(target.key) for target in mine))
        await asyncio.gather(
            *(self._await_another(self._flights, target, knowledge, asking, chunk) for target in others)
        )

    async def _probe(self, targets: Sequence[Target], knowledge: Knowledge, asking: Asking, chunk: ChunkNotes) -> None:
        try:
            self._lanes.submit(self._guard.admit(asking.client, targets))
            results = [(target, await target.future) for target in targets]
            await chunk.close()
            unasked = [(t.key, p.finding) for t, p in results if p.finding.obstacle is Obstacle.NOT_PROBED]
            await chunk.recorder.tell(unasked)
            for target, probed in results:
                self._learn(target, chunk.settled(target, probed), knowledge)
        finally:
            self._guard.leave(asking.client, targets)
            for target in targets:
                target.future.cancel()

    async def _await_another(
        self, flights: SingleFlight, target: Target, knowledge: Knowledge, asking: Asking, chunk: ChunkNotes
    ) -> None:
        """Another process asks already: its finding is waited for, or its claim, when it died."""
        since = self._clock.now()
        while not await flights.claim(target.key, _CLAIM_SECONDS):
            await self._clock.sleep(_POLL_SECONDS)
            if await self._answered_elsewhere([target], since, knowledge, asking):
                return
        try:
            if not await self._answered_elsewhere([target], since, knowledge, asking):
                await self._probe([target], knowledge, asking, chunk)
        finally:
            await flights.release(target.key)

    async def _answered_elsewhere(
        self, targets: Sequence[Target], since: datetime, knowledge: Knowledge, asking: Asking
    ) -> set[str]:
        """The keys of those whom another process has answered meanwhile: what it found out is taken over."""
        known = await self._store.mailboxes([target.key for target in targets])
        domains = sorted({target.domain for target in targets if target.key in known})
        facts = await self._store.domains(domains) if domains else {}
        now = self._clock.now()
        found: list[tuple[str, Finding]] = []
        learned: dict[str, DomainFacts] = {}
        for target in targets:
            speaking = merge(known.get(target.key, ()), now)
            ours = knowledge.facts[target.domain]
            theirs = facts.get(target.domain)
            if theirs is not None and theirs.accepts_all is not None:
                ours = structs.replace(ours, accepts_all=theirs.accepts_all)
            if speaking is None or not self._counts(speaking, ours, now):
                continue
            wanted_anew = asking.anew or (not speaking.conclusive and target.key in asking.again)
            if wanted_anew and speaking.observed_at < since:
                continue
            knowledge.findings[target.key] = known[target.key]
            knowledge.facts[target.domain] = ours
            found += [(target.key, finding) for finding in known[target.key]]
            learned[target.domain] = DomainFacts(target.domain, accepts_all=ours.accepts_all)
        if found and asking.record is not None:
            await asking.record(found, [fact for fact in learned.values() if fact.accepts_all is not None])
        return {key for key, _ in found}

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
        chunk: ChunkNotes,
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
            record=chunk.recorder,
            chunk=chunk,
            future=asyncio.get_running_loop().create_future(),
            keep_transcript=asking.keep_transcript,
            ahead=asking.ahead,
            greylist_delay=delays[min(asking.greylist_round, len(delays) - 1)],
        )


def _needs_control(provider: Provider | None, domain: str) -> bool:
    return provider is None or provider.needs_control(domain)
