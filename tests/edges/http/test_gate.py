"""The gate, suppressions and senders over a real socket."""

import asyncio
import json
import sqlite3
from datetime import timedelta
from time import perf_counter
from typing import Any

import pytest

from tests.support.front_desk import Visitor
from verifier.core.api_keys import Scope
from verifier.core.gate_record import GateRecord
from verifier.core.suppressions import SuppressionKind
from verifier.edges.cli.gate_command import _report
from verifier.gate_wiring import SUPPRESSIONS_FILE, open_suppressions

DEAD, GOOD = "mailbox_not_found@verifier.test", "accepted@verifier.test"


async def decision(visitor: Visitor, email: str = GOOD, **question: Any) -> tuple[str, str]:
    record = (await visitor.ask("POST", "/v1/gate", json={"email": email, **question})).json
    return record["decision"], record["rule"]


async def suppress(visitor: Visitor, *emails: str, **fields: Any) -> int:
    answer = await visitor.ask("POST", "/v1/suppressions", json={"emails": emails, **fields})
    assert answer.status == 200
    added: int = answer.json["added"]
    return added


async def test_one_address(local: Visitor) -> None:
    """The record of the contract, and no other keys."""
    answer = await local.ask("POST", "/v1/gate", json={"email": DEAD, "message_class": "triggered"})
    assert answer.status == 200 and set(answer.json) == set(GateRecord.__struct_fields__)
    assert answer.json | {"age_s": 0} == {
        "email": DEAD,
        "decision": "block",
        "rule": "undeliverable",
        "policy": "balanced",
        "message_class": "triggered",
        "until": None,
        "degraded": False,
        "verdict": "undeliverable",
        "age_s": 0,
        "also": [],
    }


async def test_many_addresses(local: Visitor) -> None:
    """In order; what is no address is blocked."""
    emails = [GOOD, DEAD, "no address", "greylisted@verifier.test"]
    answer = await local.ask("POST", "/v1/gate", json={"emails": emails})
    assert [each["email"] for each in answer.json["results"]] == emails
    assert [each["decision"] for each in answer.json["results"]] == ["allow", "block", "block", "hold"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/email"),
        ({"email": GOOD, "emails": [GOOD]}, "/email"),
        ({"email": GOOD, "policy": "mine"}, "/policy"),
        ({"email": GOOD, "message_class": "spam"}, "/message_class"),
        ({"emails": []}, "/emails"),
        ({"email": GOOD, "deadline_ms": 0}, "/deadline_ms"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_asked(shared: Visitor, body: dict[str, Any], pointer: str) -> None:
    """A problem by field, which is no decision."""
    answer = await shared.ask("POST", "/v1/gate", json=body)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize(
    ("reason", "status"), [("accepted", 204), ("greylisted", 409), ("mailbox_disabled", 410), ("disposable", 410)]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_decision_as_a_status(shared: Visitor, reason: str, status: int) -> None:
    """For `curl -f`: without a body, and the rule in a header; without `status` it is the record."""
    path = f"/v1/gate?email={reason}@verifier.test"
    answer = await shared.ask("GET", f"{path}&status=1")
    assert (answer.status, answer.body) == (status, b"")
    assert answer.headers["X-Gate-Rule"] == (await shared.ask("GET", path)).json["rule"]


async def test_a_plus_that_was_not_escaped_is_a_plus(local: Visitor) -> None:
    """`?email=jane+shop@…` says a blank, by the rules of forms; whoever writes it means his address, and is not told
    that it is none.
    """
    tagged = "jane+shop@shop.example"
    assert (await local.ask("GET", "/v1/gate?email=jane+shop@shop.example")).json["email"] == tagged
    await local.ask("POST", "/v1/suppressions", json={"emails": [tagged]})
    shown = await local.ask("GET", "/v1/suppressions?email=jane+shop@shop.example")
    assert [entry["email"] for entry in shown.json["suppressions"]] == [tagged]
    assert (await local.ask("GET", "/v1/gate?email=jane+shop@shop.example&status=1")).status == 410
    odd = (await local.ask("GET", "/v1/gate?email=%22a%20b%22@shop.example")).json
    assert (odd["email"], odd["rule"]) == ('"a b"@shop.example', "unknown_probe")


async def test_a_key_of_the_gate_can_ask_and_nothing_else(keyed: Visitor) -> None:
    """Whoever finds it in a shop's code can suppress nobody, and reads no list."""
    token = await keyed.key(Scope.GATE)
    assert (await keyed.ask("POST", "/v1/gate", json={"email": GOOD}, token=token)).status == 200
    assert (await keyed.ask("POST", "/v1/gate", json={"email": GOOD})).status == 401
    for method, path in (("GET", "/v1/suppressions"), ("GET", "/v1/senders"), ("POST", "/v1/verify")):
        assert (await keyed.ask(method, path, json={"email": GOOD}, token=token)).status == 403


async def test_each_address_is_charged(keyed: Visitor) -> None:
    """A batch costs its key's rate what it asks for: the next waits."""
    token = await keyed.key(Scope.GATE, rate=5)
    await keyed.ask("POST", "/v1/gate", json={"emails": [GOOD] * 9}, token=token)
    refused = await keyed.ask("POST", "/v1/gate", json={"emails": [GOOD] * 9}, token=token)
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")


async def test_who_unsubscribes_is_blocked_at_once(local: Visitor) -> None:
    """The next question knows it, in whatever spelling Gmail takes for the same mailbox; order mail goes out."""
    assert await suppress(local, "jane.doe@gmail.com", kind="unsubscribed", sender="shop") == 1
    assert await suppress(local, "jane.doe@gmail.com", kind="unsubscribed", sender="shop") in (0, 1)
    assert await decision(local, "JaneDoe+x@googlemail.com", sender="shop") == ("block", "unsubscribed")
    assert (await decision(local, "janedoe@gmail.com", sender="other"))[1] != "unsubscribed"
    assert (await decision(local, "janedoe@gmail.com", sender="shop", message_class="transactional"))[0] == "allow"


async def test_suppressions_are_shown_and_ended(local: Visitor) -> None:
    """Page by page, about one address, of a kind; what has ended blocks nobody."""
    await suppress(local, GOOD, "@shop.example", kind="manual_block")
    await suppress(local, GOOD, kind="hard_bounce", sender="shop", source="mailjet")
    first = (await local.ask("GET", "/v1/suppressions?limit=2")).json
    rest = (await local.ask("GET", f"/v1/suppressions?limit=2&cursor={first['next']}")).json
    shown = first["suppressions"] + rest["suppressions"]
    assert [(each["email"], each["kind"], each["sender"]) for each in shown] == [
        (GOOD, "manual_block", None),
        ("@shop.example", "manual_block", None),
        (GOOD, "hard_bounce", None),
    ]
    assert rest["next"] is None
    about = (await local.ask("GET", f"/v1/suppressions?email={GOOD.upper()}&kind=hard_bounce")).json
    assert [each["source"] for each in about["suppressions"]] == ["mailjet"]
    assert await decision(local) == ("block", "manual_block")
    assert (await local.ask("DELETE", f"/v1/suppressions?email={GOOD}&kind=manual_block")).json == {"removed": 1}
    assert await decision(local) == ("block", "hard_bounce")
    assert (await local.ask("DELETE", f"/v1/suppressions?email={GOOD}")).json == {"removed": 1}
    assert await decision(local) == ("allow", "otherwise")


async def test_nothing_is_suppressed_as_of_tomorrow(local: Visitor) -> None:
    """Who unsubscribed with a clock that is wrong can subscribe again today."""
    body = {"emails": [GOOD], "kind": "unsubscribed", "at": "2099-01-01T00:00:00Z"}
    assert (await local.ask("POST", "/v1/suppressions", json=body)).json == {"added": 1}
    (entry,) = (await local.ask("GET", "/v1/suppressions")).json["suppressions"]
    assert entry["at"] < "2099"


async def test_a_text_that_cannot_be_suppressed(local: Visitor) -> None:
    """All or none: the fault names its place."""
    answer = await local.ask("POST", "/v1/suppressions", json={"emails": [GOOD, "nobody"]})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/emails/1")
    assert (await local.ask("GET", "/v1/suppressions")).json == {"suppressions": [], "next": None}
    for method in ("GET", "DELETE"):
        assert (await local.ask(method, "/v1/suppressions?email=nobody")).status == 422


async def test_another_process_suppresses(local: Visitor) -> None:
    """A second later it holds here too."""
    async with open_suppressions(local.site.settings) as suppressing:
        await suppressing.add([suppressing.entry(GOOD, SuppressionKind.COMPLAINT)])
    async with asyncio.timeout(10):
        while await decision(local) != ("block", "complaint"):
            await asyncio.sleep(0.05)


async def test_the_forgotten_are_not_mailed_again(local: Visitor) -> None:
    """Of an opt-out its hash survives, and nothing that says whose it was."""
    await suppress(local, "jane@shop.example", kind="unsubscribed")
    assert (await local.ask("DELETE", "/v1/addresses/jane@shop.example")).status == 204
    assert await decision(local, "jane@shop.example") == ("block", "unsubscribed")
    shown = (await local.ask("GET", "/v1/suppressions")).json["suppressions"]
    assert [each["email"] for each in shown] == [None]


async def test_senders_have_quotas(local: Visitor) -> None:
    """Limit, used, remaining; what is counted twice under one id counts once; over it mail waits."""
    sender = {"name": "shop", "quota": 2, "profile": "mailjet", "policy": "lenient"}
    assert (await local.ask("POST", "/v1/senders", json=sender)).status == 200
    for id_ in ("a", "a", "b"):
        asked = {"sender": "shop", "count": True, "id": id_}
        assert (await decision(local, **asked))[0] == "allow"
    assert await decision(local, sender="shop") == ("hold", "quota")
    (shown,) = (await local.ask("GET", "/v1/senders")).json["senders"]
    assert shown["quota"] == {"limit": 2, "used": 2, "remaining": 0}
    assert (await local.ask("DELETE", "/v1/senders/shop")).status == 204
    assert (await local.ask("DELETE", "/v1/senders/shop")).status == 404
    assert (await decision(local, sender="shop"))[0] == "allow"


@pytest.mark.parametrize(("field", "value"), [("policy", "mine"), ("profile", "mine"), ("name", "a b")])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_sender_that_cannot_be(shared: Visitor, field: str, value: str) -> None:
    """By field."""
    answer = await shared.ask("POST", "/v1/senders", json={"name": "shop", field: value})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, f"/{field}")


async def test_what_is_decided_is_logged(local: Visitor) -> None:
    """By rule, for the report."""
    for email in (GOOD, DEAD, DEAD):
        await decision(local, email)
    log = local.site.desk.gate.log
    await log.settled()
    tally = await log.tally(local.site.clock.now().replace(year=2000))
    assert {(each.rule, each.decision.value, each.count) for each in tally} == {
        ("otherwise", "allow", 1),
        ("undeliverable", "block", 2),
    }


async def test_a_locked_store_delays_nobody(local: Visitor) -> None:
    """Another process holds the suppressions' file: answers come in time, and who is suppressed stays it."""
    await suppress(local, GOOD, kind="complaint")
    path = local.site.settings.data_dir / SUPPRESSIONS_FILE
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    took = []
    for _ in range(3):
        began = perf_counter()
        assert await decision(local) == ("block", "complaint")
        took.append(perf_counter() - began)
    holder.execute("ROLLBACK")
    holder.close()
    assert min(took) < 0.05 + 0.02 + 0.03  # the last is the way there and back


async def test_the_report_says_what_became_of_the_mail(local: Visitor, capsys: pytest.CaptureFixture[str]) -> None:
    """By rule, from what senders told afterwards of the same recipient, in whatever case: also of what was blocked."""
    emails = ["Accepted@verifier.test", "mailbox_not_found@verifier.test", "catch_all@verifier.test"]
    await local.ask("POST", "/v1/gate", json={"emails": emails})
    at = local.site.clock.now().isoformat()
    events = [
        {"id": "1", "event": "delivered", "email": "accepted@verifier.test", "at": at},
        {"id": "2", "event": "bounced", "bounce_class": "hard", "email": emails[1], "at": at},
        {"id": "3", "event": "complained", "email": emails[2], "at": at},
    ]
    assert (await local.ask("POST", "/v1/events", json=events)).status < 300
    await local.site.desk.gate.log.settled()
    await _report(local.site.settings, timedelta(days=7), as_json=True)
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    ends = {each["rule"]: (each["delivered"], each["hard"], each["complained"]) for each in said}
    assert ends == {"otherwise": (1, 0, 1), "undeliverable": (0, 1, 0)}
    await _report(local.site.settings, timedelta(days=7), as_json=False)
    assert "What became of them" in capsys.readouterr().out
