"""decide(...) -> Ruling: the first rule of the policy that speaks.

Law: every address gets exactly one decision, by a rule of the closed list. What is asked again behind the answer, and
which further rules had something to say, is worked out for every address, whichever rule decided.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from verifier.core.gate_policies import Ages, Outcome, Policy
from verifier.core.gate_rules import Rule
from verifier.core.gate_words import GateDecision, MessageClass
from verifier.core.keep import HELD_UNTIL_ASKED_AGAIN
from verifier.core.reasons import Reason, Verdict, verdict_of
from verifier.core.suppressions import Suppression, SuppressionKind
from verifier.core.verdict import Flags

LONGEST_HOLD = timedelta(hours=24)
_PROBED_SOON = timedelta(minutes=5)
_BACK_SOON = timedelta(minutes=1)


class GateFacts(Struct, frozen=True, gc=False):
    """What is known of one address when its answer is due.

    `reason` None: nothing is known of it, though it is an address; `observed_at` when it was last seen,
    `authoritative`: by evidence that still holds. `kinds`: suppressions that hold for this mail, `unconfirmed` where
    memory alone says so. `cap_until`, `quota_until`: when a cap or quota that is reached ends. `last_active`: the last
    sign of life. `can_probe`: a mailbox could be asked. `unavailable`: something could not be read in time.
    """

    reason: Reason | None = None
    flags: Flags = Flags()
    observed_at: datetime | None = None
    authoritative: bool = True
    retry_after: datetime | None = None
    kinds: frozenset[SuppressionKind] = frozenset()
    unconfirmed: bool = False
    cap_until: datetime | None = None
    quota_until: datetime | None = None
    last_active: datetime | None = None
    reactivation: bool = False
    can_probe: bool = True
    unavailable: bool = False


class Ruling(Struct, frozen=True, gc=False):
    """A decision and its rule; `also` are the further rules whose condition holds; `probe`: to be asked again behind
    the answer; `degraded`: something lacked.
    """

    decision: GateDecision
    rule: Rule
    until: datetime | None
    also: tuple[Rule, ...]
    probe: bool
    degraded: bool


_DECISIONS = {
    Outcome.ALLOW: GateDecision.ALLOW,
    Outcome.HOLD: GateDecision.HOLD,
    Outcome.BLOCK: GateDecision.BLOCK,
}
_SUPPRESSIONS = (
    (Rule.COMPLAINT, SuppressionKind.COMPLAINT),
    (Rule.UNSUBSCRIBED, SuppressionKind.UNSUBSCRIBED),
    (Rule.NO_CONSENT, SuppressionKind.NO_CONSENT),
    (Rule.MANUAL_ALLOW, SuppressionKind.MANUAL_ALLOW),
    (Rule.HARD_BOUNCE, SuppressionKind.HARD_BOUNCE),
    (Rule.SOFT_BOUNCE_LIMIT, SuppressionKind.SOFT_BOUNCE_LIMIT),
)
_GOOD = frozenset({Reason.ACCEPTED, Reason.CATCH_ALL, Reason.MAILBOX_FULL})


def decide(facts: GateFacts, message_class: MessageClass, policy: Policy, now: datetime) -> Ruling:
    """What the policy says of this mail at `now`."""
    met = conditions(facts, message_class, policy.ages, now)
    cells = policy.cells[message_class]
    rule = next(rule for rule in met if cells[rule] is not Outcome.NEXT)
    decision = _DECISIONS[cells[rule]]
    probe = facts.can_probe and (facts.reason is None or not facts.authoritative)
    return Ruling(
        decision,
        rule,
        _until(rule, facts, now) if decision is GateDecision.HOLD else None,
        tuple(other for other in met if other is not rule and other is not Rule.OTHERWISE),
        probe and not facts.unavailable,
        probe or facts.unconfirmed or facts.unavailable,
    )


def conditions(facts: GateFacts, message_class: MessageClass, ages: Ages, now: datetime) -> tuple[Rule, ...]:
    """The rules whose condition holds, in order; the last is always `otherwise`."""
    met: list[Rule] = []
    kinds, reason = facts.kinds, facts.reason
    if SuppressionKind.MANUAL_BLOCK in kinds:
        met.append(Rule.MANUAL_BLOCK)
    if reason is Reason.INVALID_SYNTAX:
        met.append(Rule.INVALID_SYNTAX)
    if kinds:
        met += [rule for rule, kind in _SUPPRESSIONS if kind in kinds]
    if reason is not None and reason is not Reason.INVALID_SYNTAX and verdict_of(reason) is Verdict.UNDELIVERABLE:
        met.append(Rule.UNDELIVERABLE if facts.authoritative else Rule.UNDELIVERABLE_RETAINED)
    if facts.unavailable:
        met.append(Rule.UNAVAILABLE)
    if facts.cap_until is not None:
        met.append(Rule.FREQUENCY_CAP)
    if facts.quota_until is not None:
        met.append(Rule.QUOTA)
    _add_flags(met, facts, ages, now)
    if reason is None:
        met.append(Rule.UNKNOWN_PROBE if facts.can_probe else Rule.UNKNOWN_OTHER)
    elif verdict_of(reason) is Verdict.UNKNOWN:
        met.append(Rule.UNKNOWN_PROBE if reason in HELD_UNTIL_ASKED_AGAIN else Rule.UNKNOWN_OTHER)
    elif reason in _GOOD and _older(facts, ages.stale[message_class], now):
        met.append(Rule.STALE)
    met.append(Rule.OTHERWISE)
    return tuple(met)


def _add_flags(met: list[Rule], facts: GateFacts, ages: Ages, now: datetime) -> None:
    flags, reason = facts.flags, facts.reason
    if flags.disposable or reason is Reason.DISPOSABLE:
        met.append(Rule.DISPOSABLE)
    if flags.typo_domain:
        met.append(Rule.TYPO_DOMAIN)
    silent = now - facts.last_active if facts.last_active is not None else timedelta(0)
    if ages.inactive is not None and silent >= timedelta(days=ages.inactive):
        met.append(Rule.INACTIVE)
    if facts.reactivation and (reason is None or _older(facts, ages.reactivation, now)):
        met.append(Rule.REACTIVATION)
    if flags.role:
        met.append(Rule.ROLE)
    if flags.no_reply:
        met.append(Rule.NO_REPLY)
    if flags.catch_all or reason is Reason.CATCH_ALL:
        met.append(Rule.CATCH_ALL)
    if flags.mailbox_full or reason is Reason.MAILBOX_FULL:
        met.append(Rule.MAILBOX_FULL)


def _older(facts: GateFacts, days: int, now: datetime) -> bool:
    return facts.observed_at is not None and now - facts.observed_at >= timedelta(days=days)


def ages_that_matter(policy: Policy, message_class: MessageClass) -> tuple[timedelta, timedelta]:
    """At which ages of what is known a rule of the policy begins to speak."""
    return timedelta(days=policy.ages.stale[message_class]), timedelta(days=policy.ages.reactivation)


def _until(rule: Rule, facts: GateFacts, now: datetime) -> datetime | None:
    """When it makes sense to ask again; None where somebody has to do something first."""
    if rule is Rule.FREQUENCY_CAP:
        return facts.cap_until
    if rule is Rule.QUOTA:
        return facts.quota_until
    if rule is Rule.UNAVAILABLE:
        return now + _BACK_SOON
    if rule is Rule.UNKNOWN_PROBE and facts.retry_after is not None:
        return min(max(facts.retry_after, now), now + LONGEST_HOLD)
    if rule in (Rule.UNDELIVERABLE_RETAINED, Rule.REACTIVATION, Rule.UNKNOWN_PROBE, Rule.STALE):
        return now + _PROBED_SOON
    return None


def holding(
    entries: Sequence[Suppression],
    now: datetime,
    *,
    message_class: MessageClass,
    sender: str | None = None,
    topic: str | None = None,
) -> frozenset[SuppressionKind]:
    """The kinds of those entries that hold for this mail.

    One that names a sender, class or topic holds for that alone.
    """
    return frozenset(
        entry.kind
        for entry in entries
        if entry.holds(now)
        and entry.sender in (None, sender)
        and entry.message_class in (None, message_class)
        and entry.topic in (None, topic)
    )


def worst(decisions: Sequence[GateDecision]) -> GateDecision:
    """Of several the one that a script goes by: block over hold over allow."""
    return max(decisions, key=list(GateDecision).index, default=GateDecision.ALLOW)
