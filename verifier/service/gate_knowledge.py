"""What is known of addresses, however old, without asking anybody: what the gate stands on."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from verifier.core.address import Address
from verifier.core.egress import EgressState
from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts
from verifier.core.knowledge import Knowledge
from verifier.core.names import Names
from verifier.ports import Clock, FactStore, Glance
from verifier.service.judging import Judging
from verifier.service.mailboxes import Mailboxes

_SHUT = (EgressState.BLOCKED, EgressState.INTERCEPTED)


class LastEgress(Protocol):
    """What the last test of port 25 said (service/egress.py)."""

    @property
    def last(self) -> EgressState | None: ...


class GateKnowledge:
    """`smtp_enabled`: the operator lets mailboxes be asked."""

    def __init__(
        self,
        *,
        judging: Judging,
        names: Names,
        mailboxes: Mailboxes,
        store: FactStore,
        glance: Glance | None,
        egress: LastEgress,
        smtp_enabled: bool,
        clock: Clock,
    ) -> None:
        self._judging = judging
        self._names = names
        self._mailboxes = mailboxes
        self._store = store
        self._glance = glance
        self._egress = egress
        self._smtp_enabled = smtp_enabled
        self._clock = clock

    @property
    def can_probe(self) -> bool:
        """A mailbox could be asked, as far as we know."""
        return self._smtp_enabled and self._egress.last not in _SHUT

    def at_hand(self, address: Address, key: str, now: datetime) -> tuple[DomainFacts, tuple[Finding, ...]] | None:
        """What `of` would say of one address that memory holds whole; `key` is its mailbox's."""
        return self._glance.at_hand(address.domain, key, now) if self._glance is not None else None

    async def of(self, addresses: Collection[Address]) -> Knowledge:
        """What the store holds of them."""
        keys = {self._judging.key_of(address): address for address in addresses}
        facts = await self._store.domains(sorted({address.domain for address in addresses}))
        known = await self._store.mailboxes(list(keys))
        knowledge = Knowledge.of(facts)
        for key, address in keys.items():
            self._add(knowledge, address, key, facts.get(address.domain), known.get(key, ()))
        return knowledge

    def _add(
        self,
        knowledge: Knowledge,
        address: Address,
        key: str,
        facts: DomainFacts | None,
        findings: tuple[Finding, ...],
    ) -> None:
        """Findings, and where there are none and nobody would be asked, why."""
        if findings:
            knowledge.findings[key] = findings
            return
        route = facts.route if facts is not None else None
        if (route is not None and not route.reachable) or self._names.is_disposable(address.domain, route):
            return
        finding = self._mailboxes.not_asked(address.domain, route, self._clock.now())
        if finding is not None:
            knowledge.findings[key] = (finding,)
