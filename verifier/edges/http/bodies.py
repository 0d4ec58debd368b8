"""Reads bodies and parameters into the types that the route table names; whatever is wrong is said by field."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct, structs

from verifier.edges.http.problems import FieldError, Problem
from verifier.edges.http.routing import JSON, Route
from verifier.edges.http.site import BODY

QueryT = TypeVar("QueryT", bound=Struct)

_PATIENCE = 30.0
_AT = re.compile(r" - at `(?:key in )?\$(.*)`$")
_NAMED = re.compile(r"(?:missing required|contains unknown) field `([^`]*)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


async def read_json(request: web.Request, route: Route) -> Any:
    """The body as the route's request type. Raises Problem."""
    if route.body_optional and not request.can_read_body:
        return route.request()
    if request.content_type != JSON or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Problem("unsupported_media_type", "Send JSON in UTF-8, with `Content-Type: application/json`.")
    raw = await read_bytes(request, route.body_limit)
    try:
        return msgspec.json.decode(raw, type=route.request)
    except msgspec.ValidationError as error:
        raise invalid_fields(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed_json", f"The body is not JSON: {error}.") from None


def _with_plus(address: str) -> str:
    """A plus that was not escaped comes as a blank, which no address has outside of quotes."""
    return address if '"' in address else address.strip().replace(" ", "+")


def read_query(request: web.Request, route: Route) -> Any:
    """The parameters as the route's query type; each may be given once. Raises Problem."""
    given = {}
    for name, value in request.query.items():
        if name in given:
            raise Problem("invalid_fields", f"{name} is given twice.", errors=(FieldError(name, "is given twice"),))
        given[name] = _with_plus(value) if name == "email" else value
    try:
        return msgspec.convert(given, type=route.query, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_fields(str(error), in_body=False) from None


def changed(query: QueryT, given: Mapping[str, Any], *, strict: bool) -> QueryT:
    """Parameters, but for what `given` (fields of a form as texts, or members of an object) says. Raises Problem."""
    try:
        return msgspec.convert({**structs.asdict(query), **given}, type=type(query), strict=strict)
    except msgspec.ValidationError as error:
        sentence = str(error).replace("Expected `bool`, got `str`", "Expected true or false")
        raise invalid_fields(sentence) from None


async def read_bytes(request: web.Request, limit: int) -> bytes:
    """The whole body, decompressed where it came so. Raises Problem past `limit` bytes, or where it is too slow."""
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    if BODY in request or request.content.is_eof():  # it came with its head: nothing has to be waited for
        whole = request[BODY] if BODY in request else request.content.read_nowait()
        if len(whole) > limit:
            raise _too_large(limit)
        return whole
    parts, size = [], 0
    try:
        async with asyncio.timeout(_PATIENCE):
            async for part in request.content.iter_any():
                size += len(part)
                if size > limit:
                    raise _too_large(limit)
                parts.append(part)
    except TimeoutError:
        raise Problem("request_timeout", f"The body did not arrive within {_PATIENCE:.0f} seconds.") from None
    except web.RequestPayloadError:
        raise Problem("malformed_request", "The body is not what its headers announce.") from None
    return b"".join(parts)


def _too_large(limit: int) -> Problem:
    return Problem("body_too_large", f"At most {limit:,} bytes are read here.", headers={"Connection": "close"})


def invalid_fields(message: str, *, in_body: bool = True) -> Problem:
    """msgspec's sentence (`Expected …, got … - at `$.emails[3]``) with its place as a JSON pointer."""
    at = _AT.search(message)
    sentence = message[: at.start()] if at else message
    steps = [name or index for name, index in _STEP.findall(at[1])] if at else []
    named = _NAMED.search(sentence)
    if named:
        steps.append(named[1])
    escaped = [step.replace("~", "~0").replace("/", "~1") for step in steps]
    pointer = "".join(f"/{step}" for step in escaped) if in_body else "/".join(steps)
    where = pointer or "the body"
    return Problem("invalid_fields", f"{where}: {sentence}.", errors=(FieldError(pointer, sentence),))
