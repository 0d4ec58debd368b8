"""The rows of a campaign, counted by what becomes of them.

Laws: `submitted` = `empty` + `duplicates` + every bucket; `sendable` = `planned` + `over_quota`. A row's bucket is that
of the rule which decided it.
"""

from enum import StrEnum
from zlib import crc32

from msgspec import Struct

from verifier.core.gate_rules import BUCKETS, Bucket, Rule
from verifier.core.gate_words import GateDecision
from verifier.core.projection import Tally
from verifier.core.reasons import Verdict


class RowFate(StrEnum):
    """What becomes of a row, beside the buckets."""

    EMPTY = "empty"
    DUPLICATE = "duplicates"
    NOT_SELECTED = "not_selected"


COUNTED = (
    "submitted",
    "empty",
    "invalid_syntax",
    "duplicates",
    "unsubscribed",
    "complained",
    "bounced_before",
    "manual_block",
    "undeliverable",
    "disposable",
    "held",
    "sendable",
    "over_quota",
    "planned",
)
"""The names of the counts, in the order in which people know them from their sending services."""
PARTS = tuple(name for name in COUNTED if name not in ("submitted", "over_quota", "planned"))
"""What `submitted` is the sum of."""

_WAVES = (5, 25, 100)
"""Of a hundred unproven rows so many have gone out after the second, third and fourth wave."""


def wave_of(verdict: str, address: str) -> int:
    """In which wave a sendable row goes out: proven ones in the first, the others by chance in three growing ones.

    The same row always falls into the same wave.
    """
    if verdict == Verdict.DELIVERABLE:
        return 1
    place = crc32(address.casefold().encode("utf-8", "surrogatepass")) % 100
    return 2 + next(wave for wave, end in enumerate(_WAVES) if place < end)


WAVES = 1 + len(_WAVES)

Fate = tuple[GateDecision, Rule] | RowFate
"""What becomes of a row: the rule that decided it, or why nobody had to."""

_CODES: tuple[Fate, ...] = (
    *RowFate,
    *((decision, rule) for rule in Rule for decision in GateDecision),
)
_CODE_OF = {fate: code for code, fate in enumerate(_CODES)}


def code_of(fate: Fate) -> int:
    """One byte for what became of a row; the list of fates only ever grows at its end."""
    return _CODE_OF[fate]


def fate_of(code: int) -> Fate:
    """What the byte stands for."""
    return _CODES[code]


def bucket_of(decision: GateDecision, rule: Rule) -> Bucket:
    """Where a row is counted: a function of the rule, but for rows that it lets through."""
    return Bucket.SENDABLE if decision is GateDecision.ALLOW else BUCKETS[rule]


class Quota(Struct, frozen=True):
    """The sender's month; None is no limit."""

    limit: int | None = None
    used: int = 0

    @property
    def remaining(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


class RowFacts(Struct, frozen=True, gc=False):
    """What the projection wants of a row."""

    reason: str
    provider: str | None
    risk: float
    stale: bool = False
    wave: int = 1


class Accounts(Struct):
    """The rows of a campaign, counted as they go by."""

    counts: dict[str, int]
    planned: Tally
    unfiltered: Tally
    waves: list[int]
    stale: int = 0

    @classmethod
    def empty(cls) -> "Accounts":
        """Before the first row."""
        return cls(dict.fromkeys(COUNTED, 0), Tally({}), Tally({}), [0] * WAVES)

    def skip(self, fate: RowFate) -> None:
        """A row that nobody has to decide about; one that is not selected was not submitted."""
        if fate is RowFate.NOT_SELECTED:
            return
        self.counts["submitted"] += 1
        self.counts[fate] += 1

    def add(self, decision: GateDecision, rule: Rule, row: RowFacts, quota: Quota) -> None:
        """A row and its decision; what the quota has no room for is not planned."""
        bucket = bucket_of(decision, rule)
        counts = self.counts
        counts["submitted"] += 1
        counts[bucket] += 1
        self.unfiltered.add(row.reason, row.provider, row.risk)
        self.stale += row.stale
        if bucket is Bucket.SENDABLE:
            if quota.remaining is not None and counts["planned"] >= quota.remaining:
                counts["over_quota"] += 1
            else:
                counts["planned"] += 1
                self.waves[row.wave - 1] += 1
                self.planned.add(row.reason, row.provider, row.risk)
