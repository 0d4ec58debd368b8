"""Reads bodies and parameters into the types that the route table names; whatever is wrong is said by field."""

import asyncio
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from aiohttp import hdrs, web
from msgspec import Struct, structs

from verifier.edges.http.known_words import known_at
from verifier.edges.http.problems import FieldError, Problem
from verifier.edges.http.routing import JSON, Route
from verifier.edges.http.site import BODY

QueryT = TypeVar("QueryT", bound=Struct)

_PATIENCE = 30.0
_ENCODINGS = frozenset({"", "identity", "gzip", "deflate", "br", "zstd"})
"""What aiohttp undoes, or refuses before anything of the request is known."""
_AT = re.compile(r" - at `(?:key in )?\$(.*)`$")
_NAMED = re.compile(r"(?:missing required|contains unknown) field `([^`]*)`")
_UNKNOWN = re.compile(r"^Invalid enum value|unknown field")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def refuse_unread_encoding(request: web.Request) -> None:
    """A body in an encoding that is not undone here would be taken for what it is not. Raises Problem."""
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
    if encoding in _ENCODINGS or not request.can_read_body:
        return
    raise unread_encoding()


def unread_encoding() -> Problem:
    """With what would be read (RFC 9110 §12.5.3)."""
    return Problem(
        "unsupported_media_type",
        "Send the body as it is, or with `Content-Encoding: gzip`.",
        headers={"Accept-Encoding": "gzip, deflate"},
    )


async def read_json(request: web.Request, route: Route) -> Any:
    """The body as the route's request type. Raises Problem."""
    if route.body_optional and not request.can_read_body:
        return route.request()
    if hdrs.CONTENT_TYPE in request.headers and not _is_json(request):
        raise Problem("unsupported_media_type", "Send JSON in UTF-8, with `Content-Type: application/json`.")
    raw = await read_bytes(request, route.body_limit)
    try:
        return _decoded(raw.removeprefix(BOM_UTF8), route.request)  # which Windows' programs write (RFC 8259 §8.1)
    except msgspec.ValidationError as error:
        raise invalid_fields(str(error), route.request) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed_json", f"The body is not JSON: {error}.") from None


def _is_json(request: web.Request) -> bool:
    """A body that says nothing of itself is taken for it too (RFC 9110 §8.3): many programs leave it at that."""
    return request.content_type == JSON and (request.charset or "utf-8").lower() in ("utf-8", "utf8")


def _with_plus(address: str) -> str:
    """A plus that was not escaped comes as a blank, which no address has outside of quotes."""
    return address if '"' in address else address.strip().replace(" ", "+")


def _decoded(raw: bytes, asked: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=asked)
    except msgspec.ValidationError as error:
        if "got `float`" not in str(error):
            raise
        return msgspec.convert(with_whole_numbers(msgspec.json.decode(raw)), type=asked)


def with_whole_numbers(value: Any) -> Any:
    """JSON with 3.0 as 3: to JSON Schema a number without a fraction is an integer, however it is written."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: with_whole_numbers(each) for name, each in value.items()}
        case list():
            return [with_whole_numbers(each) for each in value]
        case _:
            return value


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
        raise invalid_fields(str(error), route.query, in_body=False) from None


def changed(query: QueryT, given: Mapping[str, Any], *, strict: bool) -> QueryT:
    """Parameters, but for what `given` (fields of a form as texts, or members of an object) says. Raises Problem."""
    try:
        return msgspec.convert({**structs.asdict(query), **given}, type=type(query), strict=strict)
    except msgspec.ValidationError as error:
        sentence = str(error).replace("Expected `bool`, got `str`", "Expected true or false")
        raise invalid_fields(sentence, type(query)) from None


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


def invalid_fields(message: str, asked: Any, *, in_body: bool = True) -> Problem:
    """msgspec's sentence (`Expected …, got … - at `$.emails[3]``) about a value of the type `asked`, with its place as
    a JSON pointer, and what is known there where it is something unknown.
    """
    at = _AT.search(message)
    sentence = message[: at.start()] if at else message
    steps = [name or index for name, index in _STEP.findall(at[1])] if at else []
    if _UNKNOWN.search(sentence) and (known := known_at(asked, steps)):
        sentence = f"{sentence}: there are {', '.join(known)}"
    if not in_body:
        sentence = sentence.replace("Expected `bool`, got `str`", "Expected true or false")
    named = _NAMED.search(sentence)
    if named:
        steps.append(named[1])
    escaped = [step.replace("~", "~0").replace("/", "~1") for step in steps]
    pointer = "".join(f"/{step}" for step in escaped) if in_body else "/".join(steps)
    where = pointer or "the body"
    return Problem("invalid_fields", f"{where}: {sentence}.", errors=(FieldError(pointer, sentence),))
