"""Whatever is raised inside becomes problem details; what is our own fault is logged whole and told without detail."""

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from verifier.core.faults import DiskFull, InputError, OperatorError
from verifier.core.list_faults import BadRequest, ListFault, QuotaExceeded
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.problems import Problem, invalid, response_of
from verifier.edges.http.routing import route_of
from verifier.edges.http.site import HEAD_SENT, REQUEST_ID
from verifier.service.realtime import TooBusy

_log = structlog.get_logger("verifier.http")
_BUSY_SECONDS = 5.0
_FULL_SECONDS = 60.0


@web.middleware
async def tell_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ConnectionError:
        raise  # whoever asked went away
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        return _answer(request, _of_aiohttp(answer))
    except Exception as error:  # an edge: one request's fault ends here
        problem = _of(error)
        if HEAD_SENT in request:
            raise _cut_off(request) from error
        return _answer(request, problem)


def _answer(request: web.Request, problem: Problem) -> web.Response:
    """A page where a person's browser asked for one, else problem details."""
    response = response_of(problem, request[REQUEST_ID])
    route = route_of(request)
    if "text/html" not in request.headers.get("Accept", "") or not (route is None or route.page):
        return response
    page = render(request, "problem.html", problem.status, problem=problem, number=request[REQUEST_ID])
    page.headers.update({name: value for name, value in response.headers.items() if name not in page.headers})
    return page


def _cut_off(request: web.Request) -> ConnectionError:
    """An answer that has begun cannot become another one: its reader sees that it is not whole."""
    if request.transport is not None:
        request.transport.abort()
    return ConnectionResetError("the answer had begun")


def _of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case TooBusy():
            return Problem("busy", "So many checks run that this one cannot be answered.", retry_after=_BUSY_SECONDS)
        case BadRequest():
            return invalid(error.field, str(error))
        case QuotaExceeded():
            return Problem(error.code, str(error), retry_after=error.retry_after)
        case ListFault():
            return Problem(error.code, str(error))
        case InputError():
            return Problem("conflict", str(error))
        case DiskFull():
            _log.error("the disk is full", fault=str(error))
            return Problem("disk_full", str(error), retry_after=_FULL_SECONDS)
        case OperatorError():
            _log.error("a part that is needed does not work", fault=str(error))
            return Problem("unavailable", "The log of the service says which part it is.", retry_after=_BUSY_SECONDS)
        case _:
            _log.error("a fault of this program", exc_info=error)
            return Problem("internal_error", "The log of the service has the details under the request's number.")


def _of_aiohttp(error: web.HTTPException) -> Problem:
    """aiohttp's own refusals."""
    match error.status:
        case 404:
            return Problem("not_found", "The documentation at /docs lists what there is.")
        case 405:
            allowed = error.headers.get("Allow", "")
            return Problem("method_not_allowed", f"Known here: {allowed}.", headers={"Allow": allowed})
        case 413:
            return Problem("body_too_large", "The body is larger than what is read here.")
        case _:
            return Problem("malformed_request", "The request is not understood.")
