"""POST and GET /v1/gate: may this mail go to this address? Answered from what is known, within some milliseconds."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from verifier.core.api_keys import Scope
from verifier.core.gate_record import GateRecord, gate_record
from verifier.core.gate_words import GateAnswer, GateDecision, GateQuestion, MessageClass
from verifier.core.record import word
from verifier.edges.http.middlewares.limits import charge
from verifier.edges.http.problems import invalid
from verifier.edges.http.routing import JSON, Call, Route, json_response
from verifier.service.gating import DEADLINE_SECONDS, Gate, UnknownPolicy

PATH = "/v1/gate"
MOST_EMAILS = 1000
_BATCH_BYTES = 2 << 20
_STATUSES = {GateDecision.ALLOW: 204, GateDecision.HOLD: 409, GateDecision.BLOCK: 410}
_DEADLINE_MS = round(1000 * DEADLINE_SECONDS)

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Email = Annotated[str, Meta(max_length=2048, description="Raw text; what is no address is blocked, not an error.")]
DeadlineMs = Annotated[int, Meta(ge=1, le=10_000, description="Milliseconds until the answer.")]
Id = Annotated[str, Meta(min_length=1, max_length=200, description="Names the message: with `count`, it counts once.")]


class GateRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One address (`email`) or up to 1000 (`emails`), and what kind of mail it is."""

    email: Email | None = None
    emails: Annotated[list[Email], Meta(min_length=1, max_length=MOST_EMAILS)] | None = None
    message_class: MessageClass = MessageClass.MARKETING
    policy: Text | None = None
    sender: Text | None = None
    campaign: Text | None = None
    topic: Text | None = None
    deadline_ms: DeadlineMs = _DEADLINE_MS
    count: bool = False
    id: Id | None = None
    reactivation: bool = False


class GateQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """One address; with `status=1` the answer is the status alone."""

    email: Annotated[str, Meta(description="Raw text; what is no address is blocked, not an error.")]
    message_class: MessageClass = MessageClass.MARKETING
    policy: str | None = None
    sender: str | None = None
    campaign: str | None = None
    topic: str | None = None
    deadline_ms: DeadlineMs = _DEADLINE_MS
    status: Annotated[int, Meta(ge=0, le=1, description="1: 204 allow, 409 hold, 410 block, without a body.")] = 0


class GateReply(Struct, frozen=True, omit_defaults=True):
    """The decision for `email`; for `emails`, all of them in order under `results`."""

    email: str | None = None
    decision: Annotated[str, word(*GateDecision)] | None = None
    rule: str | None = None
    policy: str | None = None
    message_class: Annotated[str, word(*MessageClass)] | None = None
    until: str | None = None
    degraded: bool | None = None
    verdict: str | None = None
    age_s: int | None = None
    also: list[str] | None = None
    results: list[GateRecord] | None = None


async def gate(call: Call[GateRequest]) -> web.StreamResponse:
    body = call.body
    if (body.email is None) == (body.emails is None):
        raise invalid("/email", "give `email`, or `emails`, and not both")
    gate = call.site.desk.gate.gate
    if body.email is not None:
        return web.Response(body=await answer(gate, body, body.email), content_type=JSON)
    emails = body.emails or []
    charge(call.site, call.caller, len(emails) - 1)
    answers = await _decided(gate, [_question(body, email) for email in emails], body.deadline_ms)
    return json_response({"results": [gate_record(answer) for answer in answers]})


async def answer(gate: Gate, body: GateRequest, email: str) -> bytes:
    """The decision about one address, in JSON. Raises Problem."""
    return msgspec.json.encode(gate_record(await _decided_one(gate, _question(body, email), body.deadline_ms)))


def _question(body: GateRequest, email: str) -> GateQuestion:
    return GateQuestion(
        email,
        message_class=body.message_class,
        policy=body.policy,
        sender=body.sender,
        campaign=body.campaign,
        topic=body.topic,
        count=body.count,
        id=body.id,
        reactivation=body.reactivation,
    )


async def gate_status(call: Call[None]) -> web.StreamResponse:
    query: GateQuery = call.query
    question = GateQuestion(
        query.email,
        message_class=query.message_class,
        policy=query.policy,
        sender=query.sender,
        campaign=query.campaign,
        topic=query.topic,
    )
    decided = await _decided_one(call.site.desk.gate.gate, question, query.deadline_ms)
    if not query.status:
        return json_response(gate_record(decided))
    return web.Response(status=_STATUSES[decided.decision], headers={"X-Gate-Rule": decided.rule})


async def _decided_one(gate: Gate, question: GateQuestion, deadline_ms: int) -> GateAnswer:
    try:
        at_once = gate.at_once(question)
    except UnknownPolicy as error:
        raise invalid("/policy", str(error)) from None
    return at_once if at_once is not None else (await _decided(gate, [question], deadline_ms))[0]


async def _decided(gate: Gate, questions: list[GateQuestion], deadline_ms: int) -> list[GateAnswer]:
    try:
        return await gate.decide(questions, deadline_seconds=deadline_ms / 1000)
    except UnknownPolicy as error:
        raise invalid("/policy", str(error)) from None


_DESCRIPTION = (
    "Answers from what is known, within `deadline_ms`, and never waits for a mail server: what is missing or stale is"
    " verified behind the answer, which says `degraded`. Go by `decision` alone; an answer of 400 and more is none."
)
ROUTES = (
    Route(
        "POST",
        PATH,
        gate,
        "May this mail go to this address?",
        scope=Scope.GATE,
        request=GateRequest,
        responds=GateReply,
        tag="Gate",
        body_limit=_BATCH_BYTES,
        example={"email": "mailbox_not_found@verifier.test", "message_class": "triggered"},
        description=_DESCRIPTION,
    ),
    Route(
        "GET",
        PATH,
        gate_status,
        "May this mail go to this address, as a status?",
        scope=Scope.GATE,
        query=GateQuery,
        responds=GateReply,
        further={204: "With `status=1`: allow.", 409: "With `status=1`: hold.", 410: "With `status=1`: block."},
        tag="Gate",
        description=_DESCRIPTION + " With `status=1` it is 204 for allow, 409 for hold and 410 for block.",
    ),
)
