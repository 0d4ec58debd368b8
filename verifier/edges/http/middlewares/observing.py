"""The outermost: gives each request a number, counts and times it, and writes its line in the log.

No path stands in the log but the route's own pattern, since paths and queries may hold addresses and tokens.
"""

import re

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from verifier.core.measures import HTTP_RUNNING, HTTP_SECONDS
from verifier.edges.http.routing import route_of
from verifier.edges.http.site import BEGAN, CALLER, REQUEST_ID, SITE
from verifier.ports import Meter

HEADER = "X-Request-ID"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LENGTH = 12
_GONE = 499
"""Whoever asked went away before the answer (nginx' number for it)."""
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_log = structlog.get_logger("verifier.http")


class Running:
    """How many requests are being answered."""

    def __init__(self, meter: Meter) -> None:
        self.count = 0
        meter.watch(HTTP_RUNNING, lambda: self.count)


RUNNING = web.AppKey("running", Running)


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    clock, running = request.app[SITE].clock, request.app[RUNNING]
    request[BEGAN] = clock.monotonic()
    given = request.headers.get(HEADER, "")
    number = request[REQUEST_ID] = given if _GIVEN.fullmatch(given) else clock.token(_LENGTH)
    structlog.contextvars.bind_contextvars(request_id=number)
    running.count += 1
    status = _GONE
    try:
        response = await handler(request)
        status = response.status
        return response
    finally:
        running.count -= 1
        _tell(request, status)


def _tell(request: web.Request, status: int) -> None:
    site = request.app[SITE]
    seconds = site.clock.monotonic() - request[BEGAN]
    route = route_of(request)
    path = "" if route is None else route.path
    method = request.method if route is not None else "other"
    site.desk.meter.observe(HTTP_SECONDS, seconds, method, path, str(status))
    caller = request.get(CALLER)
    log = _log.debug if path in _QUIET else _log.info
    log(
        "request",
        method=request.method,
        route=path,
        status=status,
        ms=round(1000 * seconds, 1),
        key=None if caller is None else caller.id,
    )
