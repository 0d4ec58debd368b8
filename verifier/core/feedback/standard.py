"""Any sender of Standard Webhooks (standardwebhooks.com, 1.0; Svix is the same): `{"type", "timestamp", "data"}`.

Signed with HMAC-SHA256 (`v1`) or Ed25519 (`v1a`) over id, time and body, five minutes at most before it is read. What a
`type` means is read from its words; whose mail it is from the fields that senders use for it.
"""

import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from verifier.core.feedback.hook import (
    LARGEST_BODY,
    Hook,
    Outcome,
    Refusal,
    RefusalKind,
    Seconds,
    Told,
    decoded,
    made_id,
    malformed,
    moment,
    moment_of,
    told_event,
    too_large,
    unsigned,
)
from verifier.core.feedback.signatures import bytes_match, ed25519_matches, from_base64
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

_HOLDS = timedelta(minutes=5)
_KINDS = {
    "sent": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "delivery_delayed": EventKind.DEFERRED,
    "delayed": EventKind.DEFERRED,
    "deferred": EventKind.DEFERRED,
    "transient_error": EventKind.DEFERRED,
    **dict.fromkeys(("bounced", "hard_bounced", "soft_bounced"), EventKind.BOUNCED),
    **dict.fromkeys(("bounce", "hard_bounce", "soft_bounce"), EventKind.BOUNCED),
    "suppressed": EventKind.REJECTED,
    "rejected": EventKind.REJECTED,
    **dict.fromkeys(("complained", "complaint", "spam_complaint", "spam_reported", "spam"), EventKind.COMPLAINED),
    **dict.fromkeys(("unsubscribed", "unsubscribe"), EventKind.UNSUBSCRIBED),
    "subscribed": EventKind.SUBSCRIBED,
    "resubscribed": EventKind.SUBSCRIBED,
    "opened": EventKind.OPENED,
    "clicked": EventKind.CLICKED,
}
_CLASSES = {
    "hard": BounceClass.HARD,
    "permanent": BounceClass.HARD,
    "soft": BounceClass.SOFT,
    "transient": BounceClass.SOFT,
    "temporary": BounceClass.SOFT,
    "block": BounceClass.BLOCK,
    "blocked": BounceClass.BLOCK,
}
_CONTACTS = ("contact.created", "contact.updated")
"""How Resend tells that somebody has left: his contact has `unsubscribed` then. That it has not, says nothing new."""
_ABOUT_MESSAGE = ("ContentRejected", "MessageTooLarge", "AttachmentRejected")
"""Of `bounce.subType`, which is Amazon's: the mailbox is not to blame."""
_CAPITAL = re.compile(r"(?<=[a-z])([A-Z])")


class _Bounce(Struct, frozen=True, rename={"sub_type": "subType"}):
    type: str | None = None
    sub_type: str | None = None
    message: str | None = None


class _Contact(Struct, frozen=True):
    email: str | None = None


class _Data(Struct, frozen=True, rename={"contact": "contactIdentity"}):
    email: str | _Contact | None = None
    to: str | list[str] | None = None
    recipient: str | None = None
    email_id: str | None = None
    message_id: str | None = None
    bounce: _Bounce | None = None
    bounce_type: str | None = None
    reason: str | None = None
    response: str | None = None
    contact: _Contact | None = None
    unsubscribed: bool = False


class _Named(Struct, frozen=True):
    type: str


class _Body(Struct, frozen=True):
    type: str
    data: _Data
    timestamp: str | Seconds | None = None
    created_at: str | None = None


def read_standard(hook: Hook, secrets: Sequence[str]) -> Outcome:
    """`secrets` are `whsec_…` secrets or `whpk_…` public keys."""
    if len(hook.body) > LARGEST_BODY:
        return too_large(len(hook.body))
    name, stamp, signatures = (_header(hook, part) for part in ("id", "timestamp", "signature"))
    content = f"{name}.{stamp}.".encode("utf-8", "surrogatepass") + hook.body
    if not any(_signed(secret, content, given) for secret in secrets for given in signatures.split(" ")):
        return unsigned("The signature is of none of the secrets that were set here.")
    if not stamp.isascii() or not stamp.isdigit() or abs(hook.now.timestamp() - int(stamp)) > _HOLDS.total_seconds():
        return Refusal(RefusalKind.STALE, "The message was signed more than five minutes ago, or the clock is wrong.")
    named = decoded(hook.body, _Named)
    if isinstance(named, Refusal):
        return named
    word = _CAPITAL.sub(r"_\1", named.type.rpartition(".")[2]).replace("-", "_").lower()
    kind = EventKind.UNSUBSCRIBED if named.type in _CONTACTS else _KINDS.get(word)
    if kind is None:
        return Told(())
    found = decoded(hook.body, _Body)
    if isinstance(found, Refusal):
        return found
    if named.type in _CONTACTS and not found.data.unsubscribed:
        return Told(())
    emails = _emails(found.data)
    if not emails:
        return malformed("The event names no recipient: neither `to` nor `email` nor `recipient`.")
    at = found.timestamp or found.created_at
    when = moment(at) if isinstance(at, float) else moment_of(at or "") or moment(int(stamp))
    return Told(tuple(_event(name, word, kind, email, when, found.data) for email in emails))


def _event(name: str, word: str, kind: EventKind, email: str, at: datetime, data: _Data) -> MailEvent:
    bounce = data.bounce or _Bounce()
    own = (word.partition("_")[0] if "_" in word else bounce.type or data.bounce_type or "").lower()
    return told_event(
        "standard",
        made_id(name, email),
        kind,
        email,
        at,
        bounce_class=BounceClass.BLOCK if bounce.sub_type in _ABOUT_MESSAGE else _CLASSES.get(own),
        reply=bounce.message or data.response or data.reason if kind is EventKind.BOUNCED else None,
        message_id=data.message_id or data.email_id,
    )


def _emails(data: _Data) -> list[str]:
    if isinstance(data.to, list):
        return data.to
    contact = data.email.email if isinstance(data.email, _Contact) else data.email
    found = data.to or data.recipient or contact or (data.contact.email if data.contact is not None else None)
    return [found] if found else []


def is_standard_secret(secret: str) -> bool:
    """`whsec_…` or `whpk_…`, with a key behind it."""
    return secret.startswith(("whsec_", "whpk_")) and bool(from_base64(secret.partition("_")[2]))


def _signed(secret: str, content: bytes, given: str) -> bool:
    version, _, text = given.partition(",")
    signature = from_base64(text)
    key = from_base64(secret.partition("_")[2])
    if signature is None or not key:
        return False
    if version == "v1a":
        return secret.startswith("whpk_") and ed25519_matches(key, content, signature)
    return (
        version == "v1" and secret.startswith("whsec_") and bytes_match(hmac.digest(key, content, "sha256"), signature)
    )


def _header(hook: Hook, part: str) -> str:
    return hook.headers.get(f"webhook-{part}") or hook.headers.get(f"svix-{part}", "")
