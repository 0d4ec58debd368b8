"""The Python client against a service that fails, over a real socket."""

import asyncio
import json
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.core.test_signup import assessment
from verifier.client import AsyncClient, Client, ServiceOutOfReach, ServiceRefused
from verifier.core.reasons import Reason
from verifier.core.record import to_record

RECORD = to_record(assessment(Reason.ACCEPTED))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def service(handler: Handler) -> AsyncIterator[str]:
    """A service that answers everything by `handler`."""
    app = web.Application()
    app.router.add_post("/{path:.*}", handler)
    async with TestServer(app) as server:
        yield str(server.make_url(""))


def failing(times: int, status: int, headers: dict[str, str] | None = None) -> tuple[Handler, list[int]]:
    """Answers a few times with a problem, then with a record; and how often it was asked."""
    asked: list[int] = []

    async def handler(_: web.Request) -> web.StreamResponse:
        asked.append(1)
        if len(asked) <= times:
            return web.json_response({"code": "busy", "detail": "Too much."}, status=status, headers=headers)
        return web.json_response(RECORD)

    return handler, asked


async def test_what_passes_is_asked_again() -> None:
    """A busy service, a gateway without one: after a pause, so often and not more often."""
    for status in (429, 502, 503, 504):
        handler, asked = failing(1, status)
        async with service(handler) as url, AsyncClient(url) as client:
            assert (await client.verify("jane@shop.example")).reason == "accepted"
        assert len(asked) == 2
    handler, asked = failing(9, 503)
    async with service(handler) as url, AsyncClient(url, retries=1) as client:
        with pytest.raises(ServiceRefused, match="Too much"):
            await client.verify("jane@shop.example")
    assert len(asked) == 2


async def test_whoever_may_try_often_does_not_wait_for_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause doubles up to half a minute: enough for a service that is restarted."""
    waited, really = list[float](), asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.extend([seconds] if seconds else [])
        await really(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    async with AsyncClient("http://127.0.0.1:1", retries=30) as client:
        with pytest.raises(ServiceOutOfReach):
            await client.verify("jane@shop.example")
    assert (waited[:3], len(waited), max(waited)) == ([0.25, 0.5, 1.0], 30, 30.0)


@pytest.mark.parametrize(("status", "headers"), [(401, {}), (422, {}), (429, {"Retry-After": "3600"})])
async def test_what_does_not_pass_is_not(status: int, headers: dict[str, str]) -> None:
    """Nor what passes in an hour: that is the caller's to decide."""
    handler, asked = failing(1, status, headers)
    async with service(handler) as url, AsyncClient(url) as client:
        with pytest.raises(ServiceRefused) as refused:
            await client.verify("jane@shop.example")
    assert (refused.value.status, refused.value.code, len(asked)) == (status, "busy", 1)


async def test_many_wait_for_the_rate_of_their_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand addresses use it up for minutes, and the next thousand come all the same; a used up day is told."""
    asked, waited, really = list[int](), list[float](), asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.extend([seconds] if seconds else [])
        await really(0)

    async def handler(request: web.Request) -> web.StreamResponse:
        emails = (await request.json())["emails"]
        asked.append(len(emails))
        if len(asked) in (2, 4):
            seconds = {2: "100", 4: "50000"}[len(asked)]
            return web.json_response({"code": "rate_limited"}, status=429, headers={"Retry-After": seconds})
        return web.Response(text="".join(json.dumps(RECORD | {"index": n}) + "\n" for n in range(len(emails))))

    async with service(handler) as url, AsyncClient(url) as client:
        monkeypatch.setattr(asyncio, "sleep", sleep)
        answers = client.verify_all(["jane@shop.example"] * 2500)
        assert [(await anext(answers))[0] for _ in range(2000)] == list(range(2000))
        with pytest.raises(ServiceRefused):
            await anext(answers)
    assert (asked, waited) == ([1000, 1000, 1000, 500], [100.0])


async def test_words_that_are_new_are_tolerated() -> None:
    """Reasons, fields and flags of a later version."""

    async def handler(_: web.Request) -> web.StreamResponse:
        later = RECORD | {"reason": "newly_found", "colour": "green", "flags": RECORD["flags"] | {"new": True}}
        return web.json_response(later)

    async with service(handler) as url, AsyncClient(url) as client:
        assert (await client.verify("jane@shop.example")).reason == "newly_found"


async def test_a_form_lets_people_in_when_in_doubt() -> None:
    """Whatever the service does: a refusal, nonsense, silence."""

    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        raise AssertionError

    async def nonsense(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>")

    for handler, budget in ((failing(9, 500)[0], 1000), (nonsense, 1000), (silent, -1900)):
        async with service(handler) as url, AsyncClient(url) as client:
            advice = await client.signup("jane@shop.example", timeout_ms=budget)
            assert (advice.decision, advice.degraded) == ("accept", True)


async def test_what_answers_in_the_services_place_is_out_of_reach() -> None:
    """One kind of error for everything that is no answer of the service, each with a sentence: a page of a proxy's, or
    nothing in time.
    """

    async def nonsense(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>\n")

    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        raise AssertionError

    for handler, budget, said in ((nonsense, 1000, "not as the service does"), (silent, -1900, "time is over")):
        async with service(handler) as url, AsyncClient(url, retries=0) as client:
            with pytest.raises(ServiceOutOfReach, match=said):
                await client.verify("jane@shop.example", timeout_ms=budget)
            with pytest.raises(ServiceOutOfReach, match=said):
                await anext(client.verify_all(["jane@shop.example"], timeout_ms=budget))


async def test_a_stream_that_broke_off_goes_on() -> None:
    """What had come is not asked again; every address is answered once."""
    asked: list[list[str]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        emails = json.loads(await request.read())["emails"]
        asked.append(emails)
        response = web.StreamResponse()
        await response.prepare(request)
        for index in reversed(range(len(emails))):
            if len(asked) == 1 and index < 2:
                assert request.transport is not None
                await asyncio.sleep(0.05)
                request.transport.abort()
                break
            line = RECORD | {"email": emails[index], "index": index}
            await response.write(json.dumps(line).encode() + b"\n")
        return response

    emails = [f"user{n}@shop.example" for n in range(5)]
    async with service(handler) as url, AsyncClient(url) as client:
        found = [(place, record.email) async for place, record in client.verify_all(emails)]
    assert sorted(found) == list(enumerate(emails))
    assert asked == [emails, emails[:2]]


async def gated(request: web.Request) -> web.StreamResponse:
    question = await request.json()
    common = {"rule": "otherwise", "policy": "balanced", "message_class": question["message_class"], "also": []}
    found = {"decision": "allow", "until": None, "degraded": False, "verdict": "deliverable", "age_s": 3}
    return web.json_response({"results": [{"email": email, **common, **found} for email in question["emails"]]})


async def test_the_gate_is_asked() -> None:
    """One or many, in order; more than fit into one request are sent in several."""
    async with service(gated) as url, AsyncClient(url) as client:
        one = await client.gate("jane@shop.example", message_class="triggered")
        assert (one.decision, one.message_class, one.degraded) == ("allow", "triggered", False)
        many = [f"u{n}@shop.example" for n in range(1500)]
        assert [record.email for record in await client.gate_all(many)] == many

        def without_asyncio() -> str:
            with Client(url) as plain:
                assert len(plain.gate_all(["a@b.example"], sender="shop")) == 1
                return plain.gate("jane@shop.example").decision

        assert await asyncio.to_thread(without_asyncio) == "allow"


async def test_nobody_goes_unasked_for_those_before_him(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand use up the rate of an ordinary key: the next thousand wait for it, and are not let through unasked.
    Who finds it used up does not wait.
    """
    waited, really, refusing = list[float](), asyncio.sleep, [False]

    async def sleep(seconds: float) -> None:
        waited.extend([seconds] if seconds else [])
        await really(0)

    async def handler(request: web.Request) -> web.StreamResponse:
        refusing[0] = not refusing[0]
        if refusing[0]:
            return web.json_response({"code": "rate_limited"}, status=429, headers={"Retry-After": "100"})
        return await gated(request)

    many = [f"u{n}@shop.example" for n in range(1500)]
    async with service(handler) as url, AsyncClient(url) as client:
        monkeypatch.setattr(asyncio, "sleep", sleep)
        assert (await client.gate("jane@shop.example", message_class="triggered")).degraded
        assert waited == []
        assert not any(record.degraded for record in await client.gate_all(many, message_class="triggered"))
    assert waited == [100.0]


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429, 500, 503])
async def test_a_gate_that_is_no_help_stops_no_order(status: int) -> None:
    """It is asked once; marketing is held and everything else goes out, degraded."""
    handler, asked = failing(9, status)
    async with service(handler) as url, AsyncClient(url) as client:
        classes = ("marketing", "triggered", "transactional")
        found = [await client.gate("jane@shop.example", message_class=each) for each in classes]
    assert [record.decision for record in found] == ["hold", "allow", "allow"]
    assert {(record.rule, record.degraded) for record in found} == {("unavailable", True)}
    assert len(asked) == 3


async def test_a_gate_that_talks_nonsense_or_is_away() -> None:
    """Is no help either."""

    async def nonsense(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>allow</html>")

    async with service(nonsense) as url, AsyncClient(url) as client:
        assert (await client.gate("jane@shop.example")).degraded
    async with AsyncClient("http://127.0.0.1:1") as client:
        assert (await client.gate("jane@shop.example", message_class="transactional")).decision == "allow"


async def test_a_question_that_cannot_be_is_told() -> None:
    """A policy that there is not is a mistake of the program, which should not go unnoticed."""
    handler, _ = failing(9, 422)
    async with service(handler) as url, AsyncClient(url) as client:
        with pytest.raises(ServiceRefused):
            await client.gate("jane@shop.example", policy="mine")


async def test_text_that_is_no_unicode_stops_nobody() -> None:
    """A name from a command line or an old file may hold half a character: it is sent with U+FFFD in its place."""
    heard: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        heard.append((await request.json())["email"])
        return web.json_response(RECORD)

    async with service(handler) as url, AsyncClient(url) as client:
        assert (await client.verify("jan\udce9@shop.example")).reason == "accepted"
        assert not (await client.signup("\ud83d\ude00@shop.example")).degraded
    assert heard == ["jan\ufffd@shop.example", "\U0001f600@shop.example"]


@pytest.mark.parametrize("url", ["http://..", f"http://{'a' * 70}.example", "nowhere", "ftp://shop.example"])
async def test_an_address_of_the_service_that_is_none_keeps_nobody_out(url: str) -> None:
    """Whatever stands in the settings of the form's server: people come in, and orders go out."""
    async with AsyncClient(url) as client:
        assert (await client.signup("jane@shop.example")).degraded
        assert (await client.gate("jane@shop.example", message_class="transactional")).decision == "allow"
        with pytest.raises(ServiceOutOfReach):
            await client.verify("jane@shop.example")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3600"}, 3600.0),
        ({"Retry-After": "Thu, 26 Nov 2026 10:00:40 GMT", "Date": "Thu, 26 Nov 2026 10:00:00 GMT"}, 40.0),
        ({"Retry-After": "Thu, 26 Nov 2026 09:00:00 GMT", "Date": "Thu, 26 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "²"}, None),
        ({}, None),
    ],
)
async def test_how_long_to_wait_is_read(headers: dict[str, str], seconds: float | None) -> None:
    """In seconds or as a date, which is held against the answer's own; what is neither is no wait."""
    handler, _ = failing(9, 429, headers)
    async with service(handler) as url, AsyncClient(url, retries=0) as client:
        with pytest.raises(ServiceRefused) as refused:
            await client.verify("jane@shop.example")
    assert refused.value.retry_after == seconds


def test_a_refusal_travels_between_processes() -> None:
    """As every exception of a worker does: whole."""
    refused = pickle.loads(pickle.dumps(ServiceRefused(429, "rate_limited", "Slowly.", 3.0)))
    assert (refused.status, refused.code, refused.retry_after, str(refused)) == (
        429,
        "rate_limited",
        3.0,
        "Slowly. (rate_limited)",
    )


@pytest.mark.parametrize("indexes", [[7], [0, 0], [-1]])
async def test_lines_that_nobody_asked_for_are_not_the_services(indexes: list[int]) -> None:
    """An index that is out of reach, or comes twice."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(text="".join(json.dumps(RECORD | {"index": index}) + "\n" for index in indexes))

    async with service(handler) as url, AsyncClient(url, retries=0) as client:
        with pytest.raises(ServiceOutOfReach, match="was not asked"):
            async for _ in client.verify_all(["a@shop.example", "b@shop.example"]):
                pass


async def test_a_gate_that_answers_about_too_few_decided_about_nobody() -> None:
    """Each decision stands at its own address, or there is none."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response({"results": []})

    async with service(handler) as url, AsyncClient(url) as client:
        found = await client.gate_all(["a@shop.example", "b@shop.example"], message_class="triggered")
    assert [(record.email, record.degraded) for record in found] == [("a@shop.example", True), ("b@shop.example", True)]
