"""GET /: under the HELO name the page for mail administrators, else the beginning for users."""

from collections.abc import Sequence

from aiohttp import web

from verifier.core.api_keys import Scope
from verifier.core.list_jobs import ListJob
from verifier.core.setting_values import size_text
from verifier.edges.http.pages.about_probes import about_probes
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.routing import Call, Route
from verifier.edges.http.site import CALLER, host_in

_LISTS = 20


async def home(call: Call[None]) -> web.StreamResponse:
    if CALLER in call.request:
        return await _beginning(call)
    if host_in(call.request.host) == call.site.settings.helo.lower().rstrip("."):
        return await about_probes(call)
    raise web.HTTPSeeOther("/login")


async def _beginning(call: Call[None]) -> web.StreamResponse:
    may_list = call.caller.may(Scope.LISTS)
    jobs: Sequence[ListJob] = ()
    cursor = None
    if may_list:
        jobs, cursor = await call.site.desk.lists.lists.lists(
            call.caller.workspace, call.request.query.get("cursor", ""), _LISTS
        )
    return render(
        call.request,
        "home.html",
        public_url=call.site.public_url,
        most=size_text(call.site.settings.lists_max_upload),
        may_list=may_list,
        may_verify=call.caller.may(Scope.VERIFY),
        jobs=jobs,
        cursor=cursor,
        now=call.site.clock.now(),
        kept=call.site.settings.lists_retention,
    )


ROUTES = (Route("GET", "/", home, "The beginning", page=True),)
