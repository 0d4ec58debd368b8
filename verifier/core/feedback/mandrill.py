"""Mandrill's webhooks (mailchimp.com/developer/transactional, Track and Respond to Activity with Webhooks).

A form whose `mandrill_events` is a JSON array; signed with HMAC-SHA1 over the URL, as it was entered there, and the
form's fields in the order of their names.
"""

from collections.abc import Sequence

from msgspec import Struct

from verifier.core.feedback.hook import (
    Hook,
    Outcome,
    Refusal,
    Seconds,
    Told,
    decoded_events,
    form_of,
    is_automatic,
    made_id,
    malformed,
    moment,
    told_event,
    unsigned,
)
from verifier.core.feedback.signatures import hmac_matches
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

_KINDS = {
    "send": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "deferral": EventKind.DEFERRED,
    "hard_bounce": EventKind.BOUNCED,
    "soft_bounce": EventKind.BOUNCED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
    "spam": EventKind.COMPLAINED,
    "unsub": EventKind.UNSUBSCRIBED,
    "reject": EventKind.REJECTED,
}
_ABOUT_SENDER = ("spam", "policy", "blocked")
"""Of `bounce_description`, where the mail server's own words (`diag`) were not passed on."""
_LISTED = {
    "hard-bounce": EventKind.BOUNCED,
    "spam": EventKind.COMPLAINED,
    "unsub": EventKind.UNSUBSCRIBED,
}


class _Message(Struct, frozen=True):
    email: str = ""
    _id: str = ""
    diag: str | None = None
    bounce_description: str | None = None


class _Reject(Struct, frozen=True):
    email: str = ""
    reason: str = ""


class _Event(Struct, frozen=True):
    ts: Seconds
    event: str = ""
    _id: str = ""
    msg: _Message = _Message()
    user_agent: str | None = None
    type: str = ""
    action: str = ""
    reject: _Reject | None = None


def read_mandrill(hook: Hook, secrets: Sequence[str]) -> Outcome:
    """`secrets` are webhook keys."""
    form = form_of(hook)
    if isinstance(form, Refusal):
        return form
    signed = hook.url + "".join(name + form[name] for name in sorted(form))
    given = hook.headers.get("x-mandrill-signature", "")
    if not hmac_matches(secrets, signed.encode("utf-8", "surrogatepass"), given, "sha1"):
        return unsigned(
            "The signature is not Mandrill's: compare the webhook key, and the URL that was entered there, letter by"
            " letter, with where this service is reached (VERIFIER_HTTP_PUBLIC_URL)."
        )
    if "mandrill_events" not in form:
        return malformed("The form has no `mandrill_events`.")
    found = decoded_events(form["mandrill_events"].encode("utf-8", "surrogatepass"), _Event, _KINDS.__contains__)
    if isinstance(found, Refusal):
        return found
    return Told(tuple(event for each in found if (event := _event(each)) is not None))


def _event(event: _Event) -> MailEvent | None:
    if event.reject is not None:
        return _listed(event, event.reject)
    if event.event not in _KINDS:
        return None
    kind, message = _KINDS[event.event], event.msg
    return told_event(
        "mandrill",
        made_id(event.event, event.ts, event._id or message._id, message.email),
        kind,
        message.email,
        moment(event.ts),
        bounce_class=_class_of(event),
        reply=message.diag if kind is EventKind.BOUNCED else None,
        message_id=event._id or message._id,
        automatic=is_automatic(event.user_agent),
    )


def _class_of(event: _Event) -> BounceClass:
    own = BounceClass.HARD if event.event == "hard_bounce" else BounceClass.SOFT
    return BounceClass.BLOCK if event.msg.bounce_description in _ABOUT_SENDER else own


def _listed(event: _Event, reject: _Reject) -> MailEvent | None:
    """Somebody was put on Mandrill's own list."""
    kind = _LISTED.get(reject.reason)
    if kind is None or event.action != "add":
        return None
    event_id = made_id("list", event.ts, reject.email, reject.reason)
    return told_event("mandrill", event_id, kind, reject.email, moment(event.ts), bounce_class=BounceClass.HARD)
