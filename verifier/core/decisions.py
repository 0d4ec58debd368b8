"""Decisions as they are logged: what was said of whom by which rule, without saying whom."""

from datetime import datetime, timedelta

from msgspec import Struct

from verifier.core.gate_words import GateAnswer, GateDecision, GateQuestion

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


class Tallied(Struct, frozen=True):
    """How many decisions had this surface, class, policy, rule and outcome."""

    surface: str
    observed: bool
    message_class: str
    policy: str
    rule: str
    decision: GateDecision
    count: int
    degraded: int


def decided(question: GateQuestion, answer: GateAnswer, recipient: str, now: datetime) -> Decided:
    """What is logged of an answer."""
    return Decided(
        now,
        question.surface,
        question.observed,
        recipient,
        masked(question.email),
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
