"""What is heard while a list or check is asked about: kept as it comes, but for refusals that may turn out to be an
outage's. Those are held back until their chunk is through: what is recorded of a mailbox cannot be taken back.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct, structs

from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts
from verifier.core.outage import is_refusal, looked_at
from verifier.ports import Clock, FactStore
from verifier.service.harvest_guard import Client, HarvestGuard
from verifier.service.outages import Outages
from verifier.service.probing import Probed, Target
from verifier.service.turns import Turns

Record = Callable[[Sequence[tuple[str, Finding]], Sequence[DomainFacts]], Awaitable[None]]
"""Who asked is told of findings by mailbox key, and of facts."""


class Recorder(Struct, frozen=True):
    """What a lane awaits after each group: the guard counts, the store knows, and then whoever asked.

    Those of all chunks of a list are equal, for a host's group is made up of many chunks: what it answered is written
    down at once, and waited for once.
    """

    guard: HarvestGuard
    client: Client
    store: FactStore
    clock: Clock
    told: Record | None
    turns: Turns | None
    """Where the hosts' lanes go on one after another, for a commit lets hundreds go on at once."""

    async def __call__(self, results: Sequence[tuple[Target, Probed]]) -> None:
        """Keep the results, or leave them with their chunks."""
        now = self.clock.now()
        for target, probed in results:
            self.guard.heard(self.client, target.domain, target.key, probed.finding, now)
        self.guard.look_again(self.client, [target for target, _ in results])
        await self.keep([(target, probed) for target, probed in results if not target.chunk.holds_back(target, probed)])
        if self.turns is not None:
            await self.turns.mine()

    async def keep(self, results: Sequence[tuple[Target, Probed]]) -> None:
        """Keep the results as their chunks see them by now."""
        if not results:
            return
        findings = [(target.key, target.chunk.second_look(target, probed.finding)) for target, probed in results]
        learned = {
            target.domain: DomainFacts(target.domain, accepts_all=probed.accepts_all)
            for target, probed in results
            if probed.accepts_all is not None
        }
        facts = tuple(learned.values())
        if facts:
            await self.store.remember_domains(facts)
        await self.store.remember_mailboxes(findings)
        await self.tell(findings, facts)

    async def tell(self, findings: Sequence[tuple[str, Finding]], facts: Sequence[DomainFacts] = ()) -> None:
        """Whoever asked learns it; by itself for what is no observation, and therefore not remembered."""
        if self.told is not None and findings:
            await self.told(findings, facts)


class ChunkNotes:
    """What one chunk holds back. `earlier` are the findings that the store had before, by key."""

    def __init__(self, recorder: Recorder, outages: Outages, earlier: Mapping[str, tuple[Finding, ...]]) -> None:
        self.recorder = recorder
        self._outages = outages
        self._earlier = earlier
        self._held: list[tuple[Target, Probed]] = []
        self._changed: dict[str, Finding] = {}

    def holds_back(self, target: Target, probed: Probed) -> bool:
        """An answer has come: whether it is to be kept later."""
        self._outages.heard(target.domain, target.key, probed.finding)
        if is_refusal(probed.finding) and self._outages.possible(target.domain):
            self._held.append((target, probed))
            return True
        return False

    async def close(self) -> None:
        """Keep what was held back, by what is known by now."""
        held, self._held = self._held, []
        await self.recorder.keep(held)

    def settled(self, target: Target, probed: Probed) -> Probed:
        """The result as it was kept."""
        changed = self._changed.get(target.key)
        return probed if changed is None else structs.replace(probed, finding=changed)

    def second_look(self, target: Target, finding: Finding) -> Finding:
        """The finding as it is to be kept: a refusal that contradicts what was known may be doubted."""
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
