"""A whole send before it goes out: its rows in buckets, what they will come to, and whether it may go.

Laws: `submitted` = `empty` + `duplicates` + every bucket; `sendable` = `planned` + `over_quota`. A row's bucket is that
of the rule which decided it.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zlib import crc32

from msgspec import Struct

from verifier.core.gate_rules import BUCKETS, Bucket, Rule
from verifier.core.gate_words import GateDecision, MessageClass
from verifier.core.profiles import DEFAULT, PROFILES, Profile
from verifier.core.projection import Evidence, Group, Projection, Tally
from verifier.core.reasons import Verdict
from verifier.core.record import timestamp


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

RECHECK_LEAD = timedelta(hours=2)
"""So long before a send its stale rows are asked again: as a rule greylisting takes an hour at most."""
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

_CODES: tuple[tuple[GateDecision, Rule] | RowFate, ...] = (
    *RowFate,
    *((decision, rule) for rule in Rule for decision in GateDecision),
)
_CODE_OF = {fate: code for code, fate in enumerate(_CODES)}


def code_of(fate: tuple[GateDecision, Rule] | RowFate) -> int:
    """One byte for what became of a row; the list of fates only ever grows at its end."""
    return _CODE_OF[fate]


def fate_of(code: int) -> tuple[GateDecision, Rule] | RowFate:
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


class CampaignRule(StrEnum):
    """Why a campaign may go, waits or must not."""

    WITHIN_LIMITS = "within_limits"
    PROJECTED_BOUNCES = "projected_bounces"
    NOTHING_TO_SEND = "nothing_to_send"
    RELEASED = "released"


class Judgement(Struct, frozen=True):
    """What is said of a whole campaign; `warnings` are sentences for people."""

    decision: GateDecision
    rule: CampaignRule
    warnings: tuple[str, ...] = ()


def judged(accounts: Accounts, evidence: dict[Group, Evidence], profile: Profile) -> Judgement:
    """By the bounds of the projection: only what is above a limit for certain holds or blocks."""
    if not accounts.counts["planned"]:
        return Judgement(GateDecision.HOLD, CampaignRule.NOTHING_TO_SEND)
    projection = accounts.planned.projection(evidence)
    if projection.at_least >= profile.block:
        return Judgement(GateDecision.BLOCK, CampaignRule.PROJECTED_BOUNCES)
    if projection.at_least >= profile.hold:
        return Judgement(GateDecision.HOLD, CampaignRule.PROJECTED_BOUNCES)
    return Judgement(GateDecision.ALLOW, CampaignRule.WITHIN_LIMITS, _warnings(accounts, projection, profile))


def _warnings(accounts: Accounts, projection: Projection, profile: Profile) -> tuple[str, ...]:
    warnings = []
    if projection.rate >= profile.hold:
        warnings.append(
            f"{projection.rate:.1%} hard bounces are expected, from {profile.hold:.1%} on a sender is in danger;"
            f" it may be {projection.at_least:.1%} to {projection.at_most:.1%}."
        )
    elif projection.at_most >= profile.block:
        warnings.append(f"Up to {projection.at_most:.1%} hard bounces are possible: too little is known of these rows.")
    if accounts.counts["over_quota"]:
        warnings.append(f"{accounts.counts['over_quota']:,} rows are over the month's quota and stay behind.")
    return tuple(warnings)


class CampaignState(StrEnum):
    """Where a campaign is on its way."""

    VERIFYING = "verifying"
    DECIDING = "deciding"
    COMPLETED = "completed"
    FAILED = "failed"


class CampaignOrder(Struct, frozen=True):
    """What is asked: the lists whose rows are to be mailed, and how. Columns are headings or 1-based numbers; ""
    guesses by heading.
    """

    workspace: str
    lists: tuple[str, ...]
    message_class: MessageClass = MessageClass.MARKETING
    sender: str | None = None
    policy: str | None = None
    profile: str | None = None
    topic: str | None = None
    name: str = ""
    quota_used: int | None = None
    unsubscribed_column: str = ""
    selected_column: str = ""
    from_domain: str = ""
    dkim_selector: str = ""
    test: bool = False
    send_at: datetime | None = None


class Recheck(Struct, frozen=True):
    """What came of asking again, before the send, whoever was stale by then: `rows` of them, `changed` rows whose fate
    is another one now; the counts that differ, the decision and the rate to expect, each before and after. With an
    `error` the campaign stands as it was decided first.
    """

    at: datetime
    rows: int = 0
    changed: int = 0
    counts: dict[str, tuple[int, int]] = {}
    decision: tuple[str, str] = ("", "")
    hard_bounce_rate: tuple[float, float] = (0.0, 0.0)
    error: str = ""


def recheck_of(before: dict[str, Any], after: dict[str, Any], at: datetime, rows: int, changed: int) -> Recheck:
    """What differs between two summaries of the same campaign."""
    counts = {
        name: (count, after["counts"][name])
        for name, count in before["counts"].items()
        if count != after["counts"][name]
    }
    rates = before["projected"]["hard_bounce_rate"], after["projected"]["hard_bounce_rate"]
    return Recheck(at, rows, changed, counts, (before["decision"], after["decision"]), rates)


class Release(Struct, frozen=True):
    """Who let a held campaign go, and why; kept for ever beside it."""

    name: str
    reason: str
    at: datetime
    key: str


class Campaign(Struct, frozen=True):
    """One campaign, written down at every change. `summary` is what the wire has, None until it was decided."""

    id: str
    order: CampaignOrder
    created: datetime
    state: CampaignState
    error: str = ""
    finished: datetime | None = None
    summary: dict[str, Any] | None = None
    releases: tuple[Release, ...] = ()
    recheck_list: str = ""
    """The list of the rows that are asked again before the send, once it was made."""
    recheck: Recheck | None = None

    @property
    def decision(self) -> GateDecision | None:
        """With a release, allow; but what is blocked since it was released is blocked."""
        if self.summary is None:
            return None
        decided = GateDecision(self.summary["decision"])
        return GateDecision.ALLOW if self.releases and decided is not GateDecision.BLOCK else decided

    @property
    def recheck_at(self) -> datetime | None:
        """When whoever is stale is asked again; None where nobody will be, or was already."""
        send_at = self.order.send_at
        decided = self.state is CampaignState.COMPLETED
        return None if send_at is None or not decided or self.recheck is not None else send_at - RECHECK_LEAD


def profile_of(name: str | None) -> Profile:
    """The limits of a profile, or the project's own."""
    return DEFAULT if name is None else PROFILES[name]


def summary_of(
    accounts: Accounts,
    quota: Quota,
    evidence: dict[Group, Evidence],
    profile_name: str | None,
    policy: str,
    warnings: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The numbers and the decision as the wire has them; `warnings` are further ones, about the sender's domain."""
    judgement = judged(accounts, evidence, profile_of(profile_name))
    unfiltered = accounts.unfiltered.projection(evidence)
    planned = accounts.planned.projection(evidence)
    return {
        "quota": {"limit": quota.limit, "used": quota.used, "remaining": quota.remaining},
        "counts": dict(accounts.counts),
        "projected": {
            "hard_bounce_rate": round(planned.rate, 5),
            "unfiltered_hard_bounce_rate": round(unfiltered.rate, 5),
            "interval_95": [round(planned.at_least, 5), round(planned.at_most, 5)],
            "basis": planned.basis.value,
            "n": planned.mails,
            "by_reason": [_by_reason(accounts.planned, evidence, reason) for reason in accounts.planned.reasons],
        },
        "waves": list(accounts.waves),
        "decision": judgement.decision.value,
        "rule": judgement.rule.value,
        "warnings": [*judgement.warnings, *warnings],
        "policy": policy,
        "profile": profile_name,
        "stale": accounts.stale,
    }


def _by_reason(tally: Tally, evidence: dict[Group, Evidence], reason: str) -> dict[str, Any]:
    projection = tally.projection(evidence, reason)
    return {
        "reason": reason,
        "rows": projection.rows,
        "hard_bounce_rate": round(projection.rate, 5),
        "interval_95": [round(projection.at_least, 5), round(projection.at_most, 5)],
    }


def campaign_record(campaign: Campaign) -> dict[str, Any]:
    """The campaign as the wire has it."""
    record: dict[str, Any] = {
        "id": campaign.id,
        "name": campaign.order.name,
        "status": campaign.state.value,
        "error": campaign.error or None,
        "lists": list(campaign.order.lists),
        "message_class": campaign.order.message_class.value,
        "sender": campaign.order.sender,
        "created_at": timestamp(campaign.created),
        "finished_at": timestamp(campaign.finished),
        "test": campaign.order.test,
        "send_at": timestamp(campaign.order.send_at),
        "recheck": None if campaign.recheck is None else _recheck_record(campaign.recheck),
        **(campaign.summary or {}),
        "releases": [
            {"name": each.name, "reason": each.reason, "at": timestamp(each.at), "key": each.key}
            for each in campaign.releases
        ],
    }
    if campaign.releases and campaign.decision is GateDecision.ALLOW:
        record |= {"decision": GateDecision.ALLOW.value, "rule": CampaignRule.RELEASED.value}
    return record


def _recheck_record(recheck: Recheck) -> dict[str, Any]:
    return {
        "at": timestamp(recheck.at),
        "rows": recheck.rows,
        "changed": recheck.changed,
        "counts": {name: list(pair) for name, pair in recheck.counts.items()},
        "decision": list(recheck.decision),
        "hard_bounce_rate": list(recheck.hard_bounce_rate),
        "error": recheck.error or None,
    }
