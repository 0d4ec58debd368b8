"""Messages that tell of messages: delivery status notifications (RFC 3464) and abuse reports (ARF, RFC 5965).

Bounces of Exim, which are neither, are read by their `X-Failed-Recipients`. Nobody signs such a message: whoever feeds
them in vouches for the mailbox that they came from. The same message (its Message-ID) counts once.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from verifier.core.feedback.bounces import class_of_status
from verifier.core.feedback.hook import (
    LARGEST_BODY,
    Outcome,
    Told,
    made_id,
    malformed,
    told_event,
    too_large,
)
from verifier.core.mail_events import EventKind, MailEvent

_ACTIONS = {
    "failed": EventKind.BOUNCED,
    "delayed": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "relayed": EventKind.SENT,
    "expanded": EventKind.SENT,
}
_FEEDBACK = {
    "abuse": EventKind.COMPLAINED,
    "fraud": EventKind.COMPLAINED,
    "other": EventKind.COMPLAINED,
    "opt-out": EventKind.UNSUBSCRIBED,
    "opt-out-list": EventKind.UNSUBSCRIBED,
}
_MOST_PARTS = 100
_MOST_RECIPIENTS = 1000


def read_report(raw: bytes, now: datetime) -> Outcome:
    """The events of one message, as it stands in a mailbox; nothing of one that is cut off, or is neither form."""
    if len(raw) > LARGEST_BODY:
        return too_large(len(raw))
    try:
        message = message_from_bytes(raw)
        parts = list(_parts(message))
        name, at = _name_of(message, raw), _date_of(message, now)
        status, report = _first(parts, "message/delivery-status"), _first(parts, "message/feedback-report")
        if report is not None:
            return _feedback(report, parts, name, at)
        if status is not None:
            return _status(status, parts, name, at)
        if message.get("X-Failed-Recipients"):
            return _failed_recipients(message, parts, name, at)
    except (MessageError, ValueError, LookupError, RecursionError) as error:
        return malformed(f"The message cannot be read: {error}.")
    return malformed("The message is neither a delivery status notification nor an abuse report.")


def _status(status: Message, parts: list[Message], name: str, at: datetime) -> Outcome:
    blocks = status.get_payload()
    if not isinstance(blocks, list):
        return malformed("The delivery status is empty.")
    message_id = _original_id(parts)
    events: list[MailEvent] = []
    for number, block in enumerate(blocks[:_MOST_RECIPIENTS]):
        email = _typed(block, "Original-Recipient") or _typed(block, "Final-Recipient")
        kind = _ACTIONS.get(str(block.get("Action", "")).strip().lower())
        if not email or kind is None:
            continue
        found = str(block.get("Status", "")).split()
        event = told_event(
            "dsn",
            made_id(name, number, email),
            kind,
            email,
            at,
            bounce_class=class_of_status(found[0] if found else ""),
            reply=_typed(block, "Diagnostic-Code") or (found[0] if found else None),
            message_id=message_id,
            mx_host=_typed(block, "Remote-MTA"),
        )
        events.append(event)
    if not events:
        return malformed("The delivery status names no recipient with an action: the message was cut off.")
    return Told(tuple(events))


def _feedback(report: Message, parts: list[Message], name: str, at: datetime) -> Outcome:
    fields = _fields(report)
    kind_name = str(fields.get("Feedback-Type", "")).strip().lower()
    if not kind_name:
        return malformed("The report has no Feedback-Type: the message was cut off.")
    kind = _FEEDBACK.get(kind_name)
    if kind is None:
        return Told(())
    emails = [_bare(str(value)) for value in fields.get_all("Original-Rcpt-To", [])]
    original = _original(parts)
    if not emails and original is not None:
        emails = [email for _, email in getaddresses([str(v) for v in original.get_all("To", [])]) if "@" in email]
    if not emails:
        return malformed("The report names no recipient: its provider hides them, and mail of yours has to carry one.")
    events = (
        told_event("arf", made_id(name, email), kind, email, at, message_id=_original_id(parts))
        for email in emails[:_MOST_RECIPIENTS]
    )
    return Told(tuple(events))


def _failed_recipients(message: Message, parts: list[Message], name: str, at: datetime) -> Outcome:
    emails = [email for _, email in getaddresses([str(v) for v in message.get_all("X-Failed-Recipients", [])])]
    text = next((_text(part) for part in parts if part.get_content_type() == "text/plain"), "")
    said = [line.strip() for line in text.splitlines() if line.strip()]
    events = []
    for email in emails[:_MOST_RECIPIENTS]:
        place = next((number for number, line in enumerate(said) if email.lower() in line.lower()), None)
        reply = " ".join(said[place + 1 : place + 5]) if place is not None else ""
        event = told_event("dsn", made_id(name, email), EventKind.BOUNCED, email, at, reply=reply or None)
        events.append(event)
    return Told(tuple(events)) if events else malformed("X-Failed-Recipients names nobody.")


def _parts(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= _MOST_PARTS:
            raise ValueError(f"it has more than {_MOST_PARTS} parts")
        yield part


def _first(parts: list[Message], media_type: str) -> Message | None:
    return next((part for part in parts if part.get_content_type() == media_type), None)


def _fields(report: Message) -> Message:
    """The fields of a message/feedback-report, which the parser takes for headers of a message inside, or for text."""
    inside = report.get_payload()
    if isinstance(inside, list) and inside and isinstance(inside[0], Message):
        return inside[0]
    return message_from_bytes(_text(report).encode("utf-8", "surrogateescape") + b"\n\n")


def _original(parts: list[Message]) -> Message | None:
    for media_type in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
        part = _first(parts, media_type)
        if part is None:
            continue
        inside = part.get_payload()
        if isinstance(inside, list) and inside and isinstance(inside[0], Message):
            return inside[0]
        return message_from_bytes(_text(part).encode("utf-8", "surrogateescape") + b"\n\n")
    return None


def _original_id(parts: list[Message]) -> str | None:
    original = _original(parts)
    return str(original.get("Message-ID", "")).strip() or None if original is not None else None


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "surrogateescape") if isinstance(payload, bytes) else ""


def _typed(block: Message, name: str) -> str:
    """The value behind `rfc822;`, `smtp;` or `dns;`, on one line."""
    text = " ".join(str(block.get(name, "")).split())
    return _bare(text.partition(";")[2] if ";" in text else text)


def _bare(text: str) -> str:
    text = text.strip()
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text


def _name_of(message: Message, raw: bytes) -> str:
    return str(message.get("Message-ID", "")).strip() or made_id(raw.decode("latin-1"))


def _date_of(message: Message, now: datetime) -> datetime:
    try:
        at = parsedate_to_datetime(str(message.get("Date", "")))
    except ValueError:
        return now
    return min(at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC), now)
