"""FactStore of two layers: memory in front, a store that outlives the process behind it."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from verifier.adapters.memory_store import MemoryStore
from verifier.adapters.shared_reads import SharedReads
from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts
from verifier.ports import FactStore


class LayeredStore:
    """Law: what memory holds of a name is all that `behind` holds of it, so memory may answer for both.

    Therefore memory takes in only what was read from behind, and new facts of names that it already holds. For a store
    that this process alone writes to: what others write, or forget, behind it is not seen in front.
    """

    def __init__(self, memory: MemoryStore, behind: FactStore) -> None:
        self._memory = memory
        self._behind = behind
        self._reads: OrderedDict[int, None] = OrderedDict()
        self._changed_at: OrderedDict[str, int] = OrderedDict()
        self._moment = 0
        self._domain_reads: SharedReads[str, DomainFacts] = SharedReads(self._read_domains)
        self._mailbox_reads: SharedReads[str, tuple[Finding, ...]] = SharedReads(self._read_mailboxes)

    def at_hand(self, domain: str, key: str, now: datetime) -> tuple[DomainFacts, tuple[Finding, ...]] | None:
        return self._memory.at_hand(domain, key, now)

    async def domains(self, names: Sequence[str]) -> Mapping[str, DomainFacts]:
        known = await self._memory.domains(names)
        missing = [name for name in names if name not in known]
        return {**known, **await self._domain_reads.get(missing)} if missing else known

    async def remember_domains(self, facts: Sequence[DomainFacts]) -> None:
        held = await self._memory.domains([new.domain for new in facts])
        await self._memory.remember_domains([new for new in facts if new.domain in held])
        self._changed(new.domain for new in facts)
        await self._behind.remember_domains(facts)

    async def mailboxes(self, keys: Sequence[str]) -> Mapping[str, tuple[Finding, ...]]:
        known = await self._memory.mailboxes(keys)
        missing = [key for key in keys if key not in known]
        return {**known, **await self._mailbox_reads.get(missing)} if missing else known

    async def remember_mailboxes(self, findings: Sequence[tuple[str, Finding]]) -> None:
        held = await self._memory.mailboxes([key for key, _ in findings])
        await self._memory.remember_mailboxes([(key, finding) for key, finding in findings if key in held])
        self._changed(key for key, _ in findings)
        await self._behind.remember_mailboxes(findings)

    async def forget(self, key: str) -> None:
        await self._memory.forget(key)
        self._changed([key])
        await self._behind.forget(key)

    async def _read_domains(self, names: Sequence[str]) -> Mapping[str, DomainFacts]:
        with self._reading() as unchanged:
            found = await self._behind.domains(names)
            await self._memory.remember_domains([facts for name, facts in found.items() if unchanged(name)])
        return found

    async def _read_mailboxes(self, keys: Sequence[str]) -> Mapping[str, tuple[Finding, ...]]:
        with self._reading() as unchanged:
            found = await self._behind.mailboxes(keys)
            kept = [(key, finding) for key, findings in found.items() if unchanged(key) for finding in findings]
            await self._memory.remember_mailboxes(kept)
        return found

    @contextmanager
    def _reading(self) -> Iterator[Callable[[str], bool]]:
        """Tells of a name whether nothing was written of it while this was open: else what was read is out of date."""
        begun = self._moment = self._moment + 1
        self._reads[begun] = None
        try:
            yield lambda name: self._changed_at.get(name, 0) < begun
        finally:
            del self._reads[begun]
            oldest = next(iter(self._reads), self._moment + 1)
            while self._changed_at and next(iter(self._changed_at.values())) < oldest:
                self._changed_at.popitem(last=False)

    def _changed(self, names: Iterable[str]) -> None:
        if self._reads:
            for name in names:
                self._changed_at[name] = self._moment
                self._changed_at.move_to_end(name)
