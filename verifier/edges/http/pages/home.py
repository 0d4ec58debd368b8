"""GET /: under the HELO name the page for mail administrators, else the beginning for users."""

from urllib.parse import urlsplit

from aiohttp import web

from verifier.edges.http.pages.about_probes import about_probes
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.routing import Call, Route
from verifier.edges.http.site import CALLER


async def home(call: Call[None]) -> web.StreamResponse:
    if CALLER in call.request:
        return render(call.request, "home.html", public_url=call.site.public_url)
    host = urlsplit(f"//{call.request.host}").hostname or ""
    if host.lower() == call.site.settings.helo.lower().rstrip("."):
        return await about_probes(call)
    raise web.HTTPSeeOther("/login")


ROUTES = (Route("GET", "/", home, "The beginning", page=True),)
