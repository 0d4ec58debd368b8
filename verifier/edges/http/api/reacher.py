"""POST /v0/check_email and /v1/check_email: Reacher's question and Reacher's answer, with our verdict in it."""

from typing import Any

from aiohttp import web
from msgspec import Struct

from verifier import __version__
from verifier.core.api_keys import Scope
from verifier.core.reacher_shape import ReacherAnswer, to_reacher
from verifier.core.reasons import ALL_STAGES
from verifier.edges.http.api.checking import checked
from verifier.edges.http.routing import Call, Route, json_response

_TIMEOUT_MS = 30_000
"""Programs that are written for Reacher wait for the end of its probe, and have no field for a budget."""


class CheckEmailRequest(Struct, frozen=True):
    """What else Reacher takes (sender, HELO name, proxy, methods) is the operator's to set here, and ignored."""

    to_email: str


async def check_email(call: Call[CheckEmailRequest]) -> web.StreamResponse:
    assessment = await checked(call, call.body.to_email, ALL_STAGES, _TIMEOUT_MS)
    return json_response(to_reacher(assessment, f"verifier {__version__}", call.site.clock.now()))


def _route(path: str) -> Route:
    shape: dict[str, Any] = {"request": CheckEmailRequest, "responds": ReacherAnswer}
    return Route(
        "POST",
        path,
        check_email,
        "Verify one address, in Reacher's shape",
        scope=Scope.VERIFY,
        problems=("rate_limited", "quota_exceeded", "busy"),
        tag="Reacher",
        example={"to_email": "accepted@verifier.test"},
        description=(
            "For programs that were written for Reacher: the same question and answer. The key may be sent as"
            " `x-reacher-secret`. `is_reachable` is our verdict: safe, risky, invalid or unknown."
        ),
        **shape,
    )


ROUTES = (_route("/v0/check_email"), _route("/v1/check_email"))
