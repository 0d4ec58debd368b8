"""What a whole list came to: counted while it streams by, in memory that does not grow with the list."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from verifier.core.keep import HELD_UNTIL_ASKED_AGAIN, may_be_sent
from verifier.core.reasons import Reason, StageName, Verdict, verdict_of
from verifier.core.verdict import Assessment, Flags

OTHERS = "others"
"""The provider under which the rest is counted once there are too many to tell apart."""

SENDERS_LIMIT = 0.02
"""The hard-bounce rate above which several sending services act against a sender."""

_MOST_PROVIDERS = 1000
_NOT_ANSWERED = HELD_UNTIL_ASKED_AGAIN | {
    Reason.SMTP_PROTOCOL_ERROR,
    Reason.PROBE_BLOCKED,
    Reason.SENDER_REFUSED,
    Reason.RESOLVER_UNTRUSTED,
    Reason.INTERNAL_ERROR,
}
K = TypeVar("K")


class SummaryKey(NamedTuple):
    """All that is counted of an assessment, but for the time of a retry: rows that share it are one number."""

    reason: Reason
    provider: str | None
    flags: Flags
    bounce_risk: float


_key_parts = attrgetter(*SummaryKey._fields)


class Bucket(StrEnum):
    """What a list falls into for a person who must decide whether to send."""

    PROVED_BAD = "proved_bad"
    PROVED_GOOD = "proved_good"
    NO_FAULT_FOUND = "no_fault_found"
    """Nothing speaks against the address; its mailbox was not asked."""
    RISKY = "risky"
    UNANSWERED = "unanswered"
    """It was tried, and nobody gave an answer that settles it."""


class NoticeKind(StrEnum):
    """What happened to the run as a whole, and its reader must know."""

    EGRESS_BLOCKED = "egress_blocked"
    EGRESS_INTERCEPTED = "egress_intercepted"
    RESOLVER_UNTRUSTED = "resolver_untrusted"
    GREYLISTED = "greylisted"
    INTERNAL_ERROR = "internal_error"


class Notice(Struct, frozen=True):
    """One warning: how many addresses it concerns and, for greylisting, when the last of them may be asked again."""

    kind: NoticeKind
    count: int
    until: datetime | None = None


class ProviderShare(Struct, frozen=True):
    """One provider's addresses, and how many of them were proved good or bad."""

    provider: str
    count: int
    proved: int
    by_verdict: Mapping[Verdict, int]


class Run(Struct, frozen=True):
    """What is told of a run beside its numbers. `output` is where the cleaned file went, None for stdout; `report` is
    where the page is, if there is one.
    """

    list_name: str
    finished_at: datetime
    duration_s: float
    stages: tuple[StageName, ...]
    version: str
    output: str | None = None
    report: str | None = None


def key_of(assessment: Assessment) -> SummaryKey:
    """The key under which an assessment is counted."""
    return SummaryKey(*_key_parts(assessment))


class Summary:
    """Counts of one list. `submitted` = `blank` + `duplicates` + `unique`; every other number is about unique rows."""

    def __init__(self) -> None:
        self.blank = 0
        self.duplicates = 0
        self.retry_until: datetime | None = None
        self._counts: Counter[SummaryKey] = Counter()
        self._providers: set[str | None] = set()

    def add(self, assessment: Assessment, count: int = 1, duplicate: bool = False) -> None:
        """Counts `count` rows with this assessment; a duplicate is counted as such and nowhere else."""
        if duplicate:
            self.duplicates += count
            return
        self._count(key_of(assessment), count)
        self._note_retry(assessment)

    def add_blank(self, count: int = 1) -> None:
        """Counts rows without an address."""
        self.blank += count

    def add_duplicates(self, count: int) -> None:
        """Counts rows whose address stood in an earlier row."""
        self.duplicates += count

    def add_many(self, assessments: Sequence[Assessment]) -> None:
        """Counts rows as `add` does one by one: the cheap way for rows that share few keys."""
        for parts, count in Counter(map(_key_parts, assessments)).items():
            self._count(SummaryKey(*parts), count)
        for assessment in assessments:
            if assessment.retry_after is not None:
                self._note_retry(assessment)

    @property
    def unique(self) -> int:
        """Rows that were verified: neither blank nor a repetition."""
        return self._counts.total()

    @property
    def submitted(self) -> int:
        return self.blank + self.duplicates + self.unique

    @property
    def sendable(self) -> int:
        """Unique addresses that `--keep sendable` keeps."""
        return sum(count for key, count in self._counts.items() if may_be_sent(key.reason, key.flags))

    @property
    def risk_sum_before(self) -> float:
        """Hard bounces to expect if every unique row were mailed."""
        return sum(key.bounce_risk * count for key, count in self._counts.items())

    @property
    def risk_sum_after(self) -> float:
        """Hard bounces to expect if only the sendable rows were mailed."""
        return sum(k.bounce_risk * count for k, count in self._counts.items() if may_be_sent(k.reason, k.flags))

    @property
    def bounce_rate_before(self) -> float:
        """Projected hard-bounce rate of the unique rows, 0.0-1.0: the mean of their bounce risks."""
        return self.risk_sum_before / self.unique if self.unique else 0.0

    @property
    def bounce_rate_after(self) -> float:
        """Projected hard-bounce rate of the sendable rows, 0.0-1.0."""
        return self.risk_sum_after / self.sendable if self.sendable else 0.0

    def by_verdict(self) -> dict[Verdict, int]:
        """Every verdict with its count, zeros included, in the order of the enum."""
        counts = self._counted(lambda key: verdict_of(key.reason))
        return {verdict: counts[verdict] for verdict in Verdict}

    def by_reason(self) -> dict[Reason, int]:
        """The reasons that occurred, in their order of precedence."""
        counts = self._counted(lambda key: key.reason)
        return {reason: counts[reason] for reason in Reason if counts[reason]}

    def by_bucket(self) -> dict[Bucket, int]:
        """Every bucket with its count; they add up to `unique`."""
        counts = self._counted(lambda key: bucket_of(key.reason))
        return {bucket: counts[bucket] for bucket in Bucket}

    def by_flag(self) -> dict[str, int]:
        """The flags that are true of at least one row, in the order of the record."""
        counts: Counter[str] = Counter()
        for key, count in self._counts.items():
            for name, held in msgspec.structs.asdict(key.flags).items():
                if held:
                    counts[name] += count
        return {name: counts[name] for name in Flags.__struct_fields__ if counts[name]}

    def by_provider(self, most: int = 10) -> tuple[ProviderShare, ...]:
        """The `most` largest providers, largest first, then the rest as OTHERS; rows without one are left out."""
        verdicts: dict[str, Counter[Verdict]] = {}
        for key, count in self._counts.items():
            if key.provider is not None:
                verdicts.setdefault(key.provider, Counter())[verdict_of(key.reason)] += count
        ranked = sorted(verdicts, key=lambda name: (name == OTHERS, -verdicts[name].total(), name))
        shown, rest = ranked[:most], ranked[most:]
        shares = [_share(name, verdicts[name]) for name in shown]
        if rest:
            shares.append(_share(OTHERS, sum((verdicts[name] for name in rest), Counter())))
        return tuple(shares)

    def notices(self) -> tuple[Notice, ...]:
        """What its reader must be warned of, the gravest first."""
        counts = self.by_reason()
        return tuple(
            Notice(kind, counts[Reason(kind)], self.retry_until if kind is NoticeKind.GREYLISTED else None)
            for kind in NoticeKind
            if Reason(kind) in counts
        )

    @property
    def mailboxes_out_of_reach(self) -> bool:
        """Port 25 was closed or intercepted, so that mailboxes could not be asked."""
        return any(key.reason in (Reason.EGRESS_BLOCKED, Reason.EGRESS_INTERCEPTED) for key in self._counts)

    def _counted(self, derive: Callable[[SummaryKey], K]) -> Counter[K]:
        counts: Counter[K] = Counter()
        for key, count in self._counts.items():
            counts[derive(key)] += count
        return counts

    def _count(self, key: SummaryKey, count: int) -> None:
        if key.provider not in self._providers:
            if len(self._providers) >= _MOST_PROVIDERS:
                key = key._replace(provider=OTHERS)
            self._providers.add(key.provider)
        self._counts[key] += count

    def _note_retry(self, assessment: Assessment) -> None:
        if assessment.reason is Reason.GREYLISTED and assessment.retry_after is not None:
            known = self.retry_until
            self.retry_until = assessment.retry_after if known is None else max(known, assessment.retry_after)


def bucket_of(reason: Reason) -> Bucket:
    """The bucket that a reason falls into."""
    match verdict_of(reason):
        case Verdict.UNDELIVERABLE:
            return Bucket.PROVED_BAD
        case Verdict.DELIVERABLE:
            return Bucket.PROVED_GOOD
        case Verdict.RISKY:
            return Bucket.RISKY
        case Verdict.UNKNOWN:
            return Bucket.UNANSWERED if reason in _NOT_ANSWERED else Bucket.NO_FAULT_FOUND


def _share(name: str, verdicts: Counter[Verdict]) -> ProviderShare:
    proved = verdicts[Verdict.DELIVERABLE] + verdicts[Verdict.UNDELIVERABLE]
    return ProviderShare(name, verdicts.total(), proved, {verdict: verdicts[verdict] for verdict in Verdict})
