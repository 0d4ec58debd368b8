"""GET /about-probes: for whoever saw us in his mail server's log. Who asks, why, and how to be left alone."""

from aiohttp import web

from verifier.edges.http.pages.rendering import render
from verifier.edges.http.routing import Call, Route


async def about_probes(call: Call[None]) -> web.StreamResponse:
    settings = call.site.settings
    return render(call.request, "about_probes.html", helo=settings.helo, contact=settings.mail_from)


ROUTES = (Route("GET", "/about-probes", about_probes, "Who probes, and how to opt out", page=True),)
