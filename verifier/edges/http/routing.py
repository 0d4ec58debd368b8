"""Routes as data: the router, the authorisation and the OpenAPI document are made from one table of these."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import hdrs, web
from msgspec import Struct

from verifier.core.api_keys import ApiKey, Scope
from verifier.edges.http.site import BEGAN, CALLER, Site

T = TypeVar("T")

JSON = "application/json"
NDJSON = "application/x-ndjson"
SMALL_BODY = 64 * 1024
_READER_SECONDS = 60.0


class Call(Struct, Generic[T], frozen=True):
    """One request, as its handler gets it: authorised, its body read into the route's request type."""

    request: web.Request
    site: Site
    body: T
    query: Any

    @property
    def caller(self) -> ApiKey:
        """Who asks."""
        return self.request[CALLER]

    @property
    def began(self) -> float:
        """When the request came, in seconds of the clock."""
        return self.request[BEGAN]


Handler = Callable[[Call[Any]], Awaitable[web.StreamResponse]]


class Route(Struct, frozen=True):
    """One operation. `scope` None is open to everybody; `request` None has no body that is read for it.

    `query` is a Struct of the parameters. `responds` is the Struct of a `status` answer in JSON, None where there is no
    JSON; `also` are further media types of that answer. `problems` are the codes that are this operation's own.
    `example` is a body for the documentation. A `page` is for people: it is not in the OpenAPI document, and who has to
    log in first is led there. `body_optional`: without a body it is the request type's defaults. `streamed`: the
    handler reads the body, which may be of the `takes` media types too. `cross_origin`: other sites' pages may call it.
    `further` are statuses of answers that are no problems and have no body, each with what it says.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    scope: Scope | None = None
    request: Any = None
    query: Any = None
    responds: Any = None
    status: int = 200
    also: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    description: str = ""
    example: Any = None
    tag: str = ""
    body_limit: int = SMALL_BODY
    body_optional: bool = False
    streamed: bool = False
    page: bool = False
    cross_origin: bool = False
    further: Mapping[int, str] = {}

    @property
    def parameters(self) -> list[str]:
        """Names in the path."""
        return re.findall(r"{(\w+)", self.path)

    @property
    def operation(self) -> str:
        """A name that stays, for programs that are generated: `post_v1_verify`."""
        return re.sub(r"\W+", "_", f"{self.method.lower()}{self.path}").strip("_")


ROUTES_OF = web.AppKey("routes_of", dict[Any, Route])
"""By what the router calls."""


def route_of(request: web.Request) -> Route | None:
    """The route that was found for a request; None where there is none."""
    return request.app[ROUTES_OF].get(request.match_info.handler)


class HeadAlone(Exception):
    """HEAD: the head of `response` has been sent, and is all of it."""

    def __init__(self, response: web.StreamResponse) -> None:
        super().__init__("the head is all that was asked for")
        self.response = response


async def write(call: Call[Any], response: web.StreamResponse, data: bytes) -> None:
    """Send a part of a stream, its head before the first. Raises ConnectionError where nobody reads it any more, and
    HeadAlone where nobody asked for it: on a connection that stays open a body would be read as the next answer.
    """
    if not response.prepared:
        await response.prepare(call.request)
    if call.request.method == hdrs.METH_HEAD:
        raise HeadAlone(response)
    try:
        async with asyncio.timeout(_READER_SECONDS):
            await response.write(data)
    except TimeoutError:
        raise ConnectionResetError("the reader has stopped reading") from None


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Structs and plain values as JSON."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type=JSON, headers=headers)
