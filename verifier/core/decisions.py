"""Decisions as they are logged: what was said of whom by which rule, without saying whom."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from verifier.core.gate_words import GateAnswer, GateDecision, GateQuestion
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

DECISIONS_KEPT = timedelta(days=90)


class Decided(Struct, frozen=True, gc=False):
    """One decision. `recipient` is the keyed hash of the address ("" for a text that is none), `masked` what people may
    see of it. `observed`: the surface let the mail pass whatever was decided.
    """

    at: datetime
    surface: str
    observed: bool
    recipient: str
    masked: str
    message_class: str
    sender: str | None
    campaign: str | None
    policy: str
    rule: str
    decision: str
    degraded: bool


class Outcome(StrEnum):
    """What became of a mail after its decision, as far as anybody told."""

    DELIVERED = "delivered"
    HARD = "hard"
    SOFT = "soft"
    COMPLAINED = "complained"


class Became(Struct, frozen=True):
    """An outcome of a mail to a recipient (keyed, as in `Decided`)."""

    recipient: str
    at: datetime
    outcome: Outcome


def became(event: MailEvent, recipient: str) -> Became | None:
    """What an event says of its mail; None for one that says nothing of how it ended."""
    match event.kind, event.bounce_class:
        case EventKind.DELIVERED, _:
            outcome = Outcome.DELIVERED
        case EventKind.COMPLAINED, _:
            outcome = Outcome.COMPLAINED
        case EventKind.BOUNCED, BounceClass.HARD:
            outcome = Outcome.HARD
        case EventKind.BOUNCED, BounceClass.SOFT:
            outcome = Outcome.SOFT
        case _:
            return None
    return Became(recipient, event.at, outcome)


class Tallied(Struct, frozen=True):
    """How many decisions had this surface, class, policy, rule and decision; and of how many mails somebody told
    afterwards that they were delivered, bounced hard or soft, or were complained about.
    """

    surface: str
    observed: bool
    message_class: str
    policy: str
    rule: str
    decision: GateDecision
    count: int
    degraded: int
    delivered: int = 0
    hard: int = 0
    soft: int = 0
    complained: int = 0


def decided(question: GateQuestion, answer: GateAnswer, recipient: str, shown: str, now: datetime) -> Decided:
    """What is logged of an answer: of whom, as a keyed hash and as people may see it (`masked`)."""
    return Decided(
        now,
        question.surface,
        question.observed,
        recipient,
        shown,
        question.message_class,
        question.sender,
        question.campaign,
        answer.policy,
        answer.rule,
        answer.decision,
        answer.degraded,
    )


def masked(email: str) -> str:
    """`j***@shop.example`: enough to recognise one's own test, too little to write to."""
    local, at, domain = email.strip().rpartition("@")
    return f"{local[:1]}***@{domain[:255]}" if at else "***"
