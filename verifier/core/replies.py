"""Reads SMTP replies: their lines into one value, their text into one that may be kept and matched.

Law: a reply is about the mailbox only when a rule says so; the number alone never is.
(RFC 5321 §4.2, RFC 3463, RFC 2034; the order of reading is in docs/architecture.md, the rules in core/reply_rules.py.)
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

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
    """One whole SMTP reply: `code` 200-599 (0 where none could be read), `enhanced` such as "5.1.1" or None, `text`
    with the lines joined by a space, no more of it than `mask` looks at: a domain's replies are kept until its controls
    have spoken."""

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


TEXT_LIMIT = 500
"""Characters of a masked text that are kept and matched; the rest of a longer one is dropped."""

RAW_LIMIT = 8 * TEXT_LIMIT
"""Characters of a text that are looked at in order to mask it."""

ENHANCED = r"[245]\.[0-7]\.\d{1,3}"
"""An enhanced code as a regular expression (RFC 3463 §2)."""

_USUAL_TEXTS = 256
_USUAL_LENGTH = 80

_LINE = re.compile(
    rf"\s*([2-5]\d\d)(?!\d|\.\d+\.)[ \t-]*(?:[#(\[]*({ENHANCED})(?![\d.])[)\]:,]*[ \t-]*)?(.*)", re.DOTALL
)
_LINK = re.compile(r"://[^\s<>\"]+")
_HASHED = re.compile(rf"#\s?({ENHANCED})(?![\d.])")
_WITHIN = re.compile(rf"(?<![\w.])({ENHANCED})(?![\w.]*\d)")


def parse_reply(lines: Sequence[str]) -> Reply:
    """The reply that `lines` (without their line ends) are, whatever liberties the server took (RFC 5321 §4.2.1).

    The code is the first line's; on each line that repeats it the code and the enhanced code are taken off, also where
    the space is missing or the enhanced code reads `#5.1.0`. Where no line begins with an enhanced code, one inside
    the text counts (`(#5.1.1)`). Never raises: without a code it is 0.
    """
    if not lines:
        return Reply(0, None, "")
    if len(lines) == 1:
        line = lines[0]
        return _usual_reply(line) if _is_usual(line) else _reply_of(line)
    first = _LINE.match(lines[0])
    if first is None:
        return Reply(0, None, " ".join(line.strip() for line in lines)[:RAW_LIMIT])
    code, enhanced = first[1], first[2]
    texts = [first[3].strip()]
    for line in lines[1:]:
        matched = _LINE.match(line)
        if matched is None or matched[1] != code:
            texts.append(line.strip())
            continue
        enhanced = enhanced or matched[2]
        texts.append(matched[3].strip())
    text = " ".join(text for text in texts if text)
    return Reply(int(code), enhanced or enhanced_code_in(text), text[:RAW_LIMIT])


def _reply_of(line: str) -> Reply:
    matched = _LINE.match(line)
    if matched is None:
        return Reply(0, None, line.strip()[:RAW_LIMIT])
    text = matched[3].strip()
    return Reply(int(matched[1]), matched[2] or enhanced_code_in(text), text[:RAW_LIMIT])


_usual_reply = lru_cache(_USUAL_TEXTS)(_reply_of)


def _is_usual(text: str) -> bool:
    """A host may say it to everybody: most replies of a list are `250 2.1.5 Ok`, and need not be read each time."""
    return len(text) <= _USUAL_LENGTH and "@" not in text


def enhanced_code_in(text: str) -> str | None:
    """The enhanced code that stands somewhere in `text` outside its links, `#5.1.1` before any other."""
    if "." not in text:
        return None
    spoken = _LINK.sub(" ", text) if "://" in text else text
    found = _HASHED.search(spoken) or _WITHIN.search(spoken)
    return found[1] if found else None


_SPACES = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
_ADDRESS = re.compile(
    r"""(?<![^\s<>()\[\],;:"@])[<(]?(?:"[^"@]{1,64}"|[^\s<>()\[\],;:"@]++)@(?:\[[^\]\s]{0,255}\]|[^\s<>()\[\],;:"@]+)[>)]?"""
)
_LONE_AT = re.compile(r"(?<!\S)[^\s@]*@\S*")
_HEXADECIMAL = r"[0-9a-fA-F]"
_IP_V4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IP_V6 = re.compile(
    rf"(?<![\w:])(?!\d{{1,3}}:\d\d:\d\d(?![\w:]))(?:{_HEXADECIMAL}{{1,4}}:){{2,7}}(?:{_HEXADECIMAL}{{1,4}}|:)?(?![\w:])"
    rf"|(?<![\w:])(?:{_HEXADECIMAL}{{1,4}}:){{1,6}}(?::{_HEXADECIMAL}{{1,4}}){{1,6}}(?![\w:])"
)
_DIGIT = re.compile(r"\d")
_LONG_WORD = re.compile(r"(?<![\w./@-])[0-9A-Za-z][0-9A-Za-z-]{8,}+(?![\w@])(?:\.\d{1,4}(?![^\s)\]>,;]))?")
_IDENTIFIER = re.compile(
    r"(?=[A-Za-z]*\d+[A-Za-z]+\d|\d*[A-Za-z]+\d+[A-Za-z])[0-9A-Za-z]{10,}"
    r"|(?=.*\d)[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}"
    r"|(?=.*\d)[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,}){1,4}"
    r"|(?=.*[a-fA-F])(?=.*\d)[0-9a-fA-F]{9,}"
    r"|(?=.*\d)[0-9A-Za-z]{1,6}-[0-9A-Za-z]{16,}"
)
_NAMED_IDENTIFIER = re.compile(r"((?<![A-Za-z])(?:id|ID|Id)[=:] ?|queued as )[\w<][^\s;,)\]]{3,}")
_NAMES_OF_IDENTIFIERS = ("id=", "id:", "ID=", "ID:", "Id=", "Id:", "queued as ")
_SHORTEST_IDENTIFIER = 9
OWN_ADDRESS = "<own-ip>"
"""Stands in a masked text where the reply quoted an address of ours: such a reply is about us."""


def mask(text: str, own_addresses: Sequence[str] = ()) -> str:
    """`text` as it may be stored and matched: mail addresses `<*>`, IP addresses `<ip>` (ours `<own-ip>`), queue and
    session ids `<id>`, control characters gone, at most TEXT_LIMIT characters. Status codes and documented error
    tags (`S3150`, `OFR_416`) stay.
    """
    return _usual_mask(text, tuple(own_addresses)) if _is_usual(text) else _masked(text, own_addresses)


def _masked(text: str, own_addresses: Sequence[str]) -> str:
    if len(text) > RAW_LIMIT:
        text = text[:RAW_LIMIT]
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    if "@" in text:
        text = _ADDRESS.sub("<*>", text)
        if "@" in text:
            text = _LONE_AT.sub("<*>", text)
    for own in own_addresses:
        if own in text:
            text = re.sub(rf"(?<![\w.:]){re.escape(own)}(?![\w:]|\.\d)", OWN_ADDRESS, text)
    if _DIGIT.search(text) is not None:
        text = _without_numbers(text)
    if "  " in text:
        text = _SPACES.sub(" ", text)
    return text[:TEXT_LIMIT].strip()


_usual_mask = lru_cache(_USUAL_TEXTS)(_masked)


def _without_numbers(text: str) -> str:
    if text.count(".") >= 3:
        text = _IP_V4.sub("<ip>", text)
    if text.count(":") >= 2:
        text = _IP_V6.sub("<ip>", text)
    if any(name in text for name in _NAMES_OF_IDENTIFIERS):
        text = _NAMED_IDENTIFIER.sub(r"\1<id>", text)
    words = text.split(" ")
    for place, word in enumerate(words):
        if len(word) >= _SHORTEST_IDENTIFIER and _DIGIT.search(word):
            words[place] = _LONG_WORD.sub(lambda found: "<id>" if _IDENTIFIER.match(found[0]) else found[0], word)
    return " ".join(words)


_UNITS = {"s": 1, "m": 60, "h": 3600}
_UNIT_INITIALS = {"st": "h"}
_CLOCK_WAIT = re.compile(r"\b(?:in|after|for|wait|within) (?:another )?(\d{1,3}):(\d\d)(?::(\d\d))?\b")
_UNIT_WAIT = re.compile(
    r"\b(?:in|after|for|wait|least|within|another|every|until|dans|en|fra|retry-after:?|retry=?)"
    r"(?: about| approximately| another| at least)? ?(\d{1,6}|an?|one|ten) ?"
    r"(s|secs?|seconds?|sekunden|secondes|m|mins?|minut[eo]s?|minuten|h|hrs?|hours?|heures?|stunden?)\b"
)
_NUMBER_WORDS = {"a": 1, "an": 1, "one": 1, "ten": 10}
_DAY_S = 86_400


def retry_after_s(text: str) -> int | None:
    """The seconds that a reply asks to wait ("in 300 seconds", "come back in 00:05:00"); at most a day, None if none.

    `text` is lower-case.
    """
    if _DIGIT.search(text) is None and " hour" not in text and " min" not in text:
        return None
    clock = _CLOCK_WAIT.search(text)
    if clock is not None:
        hours, minutes, seconds = (clock[1], clock[2], clock[3]) if clock[3] else ("0", clock[1], clock[2])
        return min(int(hours) * 3600 + int(minutes) * 60 + int(seconds), _DAY_S) or None
    waited = _UNIT_WAIT.search(text)
    if waited is None:
        return None
    amount = _NUMBER_WORDS.get(waited[1]) or int(waited[1])
    return min(amount * _UNITS[_UNIT_INITIALS.get(waited[2][:2], waited[2][0])], _DAY_S) or None
