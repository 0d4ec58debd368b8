"""What a bounce says: the mail server's own words by our reply rules, and where these say nothing the source's class.

Laws: what is about the sender (policy, spam, 5.7.x) is `block`, whatever a source calls it; words that speak of the
mailbox outweigh the source; words of a passing trouble leave a source's `block` what it is; a text that no rule knows
leaves the source's class; what our own gate refused has not bounced.
"""

import re
from typing import assert_never

from msgspec import structs

from verifier.core.bounce_text import reply_from_text, stage_from_text
from verifier.core.gate_rules import Rule
from verifier.core.mail_events import BounceClass, EventKind, MailEvent
from verifier.core.replies import Reading, Reply, ReplyClass, SmtpStage
from verifier.core.reply_rules import Rules

_OWN_REFUSAL = re.compile(rf"(?<![^\s:;(])gate: (?:{'|'.join(Rule)})(?![\w-])")
"""What the gate has mail servers say (core/gate_replies.py)."""


def classified(event: MailEvent, rules: Rules) -> MailEvent:
    """The event with the class of its bounce; anything but a bounce is left as it is.

    A refusal of the gate that comes back by a log or a bounce is `rejected`: it says nothing that we had not said.
    """
    if event.kind is not EventKind.BOUNCED or event.reply is None:
        return event
    if _OWN_REFUSAL.search(event.reply):
        return structs.replace(event, kind=EventKind.REJECTED, bounce_class=None, proven=False)
    reply, _, reading = read_reply(event.reply, event.mx_host, rules)
    return structs.replace(event, bounce_class=class_of(reply, reading, event.bounce_class))


def read_reply(text: str, mx_host: str | None, rules: Rules) -> tuple[Reply, SmtpStage, Reading]:
    """The reply inside a bounce's text, the command that it answered, and what it says."""
    reply = reply_from_text(text)
    stage = stage_from_text(text) or SmtpStage.RCPT
    return reply, stage, rules.classify(reply, stage, mx_host)


def class_of(reply: Reply, reading: Reading, own: BounceClass | None) -> BounceClass:
    """`own` is what the source calls it."""
    own = own or BounceClass.UNDETERMINED
    match reading.reply_class:
        case ReplyClass.MAILBOX_NOT_FOUND | ReplyClass.MAILBOX_DISABLED:
            if reading.ambiguous and own is not BounceClass.HARD:
                return own
            return BounceClass.HARD
        case ReplyClass.MAILBOX_FULL:
            return _by_number(reply, BounceClass.SOFT)
        case ReplyClass.GREYLISTED | ReplyClass.TEMP_ERROR | ReplyClass.RELAY_DENIED | ReplyClass.SESSION_FATAL:
            return _by_number(reply, BounceClass.BLOCK if own is BounceClass.BLOCK else BounceClass.SOFT)
        case ReplyClass.SENDER_REFUSED | ReplyClass.CLIENT_REFUSED | ReplyClass.POLICY_REFUSED:
            return BounceClass.BLOCK
        case ReplyClass.RECIPIENT_RESTRICTED | ReplyClass.RATE_LIMITED | ReplyClass.TOO_MANY:
            return BounceClass.BLOCK
        case ReplyClass.UNRECOGNISED | ReplyClass.PROTOCOL_ERROR | ReplyClass.ACCEPTED:
            return _by_number(reply, own)
        case _:
            assert_never(reading.reply_class)


def _by_number(reply: Reply, own: BounceClass) -> BounceClass:
    enhanced = reply.enhanced or ""
    if enhanced.startswith(("5.7.", "4.7.")):
        return BounceClass.BLOCK
    temporary = enhanced.startswith("4.") or 400 <= reply.code < 500
    return BounceClass.SOFT if temporary and own is BounceClass.HARD else own


_HARD_STATUSES = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.310"})


def class_of_status(status: str) -> BounceClass:
    """What an enhanced status code says by itself (RFC 3463; 5.1.10 is RFC 7505's null MX)."""
    if status in _HARD_STATUSES:
        return BounceClass.HARD
    if status.startswith(("5.7.", "4.7.", "5.6.")):
        return BounceClass.BLOCK
    if status.startswith("4.") or status in ("5.2.2", "5.3.1", "5.3.4", "5.4.4"):
        return BounceClass.SOFT
    return BounceClass.UNDETERMINED
