"""Messages that tell of messages: delivery status notifications (RFC 3464, 6533) and abuse reports (ARF, RFC 5965).

Abuse reports of Outlook.com, which are none by their form, are known by the header that they carry; bounces that people
are meant to read (qmail, Exim, IONOS) are text_bounces.py's. Nobody signs such a message: whoever feeds them in vouches
for the mailbox that they came from. The same message (its Message-ID) counts once.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from verifier.core.feedback.bounces import class_of_status
from verifier.core.feedback.hook import LARGEST_BODY, Outcome, Told, made_id, malformed, told_event, too_large
from verifier.core.feedback.report_parts import (
    address,
    blocks_of,
    field,
    fields,
    fields_of,
    first_of,
    original_of,
    parts_of,
    status_of,
    text_of,
    typed,
)
from verifier.core.feedback.text_bounces import failed_recipients
from verifier.core.mail_events import EventKind, MailEvent

_ACTIONS = {
    "failed": EventKind.BOUNCED,
    "delayed": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "relayed": EventKind.SENT,
    "expanded": EventKind.SENT,
}
_ABUSE = EventKind.COMPLAINED
_FEEDBACK = {
    "abuse": _ABUSE,
    "fraud": _ABUSE,
    "other": _ABUSE,
    "opt-out": EventKind.UNSUBSCRIBED,
    "opt-out-list": EventKind.UNSUBSCRIBED,
}
_MOST_RECIPIENTS = 1000
_TOKEN = re.compile(r"/unsubscribe/([A-Za-z0-9_-]{20,1000})(?![A-Za-z0-9_-])")
_JUNK_REPORT = "X-HmXmrOriginalRecipient"
"""Outlook.com's Junk Mail Reporting Program names the recipient by it, in the mail that it passes on."""


def _nobody(_token: str) -> str:
    return ""


def read_report(raw: bytes, now: datetime, recipient_of: Callable[[str], str] = _nobody) -> Outcome:
    """The events of one message, as it stands in a mailbox; nothing of one that is cut off, or is neither form.

    `recipient_of` a token of our unsubscribe links is whose mail it stood in ("" for nobody's): the link is there where
    an abuse report hides the address.
    """
    if len(raw) > LARGEST_BODY:
        return too_large(len(raw))
    try:
        message = message_from_bytes(raw)
        parts = parts_of(message)
        name, at = _name_of(message, raw), _date_of(message, now)
        status, report = status_of(parts), first_of(parts, "message/feedback-report")
        if report is not None:
            return _feedback(report, parts, name, at, recipient_of)
        if status is not None:
            return _status(status, parts, name, at)
        reported = next((email for part in parts if (email := address(field(part, _JUNK_REPORT)))), "")
        if reported:
            original_id = _id_of(original_of(parts, None))
            return Told((told_event("arf", made_id(name, reported), _ABUSE, reported, at, message_id=original_id),))
        failed = failed_recipients(
            message, next((text_of(p) for p in parts if p.get_content_type() == "text/plain"), "")
        )
    except (MessageError, ValueError, LookupError, RecursionError) as error:
        return malformed(f"The message cannot be read: {error}.")
    if not failed:
        return malformed("The message is neither a bounce nor an abuse report.")
    return Told(
        tuple(
            told_event("dsn", made_id(name, email), EventKind.BOUNCED, email, at, reply=reply or None)
            for email, reply in failed[:_MOST_RECIPIENTS]
        )
    )


def _status(status: Message, parts: Sequence[Message], name: str, at: datetime) -> Outcome:
    message_id = _id_of(original_of(parts, status))
    events: list[MailEvent] = []
    for number, block in enumerate(blocks_of(status)[:_MOST_RECIPIENTS]):
        email = address(field(block, "Original-Recipient")) or address(field(block, "Final-Recipient"))
        kind = _ACTIONS.get(_first_word(field(block, "Action")).lower())
        if not email or kind is None:
            continue
        code = _first_word(field(block, "Status"))
        event = told_event(
            "dsn",
            made_id(name, number, email),
            kind,
            email,
            at,
            bounce_class=class_of_status(code),
            reply=typed(block, "Diagnostic-Code") or code or None,
            message_id=message_id,
            mx_host=_first_word(typed(block, "Remote-MTA")).rstrip("."),
        )
        events.append(event)
    if not events:
        return malformed("The delivery status names no recipient with an action: the message was cut off.")
    return Told(tuple(events))


def _feedback(
    report: Message, parts: Sequence[Message], name: str, at: datetime, recipient_of: Callable[[str], str]
) -> Outcome:
    said = fields_of(report)
    kind_name = field(said, "Feedback-Type").lower()
    if not kind_name:
        return malformed("The report has no Feedback-Type: the message was cut off.")
    kind = _FEEDBACK.get(kind_name)
    if kind is None:
        return Told(())
    original = original_of(parts, report)
    emails = [email for value in fields(said, "Original-Rcpt-To") if (email := address(value))]
    if not emails and original is not None:
        tokens = _TOKEN.findall(field(original, "List-Unsubscribe"))
        emails = [email for token in tokens if (email := recipient_of(token))][:1]
    if not emails and original is not None:
        emails = [email for _, email in getaddresses(list(fields(original, "To"))) if "@" in email]
        if len(emails) > 1:
            return malformed("The report does not say which of the mail's recipients complained.")
    if not emails:
        return malformed(
            "The report names no recipient: its provider hides them. Mail of yours that carries the recipient's own"
            " unsubscribe link (`verifier feedback link`) tells whose it was."
        )
    events = (
        told_event("arf", made_id(name, email), kind, email, at, message_id=_id_of(original))
        for email in emails[:_MOST_RECIPIENTS]
    )
    return Told(tuple(events))


def _id_of(original: Message | None) -> str | None:
    return field(original, "Message-ID") or None if original is not None else None


def _first_word(text: str) -> str:
    return next(iter(text.split()), "")


def _name_of(message: Message, raw: bytes) -> str:
    return str(message.get("Message-ID", "")).strip() or made_id(raw.decode("latin-1"))


def _date_of(message: Message, now: datetime) -> datetime:
    try:
        at = parsedate_to_datetime(str(message.get("Date", "")))
    except ValueError:
        return now
    return min(at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC), now)
