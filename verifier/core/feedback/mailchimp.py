"""Mailchimp's audience webhooks (mailchimp.com/developer, Sync Audience Data with Webhooks): a form.

It signs nothing: the key in the URL is what is trusted. Its clock is UTC and its times name no zone.
"""

from collections.abc import Mapping, Sequence

from verifier.core.feedback.hook import (
    Hook,
    Outcome,
    Refusal,
    Told,
    form_of,
    made_id,
    malformed,
    moment_of,
    told_event,
)
from verifier.core.mail_events import BounceClass, EventKind

_TYPES = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign")


def read_mailchimp(hook: Hook, _secrets: Sequence[str]) -> Outcome:
    """The events of a message, or why it is refused; nothing is signed, so no secret is looked at."""
    form = form_of(hook)
    if isinstance(form, Refusal):
        return form
    if form.get("type") not in _TYPES:
        return malformed("The form has no `type` that Mailchimp sends.")
    kind = _kind(form)
    if kind is None:
        return Told(())
    at, email = moment_of(form.get("fired_at", "")), form.get("data[email]", "")
    if at is None or not email:
        return malformed("The form has no `fired_at` and `data[email]`.")
    event = told_event(
        "mailchimp",
        made_id(form["type"], form["fired_at"], form.get("data[list_id]", ""), email),
        kind,
        email,
        at,
        bounce_class=BounceClass.HARD,
        campaign=form.get("data[campaign_id]"),
    )
    return Told((event,))


def _kind(form: Mapping[str, str]) -> EventKind | None:
    reason = form.get("data[reason]", "")
    match form["type"]:
        case "subscribe":
            return EventKind.SUBSCRIBED
        case "unsubscribe":
            return EventKind.COMPLAINED if reason == "abuse" else EventKind.UNSUBSCRIBED
        case "cleaned":
            return EventKind.COMPLAINED if reason == "abuse" else EventKind.BOUNCED
    return None
