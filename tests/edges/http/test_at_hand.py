"""The short road of POST /v1/verify beside the long one: the same answers, and nothing that only one of them does."""

import json
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.front_desk import Answer, Visitor
from tests.support.short_road import answered_shortly
from verifier.core.address import Address, parse_address
from verifier.core.api_keys import Scope
from verifier.core.evidence import Finding
from verifier.core.facts import AcceptsAll, DomainFacts, MailHost, MailRoute, RouteStatus
from verifier.core.replies import ReplyClass, SmtpStage
from verifier.edges.http.at_hand import _Gate

JANE = "Jane@shop.example"
LONG_ROAD = {"X-Something": "that the short road does not know"}
_EACH_ITS_OWN = {"X-Request-ID", "Date", "Content-Length"}


async def remember(visitor: Visitor, email: str = JANE, reply_class: ReplyClass = ReplyClass.ACCEPTED) -> None:
    """A mailbox and its domain are known, as if they had been asked just now."""
    verifier = visitor.site.desk.verifier
    address, now = parse_address(email), visitor.site.clock.now()
    assert isinstance(address, Address)
    until = now + timedelta(days=1)
    route = MailRoute(RouteStatus.FOUND, (MailHost("mx.shop.example", 10, ("192.0.2.1",)),), now, until)
    await verifier.store.remember_domains([DomainFacts(address.domain, route, AcceptsAll(False, now, until))])
    code = 250 if reply_class is ReplyClass.ACCEPTED else 550
    finding = Finding(now, reply_class, stage=SmtpStage.RCPT, code=code, text="<*>: said", rule="r", enhanced="2.1.5")
    await verifier.store.remember_mailboxes([(verifier.verification.judging.key_of(address), finding)])


class Roads:
    """Asks by either road, and tells which of the two were taken: the long one calls `check`."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.long = 0
        self._check = visitor.site.desk.realtime.check
        visitor.site.desk.realtime.check = self._counted  # type: ignore[method-assign]

    async def _counted(self, *given: Any, **named: Any) -> Any:
        self.long += 1
        return await self._check(*given, **named)

    async def ask(self, question: object, token: str = "", **headers: str) -> Answer:
        return await self.visitor.ask("POST", "/v1/verify", json=question, token=token, headers=headers)

    async def both(self, question: object, token: str = "", **headers: str) -> tuple[Answer, Answer]:
        """By the short and by the long road; each has to be the one that was taken."""
        before = self.long
        short = await self.ask(question, token, **headers)
        assert self.long == before, "the long road was taken"
        long = await self.ask(question, token, **headers, **LONG_ROAD)
        assert self.long == before + 1
        return short, long


def told(answer: Answer) -> tuple[int, dict[str, str], dict[str, Any]]:
    """All of an answer but what is each one's own."""
    headers = {name: value for name, value in answer.headers.items() if name not in _EACH_ITS_OWN}
    return answer.status, headers, {**answer.json, "duration_ms": 0}


@pytest.mark.parametrize(
    "question",
    [
        {"email": JANE},
        {"email": f"  {JANE} ", "timeout_ms": 1},
        {"email": JANE, "policy": "signup"},
        {"email": JANE, "policy": "signup", "lang": "fr"},
        {"email": "nope"},
        {"email": "mailbox_full@verifier.test", "policy": "signup"},
    ],
)
async def test_both_roads_answer_the_same(local: Visitor, question: dict[str, Any]) -> None:
    """Status, headers and body; a policy's sentence is in the language that was asked for."""
    await remember(local)
    roads = Roads(local)
    await roads.ask({"email": JANE})  # from now on memory holds it
    short, long = await roads.both(question)
    assert told(short) == told(long)
    assert list(short.json) == list(long.json)
    french = await roads.both(question, **{"Accept-Language": "fr"})
    assert told(french[0]) == told(french[1])
    assert int(short.headers["Content-Length"]) == len(short.body)
    assert short.headers["X-Request-ID"] != long.headers["X-Request-ID"]


async def test_a_key_goes_the_short_way_too(keyed: Visitor) -> None:
    """Once it is known; its rate is counted on both, and told; over the rate nobody is answered."""
    await remember(keyed)
    roads, token = Roads(keyed), await keyed.key(Scope.VERIFY, rate=4)
    question = {"email": JANE}
    assert (await roads.ask(question)).status == 401
    await roads.ask(question, token)
    short, long = await roads.both(question, token)
    assert told(short)[2] == told(long)[2]
    assert [answer.headers["RateLimit"].partition(";t")[0] for answer in (short, long)] == [
        '"minute";r=2',
        '"minute";r=1',
    ]
    assert short.headers["RateLimit-Policy"] == long.headers["RateLimit-Policy"]
    assert (await roads.ask(question, token)).status == 200
    assert (await roads.ask(question, token)).status == 429
    other = await keyed.key(Scope.LISTS, name="lists")
    assert [(await roads.ask(question, other)).status for _ in range(2)] == [403, 403]


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ({"email": JANE}, True),
        ({"email": JANE, "message_class": "triggered", "policy": "strict", "sender": "shop", "count": True}, True),
        ({"email": "nope"}, True),
        ({"emails": [JANE, "nope"]}, False),
        ({"email": JANE, "policy": "nobodys"}, False),
        ({"email": JANE, "message_class": "gossip"}, False),
        ({}, False),
    ],
)
async def test_the_gate_answers_the_same_on_both(
    keyed: Visitor, monkeypatch: pytest.MonkeyPatch, question: dict[str, Any], short: bool
) -> None:
    """One address by the short road, what is more or wrong by the long one; and either counts a request once."""
    await remember(keyed)
    token = await keyed.key(Scope.GATE, rate=9)
    taken: list[str] = []
    at_hand = answered_shortly(monkeypatch, _Gate, "answer")

    async def ask(**headers: str) -> Answer:
        answer = await keyed.ask("POST", "/v1/gate", json=question, token=token, headers=headers)
        taken.append(answer.headers["RateLimit"].partition(";t")[0])
        return answer

    await ask()
    first, second = await ask(), await ask(**LONG_ROAD)
    assert first.status == second.status == (200 if short or "emails" in question else 422)
    assert {**first.json, "age_s": 0, "request_id": ""} == {**second.json, "age_s": 0, "request_id": ""}
    each = len(question.get("emails", [1]))
    assert taken == [f'"minute";r={9 - each * times}' for times in (1, 2, 3)]
    assert (True in at_hand) is short and len(at_hand) <= 2


async def test_a_quota_is_kept_on_the_long_road(keyed: Visitor) -> None:
    """What has to be written down is not at hand."""
    await remember(keyed)
    roads, token = Roads(keyed), await keyed.key(Scope.VERIFY, daily_quota=3)
    statuses = [(await roads.ask({"email": JANE}, token)).status for _ in range(4)]
    assert (statuses, roads.long) == ([200, 200, 200, 429], 3)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-Forwarded-For": "192.0.2.7"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Authorization": "Bearer vfk_nobody"}, 401),
        ({"Authorization": "Basic eA=="}, 200),
        ({"X-Reacher-Secret": "x"}, 401),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Encoding": "gzip"}, 400),
    ],
)
async def test_what_is_not_ordinary_takes_the_long_road(local: Visitor, headers: dict[str, str], status: int) -> None:
    """Whoever may not ask is refused there, whatever memory holds."""
    await remember(local)
    await local.ask("POST", "/v1/verify", json={"email": JANE})
    body = json.dumps({"email": JANE}).encode()
    sent = {"Content-Type": "application/json"} | headers
    assert (await local.ask("POST", "/v1/verify", data=body, headers=sent)).status == status


async def test_a_number_that_was_given_is_kept(local: Visitor) -> None:
    """Where it is one; so that a request can be followed through several logs."""
    await remember(local)
    roads = Roads(local)
    await roads.ask({"email": JANE})
    given = await roads.both({"email": JANE}, **{"X-Request-ID": "order-7"})
    assert [answer.headers["X-Request-ID"] for answer in given] == ["order-7", "order-7"]
    made = await roads.ask({"email": JANE}, **{"X-Request-ID": "not one!"})
    assert made.headers["X-Request-ID"] != "not one!"


async def test_both_roads_are_measured(local: Visitor) -> None:
    """A request counts once, whichever road it took, and so does its verdict."""
    await remember(local)
    roads = Roads(local)
    await roads.ask({"email": JANE})
    await roads.both({"email": JANE})
    page = (await local.ask("GET", "/metrics")).text
    samples = {
        (sample.name, sample.labels.get("route") or sample.labels.get("source")): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    assert samples["verifier_http_seconds_count", "/v1/verify"] == 3
    assert samples["verifier_verdicts_total", "cache"] == 3


async def test_its_own_fault_is_told_by_the_long_road(local: Visitor) -> None:
    """Whoever asks gets problem details, as from everywhere; and the fault is in the log."""
    await remember(local)
    roads = Roads(local)
    await roads.ask({"email": JANE})

    def broken(*_: Any) -> None:
        raise RuntimeError("ours")

    local.site.desk.realtime.at_hand = broken  # type: ignore[method-assign, assignment]
    answer = await roads.ask({"email": JANE})
    assert (answer.status, answer.json["code"]) == (500, "internal_error")


async def test_what_was_forgotten_is_not_at_hand(local: Visitor) -> None:
    """Nothing of it is answered any more."""
    await remember(local)
    roads = Roads(local)
    await roads.ask({"email": JANE})
    assert (await roads.ask({"email": JANE})).json["reason"] == "accepted"
    await local.ask("DELETE", f"/v1/addresses/{JANE}")
    assert (await roads.ask({"email": JANE, "timeout_ms": 50})).json["verdict"] == "unknown"
