"""GET and POST /check: one address, for a person, with the conversation. It stands in no path, so in no log and no
history.
"""

from aiohttp import web

from verifier.core.api_keys import Scope
from verifier.core.record import to_record
from verifier.edges.http.api.checking import DEFAULT_TIMEOUT_MS, conversed
from verifier.edges.http.middlewares.limits import charge
from verifier.edges.http.pages.forms import fields_of
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.routing import Call, Route


async def form(call: Call[None]) -> web.StreamResponse:
    return render(call.request, "check.html", found=None, conversation=(), anew=False)


async def check(call: Call[None]) -> web.StreamResponse:
    fields = await fields_of(call.request)
    anew = "anew" in fields
    charge(call.site, call.caller, 1)
    found, conversation = await conversed(call, fields.get("email", ""), DEFAULT_TIMEOUT_MS, anew=anew)
    return render(call.request, "check.html", found=to_record(found), conversation=conversation, anew=anew)


ROUTES = (
    Route("GET", "/check", form, "Check one address", scope=Scope.VERIFY, page=True),
    Route("POST", "/check", check, "Check one address", scope=Scope.VERIFY, page=True),
)
