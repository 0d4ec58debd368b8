"""Reads SMTP replies: what one says, whom it blames, and by which rule.

Law: a reply is about the mailbox only when a rule says so; the number alone never is.
(RFC 5321 §4.2, RFC 3463, RFC 2034; the order of reading is in docs/architecture.md.)
"""

from enum import StrEnum

from msgspec import Struct


class SmtpStage(StrEnum):
    """The command that a reply answers; `banner` answers the connection itself."""

    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"


class ReplyClass(StrEnum):
    """What one SMTP reply says."""

    ACCEPTED = "accepted"
    MAILBOX_NOT_FOUND = "mailbox_not_found"
    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX_FULL = "mailbox_full"
    RECIPIENT_RESTRICTED = "recipient_restricted"
    GREYLISTED = "greylisted"
    RATE_LIMITED = "rate_limited"
    TEMP_ERROR = "temp_error"
    SENDER_REFUSED = "sender_refused"
    CLIENT_REFUSED = "client_refused"
    POLICY_REFUSED = "policy_refused"
    RELAY_DENIED = "relay_denied"
    TOO_MANY = "too_many"
    SESSION_FATAL = "session_fatal"
    PROTOCOL_ERROR = "protocol_error"
    UNRECOGNISED = "unrecognised"


class Reply(Struct, frozen=True):
    """One whole SMTP reply: `code` 200-599, `enhanced` such as "5.1.1" or None, `text` with the lines joined by a space."""

    code: int
    enhanced: str | None
    text: str


class Reading(Struct, frozen=True):
    """What a reply was taken to say: its class, the rule that spoke, and the wait in seconds that it asked for."""

    reply_class: ReplyClass
    rule: str
    retry_after_s: int | None = None
    ambiguous: bool = False
    """The text alone does not decide: a control comparison may."""
