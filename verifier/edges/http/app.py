"""The application: the table of routes, what every request passes through, and the site that all of them know."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from verifier.edges.http.bodies import read_json, read_query, refuse_unread_encoding
from verifier.edges.http.middlewares.answer_headers import add_headers
from verifier.edges.http.middlewares.authentication import authenticate
from verifier.edges.http.middlewares.limits import limit
from verifier.edges.http.middlewares.observing import RUNNING, Running, observe
from verifier.edges.http.middlewares.problem_details import tell_problems
from verifier.edges.http.openapi import DOCUMENT, document_of
from verifier.edges.http.pages.health import EXAMINATION, Examination, keep_examination
from verifier.edges.http.routing import ROUTES_OF, Call, HeadAlone, Route
from verifier.edges.http.site import SITE, Site
from verifier.edges.http.table import ROUTES


def make_app(site: Site, routes: Sequence[Route] = ROUTES) -> web.Application:
    """Everything that the service answers. What runs behind it is opened and closed by whoever made the site."""
    app = web.Application(middlewares=[observe, tell_problems, authenticate, limit])
    app[SITE] = site
    app[RUNNING] = Running(site.desk.meter)
    app[EXAMINATION] = Examination()
    app.cleanup_ctx.append(keep_examination)
    app[DOCUMENT] = document_of(routes, site.public_url, keys_required=site.keys_required)
    routes_of: dict[Any, Route] = {}
    for route in routes:
        handler = _endpoint(route)
        routes_of[handler] = route
        if route.method == "GET":
            app.router.add_get(route.path, handler, allow_head=True)
        else:
            app.router.add_route(route.method, route.path, handler)
    app[ROUTES_OF] = routes_of
    app.on_response_prepare.append(add_headers)
    return app


def _endpoint(route: Route) -> Handler:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        refuse_unread_encoding(request)
        body = None if route.request is None or route.streamed else await read_json(request, route)
        query = read_query(request, route) if route.query is not None else None
        try:
            return await route.handler(Call(request, request.app[SITE], body, query))
        except HeadAlone as answer:
            return answer.response

    return endpoint
