"""GET /openapi.json."""

from aiohttp import web

from verifier.edges.http.openapi import DOCUMENT
from verifier.edges.http.routing import JSON, Call, Route


async def openapi(call: Call[None]) -> web.StreamResponse:
    return web.Response(body=call.request.app[DOCUMENT].json, content_type=JSON)


ROUTES = (Route("GET", "/openapi.json", openapi, "This interface as OpenAPI 3.1", tag="Health"),)
