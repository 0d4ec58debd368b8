"""Brevo's webhooks (developers.brevo.com, transactional and marketing): one event a message, or an array of them.

It signs nothing: the key in the URL, as the basic password or as a bearer token is what is trusted. Events have no
name of their own; `ts_epoch` alone is surely UTC.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from verifier.core.feedback.hook import (
    Hook,
    Milliseconds,
    Outcome,
    Refusal,
    Seconds,
    Told,
    decoded_events,
    made_id,
    malformed,
    moment,
    told_event,
)
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

_KINDS = {
    "request": EventKind.SENT,
    "sent": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DEFERRED,
    "hard_bounce": EventKind.BOUNCED,
    "soft_bounce": EventKind.BOUNCED,
    "invalid": EventKind.BOUNCED,
    "invalid_email": EventKind.BOUNCED,
    "blocked": EventKind.REJECTED,
    "error": EventKind.REJECTED,
    "spam": EventKind.COMPLAINED,
    "complaint": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "opened": EventKind.OPENED,
    "unique_opened": EventKind.OPENED,
    "proxy_open": EventKind.OPENED,
    "unique_proxy_open": EventKind.OPENED,
    "click": EventKind.CLICKED,
}
_CLASSES = {"hard_bounce": BounceClass.HARD, "soft_bounce": BounceClass.SOFT}
_LEAST_MILLISECONDS = 100_000_000_000
_CAPITAL = re.compile(r"(?<=[a-z])([A-Z])")


class _Event(Struct, frozen=True, rename={"message_id": "message-id"}):
    event: str
    email: str | list[str] = ""
    ts_epoch: Milliseconds | None = None
    ts_event: Seconds | None = None
    ts: Seconds | None = None
    message_id: str = ""
    reason: str | None = None
    camp_id: int | str | None = None
    link: str | None = None


def read_brevo(hook: Hook, _secrets: Sequence[str]) -> Outcome:
    """The events of a message, or why it is refused; nothing is signed, so no secret is looked at."""
    found = decoded_events(hook.body, _Event, lambda name: _plain(name) in _KINDS)
    if isinstance(found, Refusal):
        return found
    events: list[MailEvent] = []
    for event in found:
        name = _plain(event.event)
        if name not in _KINDS:
            continue
        seconds = _seconds(event)
        if seconds is None:
            return malformed("An event has neither ts_epoch nor ts_event nor ts: when it happened is not told.")
        events += [_event(event, name, email, seconds) for email in _emails(event)]
    return Told(tuple(events))


def _event(event: _Event, name: str, email: str, seconds: float) -> MailEvent:
    kind = _KINDS[name]
    return told_event(
        "brevo",
        made_id(name, email, seconds, event.message_id, event.camp_id, event.link),
        kind,
        email,
        moment(seconds),
        bounce_class=_CLASSES.get(name),
        reply=event.reason if kind in (EventKind.BOUNCED, EventKind.DEFERRED) else None,
        campaign=event.camp_id,
        message_id=event.message_id,
        automatic=name in ("proxy_open", "unique_proxy_open"),
    )


def _plain(name: str) -> str:
    """The name of an event, which Brevo also writes `hardBounce`."""
    return _CAPITAL.sub(r"_\1", name).lower()


def _emails(event: _Event) -> list[str]:
    return [event.email] if isinstance(event.email, str) else event.email


def _seconds(event: _Event) -> float | None:
    if event.ts_epoch is not None:
        return event.ts_epoch / 1000 if event.ts_epoch >= _LEAST_MILLISECONDS else event.ts_epoch
    return event.ts_event if event.ts_event is not None else event.ts
