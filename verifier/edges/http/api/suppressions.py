"""GET, POST and DELETE /v1/suppressions: whom not to mail, and whom to mail whatever else is known."""

from datetime import datetime
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from verifier.core.api_keys import Scope
from verifier.core.faults import InputError
from verifier.core.gate_words import MessageClass
from verifier.core.record import Timestamp, timestamp, word
from verifier.core.suppressions import Suppression, SuppressionKind
from verifier.edges.http.problems import invalid
from verifier.edges.http.routing import Call, Route, json_response
from verifier.gate_ports import SuppressionWish
from verifier.service.suppressing import Scope as MailScope

MOST_EMAILS = 10_000
_BATCH_BYTES = 4 << 20
Target = Annotated[
    str,
    Meta(max_length=2048, description="An address, `@domain`, or the SHA-256 of an address in lower case."),
]
AnyTarget = Annotated[str, Meta(description="An address, `@domain`, or the SHA-256 of an address in lower case.")]
"""In a path, whose length the server bounds."""
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]


class SuppressRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 10,000 addresses or domains, the kind of all of them, and for which mail it holds."""

    emails: Annotated[list[Target], Meta(min_length=1, max_length=MOST_EMAILS)]
    kind: SuppressionKind = SuppressionKind.MANUAL_BLOCK
    sender: Name | None = None
    message_class: MessageClass | None = None
    topic: Name | None = None
    source: Name = "manual"
    at: Moment | None = None
    expires: Moment | None = None


class Suppressed(Struct, frozen=True):
    """How many entries are new; what was there is renewed."""

    added: int


class SuppressionQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which to show: about one address, of a kind, of a sender; `cursor` goes on behind a page."""

    email: AnyTarget | None = None
    kind: SuppressionKind | None = None
    sender: str | None = None
    cursor: Annotated[int, Meta(ge=0, le=1 << 62)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class LiftQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which to end: what stands under this text, of a kind (else of all), of a sender (else of all)."""

    email: AnyTarget
    kind: SuppressionKind | None = None
    sender: str | None = None


class Lifted(Struct, frozen=True):
    """How many entries have ended."""

    removed: int


class SuppressionRecord(Struct, frozen=True):
    """One entry. `email` is null where only its hash is known: it was forgotten, or came hashed."""

    email: str | None
    kind: Annotated[str, word(*SuppressionKind)]
    sender: str | None
    message_class: Annotated[str, word(*MessageClass)] | None
    topic: str | None
    source: str
    at: Timestamp | None
    expires: Timestamp | None


class SuppressionPage(Struct, frozen=True):
    """Entries, oldest first; `next` is the cursor of the following page, null behind the last."""

    suppressions: list[SuppressionRecord]
    next: int | None


def suppression_record(entry: Suppression) -> SuppressionRecord:
    """One entry as it is shown."""
    return SuppressionRecord(
        entry.address,
        entry.kind,
        entry.sender,
        entry.message_class,
        entry.topic,
        entry.source,
        timestamp(entry.at),
        timestamp(entry.expires),
    )


async def suppress(call: Call[SuppressRequest]) -> web.StreamResponse:
    body, suppressing = call.body, call.site.desk.gate.suppressing
    scope = MailScope(body.sender, body.message_class, body.topic)
    entries = []
    for place, text in enumerate(body.emails):
        try:
            entries.append(
                suppressing.entry(text, body.kind, scope, source=body.source, at=body.at, expires=body.expires)
            )
        except InputError as error:
            raise invalid(f"/emails/{place}", str(error)) from None
    return json_response(Suppressed(await suppressing.add(entries)))


async def show(call: Call[None]) -> web.StreamResponse:
    query: SuppressionQuery = call.query
    suppressing = call.site.desk.gate.suppressing
    try:
        keys = suppressing.keys_of(query.email) if query.email is not None else None
    except InputError as error:
        raise invalid("email", str(error)) from None
    page = await suppressing.page(SuppressionWish(query.kind, query.sender, keys, query.cursor, query.limit))
    following = page[-1][0] if len(page) == query.limit else None
    return json_response(SuppressionPage([suppression_record(entry) for _, entry in page], following))


async def lift(call: Call[None]) -> web.StreamResponse:
    query: LiftQuery = call.query
    suppressing = call.site.desk.gate.suppressing
    kinds = tuple(SuppressionKind) if query.kind is None else (query.kind,)
    try:
        removed = await suppressing.lift([query.email], kinds, sender=query.sender)
    except InputError as error:
        raise invalid("email", str(error)) from None
    return json_response(Lifted(removed))


ROUTES = (
    Route(
        "GET",
        "/v1/suppressions",
        show,
        "Show suppressions",
        scope=Scope.ADMIN,
        query=SuppressionQuery,
        responds=SuppressionPage,
        tag="Suppressions",
    ),
    Route(
        "POST",
        "/v1/suppressions",
        suppress,
        "Suppress addresses or domains",
        scope=Scope.FEEDBACK,
        request=SuppressRequest,
        responds=Suppressed,
        tag="Suppressions",
        body_limit=_BATCH_BYTES,
        example={"emails": ["jane@shop.example"], "kind": "unsubscribed", "sender": "newsletter"},
        description="All of them are kept when it is answered, or none is. A hard bounce is every sender's.",
    ),
    Route(
        "DELETE",
        "/v1/suppressions",
        lift,
        "End suppressions",
        scope=Scope.ADMIN,
        query=LiftQuery,
        responds=Lifted,
        tag="Suppressions",
        description="What stands under exactly this text, whatever class or topic it is for.",
    ),
)
