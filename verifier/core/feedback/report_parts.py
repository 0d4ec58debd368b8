"""The parts of a report and their fields, as mail programs write them: encoded, with comments, in no charset.

`message/delivery-status` is blocks of fields (RFC 3464), `message/global-delivery-status` the same in UTF-8 (RFC 6533).
"""

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import Message

_MOST_PARTS = 100
_STATUS = ("message/delivery-status", "message/global-delivery-status")
_ORIGINAL = (
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
)
_ENCODED = ("base64", "quoted-printable")
_BLANK_LINES = re.compile(rb"\r?\n(?:[ \t]*\r?\n)+")
_POINT = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_LAST_POINT = 0x10FFFF


def parts_of(message: Message) -> list[Message]:
    """All parts, the message itself first. Raises ValueError where there are too many."""
    parts = []
    for number, part in enumerate(message.walk()):
        if number >= _MOST_PARTS:
            raise ValueError(f"it has more than {_MOST_PARTS} parts")
        parts.append(part)
    return parts


def status_of(parts: Sequence[Message]) -> Message | None:
    """The delivery status."""
    return next((part for part in parts if part.get_content_type() in _STATUS), None)


def first_of(parts: Sequence[Message], media_type: str) -> Message | None:
    """The first part of that type; None where there is none."""
    return next((part for part in parts if part.get_content_type() == media_type), None)


def blocks_of(status: Message) -> list[Message]:
    """The blocks of a delivery status: one about the message, one a recipient."""
    return [message_from_bytes(block + b"\n\n") for block in _BLANK_LINES.split(_content(status).strip()) if block]


def fields_of(report: Message) -> Message:
    """The fields of a message/feedback-report."""
    return message_from_bytes(_content(report).strip() + b"\n\n")


def original_of(parts: Sequence[Message], report: Message | None) -> Message | None:
    """The mail that a report is about, or its headers: the first behind `report`, which may itself be inside a mail."""
    behind = parts[next((n for n, part in enumerate(parts) if part is report), 0) :]
    for part in behind:
        if part.get_content_type() in _ORIGINAL:
            return message_from_bytes(_content(part).lstrip() + b"\n\n")
    return None


def field(block: Message, name: str) -> str:
    """The first value of this name on one line, "" where there is none. Bytes are taken for UTF-8."""
    return next(iter(fields(block, name)), "")


def fields(block: Message, name: str) -> Iterator[str]:
    """Every value of this name."""
    for key, value in block.raw_items():
        if key.lower() == name.lower():
            yield " ".join(str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())


def typed(block: Message, name: str) -> str:
    """The value behind `rfc822;`, `smtp;` or `dns;`."""
    text = field(block, name)
    return bare(text.partition(";")[2] if ";" in text else text)


def address(text: str) -> str:
    """The mail address of a field, "" where it has none: behind `rfc822;`, in or without <>, as RFC 6533 escapes it."""
    kind, parted, value = text.partition(";")
    found = bare(value if parted and "@" not in kind else text)
    found = _POINT.sub(lambda point: chr(min(int(point[1], 16), _LAST_POINT)), found)
    return found if "@" in found else ""


def bare(text: str) -> str:
    """The text without the angle brackets around it."""
    text = text.strip()
    return text[1:-1].strip() if text.startswith("<") and text.endswith(">") else text


def text_of(part: Message) -> str:
    """The words of a part, in whatever charset it says that they are."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")


def _content(part: Message) -> bytes:
    """What stands in a part, decoded. The parser takes it for messages inside, or for text."""
    inside = part.get_payload()
    if not isinstance(inside, list):
        decoded = part.get_payload(decode=True)
        return decoded if isinstance(decoded, bytes) else b""
    content = b"\n".join(each.as_bytes() for each in inside if isinstance(each, Message))
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() not in _ENCODED:
        return content
    shell = Message()
    shell["Content-Transfer-Encoding"] = str(part["Content-Transfer-Encoding"])
    shell.set_payload(content.strip().decode("ascii", "replace"))
    decoded = shell.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""
