"""POST /v1/events, POST /v1/webhooks/{source}, GET /v1/calibration: what senders tell of mail that was sent.

A webhook's key may stand in its URL, since most senders can send no header; no URL is ever logged whole.
"""

import base64
import binascii
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from verifier.core.api_keys import ApiKey, Scope
from verifier.core.feedback.generic import EventBody
from verifier.core.feedback.hook import LARGEST_BODY, Hook, Refusal, RefusalKind
from verifier.core.feedback.sources import SOURCES, Source
from verifier.core.gate_words import MessageClass
from verifier.edges.http.bodies import read_bytes
from verifier.edges.http.problems import Problem
from verifier.edges.http.routing import JSON, NDJSON, Call, Route, json_response
from verifier.edges.http.site import CALLER
from verifier.service.keeping import Receipt

EVENTS_PATH, HOOKS_PATH = "/v1/events", "/v1/webhooks/"
HOOK_PATTERN = HOOKS_PATH + "{source}"
GENERIC = SOURCES["generic"]
_PROBLEMS = {
    RefusalKind.MALFORMED: "event_malformed",
    RefusalKind.TOO_LARGE: "body_too_large",
    RefusalKind.UNSIGNED: "signature_refused",
    RefusalKind.STALE: "signature_refused",
    RefusalKind.UNCONFIGURED: "source_unconfigured",
    RefusalKind.UNREACHABLE: "unavailable",
}

Sender = Annotated[str, Meta(max_length=100, description="Whose mail it is, where the events do not say so.")]


class EventsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for all events that do not say otherwise."""

    sender: Sender = ""
    message_class: MessageClass | None = None


class HookQuery(Struct, frozen=True):
    """As for events; and the key, for senders that can send no header. Whatever else the sender adds is left alone."""

    sender: Sender = ""
    message_class: MessageClass | None = None
    key: Annotated[str, Meta(max_length=100, description="A key with the scope `feedback`.")] = ""


class ReceiptAnswer(Struct, frozen=True):
    """How many events were new, how many told before, how many of what is no address."""

    new: int
    repeated: int
    ignored: int


class CalibrationLine(Struct, frozen=True):
    """One reason, or one reason at one provider: what is predicted, from which prior, and what was seen."""

    reason: str
    provider: str | None
    prior: float
    predicted: float
    interval_95: list[float]
    mailboxes: int
    hard_bounces: int
    foretold: float | None
    seen: float | None
    seen_interval_95: list[float] | None
    basis: str


class CalibrationAnswer(Struct, frozen=True):
    """Predicted against seen, by reason (`provider` null) and by reason and provider."""

    mailboxes: int
    lines: list[CalibrationLine]


async def events(call: Call[None]) -> web.StreamResponse:
    """Body as JSON or NDJSON, in our own form."""
    return await _receive(call, GENERIC, keyed=True)


async def webhook(call: Call[None]) -> web.StreamResponse:
    source, keyed = _source(call), await _keyed(call)
    refusal = await call.site.desk.feedback.hooks.admit(source, keyed=keyed)
    if refusal is not None:
        raise _problem(refusal)
    return await _receive(call, source, keyed=keyed)


async def ready(call: Call[None]) -> web.StreamResponse:
    """Some senders look whether anybody is there before they send anything (Mailchimp, Mandrill)."""
    _source(call)
    return json_response({"status": "ready"})


async def calibration(call: Call[None]) -> web.StreamResponse:
    found = await call.site.desk.feedback.calibrating.calibrate()
    lines = [
        CalibrationLine(
            reason=line.reason,
            provider=line.provider,
            prior=line.prior,
            predicted=line.predicted,
            interval_95=list(line.interval_95),
            mailboxes=line.mailboxes,
            hard_bounces=line.hard,
            foretold=line.foretold,
            seen=line.seen_rate,
            seen_interval_95=list(line.seen_interval_95) if line.seen_interval_95 is not None else None,
            basis=line.basis,
        )
        for line in found.lines
    ]
    return json_response(CalibrationAnswer(found.mailboxes, lines))


def _source(call: Call[Any]) -> Source:
    source = SOURCES.get(call.request.match_info["source"])
    if source is None:
        names = ", ".join(sorted(SOURCES))
        raise Problem("not_found", f"There is no such source; there are {names}.")
    return source


async def _receive(call: Call[Any], source: Source, *, keyed: bool) -> web.StreamResponse:
    request, query = call.request, call.query
    body = await read_bytes(request, LARGEST_BODY)
    headers = {name.lower(): value for name, value in request.headers.items()}
    hook = Hook(body, headers, call.site.public_url + request.raw_path, call.site.clock.now())
    outcome = await call.site.desk.feedback.hooks.receive(
        source, hook, keyed=keyed, sender=query.sender or None, message_class=query.message_class
    )
    if isinstance(outcome, Refusal):
        raise _problem(outcome)
    return web.Response(body=receipt(outcome), content_type=JSON)


def _problem(refusal: Refusal) -> Problem:
    return Problem(_PROBLEMS[refusal.kind], refusal.sentence)


def receipt(kept: Receipt) -> bytes:
    """The answer to a message that was taken."""
    return msgspec.json.encode(ReceiptAnswer(kept.new, kept.repeated, kept.ignored))


async def _keyed(call: Call[Any]) -> bool:
    """Whether the message brings a key that allows it. Raises Problem for one that does not hold."""
    caller: ApiKey | None = call.request.get(CALLER)
    token = call.query.key or _password(call.request.headers.get("Authorization", ""))
    if token:
        caller = await call.site.desk.access.by_token(token)
        if caller is None:
            raise Problem("key_invalid", "The key is unknown, revoked or expired; `verifier keys list` shows them.")
    if caller is None:
        return False
    if not caller.may(Scope.FEEDBACK):
        raise Problem("scope_missing", f"The key needs the scope `{Scope.FEEDBACK}`.")
    return True


def _password(authorization: str) -> str:
    """The password of basic authentication (RFC 7617), whatever the name before it."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


_REFUSED = ("event_malformed", "body_too_large", "signature_refused", "source_unconfigured")
ROUTES = (
    Route(
        "POST",
        EVENTS_PATH,
        events,
        "Tell what became of mail",
        scope=Scope.FEEDBACK,
        request=EventBody | list[EventBody],
        query=EventsQuery,
        responds=ReceiptAnswer,
        problems=_REFUSED,
        tag="Feedback",
        body_limit=LARGEST_BODY,
        streamed=True,
        takes=(NDJSON,),
        example={
            "source": "shop",
            "id": "8f3a",
            "event": "bounced",
            "email": "jane@example.com",
            "at": "2026-11-22T10:00:00Z",
            "bounce_class": "hard",
            "reply": "550 5.1.1 User unknown",
        },
        description=(
            "One event, an array of at most 10,000, or one a line (NDJSON, at most 8 MB): all are taken or none. They"
            " are kept when this is answered. (`source`, `id`) names an event: told twice, it counts once; without an"
            " `id` the same content is the same event."
        ),
    ),
    Route(
        "POST",
        HOOK_PATTERN,
        webhook,
        "A sender's webhook",
        query=HookQuery,
        responds=ReceiptAnswer,
        problems=(*_REFUSED, "key_invalid", "scope_missing", "not_found", "request_timeout", "malformed_request"),
        tag="Feedback",
        streamed=True,
        cross_origin=True,
        description=(
            "mailjet, ses, brevo, sendgrid, postmark, mailgun, mailchimp, mandrill, insider, standard (any sender of"
            " Standard Webhooks), generic. docs/feedback.md says how to point each of them here. A key with the scope"
            " `feedback` goes into the URL, the basic password or the header; senders that sign need none, but their"
            " secret set here."
        ),
    ),
    Route(
        "GET",
        HOOK_PATTERN,
        ready,
        "Is anybody there?",
        query=HookQuery,
        problems=("not_found",),
        also=("application/json",),
        tag="Feedback",
    ),
    Route(
        "GET",
        "/v1/calibration",
        calibration,
        "Predicted against seen",
        scope=Scope.VERIFY,
        responds=CalibrationAnswer,
        tag="Feedback",
        description="How often mail to addresses of each reason bounced hard, beside what the verdicts had predicted.",
    ),
)
