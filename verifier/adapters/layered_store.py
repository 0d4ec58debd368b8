"""FactStore of two layers: memory in front, a store that outlives the process behind it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from verifier.adapters.memory_store import MemoryStore
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
        self._reads: list[set[str]] = []

    async def domains(self, names: Sequence[str]) -> Mapping[str, DomainFacts]:
        known = await self._memory.domains(names)
        missing = [name for name in names if name not in known]
        if not missing:
            return known
        with self._changes() as changed:
            found = await self._behind.domains(missing)
            await self._memory.remember_domains([facts for name, facts in found.items() if name not in changed])
        return {**known, **found}

    async def remember_domains(self, facts: Sequence[DomainFacts]) -> None:
        held = await self._memory.domains([new.domain for new in facts])
        await self._memory.remember_domains([new for new in facts if new.domain in held])
        self._changed(new.domain for new in facts)
        await self._behind.remember_domains(facts)

    async def mailboxes(self, keys: Sequence[str]) -> Mapping[str, tuple[Finding, ...]]:
        known = await self._memory.mailboxes(keys)
        missing = [key for key in keys if key not in known]
        if not missing:
            return known
        with self._changes() as changed:
            found = await self._behind.mailboxes(missing)
            unchanged = [(key, finding) for key, kept in found.items() if key not in changed for finding in kept]
            await self._memory.remember_mailboxes(unchanged)
        return {**known, **found}

    async def remember_mailboxes(self, findings: Sequence[tuple[str, Finding]]) -> None:
        held = await self._memory.mailboxes([key for key, _ in findings])
        await self._memory.remember_mailboxes([(key, finding) for key, finding in findings if key in held])
        self._changed(key for key, _ in findings)
        await self._behind.remember_mailboxes(findings)

    async def forget(self, key: str) -> None:
        await self._memory.forget(key)
        self._changed([key])
        await self._behind.forget(key)

    @contextmanager
    def _changes(self) -> Iterator[set[str]]:
        """The names that were written to while this was open: what was read of them may be out of date."""
        changed: set[str] = set()
        self._reads.append(changed)
        try:
            yield changed
        finally:
            self._reads[:] = [names for names in self._reads if names is not changed]

    def _changed(self, names: Iterable[str]) -> None:
        if self._reads:
            written = set(names)
            for changed in self._reads:
                changed |= written
