"""What was learned of a question in time, and the facts that a policy decides on."""

from collections.abc import Collection, Mapping
from datetime import datetime

from msgspec import Struct

from verifier.core.gate import GateFacts, holding
from verifier.core.gate_policies import Policy
from verifier.core.gate_words import GateQuestion
from verifier.core.knowledge import Knowledge
from verifier.core.reasons import Reason, StageName
from verifier.core.senders import Sender, cap_until, quota_until, use_id
from verifier.core.suppressions import Suppression, SuppressionKind
from verifier.core.verdict import Assessment
from verifier.gate_ports import Usage
from verifier.service.gate_recipients import Recipient

FACTS, ENTRIES, USAGE, ACTIVE = "facts", "entries", "usage of ", "active"
"""What is read; a sender's name stands behind `USAGE`."""
NO_KINDS: frozenset[SuppressionKind] = frozenset()


class Asked(Struct):
    """One question on its way to its answer."""

    question: GateQuestion
    recipient: Recipient
    policy: Policy
    sender: Sender | None
    suspected: frozenset[SuppressionKind]
    assessment: Assessment | None = None

    @property
    def use_id(self) -> str | None:
        """What this mail is counted under; None where its sender gives it no name of its own."""
        return use_id(self.question.id, self.recipient.key) if self.question.id is not None else None


class Learned(Struct):
    """What was learned in time; None is what was not."""

    knowledge: Knowledge | None
    entries: Mapping[str, tuple[Suppression, ...]] | None
    usage: dict[str, Usage]
    active: Mapping[str, datetime] | None


def take_in(learned: Learned, reads: Collection[str], found: Mapping[str, object]) -> None:
    """What was found of what was read joins what was at hand; None stands for what was not found in time."""
    if FACTS in reads:
        knowledge = found.get(FACTS)
        if isinstance(knowledge, Knowledge) and learned.knowledge is not None:
            knowledge.facts |= learned.knowledge.facts
            knowledge.findings |= learned.knowledge.findings
            learned.knowledge = knowledge
        else:
            learned.knowledge = None
    if ENTRIES in reads:
        entries = found.get(ENTRIES)
        learned.entries = entries if isinstance(entries, dict) else None
    for name in reads:
        usage = found.get(name)
        if name.startswith(USAGE) and isinstance(usage, Usage):
            learned.usage[name.removeprefix(USAGE)] = usage
    if ACTIVE in reads:
        active = found.get(ACTIVE)
        learned.active = active if isinstance(active, dict) else None


def facts_of(
    each: Asked,
    learned: Learned,
    taken: Mapping[str, list[tuple[str, datetime]]],
    now: datetime,
    *,
    can_probe: bool,
) -> GateFacts:
    """What a policy decides on; `taken` is what earlier questions of the batch took of their senders' limits."""
    assessment, question = each.assessment, each.question
    assert assessment is not None
    kinds, unconfirmed = _kinds(each, learned.entries, now)
    unavailable, reason = False, _known_reason(each, assessment)
    if learned.knowledge is None and each.recipient.is_looked_up:
        unavailable = True
    cap = quota = None
    if each.sender is not None and each.sender.is_capped:
        usage = learned.usage.get(each.sender.name)
        if usage is None:
            unavailable = True
        elif each.use_id not in usage.counted:  # a mail that was allowed and counted before is not held by itself
            mine = taken.get(each.sender.name, ())
            recipient = each.recipient.key
            blasts = usage.blasts.get(recipient, ())
            cap = cap_until(each.sender, (*blasts, *(at for key, at in mine if key == recipient)), now)
            quota = quota_until(each.sender, usage.used + len(mine), now)
    return GateFacts(
        reason=reason,
        flags=assessment.flags,
        observed_at=None if reason is None else assessment.checked_at,
        authoritative=assessment.expires_at is None or assessment.expires_at > now,
        retry_after=assessment.retry_after,
        kinds=kinds,
        unconfirmed=unconfirmed,
        cap_until=cap,
        quota_until=quota,
        last_active=(learned.active or {}).get(each.recipient.key),
        reactivation=question.reactivation,
        can_probe=can_probe or StageName.MX not in assessment.stages,
        unavailable=unavailable,
    )


def _kinds(
    each: Asked, entries: Mapping[str, tuple[Suppression, ...]] | None, now: datetime
) -> tuple[frozenset[SuppressionKind], bool]:
    """The suppressions that hold for this mail, and whether memory alone says so: then an allowance lets nobody in."""
    if not each.suspected:
        return NO_KINDS, False
    if entries is None:
        return each.suspected - {SuppressionKind.MANUAL_ALLOW}, True
    question = each.question
    found = [entry for key in each.recipient.sought for entry in entries.get(key, ())]
    kinds = holding(found, now, message_class=question.message_class, sender=question.sender, topic=question.topic)
    return kinds, False


def _known_reason(each: Asked, assessment: Assessment) -> Reason | None:
    """None where nobody has been asked yet; a finding that says so (it expires), or a test address, is an answer."""
    if assessment.reason is Reason.NOT_PROBED and assessment.expires_at is None and not each.recipient.stated:
        return None
    return assessment.reason
