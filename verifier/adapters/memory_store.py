"""FactStore in this process: the least recently used is forgotten first."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from verifier.core.evidence import Finding, retained
from verifier.core.facts import DomainFacts, merge_facts, unexpired
from verifier.ports import Clock

_Value = TypeVar("_Value")


class MemoryStore:
    """At most `limit` domains and `limit` mailboxes. Never waits."""

    def __init__(self, clock: Clock, limit: int = 100_000) -> None:
        self._clock = clock
        self._limit = limit
        self._domains: OrderedDict[str, DomainFacts] = OrderedDict()
        self._mailboxes: OrderedDict[str, tuple[Finding, ...]] = OrderedDict()

    def at_hand(self, domain: str, key: str, now: datetime) -> tuple[DomainFacts, tuple[Finding, ...]] | None:
        facts, findings = self._domains.get(domain), self._mailboxes.get(key)
        if facts is None or findings is None:
            return None
        holding, kept = unexpired(facts, now), retained(findings, now)
        if holding is None or not kept:
            return None
        self._domains.move_to_end(domain)
        self._mailboxes.move_to_end(key)
        return holding, kept

    async def domains(self, names: Sequence[str]) -> Mapping[str, DomainFacts]:
        now = self._clock.now()
        known: dict[str, DomainFacts] = {}
        for name in names:
            stored = self._domains.get(name)
            if stored is None:
                continue
            facts = unexpired(stored, now)
            if facts is None:
                del self._domains[name]
            else:
                self._domains.move_to_end(name)
                known[name] = facts
        return known

    async def remember_domains(self, facts: Sequence[DomainFacts]) -> None:
        now = self._clock.now()
        for new in facts:
            old = self._domains.get(new.domain)
            merged = unexpired(new if old is None else merge_facts(old, new, now), now)
            if merged is not None:
                self._put(self._domains, new.domain, merged)

    async def mailboxes(self, keys: Sequence[str]) -> Mapping[str, tuple[Finding, ...]]:
        now = self._clock.now()
        known: dict[str, tuple[Finding, ...]] = {}
        for key in keys:
            stored = self._mailboxes.get(key)
            if stored is None:
                continue
            findings = retained(stored, now)
            if findings:
                self._mailboxes.move_to_end(key)
                known[key] = findings
            else:
                del self._mailboxes[key]
        return known

    async def remember_mailboxes(self, findings: Sequence[tuple[str, Finding]]) -> None:
        now = self._clock.now()
        for key, finding in findings:
            kept = retained((*self._mailboxes.get(key, ()), finding), now)
            if kept:
                self._put(self._mailboxes, key, kept)

    async def forget(self, key: str) -> None:
        self._mailboxes.pop(key, None)

    def drain(self) -> tuple[tuple[DomainFacts, ...], tuple[tuple[str, Finding], ...]]:
        """Everything that is known, taken out: domains, and findings by mailbox key."""
        domains = tuple(self._domains.values())
        findings = tuple((key, finding) for key, kept in self._mailboxes.items() for finding in kept)
        self._domains.clear()
        self._mailboxes.clear()
        return domains, findings

    def _put(self, table: OrderedDict[str, _Value], key: str, value: _Value) -> None:
        table[key] = value
        table.move_to_end(key)
        if len(table) > self._limit:
            table.popitem(last=False)
