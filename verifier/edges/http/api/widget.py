"""The sign-up widget: GET /widget.js, POST /v1/widget/verify for browsers, POST /v1/widget/token for the form's server.

A publishable key stands in every page that uses it, so whoever wants can ask with it. Against that: pages of other
origins are refused, the mailbox is asked only within the limits of a client and of a domain, and what is told is no
more than the form shows (`told_to_browsers`). A token carries the whole decision to the form's server, unread.
"""

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from verifier.core.address import Address, parse_address
from verifier.core.api_keys import Scope
from verifier.core.client_address import client_network
from verifier.core.keys import subkey
from verifier.core.reasons import ALL_STAGES, StageName
from verifier.core.record import Timestamp, timestamp, word
from verifier.core.signup import (
    Decision,
    Language,
    SignupPolicy,
    advise,
    preferred_language,
    told_to_browsers,
)
from verifier.core.widget_token import HOLDS, decision_of, make_widget_token
from verifier.edges.http.api.checking import checked
from verifier.edges.http.pages.static import content
from verifier.edges.http.problems import Problem
from verifier.edges.http.routing import Call, Route, json_response

_SCRIPT = "widget.js"
_SCRIPT_KEPT = "public, max-age=3600"
_TIMEOUT_MS = 3000
_PREFLIGHT_KEPT = "7200"
_LIST_STAGES = tuple(stage for stage in ALL_STAGES if stage is not StageName.SMTP)
_LONGEST_EMAIL = 1000
_LONGEST_TOKEN = 200

Email = Annotated[str, Meta(max_length=_LONGEST_EMAIL, description="The text that was typed.")]
Policy = Annotated[SignupPolicy, Meta(description="`signup_strict` refuses throw-away addresses too.")]


class WidgetRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody typed into a form."""

    email: Email
    policy: Policy = SignupPolicy.SIGNUP
    lang: Annotated[Language | None, Meta(description="Of the sentence; else by Accept-Language.")] = None


class WidgetAnswer(Struct, frozen=True):
    """What the form shows. `suggestion` is a whole address; `token` is null for what is no address."""

    decision: Annotated[str, word(Decision.ACCEPT, Decision.SUGGEST, Decision.REFUSE)]
    suggestion: str | None
    sentence: str
    token: str | None
    expires_at: Timestamp | None


class TokenRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The token that came with a form, and the address that came with it."""

    token: Annotated[str, Meta(max_length=_LONGEST_TOKEN)]
    email: Email
    policy: Policy = SignupPolicy.SIGNUP


class TokenAnswer(Struct, frozen=True):
    """Whether the token speaks of this address, and what was decided then."""

    valid: bool
    decision: Annotated[str, word(*Decision)] | None


async def script(call: Call[None]) -> web.StreamResponse:
    headers = {"Cache-Control": _SCRIPT_KEPT, "Cross-Origin-Resource-Policy": "cross-origin"}
    return web.Response(body=content(_SCRIPT), content_type="text/javascript", charset="utf-8", headers=headers)


async def preflight(call: Call[None]) -> web.StreamResponse:
    """A browser asks before it sends the question (CORS); it names no key yet, so any key's origin will do."""
    origin = call.request.headers.get("Origin", "")
    if origin not in await call.site.desk.access.widget_origins():
        raise _refused()
    headers = _cross_origin(origin) | {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "authorization, content-type",
        "Access-Control-Max-Age": _PREFLIGHT_KEPT,
    }
    return web.Response(status=204, headers=headers)


async def widget_verify(call: Call[WidgetRequest]) -> web.StreamResponse:
    origin = _require_origin(call)
    body, now = call.body, call.site.clock.now()
    address = parse_address(body.email)
    assessment = await checked(call, body.email, _stages(call, address), _TIMEOUT_MS)
    language = body.lang or preferred_language(call.request.headers.get("Accept-Language", ""))
    advice = advise(assessment, body.policy, language, call.site.clock.now())
    token = None
    if isinstance(address, Address):
        mailbox, key = _mailbox(call, address), _key(call)
        token = make_widget_token(key, mailbox, body.policy, advice.decision, now + HOLDS)
    told = told_to_browsers(advice)
    answer = WidgetAnswer(
        decision=told.decision,
        suggestion=assessment.did_you_mean,
        sentence=told.sentence,
        token=token,
        expires_at=timestamp(now + HOLDS) if token else None,
    )
    return json_response(answer, headers=_cross_origin(origin))


async def widget_token(call: Call[TokenRequest]) -> web.StreamResponse:
    body, address = call.body, parse_address(call.body.email)
    decision = None
    if isinstance(address, Address):
        now = call.site.clock.now()
        decision = decision_of(_key(call), body.token, _mailbox(call, address), body.policy, now)
    return json_response(TokenAnswer(decision is not None, decision))


def _stages(call: Call[WidgetRequest], address: object) -> tuple[StageName, ...]:
    """Past the limits no mailbox is asked; what the lists and the domain say is told all the same."""
    if not isinstance(address, Address):
        return ALL_STAGES
    request = call.request
    client = client_network(request.remote, ",".join(request.headers.getall("X-Forwarded-For", [])))
    return ALL_STAGES if call.site.desk.probe_limits.admit(client, address.domain) else _LIST_STAGES


def _require_origin(call: Call[WidgetRequest]) -> str:
    origin = call.request.headers.get("Origin", "")
    if origin in call.caller.origins or call.site.is_our_origin(origin, call.request.host):
        return origin
    raise _refused()


def _refused() -> Problem:
    detail = (
        "No key of the widget was made for this page's origin: `verifier keys create NAME --scope widget --origin …`."
    )
    return Problem("origin_refused", detail)


def _cross_origin(origin: str) -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": origin,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Vary": "Origin",
    }


def _key(call: Call[WidgetRequest] | Call[TokenRequest]) -> bytes:
    return subkey(call.site.desk.verifier.secret, "widget")


def _mailbox(call: Call[WidgetRequest] | Call[TokenRequest], address: Address) -> str:
    return call.site.desk.verifier.verification.judging.key_of(address)


ROUTES = (
    Route("GET", "/widget.js", script, "The sign-up widget", tag="Widget", also=("text/javascript",)),
    Route(
        "OPTIONS",
        "/v1/widget/verify",
        preflight,
        "May a page ask? (CORS)",
        status=204,
        problems=("origin_refused",),
        tag="Widget",
    ),
    Route(
        "POST",
        "/v1/widget/verify",
        widget_verify,
        "Advise whoever fills in a form",
        scope=Scope.WIDGET,
        request=WidgetRequest,
        responds=WidgetAnswer,
        problems=("rate_limited", "quota_exceeded", "busy"),
        tag="Widget",
        example={"email": "jane@gmial.com", "lang": "en"},
        description=(
            "For browsers, with a publishable key (`vfp_…`) and from one of its origins. Answers within 3 seconds."
            " Nobody learns here that a mailbox exists: `confirm` is told as `accept`. Past the limits of the client"
            " (6 mailboxes a minute) or of the domain (30) no mailbox is asked."
        ),
    ),
    Route(
        "POST",
        "/v1/widget/token",
        widget_token,
        "Check a form's token",
        scope=Scope.VERIFY,
        request=TokenRequest,
        responds=TokenAnswer,
        problems=("rate_limited",),
        tag="Widget",
        example={"token": "1.1800000000.0", "email": "jane@example.com"},
        description=(
            "For the form's server: the token that the widget put into the form's field `verifier_token`. It holds for"
            " 10 minutes, for this address and policy, and has the whole decision, `confirm` included. Without one, or"
            " with one that is not valid, nothing is known: let the form through, or ask /v1/verify."
        ),
    ),
)
