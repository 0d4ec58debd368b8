"""GET /docs: the interface for people, written from the same document that programs read. No script, nothing loaded."""

from typing import Any

import msgspec
from aiohttp import web

from verifier.edges.http.openapi import DOCUMENT
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.problems import KINDS
from verifier.edges.http.routing import JSON, Call, Route
from verifier.edges.http.site import Site

_REFERENCE = "#/components/schemas/"


class Field(msgspec.Struct, frozen=True):
    """One field of a body, for a table; `link` is the name of the schema that it is of, "" where it is of none."""

    name: str
    type: str
    link: str
    required: bool
    description: str


class Operation(msgspec.Struct, frozen=True):
    """One operation, as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    description: list[str]
    scope: str
    curl: str
    parameters: list[Field]
    fields: list[Field]
    answers: list[tuple[str, str, str]]
    """Status, what it says, the schema of its body."""


async def docs(call: Call[None]) -> web.StreamResponse:
    plain = call.request.app[DOCUMENT].plain
    operations = [
        (
            operation["tags"][0],
            _operation(path, method, operation, plain["components"]["schemas"], call.site),
        )
        for path, methods in plain["paths"].items()
        for method, operation in methods.items()
    ]
    tags = [tag["name"] for tag in plain["tags"]]
    groups = [(tag, [shown for its, shown in operations if its == tag]) for tag in tags]
    schemas = [
        (name, schema.get("description", ""), _fields(schema))
        for name, schema in sorted(plain["components"]["schemas"].items())
    ]
    return render(
        call.request, "docs.html", groups=groups, schemas=schemas, problems=KINDS, version=plain["info"]["version"]
    )


def _operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any], site: Site) -> Operation:
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    body = schemas[_name(content["schema"])] if content else {}
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=_sentences(operation.get("description", "")),
        scope=operation.get("x-scope", ""),
        curl=_curl(
            f"{site.public_url}{path}",
            method.upper(),
            content.get("example") if content else None,
            with_key="x-scope" in operation and site.keys_required,
        ),
        parameters=[
            Field(
                each["name"], _type(each["schema"]), "", each["required"], each["schema"].get("description", each["in"])
            )
            for each in operation.get("parameters", [])
        ],
        fields=_fields(body),
        answers=[
            (status, answer["description"], _first_name(answer.get("content", {})))
            for status, answer in operation["responses"].items()
        ],
    )


def _curl(url: str, method: str, example: Any, *, with_key: bool) -> str:
    asks = "" if method == "GET" or example is not None else f"-X {method} "
    parts = [f"curl {asks}{url}"]
    if with_key:
        parts.append('-H "Authorization: Bearer $API_KEY"')
    if example is not None:
        parts.append("-H 'Content-Type: application/json'")
        parts.append(f"-d '{msgspec.json.encode(example).decode()}'")
    return " \\\n  ".join(parts)


def _fields(schema: dict[str, Any]) -> list[Field]:
    required = schema.get("required", [])
    return [
        Field(name, _type(each), _name(each), name in required, each.get("description", ""))
        for name, each in schema.get("properties", {}).items()
    ]


def _type(schema: dict[str, Any]) -> str:
    """A type in a few words."""
    if "$ref" in schema:
        return _name(schema)
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " · ".join(str(value) for value in schema["enum"] if value != "")
    bounds = [f"{sign} {schema[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in schema]
    return " ".join([str(schema.get("type", "anything")), *bounds])


def _name(schema: dict[str, Any]) -> str:
    """The schema that is referred to, straight or as a choice or a list's item; "" where none is."""
    parts = [schema, schema.get("items", {}), *schema.get("anyOf", [])]
    names = [part["$ref"].removeprefix(_REFERENCE) for part in parts if "$ref" in part]
    return names[0] if names else ""


def _first_name(content: dict[str, Any]) -> str:
    names = [_name(media["schema"]) for media in content.values() if "schema" in media]
    return names[0] if names else ""


def _sentences(description: str) -> list[str]:
    return [paragraph for paragraph in description.split("\n\n") if paragraph]


ROUTES = (Route("GET", "/docs", docs, "The documentation", page=True),)
