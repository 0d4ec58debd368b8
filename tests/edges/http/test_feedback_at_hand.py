"""What senders tell on the short road and on the long one: the same answers, kept once, and refused by the long one."""

import json
from typing import Any

import pytest

from tests.edges.http.test_feedback import JSON, NDJSON, STAMP, bounce, kinds
from tests.support.front_desk import Answer, Visitor
from tests.support.short_road import answered_shortly
from verifier.core.api_keys import Scope
from verifier.core.faults import ServiceUnavailable
from verifier.edges.http.feedback_at_hand import Telling, hook_target

_EACH_ITS_OWN = {"X-Request-ID", "Date", "Content-Length", "RateLimit"}
MAILJET = {"event": "unsub", "time": STAMP, "email": "jane@example.com"}


@pytest.fixture
def shortly(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each message that came to the short road, whether it was answered there."""
    return answered_shortly(monkeypatch, Telling, "_answer")


def told(answer: Answer) -> tuple[int, dict[str, str], dict[str, Any]]:
    headers = {name: value for name, value in answer.headers.items() if name not in _EACH_ITS_OWN}
    return answer.status, headers, answer.json


@pytest.mark.parametrize("query", ["", "?sender=shop", "?message_class=transactional&sender=shop"])
@pytest.mark.parametrize("headers", [JSON, NDJSON])
async def test_events_are_answered_the_same_on_both(
    keyed: Visitor, shortly: list[bool], query: str, headers: dict[str, str]
) -> None:
    """Head and body; what one road has kept, the other knows; the sender of the URL holds; a request counts once."""
    token = await keyed.key(Scope.FEEDBACK, rate=9)
    body = json.dumps(bounce(event="complained", bounce_class=None)).encode()
    await keyed.ask("POST", "/v1/events", data=b"[]", headers=JSON, token=token)  # from now on the key is known
    answers = [
        await keyed.ask("POST", f"/v1/events{query}", data=body, headers=headers | more, token=token)
        for more in ({}, {"X-Something": "unknown"}, {})
    ]
    assert shortly == [True, True]
    assert [answer.json["new"] for answer in answers] == [1, 0, 0]
    assert told(answers[1]) == told(answers[2])
    assert [answer.headers["RateLimit"].partition(";t")[0] for answer in answers] == [
        f'"minute";r={left}' for left in (7, 6, 5)
    ]
    assert await kinds(keyed) == {("complaint", "shop" if query else None)}


async def test_webhooks_are_answered_the_same_on_both(keyed: Visitor, shortly: list[bool]) -> None:
    """A key in the URL is enough, whatever headers its source adds."""
    token = await keyed.key(Scope.FEEDBACK)
    path, body = f"/v1/webhooks/mailjet?key={token}&sender=shop&theirs=1", json.dumps(MAILJET).encode()
    first = await keyed.ask("POST", path, data=body, headers=JSON)
    assert (first.status, shortly) == (200, [])
    short = await keyed.ask("POST", path, data=body, headers=JSON | {"X-Theirs": "1", "X-Forwarded-For": "192.0.2.1"})
    long = await keyed.ask("POST", path, data=body, headers=JSON | {"Cookie": "theirs=1"})
    assert shortly == [True]
    assert told(short) == told(long) and short.json == {"new": 0, "repeated": 1, "ignored": 0}
    assert await kinds(keyed) == {("unsubscribed", "shop")}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/events", b"{", "event_malformed"),
        ("/v1/events", b"[]", "event_malformed"),
        ("/v1/events?sender=a&sender=b", json.dumps(bounce()).encode(), "invalid_fields"),
        ("/v1/events?nobody=1", json.dumps(bounce()).encode(), "invalid_fields"),
        ("/v1/webhooks/mailjet?key={key}", b'{"event": "unsub"}', "event_malformed"),
        ("/v1/webhooks/mailjet?key={key}&key={key}", b"{}", "invalid_fields"),
        ("/v1/webhooks/mailjet?key={gate}", b"{}", "scope_missing"),
        ("/v1/webhooks/mailjet?key=vfk_nobody", b"{}", "key_invalid"),
        ("/v1/webhooks/sendgrid?key={key}", b"[]", "source_unconfigured"),
        ("/v1/webhooks/nobody?key={key}", b"{}", "not_found"),
    ],
)
async def test_what_is_not_right_is_told_by_the_long_road(
    keyed: Visitor, shortly: list[bool], path: str, body: bytes, code: str
) -> None:
    """By its code, and nothing of it is kept; a key that is known makes no difference."""
    token, gate = await keyed.key(Scope.FEEDBACK), await keyed.key(Scope.GATE, name="gate")
    where = path.format(key=token, gate=gate)
    bearer = token if path.startswith("/v1/events") else ""
    answers = [await keyed.ask("POST", where, data=body, headers=JSON, token=bearer) for _ in range(2)]
    assert [answer.json["code"] for answer in answers] == [code, code]
    assert True not in shortly
    assert await kinds(keyed) == set()


async def test_a_large_body_is_the_long_road_s(local: Visitor, shortly: list[bool]) -> None:
    """It is taken there, and holds nobody up."""
    body = b"[" + b",".join(json.dumps(bounce(id=str(n), reply="5" * 900)).encode() for n in range(80)) + b"]"
    answer = await local.ask("POST", "/v1/events", data=body, headers=JSON)
    assert (len(body) > 64 * 1024, answer.json["new"], shortly) == (True, 80, [])


async def test_without_a_store_both_roads_say_so(local: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, and the sender tells again; one fault is logged, not two."""
    feedback = local.site.desk.feedback.feedback

    async def broken(*_given: object) -> None:
        raise ServiceUnavailable("events.sqlite cannot be written.")

    monkeypatch.setattr(feedback, "accept", broken)
    assert (await local.ask("POST", "/v1/events", json=bounce())).status == 503


@pytest.mark.parametrize(
    "path",
    [
        "/v1/webhooks/mailjet",
        "/v1/webhooks/mailjet?key=",
        "/v1/webhooks/ses?key=x",
        "/v1/webhooks/",
        "/",
        "/v1/x?key=x",
    ],
)
def test_only_a_key_in_the_url_goes_the_short_way(path: str) -> None:
    """What signs, or brings its key elsewhere, needs more."""
    assert hook_target(path) is None
