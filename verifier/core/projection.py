"""What a send will come to: the share of hard bounces to expect, and bounds within which it lies with 95 % confidence.

Two doubts are in the bounds: chance, since each mail bounces or not, and the risks themselves, which are Beta
distributions: a prior counts for `PRIOR_MAILS` mails, a calibrated risk for as many as it was seen on. All mails of one
group (reason and provider) share its risk, so that doubt does not shrink with the list, as chance does.
"""

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

from verifier.core.beta import beta_quantile

PRIOR_MAILS = 10.0
"""Mails that a shipped prior is worth, and a reason's risk for its providers. Measured (bench/intervals.py): worth 30,
it pulls small groups so far that of 20 bounds on calibrated risks 16 held; from 10 on down 19 do, and they are hardly
wider. More is left to the prior than with 4: who has sent nothing yet has nothing else."""
_TAIL = 0.025
_LEAST_WEIGHT = 1e-3
_UNIT = 1_000_000
"""Risks are counted in millionths, so that equal ones meet."""

Group = tuple[str, str]
"""Reason and provider ("" for none)."""


class Basis(StrEnum):
    """What a risk stands on."""

    PRIOR = "prior"
    CALIBRATED = "calibrated"


class Evidence(Struct, frozen=True):
    """For how many mails a group's risk stands; `basis` is `calibrated` where they were really sent."""

    mails: float = PRIOR_MAILS
    basis: Basis = Basis.PRIOR


PRIOR = Evidence()


class Projection(Struct, frozen=True):
    """The expected share of hard bounces of `rows` mails, with its bounds; `mails` is what the risks stand on."""

    rows: int
    rate: float
    at_least: float
    at_most: float
    basis: Basis
    mails: int


class Tally(Struct):
    """How many mails of each group and risk are planned; risks in millionths."""

    groups: dict[tuple[Group, int], int] = {}

    def add(self, reason: str, provider: str | None, risk: float, count: int = 1) -> None:
        """So many more mails."""
        key = (reason, provider or ""), round(_UNIT * risk)
        self.groups[key] = self.groups.get(key, 0) + count

    @property
    def rows(self) -> int:
        return sum(self.groups.values())

    def projection(self, evidence: Mapping[Group, Evidence], reason: str | None = None) -> Projection:
        """Of all mails, or of those of one reason."""
        return project(
            (
                (count, risk / _UNIT, evidence.get(group, PRIOR))
                for (group, risk), count in self.groups.items()
                if reason in (None, group[0])
            )
        )

    @property
    def reasons(self) -> list[str]:
        """Those of which there are mails, the most frequent first."""
        counts: dict[str, int] = {}
        for ((reason, _), _), count in self.groups.items():
            counts[reason] = counts.get(reason, 0) + count
        return sorted(counts, key=lambda reason: (-counts[reason], reason))


def project(groups: Iterable[tuple[int, float, Evidence]]) -> Projection:
    """(mails, risk, evidence) of each group that has a risk of its own."""
    rows, bounces, variance, mails = 0, 0.0, 0.0, 0.0
    calibrated = True
    for count, risk, evidence in groups:
        rows += count
        bounces += count * risk
        spread = risk * (1 - risk)
        variance += spread * count + spread * count * count / (evidence.mails + 1)
        mails += count * evidence.mails
        calibrated = calibrated and evidence.basis is Basis.CALIBRATED
    if not rows:
        return Projection(0, 0.0, 0.0, 0.0, Basis.PRIOR, 0)
    rate = min(1.0, bounces / rows)
    at_least, at_most = _bounds(rate, variance / rows / rows, rows)
    basis = Basis.CALIBRATED if calibrated else Basis.PRIOR
    return Projection(rows, rate, at_least, at_most, basis, round(mails / rows))


def _bounds(rate: float, variance: float, rows: int) -> tuple[float, float]:
    """The middle 95 % of the Beta distribution of this mean and variance, in whole mails: none may bounce, or all."""
    spread = rate * (1 - rate)
    if spread <= 0 or variance <= 0:
        return rate, rate
    weight = max(spread / variance - 1, _LEAST_WEIGHT)
    low, high = (beta_quantile(rate * weight, (1 - rate) * weight, share) for share in (_TAIL, 1 - _TAIL))
    at_least, at_most = math.floor(low * rows) / rows, math.ceil(high * rows) / rows
    return max(0.0, min(rate, at_least)), min(1.0, max(rate, at_most))
