"""Feedback put together over real stores in a folder, with a clock that is moved by hand."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.clock import FakeClock
from tests.support.judging import judging
from verifier.adapters.memory_store import MemoryStore
from verifier.adapters.reply_rule_file import shipped_rules
from verifier.adapters.sqlite_events import SqliteEvents
from verifier.adapters.sqlite_senders import SqliteSenders
from verifier.adapters.sqlite_suppressions import SqliteSuppressions
from verifier.adapters.unmetered import Unmetered
from verifier.core.address import Address, parse_address
from verifier.core.keys import subkey
from verifier.core.suppression_keys import SuppressionKeys
from verifier.core.suppressions import Suppression
from verifier.gate_ports import SuppressionStore
from verifier.service.calibrating import Predictions
from verifier.service.feedback import Feedback, Places
from verifier.service.judging import Judging

SECRET = b"a secret of this test"
KEYS = SuppressionKeys(subkey(SECRET, "suppression"))


class Desk:
    """`feedback`, and what stands in its stores."""

    def __init__(self, folder: Path, clock: FakeClock, suppressions: SuppressionStore | None = None) -> None:
        self.clock = clock
        self.events = SqliteEvents(folder / "events.sqlite", clock)
        self.suppressions = SqliteSuppressions(folder / "suppressions.sqlite", "mark")
        self.uses = SqliteSenders(folder / "senders.sqlite", clock)
        self.facts = MemoryStore(clock)
        self.judging: Judging = judging(clock)
        self.faults: list[BaseException] = []
        self.feedback = Feedback(
            Places(self.events, suppressions or self.suppressions, self.uses, self.facts),
            self.judging,
            Predictions(self.judging, self.facts, lambda *_: None, clock),
            shipped_rules(),
            secret=SECRET,
            clock=clock,
            meter=Unmetered(),
            report_fault=self.faults.append,
        )

    async def under(self, email: str) -> Sequence[Suppression]:
        """Every entry about an address."""
        found: Mapping[str, tuple[Suppression, ...]] = await self.suppressions.under(KEYS.sought(address(email)))
        return [entry for entries in found.values() for entry in entries]

    async def kinds(self, email: str) -> set[str]:
        return {entry.kind.value for entry in await self.under(email)}

    async def close(self) -> None:
        await self.feedback.close()
        await self.events.close()
        await self.suppressions.close()
        await self.uses.close()


def address(text: str) -> Address:
    parsed = parse_address(text)
    assert isinstance(parsed, Address)
    return parsed


@asynccontextmanager
async def feedback_desk(folder: Path, suppressions: SuppressionStore | None = None) -> AsyncIterator[Desk]:
    desk = Desk(folder, FakeClock(), suppressions)
    try:
        yield desk
    finally:
        await desk.close()
