"""Mailjet's Event API (dev.mailjet.com, Webhooks): one object, or an array where events are grouped.

It signs nothing: the key in the URL or as the basic password is what is trusted. `sent` is a delivery: the recipient's
exchange has taken the message.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from verifier.core.feedback.hook import (
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
)
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

_KINDS = {
    "sent": EventKind.DELIVERED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
    "bounce": EventKind.BOUNCED,
    "blocked": EventKind.REJECTED,
    "spam": EventKind.COMPLAINED,
    "unsub": EventKind.UNSUBSCRIBED,
}
_ABOUT_SENDER = ("spam", "content", "policy", "mailjet", "system")
_ABOUT_SENDER_ERRORS = (
    "sender blocked",
    "content blocked",
    "policy issue",
    "preblocked",
    "blacklisted",
    "spam reporter",
    "duplicate in campaign",
    "system issue",
    "protocol issue",
    "connection issue",
    "greylisted",
)


class _Event(Struct, frozen=True, rename={"message_id": "MessageID", "guid": "Message_GUID"}):
    event: str
    time: Seconds
    email: str = ""
    message_id: int | str = 0
    guid: str = ""
    mj_campaign_id: int | str = 0
    customcampaign: str | None = None
    hard_bounce: bool | str = False
    error_related_to: str | None = None
    error: str | None = None
    comment: str | None = None
    agent: str | None = None


def read_mailjet(hook: Hook, _secrets: Sequence[str]) -> Outcome:
    """The events of a message, or why it is refused; nothing is signed, so no secret is looked at."""
    found = decoded_events(hook.body, _Event, _KINDS.__contains__)
    if isinstance(found, Refusal):
        return found
    return Told(tuple(_event(event) for event in found if event.event in _KINDS))


def _event(event: _Event) -> MailEvent:
    kind = _KINDS[event.event]
    return told_event(
        "mailjet",
        made_id(*msgspec.structs.astuple(event)),
        kind,
        event.email,
        moment(event.time),
        bounce_class=_class_of(event),
        reply=event.comment or event.error if kind is EventKind.BOUNCED else None,
        campaign=event.customcampaign or event.mj_campaign_id,
        message_id=event.guid or event.message_id,
        automatic=is_automatic(event.agent),
    )


def _class_of(event: _Event) -> BounceClass:
    if (event.error_related_to or "") in _ABOUT_SENDER or (event.error or "") in _ABOUT_SENDER_ERRORS:
        return BounceClass.BLOCK
    return BounceClass.HARD if event.hard_bounce in (True, "true", "1") else BounceClass.SOFT
