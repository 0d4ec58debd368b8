"""What a part of a list came to, as numbers that can be added, taken off and kept.

Law: counts of parts add up to the counts of the whole, in whatever order the parts are judged and judged again.
`rows` = `blank` + `duplicates` + the sum of `by_reason`; everything but these is about rows that were verified.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct

from verifier.core.keep import may_be_sent
from verifier.core.reasons import Reason, Verdict, verdict_of
from verifier.core.test_addresses import is_test_address
from verifier.core.verdict import Assessment

_RISK_UNIT = 1_000_000


class Counts(Struct, frozen=True):
    """Risks are sums of bounce risks in millionths, so that they add up exactly. `answers` counts, over all e-mail
    columns, what a quota counts: what was asked about, is not unknown, and is no test address.
    """

    rows: int = 0
    blank: int = 0
    duplicates: int = 0
    sendable: int = 0
    risk: int = 0
    risk_sendable: int = 0
    answers: int = 0
    by_reason: dict[Reason, int] = {}

    @property
    def unique(self) -> int:
        """Rows that were verified."""
        return sum(self.by_reason.values())

    @property
    def by_verdict(self) -> dict[Verdict, int]:
        """Every verdict, zeros included."""
        found = dict.fromkeys(Verdict, 0)
        for reason, count in self.by_reason.items():
            found[verdict_of(reason)] += count
        return found

    @property
    def bounce_rate(self) -> float:
        """Hard bounces to expect of every unique row that is mailed, 0.0-1.0."""
        return self.risk / _RISK_UNIT / self.unique if self.unique else 0.0

    @property
    def bounce_rate_sendable(self) -> float:
        """The same if only sendable rows are mailed."""
        return self.risk_sendable / _RISK_UNIT / self.sendable if self.sendable else 0.0

    def plus(self, other: "Counts", sign: int = 1) -> "Counts":
        """Both together; with `sign` -1 the other is taken off."""
        reasons = Counter(self.by_reason)
        for reason, count in other.by_reason.items():
            reasons[reason] += sign * count
        return Counts(
            **{
                name: getattr(self, name) + sign * getattr(other, name)
                for name in Counts.__struct_fields__
                if name != "by_reason"
            },
            by_reason={reason: reasons[reason] for reason in Reason if reasons[reason]},
        )

    def record(self) -> dict[str, Any]:
        """The numbers as the wire has them."""
        return {
            "rows": self.rows,
            "unique": self.unique,
            "duplicates": self.duplicates,
            "blank": self.blank,
            "sendable": self.sendable,
            "by_verdict": {verdict.value: count for verdict, count in self.by_verdict.items()},
            "by_reason": {reason.value: count for reason, count in self.by_reason.items()},
            "bounce_rate": round(self.bounce_rate, 4),
            "bounce_rate_sendable": round(self.bounce_rate_sendable, 4),
        }


_kind = attrgetter("reason", "flags", "bounce_risk")


def counted(assessments: Sequence[Assessment], repeats: Sequence[int]) -> Counts:
    """The counts of rows; `repeats` has the number of the earlier row that each repeats, or 0."""
    unique = [a for a, earlier in zip(assessments, repeats, strict=True) if not earlier and not is_blank(a)]
    duplicates = len(repeats) - repeats.count(0)
    reasons: Counter[Reason] = Counter()
    sendable = risk = risk_sendable = 0
    for (reason, flags, each), count in Counter(map(_kind, unique)).items():
        millionths = count * round(_RISK_UNIT * each)
        reasons[reason] += count
        risk += millionths
        if may_be_sent(reason, flags):
            sendable += count
            risk_sendable += millionths
    return Counts(
        rows=len(assessments),
        blank=len(assessments) - len(unique) - duplicates,
        duplicates=duplicates,
        sendable=sendable,
        risk=risk,
        risk_sendable=risk_sendable,
        answers=_answers(unique),
        by_reason={reason: reasons[reason] for reason in Reason if reasons[reason]},
    )


def further(assessments: Sequence[Assessment]) -> Counts:
    """What another e-mail column of the same rows adds: its answers, and no rows."""
    return Counts(answers=_answers([a for a in assessments if not is_blank(a)]))


def counts_for_quota(assessment: Assessment) -> bool:
    """It is an answer, and one that somebody gave: unknown ones are free, and so are test addresses."""
    return assessment.verdict is not Verdict.UNKNOWN and not is_test_address(assessment.normalized)


def _answers(assessments: Sequence[Assessment]) -> int:
    return sum(map(counts_for_quota, assessments))


def is_blank(assessment: Assessment) -> bool:
    """The row has no address."""
    return assessment.normalized is None and not assessment.email.strip()


def total(parts: Iterable[Counts]) -> Counts:
    """All parts together."""
    whole = Counts()
    for part in parts:
        whole = whole.plus(part)
    return whole
