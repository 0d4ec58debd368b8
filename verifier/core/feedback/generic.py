"""Our own form: one object, an array of them, or one a line (NDJSON). `POST /v1/events` takes nothing else.

{"source":"shop","id":"8f3a","event":"bounced","email":"jane@example.com","at":"2026-11-22T10:00:00Z",
 "bounce_class":"hard","reply":"550 5.1.1 User unknown"}
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from verifier.core.feedback.hook import (
    LARGEST_BODY,
    Hook,
    Outcome,
    Refusal,
    Told,
    decoded,
    made_id,
    malformed,
    too_large,
)
from verifier.core.gate_words import MessageClass
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

MOST_EVENTS = 10_000
_NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines")
_DEFAULT_SOURCE = "api"

_Name = Annotated[str, Meta(min_length=1, max_length=100)]
_Text = Annotated[str, Meta(max_length=998)]


class EventBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What became of one message for one recipient. Without an `id` the same content is the same event."""

    event: EventKind
    email: Annotated[str, Meta(min_length=1, max_length=2048)]
    at: Annotated[datetime, Meta(tz=True, description="When it happened, with its zone.")]
    source: _Name = _DEFAULT_SOURCE
    id: Annotated[str, Meta(max_length=500, description="Told twice with the same source, it counts once.")] = ""
    bounce_class: BounceClass | None = None
    reply: Annotated[str, Meta(max_length=4000, description="The mail server's own words.")] | None = None
    sender: _Name | None = None
    campaign: _Text | None = None
    message_class: MessageClass | None = None
    topic: _Name | None = None
    message_id: _Text | None = None
    proven: Annotated[bool, Meta(description="The recipient's own exchange said it, not a smarthost.")] = True
    automatic: Annotated[bool, Meta(description="Opened or clicked by a proxy or a scanner.")] = False


_line = msgspec.json.Decoder(EventBody).decode


def read_generic(hook: Hook, _secrets: Sequence[str]) -> Outcome:
    """Every event of the body, or the first thing that is wrong with it."""
    if len(hook.body) > LARGEST_BODY:
        return too_large(len(hook.body))
    if hook.media_type in _NDJSON:
        bodies = _lines(hook.body)
    else:
        found = decoded(hook.body, EventBody | list[EventBody], exact=True)  # type: ignore[arg-type]
        bodies = [found] if isinstance(found, EventBody) else found
    if isinstance(bodies, Refusal):
        return bodies
    if not bodies:
        return malformed("There is no event in the body.")
    if len(bodies) > MOST_EVENTS:
        return malformed(
            f"There are {len(bodies):,} events, and at most {MOST_EVENTS:,} are taken at once: send parts."
        )
    return Told(tuple(_events(bodies)))


def _lines(body: bytes) -> list[EventBody] | Refusal:
    found = []
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            found.append(_line(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return malformed(f"Line {number} is no event: {error}.")
    return found


def _events(bodies: Iterable[EventBody]) -> Iterable[MailEvent]:
    for body in bodies:
        given = body.id or made_id(
            body.event, body.email, body.at.timestamp(), body.message_id, body.campaign, body.sender, body.topic
        )
        yield MailEvent(
            source=body.source,
            id=given,
            kind=body.event,
            email=body.email,
            at=body.at,
            bounce_class=_class_of(body),
            reply=body.reply,
            sender=body.sender,
            campaign=body.campaign,
            message_class=body.message_class,
            topic=body.topic,
            message_id=body.message_id,
            proven=body.proven,
            automatic=body.automatic,
        )


def _class_of(body: EventBody) -> BounceClass | None:
    if body.event is not EventKind.BOUNCED:
        return None
    return body.bounce_class or BounceClass.UNDETERMINED
