"""What a route of the table brings with it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec import Meta, Struct

from tests.support.front_desk import KEYED, Visitor, visiting
from verifier.core.api_keys import Scope
from verifier.core.faults import InputError, ServiceUnavailable
from verifier.edges.http.app import make_app
from verifier.edges.http.openapi import DOCUMENT
from verifier.edges.http.routing import Call, Route, json_response
from verifier.service.realtime import TooBusy

FAULTS = {"busy": TooBusy(), "conflict": InputError("so it is"), "unavailable": ServiceUnavailable("/srv/secret")}


class Page(Struct, frozen=True, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    verdict: str | None = None


async def show(call: Call[None]) -> web.StreamResponse:
    return json_response({"limit": call.query.limit, "verdict": call.query.verdict})


async def fail(call: Call[None]) -> web.StreamResponse:
    raise FAULTS[call.request.match_info["name"]]


async def take(call: Call[None]) -> web.StreamResponse:
    return json_response({})


ROUTES = (
    Route("GET", "/rows", show, "Rows", scope=Scope.LISTS, query=Page, tag="Rows"),
    Route("GET", "/fail/{name}", fail, "Fail", tag="Rows"),
    Route("POST", "/widget", take, "For pages of others", tag="Rows", cross_origin=True),
    Route("GET", "/page", take, "For people", scope=Scope.LISTS, page=True),
)


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Visitor]:
    """An application of these routes, which needs keys."""
    async with (
        visiting(tmp_path, KEYED) as visitor,
        TestClient(TestServer(make_app(visitor.site, ROUTES))) as client,
    ):
        yield Visitor(visitor.site, client, [])


async def test_parameters_are_read_into_their_type(small: Visitor) -> None:
    """As JSON bodies are: what is wrong is said by its name."""
    token = await small.key(Scope.LISTS)
    answer = await small.ask("GET", "/rows?limit=5&verdict=risky", token=token)
    assert answer.json == {"limit": 5, "verdict": "risky"}
    for query, pointer in (("limit=x", "limit"), ("limit=0", "limit"), ("limit=1&limit=2", "limit"), ("l=1", "l")):
        refused = await small.ask("GET", f"/rows?{query}", token=token)
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize("encoding", ["compress", "gzip, gzip", "aes128gcm"])
async def test_a_body_in_an_encoding_that_is_not_undone_is_refused(small: Visitor, encoding: str) -> None:
    """It would be taken for what it is not. A plain one is read, and so is a request without one."""
    refused = await small.ask("POST", "/widget", data=b"x", headers={"Content-Encoding": encoding})
    assert (refused.status, refused.json["code"]) == (415, "unsupported_media_type")
    assert refused.headers["Accept-Encoding"] == "gzip, deflate"
    assert (await small.ask("POST", "/widget", headers={"Content-Encoding": encoding})).status == 200
    assert (await small.ask("POST", "/widget", data=b"x", headers={"Content-Encoding": "Identity"})).status == 200


async def test_parameters_are_in_the_document(small: Visitor) -> None:
    """By their own types."""
    document = make_app(small.site, ROUTES)[DOCUMENT].plain
    parameters = document["paths"]["/rows"]["get"]["parameters"]
    assert [(p["name"], p["in"], p["required"]) for p in parameters] == [
        ("limit", "query", False),
        ("verdict", "query", False),
    ]
    assert "/page" not in document["paths"]


@pytest.mark.parametrize(("name", "status"), [("busy", 503), ("conflict", 409), ("unavailable", 503)])
async def test_faults_have_their_codes(small: Visitor, name: str, status: int) -> None:
    """What a service raises is told by a code, and nothing of this host with it."""
    answer = await small.ask("GET", f"/fail/{name}")
    assert (answer.status, answer.json["code"]) == (status, name)
    assert "secret" not in answer.text
    assert ("Retry-After" in answer.headers) == (status == 503)


async def test_a_widget_may_be_asked_from_anywhere(small: Visitor) -> None:
    """Where a route says so, and there alone."""
    foreign = {"Origin": "https://shop.example"}
    assert (await small.ask("POST", "/widget", headers=foreign)).status == 200


async def test_a_page_leads_to_the_login(small: Visitor) -> None:
    """Who is not logged in is not told of keys."""
    answer = await small.ask("GET", "/page")
    assert (answer.status, answer.headers["Location"]) == (303, "/login")
