"""SendGrid's Event Webhook (twilio.com/docs/sendgrid, Event Webhook Reference and its security features).

An array of events, signed with ECDSA over the timestamp's text followed by the body.
"""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from verifier.core.feedback.hook import (
    LARGEST_BODY,
    Hook,
    Outcome,
    Refusal,
    RefusalKind,
    Seconds,
    Told,
    decoded_events,
    is_automatic,
    made_id,
    moment,
    told_event,
    too_large,
    unsigned,
)
from verifier.core.feedback.signatures import ecdsa_matches
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_HOLDS = timedelta(hours=25)
"""SendGrid tries again for a day; what is older is somebody else's."""
_KINDS = {
    "processed": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DEFERRED,
    "bounce": EventKind.BOUNCED,
    "dropped": EventKind.REJECTED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
    "group_resubscribe": EventKind.SUBSCRIBED,
}
_CLASSES = {
    "invalid address": BounceClass.HARD,
    "mailbox unavailable": BounceClass.SOFT,
    "technical": BounceClass.SOFT,
    "technical failure": BounceClass.SOFT,
    "reputation": BounceClass.BLOCK,
    "content": BounceClass.BLOCK,
    "frequency or volume too high": BounceClass.BLOCK,
}
_TYPES = {"bounce": BounceClass.HARD, "blocked": BounceClass.BLOCK, "expired": BounceClass.SOFT}


class _Event(Struct, frozen=True):
    event: str
    timestamp: Seconds
    email: str = ""
    sg_event_id: str = ""
    sg_message_id: str = ""
    type: str = ""
    status: str | None = None
    bounce_classification: str = ""
    reason: str | None = None
    response: str | None = None
    useragent: str | None = None
    sg_machine_open: bool = False
    asm_group_id: int | None = None


def read_sendgrid(hook: Hook, secrets: Sequence[str]) -> Outcome:
    """`secrets` are public keys as the settings page of SendGrid shows them."""
    if len(hook.body) > LARGEST_BODY:
        return too_large(len(hook.body))
    stamp, signature = hook.headers.get(_TIMESTAMP, ""), hook.headers.get(_SIGNATURE, "")
    if not ecdsa_matches(secrets, stamp.encode("utf-8", "surrogatepass") + hook.body, signature):
        return unsigned("The signature is not SendGrid's: compare the verification key with its settings page.")
    if not stamp.isascii() or not stamp.isdigit() or abs(hook.now.timestamp() - int(stamp)) > _HOLDS.total_seconds():
        return Refusal(RefusalKind.STALE, "The message was signed more than a day ago.")
    found = decoded_events(hook.body, _Event, _KINDS.__contains__)
    if isinstance(found, Refusal):
        return found
    return Told(tuple(_event(event) for event in found if event.event in _KINDS))


def _event(event: _Event) -> MailEvent:
    kind = _KINDS[event.event]
    in_group = event.event.startswith("group_") and event.asm_group_id is not None
    return told_event(
        "sendgrid",
        event.sg_event_id or made_id(event.event, event.email, event.timestamp, event.sg_message_id),
        kind,
        event.email,
        moment(event.timestamp),
        bounce_class=_class_of(event),
        reply=event.reason or event.response or event.status
        if kind in (EventKind.BOUNCED, EventKind.DEFERRED)
        else None,
        topic=str(event.asm_group_id) if in_group else None,
        message_id=event.sg_message_id,
        automatic=event.sg_machine_open or is_automatic(event.useragent),
    )


def _class_of(event: _Event) -> BounceClass:
    classified = _CLASSES.get(event.bounce_classification.lower())
    return classified or _TYPES.get(event.type.lower() or "bounce", BounceClass.UNDETERMINED)
