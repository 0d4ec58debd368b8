"""One message of a source and what it came to: events, or a refusal of the whole of it.

Law: a message is taken whole or not at all, and what cannot be understood is refused with a sentence, never guessed.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Struct

from verifier.core.mail_events import BounceClass, EventKind, MailEvent

LARGEST_BODY = 8 << 20
"""Bytes of one message: the largest that a source sends is a batch of a thousand."""

LONGEST_REPLY = 4000
_LONGEST_TEXT = 2048
_MOST_FIELDS = 1000
_FARTHEST = 4_102_444_800  # the year 2100: later ones are milliseconds, or a mistake

T = TypeVar("T")
Seconds = Annotated[float, Meta(ge=0, le=_FARTHEST)]
"""Seconds since 1970, as numbers."""
Milliseconds = Annotated[float, Meta(ge=0, le=_FARTHEST * 1000)]


class RefusalKind(StrEnum):
    """Why a message is not taken."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNSIGNED = "unsigned"
    STALE = "stale"
    UNCONFIGURED = "unconfigured"
    UNREACHABLE = "unreachable"


class Refusal(Struct, frozen=True):
    """Nothing of the message counts; `sentence` says why, and what to do."""

    kind: RefusalKind
    sentence: str


class Hook(Struct, frozen=True):
    """One message as it came. `headers` have their names in lower case; `url` is the one that the source was given."""

    body: bytes
    headers: Mapping[str, str]
    url: str
    now: datetime

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Once(Struct, frozen=True):
    """A token that may come again with the very same message, and with no other: `digest` is the message's."""

    token: str
    digest: str


class Told(Struct, frozen=True):
    """What a message said. `once`: where its signature leaves the content open. `confirm`: an address to be called
    before the source tells anything (SNS)."""

    events: tuple[MailEvent, ...]
    once: Once | None = None
    confirm: str | None = None


Outcome = Told | Refusal
Read = Callable[[Hook, Sequence[str]], Outcome]
"""A source: the message, and the secrets (or keys, or certificates) that its signature may be of."""


def malformed(sentence: str) -> Refusal:
    """It is not what its source sends."""
    return Refusal(RefusalKind.MALFORMED, sentence)


def unsigned(sentence: str) -> Refusal:
    """Its signature is missing or wrong."""
    return Refusal(RefusalKind.UNSIGNED, sentence)


def decoded(body: bytes, shape: type[T], *, exact: bool = False) -> T | Refusal:
    """The JSON of a body as the type that it has to be of. Unless `exact`, a field that is null is as one that is not
    there, and a number may be written as text: senders do both, and one such event would cost a batch.
    """
    if len(body) > LARGEST_BODY:
        return too_large(len(body))
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if exact or not isinstance(error, msgspec.ValidationError):
            return malformed(f"The body is not what this source sends: {error}.")
    try:
        return msgspec.convert(_without_nulls(msgspec.json.decode(body)), shape, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return malformed(f"The body is not what this source sends: {error}.")


def decoded_events(body: bytes, shape: type[T], knows: Callable[[str], bool]) -> list[T] | Refusal:
    """The events of a body that is one, or an array of them. An event whose name nobody `knows` may be of any form:
    sources come to tell more than they did, and that costs no other event of the batch.
    """
    form: Any = shape | list[shape]  # type: ignore[valid-type]
    found = decoded(body, form)
    if isinstance(found, Refusal) and found.kind is RefusalKind.MALFORMED:
        others = _without_unknown(body, knows)
        found = found if others is None else decoded(others, form)
    if isinstance(found, Refusal):
        return found
    return found if isinstance(found, list) else [found]


def _without_unknown(body: bytes, knows: Callable[[str], bool]) -> bytes | None:
    """The array of the events that have a known name, or none at all; None for what is no JSON."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.json.encode(
        [each for each in (value if isinstance(value, list) else [value]) if not _is_unknown(each, knows)]
    )


def _is_unknown(event: Any, knows: Callable[[str], bool]) -> bool:
    return isinstance(event, dict) and isinstance(name := event.get("event"), str) and not knows(name)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return value


def form_of(hook: Hook) -> dict[str, str] | Refusal:
    """The fields of an `application/x-www-form-urlencoded` body, the first of each name."""
    if len(hook.body) > LARGEST_BODY:
        return too_large(len(hook.body))
    try:
        pairs = parse_qsl(
            hook.body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except ValueError as error:  # UnicodeDecodeError too
        return malformed(f"The body is not a form: {error}.")
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


def too_large(size: int) -> Refusal:
    """It has `size` bytes, which are not read."""
    return Refusal(
        RefusalKind.TOO_LARGE, f"The message has {size:,} bytes, and at most {LARGEST_BODY:,} are read: send fewer."
    )


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def moment_of(text: str) -> datetime | None:
    """An ISO 8601 time, taken for UTC where it names no zone; None where it is none."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def made_id(*parts: object) -> str:
    """The name of an event whose source gives it none: the same parts, the same name."""
    digest = blake2b(digest_size=16, person=b"verifier.event")
    for part in parts:
        text = str(part).encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(text) + text)
    return digest.hexdigest()


def told_event(
    source: str,
    event_id: str,
    kind: EventKind,
    email: str,
    at: datetime,
    *,
    bounce_class: BounceClass | None = None,
    reply: str | None = None,
    campaign: object = None,
    topic: str | None = None,
    message_id: object = None,
    proven: bool = True,
    automatic: bool = False,
    mx_host: str | None = None,
) -> MailEvent:
    """An event with its texts cut to what is read of them."""
    return MailEvent(
        source=source,
        id=event_id,
        kind=kind,
        email=email[:_LONGEST_TEXT],
        at=at,
        bounce_class=(bounce_class or BounceClass.UNDETERMINED) if kind is EventKind.BOUNCED else None,
        reply=reply.strip()[:LONGEST_REPLY] or None if reply else None,
        campaign=_text(campaign),
        topic=topic or None,
        message_id=_text(message_id),
        proven=proven,
        automatic=automatic,
        mx_host=mx_host or None,
    )


def _text(value: object) -> str | None:
    return str(value)[:_LONGEST_TEXT] if value not in (None, "", 0) else None


_PROXIES = ("googleimageproxy", "yahoomailproxy", "yahoocachesystem", "ggpht", "bingpreview", "barracuda", "mimecast")
_PRIVACY_AGENT = "mozilla/5.0"


def is_automatic(user_agent: str | None) -> bool:
    """A proxy or a scanner opened it, not a person; Apple's privacy proxy says "Mozilla/5.0" and nothing more."""
    agent = (user_agent or "").strip().lower()
    return agent == _PRIVACY_AGENT or any(proxy in agent for proxy in _PROXIES)
