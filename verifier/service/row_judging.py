"""Rows of a list judged: by the lists, and by what the journal of its run knows."""

from collections.abc import Sequence
from typing import Protocol

from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.knowledge import Knowledge
from verifier.core.reasons import StageName
from verifier.core.verdict import Assessment
from verifier.ports import Journal
from verifier.service.judging import Judging

Parsed = Address | SyntaxFault


class Duplicates(Protocol):
    """Gives for each key in turn the 1-based number of the earlier row where it stood, or 0 (adapters/)."""

    def first_rows(self, keys: Sequence[str]) -> list[int]: ...


class Render(Protocol):
    """Our cells of one assessment (writers/columns.py)."""

    def __call__(self, assessment: Assessment, duplicate_of: int = 0) -> list[str]: ...


class RowJudge:
    """Gives rows their verdicts, one for each e-mail column, by the lists and by what a journal knows."""

    def __init__(
        self, judging: Judging, journal: Journal | None, stages: tuple[StageName, ...], email_columns: Sequence[int]
    ) -> None:
        self._judging = judging
        self._journal = journal if StageName.MX in stages else None
        self._stages = stages
        self._email_columns = email_columns

    async def judged(self, rows: Sequence[Sequence[str]]) -> tuple[list[list[Parsed]], list[list[Assessment]]]:
        """For each e-mail column what its cells are, and their verdicts."""
        parsed = [[parse_address(row[c] if c < len(row) else "") for row in rows] for c in self._email_columns]
        knowledge = await self._known([address for column in parsed for address in column])
        return parsed, [self._judging.judge(column, knowledge, self._stages) for column in parsed]

    async def _known(self, parsed: Sequence[Parsed]) -> Knowledge:
        if self._journal is None:
            return Knowledge.of({})
        addresses = [address for address in parsed if isinstance(address, Address)]
        keys = {self._judging.key_of(address) for address in addresses}
        findings, facts = await self._journal.known(keys, {address.domain for address in addresses})
        knowledge = Knowledge.of(facts)
        knowledge.findings.update(findings)
        knowledge.live.update(findings)
        return knowledge
