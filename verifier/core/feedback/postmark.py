"""Postmark's webhooks (postmarkapp.com/developer/webhooks): one object a message, named by its RecordType.

It signs nothing: the key in the URL, as the basic password or in a header of its settings is what is trusted.
"""

from collections.abc import Sequence

from msgspec import Struct

from verifier.core.feedback.hook import (
    Hook,
    Outcome,
    Refusal,
    Told,
    decoded,
    is_automatic,
    made_id,
    malformed,
    moment_of,
    told_event,
)
from verifier.core.mail_events import BounceClass, EventKind

_BOUNCES = {
    "HardBounce": BounceClass.HARD,
    "BadEmailAddress": BounceClass.HARD,
    "SoftBounce": BounceClass.SOFT,
    "Transient": BounceClass.SOFT,
    "DnsError": BounceClass.SOFT,
    "Unknown": BounceClass.UNDETERMINED,
    "Undeliverable": BounceClass.SOFT,
    "Blocked": BounceClass.BLOCK,
    "SpamNotification": BounceClass.BLOCK,
    "VirusNotification": BounceClass.BLOCK,
    "DMARCPolicy": BounceClass.BLOCK,
    "TemplateRenderingFailed": BounceClass.BLOCK,
    "InboundError": BounceClass.BLOCK,
    "SMTPApiError": BounceClass.BLOCK,
    "ChallengeVerification": BounceClass.BLOCK,
}
_OTHER_BOUNCES = {
    "Unsubscribe": EventKind.UNSUBSCRIBED,
    "Subscribe": EventKind.SUBSCRIBED,
    "SpamComplaint": EventKind.COMPLAINED,
    "ManuallyDeactivated": EventKind.REJECTED,
}
_RECORDS = {
    "Delivery": EventKind.DELIVERED,
    "Open": EventKind.OPENED,
    "Click": EventKind.CLICKED,
    "SpamComplaint": EventKind.COMPLAINED,
}
_SUPPRESSIONS = {
    "HardBounce": EventKind.BOUNCED,
    "SpamComplaint": EventKind.COMPLAINED,
    "ManualSuppression": EventKind.UNSUBSCRIBED,
}
_TIMES = ("BouncedAt", "DeliveredAt", "ReceivedAt", "ChangedAt")


def _as_written(name: str) -> str:
    """`message_id` as Postmark writes it: MessageID."""
    return "".join("ID" if word == "id" else word.capitalize() for word in name.split("_"))


class _Record(Struct, frozen=True, rename=_as_written):
    record_type: str
    message_id: str = ""
    email: str = ""
    recipient: str = ""
    type: str = ""
    id: int | str = 0
    tag: str | None = None
    details: str | None = None
    description: str | None = None
    bounced_at: str = ""
    delivered_at: str = ""
    received_at: str = ""
    changed_at: str = ""
    user_agent: str | None = None
    suppress_sending: bool = False
    suppression_reason: str | None = None
    origin: str | None = None


def read_postmark(hook: Hook, _secrets: Sequence[str]) -> Outcome:
    """The events of a message, or why it is refused; nothing is signed, so no secret is looked at."""
    found = decoded(hook.body, _Record)
    if isinstance(found, Refusal):
        return found
    kind = _kind(found)
    if kind is None:
        return Told(())
    at = moment_of(found.bounced_at or found.delivered_at or found.received_at or found.changed_at)
    if at is None:
        return malformed(f"None of {', '.join(_TIMES)} is a time: when it happened is not told.")
    email = found.email or found.recipient
    event = told_event(
        "postmark",
        made_id(found.record_type, found.id, found.message_id, email, at.timestamp(), kind),
        kind,
        email,
        at,
        bounce_class=_class_of(found),
        reply=found.details or found.description if kind is EventKind.BOUNCED else None,
        campaign=found.tag,
        message_id=found.message_id,
        automatic=is_automatic(found.user_agent),
    )
    return Told((event,))


def _kind(record: _Record) -> EventKind | None:
    if record.record_type == "Bounce":
        return _OTHER_BOUNCES.get(record.type) or (EventKind.BOUNCED if record.type in _BOUNCES else None)
    if record.record_type == "SubscriptionChange":
        if record.suppress_sending:
            return _SUPPRESSIONS.get(record.suppression_reason or "")
        return EventKind.SUBSCRIBED if record.origin == "Recipient" else None
    return _RECORDS.get(record.record_type)


def _class_of(record: _Record) -> BounceClass:
    return _BOUNCES[record.type] if record.record_type == "Bounce" and record.type in _BOUNCES else BounceClass.HARD
