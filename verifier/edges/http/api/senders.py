"""GET, POST and DELETE /v1/senders: what each sender may send."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from verifier.core.api_keys import Scope
from verifier.core.gate_policies import BALANCED
from verifier.core.profiles import PROFILES
from verifier.core.senders import Sender
from verifier.edges.http.problems import Problem, invalid
from verifier.edges.http.routing import Call, Route, json_response

_MOST = 1_000_000_000
Name = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$", description="As questions name it.")]


class SenderRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A sender and its limits; null is no limit."""

    name: Name
    policy: Annotated[str, Meta(max_length=40)] = BALANCED.name
    profile: Annotated[str, Meta(max_length=40, description="The service that sends, for its limits.")] | None = None
    quota: Annotated[int, Meta(ge=0, le=_MOST, description="Mails a calendar month (UTC).")] | None = None
    blasts: Annotated[int, Meta(ge=0, le=1000, description="Mails that a recipient gets in 30 days.")] | None = None
    gap_hours: Annotated[float, Meta(ge=0, le=720, description="Least time between two of them.")] | None = None


class Quota(Struct, frozen=True):
    """The month's quota; null is no limit."""

    limit: int | None
    used: int
    remaining: int | None


class SenderRecord(Struct, frozen=True):
    """A sender, its limits, and what it has used of this month's quota."""

    name: str
    policy: str
    profile: str | None
    blasts: int | None
    gap_hours: float | None
    quota: Quota


class SenderList(Struct, frozen=True):
    """All senders, by name."""

    senders: list[SenderRecord]


async def show(call: Call[None]) -> web.StreamResponse:
    return json_response(SenderList([await _record(call, sender) for sender in call.site.desk.gate.senders.senders]))


async def put(call: Call[SenderRequest]) -> web.StreamResponse:
    body, gate = call.body, call.site.desk.gate
    if body.policy not in gate.gate.policies:
        raise invalid("/policy", f"there is no policy of this name: known are {', '.join(gate.gate.policies)}")
    if body.profile is not None and body.profile not in PROFILES:
        raise invalid("/profile", f"there is no profile of this name: known are {', '.join(PROFILES)}")
    sender = Sender(body.name, body.policy, body.profile, body.quota, body.blasts, body.gap_hours)
    await gate.senders.put(sender)
    return json_response(await _record(call, sender))


async def remove(call: Call[None]) -> web.StreamResponse:
    if not await call.site.desk.gate.senders.remove(call.request.match_info["id"]):
        raise Problem("not_found", "There is no sender of this name.")
    return web.Response(status=204)


async def _record(call: "Call[None] | Call[SenderRequest]", sender: Sender) -> SenderRecord:
    usage = await call.site.desk.gate.uses.usage(sender.name, call.site.clock.now(), [])
    remaining = None if sender.quota is None else max(0, sender.quota - usage.used)
    return SenderRecord(
        sender.name,
        sender.policy,
        sender.profile,
        sender.blasts,
        sender.gap_hours,
        Quota(sender.quota, usage.used, remaining),
    )


ROUTES = (
    Route("GET", "/v1/senders", show, "List the senders", scope=Scope.ADMIN, responds=SenderList, tag="Senders"),
    Route(
        "POST",
        "/v1/senders",
        put,
        "Add or change a sender",
        scope=Scope.ADMIN,
        request=SenderRequest,
        responds=SenderRecord,
        tag="Senders",
        example={"name": "newsletter", "profile": "mailjet", "quota": 60000, "blasts": 8, "gap_hours": 24},
    ),
    Route(
        "DELETE",
        "/v1/senders/{id}",
        remove,
        "Remove a sender",
        scope=Scope.ADMIN,
        status=204,
        problems=("not_found",),
        tag="Senders",
    ),
)
