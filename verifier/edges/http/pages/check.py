"""POST /check: one address, for a person. It stands in no path, so in no log and no history."""

from aiohttp import web

from verifier.core.api_keys import Scope
from verifier.core.reasons import ALL_STAGES
from verifier.edges.http.api.checking import DEFAULT_TIMEOUT_MS, checked
from verifier.edges.http.middlewares.limits import charge
from verifier.edges.http.pages.forms import fields_of
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.routing import Call, Route


async def check(call: Call[None]) -> web.StreamResponse:
    email = (await fields_of(call.request)).get("email", "")
    charge(call.site, call.caller, 1)
    found = await checked(call, email, ALL_STAGES, DEFAULT_TIMEOUT_MS)
    return render(call.request, "check.html", found=found)


ROUTES = (Route("POST", "/check", check, "Check one address", scope=Scope.VERIFY, page=True),)
