"""The OpenAPI 3.1 document, made from the route table and from the very types that read requests."""

from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from verifier import __version__
from verifier.edges.http.problems import KINDS, MEDIA_TYPE, ProblemDetails
from verifier.edges.http.routing import JSON, NDJSON, Route

_REFERENCE = "#/components/schemas/{name}"
MULTIPART = "multipart/form-data"
BYTES = "application/octet-stream"
_FILE = {"type": "string", "format": "binary"}
_UPLOADS: dict[str, dict[str, Any]] = {
    MULTIPART: {"type": "object", "properties": {"file": _FILE}, "required": ["file"]},
    BYTES: _FILE,
    NDJSON: {"type": "string"},
}
_ALWAYS = ("internal_error", "unavailable")
_WITH_BODY = (
    "malformed_json",
    "malformed_request",
    "request_timeout",
    "body_too_large",
    "unsupported_media_type",
    "invalid_fields",
)
_WITH_KEY = ("key_required", "key_invalid", "scope_missing", "origin_refused", "host_refused", "rate_limited")


class Document(Struct, frozen=True):
    """The document as plain values, and as JSON."""

    plain: dict[str, Any]
    json: bytes


DOCUMENT = web.AppKey("document", Document)


def document_of(routes: Sequence[Route], public_url: str, *, keys_required: bool) -> Document:
    """Every route but the pages for people. Where no keys are required, they may be sent all the same."""
    shown = [route for route in routes if not route.page]
    types = list(
        dict.fromkeys(t for route in shown for t in (route.request, route.query, route.responds) if t is not None)
    )
    schemas, components = msgspec.json.schema_components([*types, ProblemDetails], ref_template=_REFERENCE)
    schema_of = dict(zip([*types, ProblemDetails], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    security: list[dict[str, list[str]]] = [{"key": []}] if keys_required else [{"key": []}, {}]
    for route in shown:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of, components, security)
    plain = {
        "openapi": "3.1.0",
        "info": {
            "title": "verifier",
            "version": __version__,
            "summary": "Verifies e-mail addresses honestly: every verdict with its evidence.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": public_url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in shown)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key: `verifier keys create NAME`."}
            },
        },
    }
    return Document(plain, msgspec.json.encode(plain))


def _operation(
    route: Route, schema_of: dict[Any, Any], components: dict[str, Any], security: list[dict[str, list[str]]]
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.tag],
        "responses": _responses(route, schema_of),
    }
    if route.description:
        operation["description"] = route.description
    if route.scope is not None:
        operation["security"] = security
        operation["x-scope"] = route.scope.value
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.parameters
    ]
    if route.query is not None:
        parameters += _query(components[schema_of[route.query]["$ref"].rpartition("/")[2]])
    if parameters:
        operation["parameters"] = parameters
    if route.request is not None:
        content: dict[str, Any] = {"schema": schema_of[route.request]}
        if route.example is not None:
            content["example"] = route.example
        others = {media: {"schema": _UPLOADS[media]} for media in route.takes}
        operation["requestBody"] = {"required": not route.body_optional, "content": {JSON: content, **others}}
    return operation


def _query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, **_written(each)}
        for name, each in schema["properties"].items()
    ]


def _written(schema: dict[str, Any]) -> dict[str, Any]:
    """How a parameter is written: one of words is a text to whoever reads it, and an array with commas to others."""
    if "items" not in schema:
        return {"schema": schema}
    array = {name: value for name, value in schema.items() if name != "default"} | {"type": "array"}
    return {"style": "form", "explode": False, "schema": array}


def _responses(route: Route, schema_of: dict[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": route.responds.__doc__.split("\n")[0] if route.responds else "Done."}
    content = {JSON: {"schema": schema_of[route.responds]}} if route.responds is not None else {}
    content |= {media: {} for media in route.also}
    if content:
        success["content"] = content
    codes = [*_ALWAYS, *route.problems]
    codes += _WITH_BODY if route.request is not None else ()
    codes += ("invalid_fields",) if route.query is not None else ()
    codes += _WITH_KEY if route.scope is not None else ()
    responses = {str(route.status): success}
    for status in sorted({KINDS[code].status for code in codes}):
        own = sorted({code for code in codes if KINDS[code].status == status})
        responses[str(status)] = {
            "description": " · ".join(f"`{code}`: {KINDS[code].title}" for code in own),
            "content": {MEDIA_TYPE: {"schema": schema_of[ProblemDetails]}},
        }
    return responses | {str(status): {"description": said} for status, said in route.further.items()}
