"""The JSON form of the gate's answers: HTTP, commands and the client use this."""

from typing import Annotated

from msgspec import Meta, Struct

from verifier.core.gate_rules import Rule
from verifier.core.gate_words import GateAnswer, GateDecision, MessageClass
from verifier.core.reasons import Verdict
from verifier.core.record import Timestamp, timestamp, word


class GateRecord(Struct, frozen=True):
    """One decision, with the rule of its policy that spoke, as docs/contract.md §5 has it."""

    email: str
    decision: Annotated[str, word(*GateDecision)]
    rule: Annotated[str, word(*Rule)]
    policy: str
    message_class: Annotated[str, word(*MessageClass)]
    until: Timestamp | None
    degraded: bool
    verdict: Annotated[str, word(*Verdict)] | None
    age_s: Annotated[int, Meta(ge=0)] | None
    also: list[Annotated[str, word(*Rule)]]


def gate_record(answer: GateAnswer) -> GateRecord:
    """The record; times as RFC 3339 in whole seconds."""
    return GateRecord(
        answer.email,
        answer.decision,
        answer.rule,
        answer.policy,
        answer.message_class,
        timestamp(answer.until),
        answer.degraded,
        answer.verdict,
        answer.age_s,
        list(answer.also),
    )
