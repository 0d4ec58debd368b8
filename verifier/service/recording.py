"""What one chunk hears while it is asked: kept as it comes, but for refusals that may turn out to be an outage's.

Those are held back until the chunk is through: what is recorded of a mailbox cannot be taken back.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from msgspec import structs

from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts
from verifier.core.outage import is_refusal, looked_at
from verifier.ports import FactStore
from verifier.service.outages import Outages
from verifier.service.probing import Probed, Target

Record = Callable[[Sequence[tuple[str, Finding]], Sequence[DomainFacts]], Awaitable[None]]
"""Who asked is told of findings by mailbox key, and of facts."""


class Counted(Protocol):
    """Is told of each answer that came."""

    def __call__(self, results: Sequence[tuple[Target, Probed]], /) -> None: ...


class Recording:
    """`record` is what a lane awaits after each group: the store knows, and then whoever asked. `earlier` are the
    findings that the store had before, by key.
    """

    def __init__(
        self,
        store: FactStore,
        outages: Outages,
        earlier: Mapping[str, tuple[Finding, ...]],
        told: Record | None,
        counted: Counted,
    ) -> None:
        self._store = store
        self._outages = outages
        self._earlier = earlier
        self._told = told
        self._counted = counted
        self._held: list[tuple[Target, Probed]] = []
        self._changed: dict[str, Finding] = {}

    async def record(self, results: Sequence[tuple[Target, Probed]]) -> None:
        """Keep the results, or hold them back."""
        self._counted(results)
        certain = []
        for target, probed in results:
            self._outages.heard(target.domain, target.key, probed.finding)
            if is_refusal(probed.finding) and self._outages.possible(target.domain):
                self._held.append((target, probed))
            else:
                certain.append((target, probed))
        await self._keep(certain)

    async def close(self) -> None:
        """Keep what was held back, by what is known by now."""
        held, self._held = self._held, []
        if held:
            await self._keep(held)

    async def tell(self, findings: Sequence[tuple[str, Finding]]) -> None:
        """Whoever asked learns what is no observation, and therefore not remembered."""
        if self._told is not None and findings:
            await self._told(findings, ())

    def settled(self, target: Target, probed: Probed) -> Probed:
        """The result as it was kept."""
        changed = self._changed.get(target.key)
        return probed if changed is None else structs.replace(probed, finding=changed)

    async def _keep(self, results: Sequence[tuple[Target, Probed]]) -> None:
        findings = [(target.key, self._second_look(target, probed.finding)) for target, probed in results]
        learned = {
            target.domain: DomainFacts(target.domain, accepts_all=probed.accepts_all)
            for target, probed in results
            if probed.accepts_all is not None
        }
        facts = tuple(learned.values())
        if facts:
            await self._store.remember_domains(facts)
        await self._store.remember_mailboxes(findings)
        if self._told is not None:
            await self._told(findings, facts)

    def _second_look(self, target: Target, finding: Finding) -> Finding:
        if not is_refusal(finding):
            return finding
        looked = looked_at(
            finding,
            self._earlier.get(target.key, ()),
            outage=self._outages.going_on(target.domain),
            ambiguous=target.provider is not None and target.provider.ambiguous,
        )
        if looked is not finding:
            self._changed[target.key] = looked
        return looked
