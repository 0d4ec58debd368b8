"""POST /v1/verify and /v1/verify/batch: answers now, or what is known by then."""

from contextlib import aclosing
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from verifier.core.api_keys import Scope
from verifier.core.reasons import ALL_STAGES
from verifier.core.record import VerdictRecord, to_json, to_record, word
from verifier.core.signup import Decision, Language, SignupPolicy, advise, preferred_language
from verifier.core.verdict import Assessment
from verifier.edges.http.api.checking import (
    DEFAULT_TIMEOUT_MS,
    Stages,
    TimeoutMs,
    all_checked,
    checked,
    require_prefix,
)
from verifier.edges.http.routing import JSON, NDJSON, Call, Route, json_response, write
from verifier.ports import Clock

PATH = "/v1/verify"
MOST_EMAILS = 1000
_BATCH_BYTES = 2 << 20
_COMMON = ("rate_limited", "quota_exceeded", "busy")


class VerifyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One address, and how it is to be checked."""

    email: Annotated[str, Meta(description="The text that was typed; what is no address is an answer, not an error.")]
    timeout_ms: TimeoutMs = DEFAULT_TIMEOUT_MS
    stages: Stages = ALL_STAGES
    policy: Annotated[SignupPolicy | None, Meta(description="Adds a decision and a sentence for a sign-up form.")] = (
        None
    )
    lang: Annotated[Language | None, Meta(description="Of the sentence; else by Accept-Language.")] = None


class VerifyAnswer(VerdictRecord, frozen=True, kw_only=True):
    """The verdict; decision and sentence where a policy was asked for."""

    decision: Annotated[str, word(*Decision)] | UnsetType = UNSET
    sentence: str | UnsetType = UNSET


class BatchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 1000 addresses; longer lists are for /v1/lists."""

    emails: Annotated[list[str], Meta(min_length=1, max_length=MOST_EMAILS)]
    timeout_ms: TimeoutMs = DEFAULT_TIMEOUT_MS
    stages: Stages = ALL_STAGES


class BatchAnswer(Struct, frozen=True):
    """One verdict an address, in the order of the addresses."""

    results: list[VerdictRecord]


async def verify(call: Call[VerifyRequest]) -> web.StreamResponse:
    body = call.body
    require_prefix(body.stages)
    assessment = await checked(call, body.email, body.stages, body.timeout_ms)
    content = answer(body, assessment, call.request.headers.get("Accept-Language", ""), call.site.clock)
    return web.Response(body=content, content_type=JSON)


def answer(body: VerifyRequest, assessment: Assessment, languages: str, clock: Clock) -> bytes:
    """The answer in JSON; `languages` is the value of Accept-Language."""
    if body.policy is None:
        return to_json(assessment)
    advice = advise(assessment, body.policy, body.lang or preferred_language(languages), clock.now())
    return to_json(assessment, advice.decision, advice.sentence)


async def verify_batch(call: Call[BatchRequest]) -> web.StreamResponse:
    require_prefix(call.body.stages)
    if NDJSON in call.request.headers.get("Accept", ""):
        return await _stream(call)
    body = call.body
    records: list[msgspec.Raw] = [msgspec.Raw(b"")] * len(body.emails)
    async with aclosing(all_checked(call, body.emails, body.stages, body.timeout_ms)) as answers:
        async for place, assessment in answers:
            records[place] = msgspec.Raw(to_json(assessment))
    return json_response({"results": records})


async def _stream(call: Call[BatchRequest]) -> web.StreamResponse:
    body, response = call.body, web.StreamResponse()
    response.content_type = NDJSON
    async with aclosing(all_checked(call, body.emails, body.stages, body.timeout_ms)) as answers:
        async for place, assessment in answers:
            await write(call, response, msgspec.json.encode({"index": place} | to_record(assessment)) + b"\n")
    await response.write_eof()
    return response


ROUTES = (
    Route(
        "POST",
        PATH,
        verify,
        "Verify one address",
        scope=Scope.VERIFY,
        request=VerifyRequest,
        responds=VerifyAnswer,
        problems=_COMMON,
        tag="Verify",
        example={"email": "mailbox_full@verifier.test", "policy": "signup"},
        description=(
            "Answers within `timeout_ms`. What was not known by then is `unknown`, with the reason for what lacked"
            " (`dns_temp_error`, `smtp_timeout`, `not_probed`) and `retry_after`; the check goes on behind the answer"
            " and is there next time. With `policy` the answer has a `decision` for a sign-up form (`accept`,"
            " `suggest`, `confirm`, `refuse`) and a sentence to show, in English or French. Unknown is never refused."
        ),
    ),
    Route(
        "POST",
        "/v1/verify/batch",
        verify_batch,
        "Verify up to 1000 addresses",
        scope=Scope.VERIFY,
        request=BatchRequest,
        responds=BatchAnswer,
        also=(NDJSON,),
        problems=_COMMON,
        tag="Verify",
        body_limit=_BATCH_BYTES,
        example={"emails": ["accepted@verifier.test", "no such address"]},
        description=(
            "All answers in order, within `timeout_ms`. With `Accept: application/x-ndjson` each is a line of its own"
            " as soon as it is there, with its `index` in the list."
        ),
    ),
)
