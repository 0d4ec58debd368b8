"""What a mail server's client hears of a decision: reply code, enhanced status code (RFC 3463) and text."""

from msgspec import Struct

from verifier.core.gate_rules import Rule
from verifier.core.gate_words import GateDecision

ABOUT_THE_ADDRESS = frozenset({Rule.INVALID_SYNTAX, Rule.HARD_BOUNCE, Rule.SOFT_BOUNCE_LIMIT, Rule.UNDELIVERABLE})
"""Rules that say that the mailbox is not there; the others are somebody's will."""


class GateReply(Struct, frozen=True):
    """A refusal, for good or for now."""

    code: int
    enhanced: str
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}"


def gate_reply(decision: GateDecision, rule: str) -> GateReply | None:
    """The refusal that a decision comes to; None where the mail may pass."""
    match decision:
        case GateDecision.ALLOW:
            return None
        case GateDecision.BLOCK:
            return GateReply(550, "5.1.1" if rule in ABOUT_THE_ADDRESS else "5.7.1", f"gate: {rule}")
        case GateDecision.HOLD:
            return GateReply(450, "4.7.1", f"gate: {rule}, try again later")


def postfix_action(reply: GateReply | None) -> str:
    """For access(5): what may pass is `DUNNO`, never `OK`, which would skip the restrictions that follow.

    What is held is put off only where nothing else refuses it for good.
    """
    if reply is None:
        return "DUNNO"
    return f"DEFER_IF_PERMIT {reply.enhanced} {reply.text}" if reply.code < 500 else str(reply)


def postfix_transport(reply: GateReply | None) -> str | None:
    """For transport(5): the error and retry transports bounce or put off with this text; None is the usual way."""
    if reply is None:
        return None
    return f"{'retry' if reply.code < 500 else 'error'}:{reply.enhanced} {reply.text}"
