"""Mailgun's webhooks (documentation.mailgun.com, Webhooks): `{"signature": {…}, "event-data": {…}}`.

Its signature covers a timestamp and a token, not the event: whoever has seen one could send another event under it. So
a token counts for one message alone, and the same message again is a repetition like any other.
"""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct, field

from verifier.core.feedback.hook import (
    Hook,
    Once,
    Outcome,
    Refusal,
    RefusalKind,
    Seconds,
    Told,
    decoded,
    is_automatic,
    made_id,
    moment,
    told_event,
    unsigned,
)
from verifier.core.feedback.signatures import hmac_matches
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

TOKEN_HOLDS = timedelta(hours=24)
"""Mailgun tries again for eight hours; older tokens are refused, so younger ones are all that has to be remembered."""
_KINDS = {
    "accepted": EventKind.SENT,
    "rejected": EventKind.REJECTED,
    "delivered": EventKind.DELIVERED,
    "failed": EventKind.BOUNCED,
    "opened": EventKind.OPENED,
    "clicked": EventKind.CLICKED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "complained": EventKind.COMPLAINED,
}
_CLASSES = {
    "bounce": BounceClass.HARD,
    "hardfail": BounceClass.HARD,
    "espblock": BounceClass.BLOCK,
    "blacklisted": BounceClass.BLOCK,
    "greylisted": BounceClass.SOFT,
    "old": BounceClass.SOFT,
}
"""Why it gave up; `generic` is what Mailgun itself did not understand."""
_SUPPRESSED = "suppress-"


class _Signature(Struct, frozen=True):
    timestamp: str
    token: str
    signature: str


class _Status(Struct, frozen=True, rename={"enhanced": "enhanced-code"}):
    code: int | str | None = None
    enhanced: str | None = None
    message: str | None = None
    description: str | None = None


class _Client(Struct, frozen=True, rename={"agent": "user-agent"}):
    bot: str | None = None
    agent: str | None = None


class _Headers(Struct, frozen=True, rename={"message_id": "message-id"}):
    message_id: str | None = None


class _Message(Struct, frozen=True):
    headers: _Headers = _Headers()


class _Event(Struct, frozen=True, rename={"status": "delivery-status", "client": "client-info"}):
    event: str
    timestamp: Seconds
    id: str = ""
    recipient: str = ""
    severity: str | None = None
    reason: str | None = None
    status: _Status = _Status()
    client: _Client = _Client()
    message: _Message = _Message()


class _Body(Struct, frozen=True):
    signature: _Signature
    event: _Event = field(name="event-data")


def read_mailgun(hook: Hook, secrets: Sequence[str]) -> Outcome:
    """`secrets` are HTTP webhook signing keys."""
    found = decoded(hook.body, _Body)
    if isinstance(found, Refusal):
        return found
    stamp, token = found.signature.timestamp, found.signature.token
    content = f"{stamp}{token}".encode("utf-8", "surrogatepass")
    if not hmac_matches(secrets, content, found.signature.signature, "sha256"):
        return unsigned("The signature is not Mailgun's: compare the HTTP webhook signing key with its settings page.")
    if not stamp.isascii() or not stamp.isdigit() or _is_old(hook, int(stamp)):
        return Refusal(RefusalKind.STALE, "The message was signed more than a day ago.")
    once = Once(made_id("mailgun", token), made_id(hook.body.decode("utf-8", "surrogateescape")))
    events = (_event(found.event),) if found.event.event in _KINDS else ()
    return Told(events, once)


def _is_old(hook: Hook, seconds: int) -> bool:
    return abs(hook.now.timestamp() - seconds) > TOKEN_HOLDS.total_seconds()


def _event(event: _Event) -> MailEvent:
    kind, status = _kind(event), event.status
    words = (status.message or status.description or "").strip()
    code = str(status.code) if status.code and not words[:3].isdigit() else ""
    spoken = " ".join(part for part in (code, words) if part) if words else ""
    return told_event(
        "mailgun",
        event.id or made_id(event.event, event.recipient, event.timestamp),
        kind,
        event.recipient,
        moment(event.timestamp),
        bounce_class=_class_of(event),
        reply=spoken if kind in (EventKind.BOUNCED, EventKind.DEFERRED) else None,
        message_id=event.message.headers.message_id,
        automatic=bool(event.client.bot) or is_automatic(event.client.agent),
    )


def _kind(event: _Event) -> EventKind:
    if event.event != "failed":
        return _KINDS[event.event]
    if (event.reason or "").startswith(_SUPPRESSED):
        return EventKind.REJECTED
    return EventKind.DEFERRED if event.severity == "temporary" else EventKind.BOUNCED


def _class_of(event: _Event) -> BounceClass:
    if event.severity != "permanent":
        return BounceClass.UNDETERMINED
    return _CLASSES.get(event.reason or "", BounceClass.UNDETERMINED)
