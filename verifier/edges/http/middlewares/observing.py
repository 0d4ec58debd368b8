"""The outermost: gives each request a number, counts and times it, and writes its line in the log.

No path stands in the log but the route's own pattern, since paths and queries may hold addresses and tokens.
"""

import re
from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from verifier.adapters.structlog_log import RequestLine, write_request
from verifier.core.measures import HTTP_RUNNING, HTTP_SECONDS
from verifier.edges.http.routing import route_of
from verifier.edges.http.site import BEGAN, CALLER, REQUEST_ID, SITE, Site
from verifier.ports import Clock, Meter

HEADER = "X-Request-ID"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LENGTH = 12
_GONE = 499
"""Whoever asked went away before the answer (nginx' number for it)."""
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


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
    number = request[REQUEST_ID] = number_of(request.headers, clock)
    structlog.contextvars.bind_contextvars(request_id=number)
    running.count += 1
    status = _GONE
    try:
        response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as answer:  # it leads on
        status = answer.status
        raise
    finally:
        running.count -= 1
        _tell(request, status)


def number_of(headers: Mapping[str, str], clock: Clock) -> str:
    """The request's number: what it was given on its way here, else a new one."""
    given = headers.get(HEADER)
    return given if given is not None and _GIVEN.fullmatch(given) else new_number(clock)


def new_number(clock: Clock) -> str:
    """The number of a request that brought none."""
    return clock.token(_LENGTH)


def tell(site: Site, number: str, method: str, route: str, status: int, seconds: float, key: str | None) -> None:
    """Count and time a request that has been answered, and write its line: `route` is the pattern ("" where there is
    none), `key` the id of the key that asked.
    """
    site.desk.meter.observe(HTTP_SECONDS, seconds, method if route else "other", route, str(status))
    if route not in _QUIET:
        write_request(RequestLine(method, route, status, round(1000 * seconds, 1), key, number, site.clock.now()))


def _tell(request: web.Request, status: int) -> None:
    site, route, caller = request.app[SITE], route_of(request), request.get(CALLER)
    path = "" if route is None else route.path
    seconds, key = site.clock.monotonic() - request[BEGAN], None if caller is None else caller.id
    tell(site, request[REQUEST_ID], request.method, path, status, seconds, key)
