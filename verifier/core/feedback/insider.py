"""Insider's webhook for e-mail events (academy.insiderone.com, Webhooks for Email Events): one object, or an array.

Where a secret was entered there, `X-INS-AUTH` is the HMAC-SHA1 of the body; else the key in the URL is what is trusted.
"""

from collections.abc import Sequence

from msgspec import Struct

from verifier.core.feedback.hook import (
    LARGEST_BODY,
    Hook,
    Outcome,
    Refusal,
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
from verifier.core.feedback.signatures import hmac_matches
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

_KINDS = {
    "process": EventKind.SENT,
    "processed": EventKind.SENT,
    "sent": EventKind.SENT,
    "deferred": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "bounce": EventKind.BOUNCED,
    "drop": EventKind.REJECTED,
    "dropped": EventKind.REJECTED,
    "block": EventKind.REJECTED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
    "spam": EventKind.COMPLAINED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
    "resubscribe": EventKind.SUBSCRIBED,
    "group_resubscribe": EventKind.SUBSCRIBED,
}
_CLASSES = {
    "bounce": BounceClass.HARD,
    "hard": BounceClass.HARD,
    "hard_bounce": BounceClass.HARD,
    "blocked": BounceClass.BLOCK,
    "soft": BounceClass.SOFT,
    "soft_bounce": BounceClass.SOFT,
    "expired": BounceClass.SOFT,
}


class _Event(Struct, frozen=True, rename={"message_id": "msg-id"}):
    event: str
    timestamp: Seconds
    email: str = ""
    message_id: str = ""
    event_type: str | None = None
    reason: str | None = None
    campaign_id: int | str = 0
    unsub_group_name: str | None = None
    iid: str | None = None
    user_agent: str | None = None
    url_offset: int | str | None = None


def read_insider(hook: Hook, secrets: Sequence[str]) -> Outcome:
    """The events of a message, or why it is refused; `secrets` are the keys of its HMAC, none where none was set."""
    if len(hook.body) > LARGEST_BODY:
        return too_large(len(hook.body))
    if secrets and not hmac_matches(secrets, hook.body, hook.headers.get("x-ins-auth", ""), "sha1"):
        return unsigned("X-INS-AUTH is not the body's HMAC under the secret that was set here.")
    found = decoded_events(hook.body, _Event, _KINDS.__contains__)
    if isinstance(found, Refusal):
        return found
    return Told(tuple(_event(event) for event in found if event.event in _KINDS))


def _event(event: _Event) -> MailEvent:
    kind = _KINDS[event.event]
    words = (event.event, event.event_type, event.timestamp, event.email, event.message_id, event.iid, event.url_offset)
    return told_event(
        "insider",
        made_id(*words),
        kind,
        event.email,
        moment(event.timestamp),
        bounce_class=_CLASSES.get((event.event_type or "").lower()),
        reply=event.reason if kind is EventKind.BOUNCED else None,
        campaign=event.campaign_id,
        topic=event.unsub_group_name if event.event.startswith("group_") else None,
        message_id=event.message_id,
        automatic=is_automatic(event.user_agent),
    )
