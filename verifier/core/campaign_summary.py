"""What a campaign comes to: its counts, the bounces to expect of it, and whether it may go."""

from enum import StrEnum
from typing import Any

from msgspec import Struct

from verifier.core.campaign_counts import Accounts, Quota
from verifier.core.gate_words import GateDecision
from verifier.core.profiles import DEFAULT, PROFILES, Profile
from verifier.core.projection import Evidence, Group, Projection, Tally


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
        warnings.append(f"Rows over the month's quota, which stay behind: {accounts.counts['over_quota']:,}.")
    return tuple(warnings)


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
