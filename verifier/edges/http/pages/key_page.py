"""GET and POST /keys, POST /keys/invite, POST /keys/{id}/revoke: who may ask, for whoever administers the service.

A token, and a link that logs somebody in, are shown on the answer of the button that made them and nowhere else.
"""

from datetime import timedelta

from aiohttp import web

from verifier.core.api_keys import DEFAULT_WORKSPACE, Scope
from verifier.core.faults import InputError
from verifier.edges.http.pages.forms import fields_of
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.problems import Problem, invalid
from verifier.edges.http.routing import Call, Route
from verifier.edges.http.site import login_link
from verifier.service.access import INVITE_HOLDS, Granted

_SCOPES = tuple(scope for scope in Scope if scope is not Scope.WIDGET)
"""Of a program. A publishable key has a form of its own: it needs its pages' addresses, and may do nothing else."""
_HOLDS_DAYS = {"": None, "30": 30, "90": 90, "365": 365}
_RATES = {"60": 60, "600": 600, "6000": 6000, "0": 0}
_FOR_PEOPLE = (Scope.VERIFY, Scope.LISTS, Scope.ADMIN)


async def keys(call: Call[None]) -> web.StreamResponse:
    return await _page(call)


async def create(call: Call[None]) -> web.StreamResponse:
    fields = await fields_of(call.request)
    days = _one_of(fields, "expires_in_days", _HOLDS_DAYS)
    origins = fields.get("origins", "").replace(",", " ").split()
    try:
        granted = await call.site.desk.access.create(
            fields.get("name", "").strip(),
            {Scope.WIDGET} if "origins" in fields else _scopes(fields, _SCOPES),
            expires_at=None if days is None else call.site.clock.now() + timedelta(days=days),
            rate=_one_of(fields, "rate", _RATES) or 0,
            daily_quota=0,
            workspace=DEFAULT_WORKSPACE,
            origins=origins,
        )
    except InputError as fault:
        return await _page(call, fault=str(fault))
    return await _page(call, made=granted)


async def invite(call: Call[None]) -> web.StreamResponse:
    fields = await fields_of(call.request)
    try:
        granted = await call.site.desk.access.invite(fields.get("name", "").strip(), _scopes(fields, _FOR_PEOPLE))
    except InputError as fault:
        return await _page(call, fault=str(fault))
    return await _page(call, invited=granted)


async def revoke(call: Call[None]) -> web.StreamResponse:
    if await call.site.desk.access.revoke(call.request.match_info["id"]) is None:
        raise Problem("not_found", "There is no key of this id that still holds.")
    raise web.HTTPSeeOther("/keys")


async def _page(
    call: Call[None], *, made: Granted | None = None, invited: Granted | None = None, fault: str = ""
) -> web.StreamResponse:
    now = call.site.clock.now()
    return render(
        call.request,
        "keys.html",
        status=422 if fault else 200,
        keys=[(key, key.holds(now)) for key in reversed(await call.site.desk.access.keys())],
        made=made,
        invited=invited,
        link=login_link(call.site.public_url, invited.token) if invited else "",
        public_url=call.site.public_url,
        hours=round(INVITE_HOLDS.total_seconds() / 3600),
        fault=fault,
        scopes=_SCOPES,
        for_people=_FOR_PEOPLE,
    )


def _scopes(fields: dict[str, str], known: tuple[Scope, ...]) -> list[Scope]:
    scopes = [scope for scope in known if f"scope_{scope}" in fields]
    if not scopes:
        raise InputError("Tick at least one thing that the key may do.")
    return scopes


def _one_of(fields: dict[str, str], name: str, choices: dict[str, int | None] | dict[str, int]) -> int | None:
    try:
        return choices[fields.get(name, "")]
    except KeyError:
        raise invalid(name, f"is one of {', '.join(filter(None, choices))}") from None


ROUTES = (
    Route("GET", "/keys", keys, "Keys", scope=Scope.ADMIN, page=True),
    Route("POST", "/keys", create, "Make a key", scope=Scope.ADMIN, page=True),
    Route("POST", "/keys/invite", invite, "Invite somebody", scope=Scope.ADMIN, page=True),
    Route("POST", "/keys/{id}/revoke", revoke, "Revoke a key", scope=Scope.ADMIN, page=True),
)
