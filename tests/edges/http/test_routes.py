"""The table of routes: what the router has, who may, and what the document says of it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.front_desk import KEYED, Visitor, visiting
from verifier.core.api_keys import Scope
from verifier.core.presets import PRESETS
from verifier.core.reasons import Reason
from verifier.edges.http.problems import KINDS
from verifier.edges.http.routing import Route
from verifier.edges.http.table import ROUTES

CONTRACT = (Path(__file__).parents[3] / "docs" / "contract.md").read_text(encoding="utf-8").split("## 5. HTTP")[1]
OPEN_TO_ALL = {
    "/",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/docs",
    "/about-probes",
    "/login",
    "/logout",
    "/static/{digest}/{name}",
    "/widget.js",
    "/v1/webhooks/{source}",  # brings its key or its signature in its own way: api/feedback.py
    "/unsubscribe/{token}",
}
GUARDED = [route for route in ROUTES if route.scope is not None]


def path_of(route: Route) -> str:
    """A path that the route matches."""
    return re.sub(r"{\w+}", "x", route.path)


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_the_router_has_the_table_and_nothing_else(local: Visitor) -> None:
    """Nothing can be reached that the table does not name; HEAD is what GET is without its body."""
    registered = {
        (route.method, route.resource.canonical)
        for route in local.client.app.router.routes()  # type: ignore[union-attr]
        if route.resource is not None
    }
    wanted = {(route.method, route.path) for route in ROUTES}
    assert {("HEAD", path) for method, path in wanted if method == "GET"} | wanted == registered


def test_what_is_open_to_all_is_meant_to_be() -> None:
    """A route without a scope is one of those that are listed here; a browser's question before the question is too."""
    assert OPEN_TO_ALL == {route.path for route in ROUTES if route.scope is None and route.method != "OPTIONS"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visitor]:
    """One service that others reach, for all who are refused: that changes nothing of it."""
    async with visiting(tmp_path_factory.mktemp("guarded"), KEYED) as visitor:
        yield visitor
        assert visitor.faults == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", GUARDED, ids=name)
async def test_a_guarded_route_refuses_without_a_key(guarded: Visitor, route: Route) -> None:
    """401 with a challenge, before anything is read; of a page its reader is led to where he can log in."""
    answer = await guarded.ask(route.method, path_of(route))
    if route.page:
        assert (answer.status, answer.headers["Location"]) == (303, "/login")
        return
    assert (answer.status, answer.json["code"]) == (401, "key_required")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", GUARDED, ids=name)
async def test_a_guarded_route_refuses_without_its_scope(guarded: Visitor, route: Route) -> None:
    """403 for a key that may do everything else, but not administer."""
    others = [scope for scope in Scope if scope not in (route.scope, Scope.ADMIN, Scope.WIDGET)]
    token = await guarded.key(*others, name=f"other {name(route)}")
    answer = await guarded.ask(route.method, path_of(route), token=token)
    assert (answer.status, answer.json["code"]) == (403, "scope_missing")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", GUARDED, ids=name)
async def test_a_guarded_route_refuses_a_false_key(guarded: Visitor, route: Route) -> None:
    """401 for a token that was never given, whole or not."""
    real = await guarded.key(Scope.ADMIN, name=f"false {name(route)}")
    for token in ("vfk_nonsense", real[:-1] + ("a" if real[-1] != "a" else "b"), "x" * 5000):
        answer = await guarded.ask(route.method, path_of(route), token=token)
        assert (answer.status, answer.json["code"]) == (401, "key_invalid")


def in_the_contract() -> set[tuple[str, str]]:
    """Method and path of all that the table of §5 names; a path without a method, or a rest, has those before it."""
    named = set()
    for cell in re.findall(r"^\| (.*?) \|", CONTRACT, re.MULTILINE):
        methods, list_of = ["GET"], ""
        for code in re.findall(r"`([^`]+)`", cell):
            words = code.split(" ", 1)
            methods = words[0].split("/") if len(words) == 2 else methods
            path = words[-1].split("?")[0]
            if "{id}" in path:
                list_of = path.split("{id}")[0] + "{id}"
            else:  # the rest of the path before it, from its {id} on
                named |= {(method, list_of + path.removeprefix("…")) for method in methods if list_of}
            named |= {(method, path) for method in methods}
    return named | {(method, f"{path}/{{id}}") for method, path in named if method == "DELETE"}


def test_every_route_is_in_the_contract() -> None:
    """Each operation for programs is named in docs/contract.md §5."""
    named = in_the_contract() | {("GET", "/openapi.json")}
    assert [name(route) for route in ROUTES if not route.page and (route.method, route.path) not in named] == []


async def test_the_document_has_every_operation(local: Visitor) -> None:
    """OpenAPI 3.1: each with a name of its own, its scope, its body, and the problems that it may answer."""
    document = (await local.ask("GET", "/openapi.json")).json
    shown = [route for route in ROUTES if not route.page]
    assert document["openapi"] == "3.1.0"
    operations = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {(route.method, route.path) for route in shown}
    assert len({operation["operationId"] for operation in operations.values()}) == len(shown)
    for route in shown:
        operation = operations[route.method, route.path]
        assert (operation.get("x-scope"), "requestBody" in operation) == (route.scope, route.request is not None)
        assert str(route.status) in operation["responses"]
        for code in route.problems:
            assert str(KINDS[code].status) in operation["responses"]


async def test_the_document_names_the_words_of_a_parameter(local: Visitor) -> None:
    """A closed list of them; several are an array that is written with commas."""
    download = (await local.ask("GET", "/openapi.json")).json["paths"]["/v1/lists/{id}/download"]["get"]
    parameters = {each["name"]: each for each in download["parameters"]}
    assert parameters["format"]["schema"]["enum"] == ["", "csv", "xlsx", "jsonl"]
    assert parameters["preset"]["schema"]["enum"] == ["", *PRESETS]
    reason = parameters["reason"]
    assert (reason["style"], reason["explode"], reason["schema"]["type"]) == ("form", False, "array")
    assert reason["schema"]["items"]["enum"] == list(Reason)


async def test_every_reference_of_the_document_leads_somewhere(local: Visitor) -> None:
    """No schema is named that is not there."""
    answer = await local.ask("GET", "/openapi.json")
    schemas = answer.json["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', answer.text)) <= set(schemas)


async def test_the_document_is_what_generators_of_programs_read(local: Visitor) -> None:
    """A type's name is one word, of one type only; closed lists are of texts and numbers, not of lists: generators
    leave out an operation whose types they cannot name.
    """

    def enums(value: object) -> list[object]:
        match value:
            case {"enum": list(words)}:
                return list(words)
            case dict():
                return [word for each in value.values() for word in enums(each)]
            case list():
                return [word for each in value for word in enums(each)]
            case _:
                return []

    schemas = (await local.ask("GET", "/openapi.json")).json["components"]["schemas"]
    assert [name for name in schemas if not re.fullmatch(r"[A-Za-z0-9]+", name)] == []
    assert [word for word in enums(schemas) if not isinstance(word, str | int)] == []


async def test_the_documentation_shows_every_operation(local: Visitor) -> None:
    """The page for people has all of them, and loads nothing from elsewhere."""
    page = await local.ask("GET", "/docs")
    assert page.status == 200
    assert [route.path for route in ROUTES if not route.page and f"<code>{route.path}</code>" not in page.text] == []
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page.text) == []
    assert "<script" not in page.text and "style=" not in page.text
