"""POST /v1/verify and what is like it, over a real socket."""

from pathlib import Path

import msgspec
import pytest

from tests.support.front_desk import Visitor
from verifier.core.api_keys import Scope
from verifier.core.reacher_shape import ReacherAnswer
from verifier.core.reasons import Reason, verdict_of
from verifier.core.record import VerdictRecord


@pytest.mark.asyncio(loop_scope="module")
async def test_every_test_address_has_its_verdict(shared: Visitor) -> None:
    """The record of the contract, whatever the reason, and no other keys."""
    for reason in Reason:
        answer = await shared.ask("POST", "/v1/verify", json={"email": f"{reason}@verifier.test"})
        assert answer.status == 200
        record = msgspec.json.decode(answer.body, type=VerdictRecord)
        assert (record.reason, record.verdict) == (reason, verdict_of(reason))
        assert set(answer.json) == set(VerdictRecord.__struct_fields__)


@pytest.mark.parametrize("text", ["", "nope", "a@b@c", "\u0000", "x" * 9000, "jane@exa mple.com", "é@"])
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_no_address_is_an_answer(shared: Visitor, text: str) -> None:
    """200 with invalid_syntax, and the text as it came."""
    answer = await shared.ask("POST", "/v1/verify", json={"email": text})
    assert (answer.status, answer.json["reason"], answer.json["email"]) == (200, "invalid_syntax", text)


@pytest.mark.parametrize(
    ("reason", "decision"),
    [
        ("accepted", "accept"),
        ("mailbox_not_found", "refuse"),
        ("domain_not_found", "refuse"),
        ("catch_all", "confirm"),
        ("disposable", "confirm"),
        ("greylisted", "confirm"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_policy_adds_a_decision_and_a_sentence(shared: Visitor, reason: str, decision: str) -> None:
    """In the language that the browser prefers, or that the body names."""
    question = {"email": f"{reason}@verifier.test", "policy": "signup"}
    english = (await shared.ask("POST", "/v1/verify", json=question)).json
    french = (await shared.ask("POST", "/v1/verify", json=question, headers={"Accept-Language": "de, fr;q=0.5"})).json
    named = (await shared.ask("POST", "/v1/verify", json={**question, "lang": "fr"})).json
    assert [english["decision"], french["decision"]] == [decision, decision]
    assert french["sentence"] == named["sentence"] != english["sentence"] != ""


@pytest.mark.asyncio(loop_scope="module")
async def test_stages_stop_where_they_end(shared: Visitor) -> None:
    """Syntax and lists need nobody, so nobody is asked."""
    question = {"email": "jane@example.com", "stages": ["syntax", "disposable"]}
    record = (await shared.ask("POST", "/v1/verify", json=question)).json
    assert (record["reason"], record["stages"]) == ("not_probed", ["syntax", "disposable"])


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"", 400, "malformed_json", None),
        (b"{", 400, "malformed_json", None),
        (b'{"email": "\xff"}', 400, "malformed_json", None),
        (b"[" * 20_000, 422, "invalid_fields", ""),
        (b"[]", 422, "invalid_fields", ""),
        (b"{}", 422, "invalid_fields", "/email"),
        (b'{"email": 3}', 422, "invalid_fields", "/email"),
        (b'{"email": "a", "timeout_ms": 0}', 422, "invalid_fields", "/timeout_ms"),
        (b'{"email": "a", "timeout_ms": "8"}', 422, "invalid_fields", "/timeout_ms"),
        (b'{"email": "a", "timeout_ms": 8.5}', 422, "invalid_fields", "/timeout_ms"),
        (b'{"email": "a", "timeout_ms": 0.0}', 422, "invalid_fields", "/timeout_ms"),
        (b'{"email": "a", "stages": []}', 422, "invalid_fields", "/stages"),
        (b'{"email": "a", "stages": ["smtp"]}', 422, "invalid_fields", "/stages"),
        (b'{"email": "a", "stages": ["syntax", "x"]}', 422, "invalid_fields", "/stages/1"),
        (b'{"email": "a", "policy": "x"}', 422, "invalid_fields", "/policy"),
        (b'{"email": "a", "policies": "x"}', 422, "invalid_fields", "/policies"),
        (b'{"email": "' + b"a" * 70_000 + b'"}', 413, "body_too_large", None),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_wrong_is_said(shared: Visitor, body: bytes, status: int, code: str, pointer: str | None) -> None:
    """Problem details with a lasting code and, of a field, where it stands."""
    answer = await shared.ask("POST", "/v1/verify", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"], answer.json["status"]) == (status, code, status)
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert [error["pointer"] for error in answer.json.get("errors", [])] == ([] if pointer is None else [pointer])


@pytest.mark.asyncio(loop_scope="module")
async def test_a_whole_number_may_be_written_as_any_number(shared: Visitor) -> None:
    """As the document has it: to JSON Schema 3000.0 and 3e3 are integers."""
    for number in (b"3000.0", b"3e3"):
        body = b'{"emails": ["accepted@verifier.test"], "timeout_ms": ' + number + b"}"
        answer = await shared.ask("POST", "/v1/verify/batch", data=body, headers={"Content-Type": "application/json"})
        assert (answer.status, answer.json["results"][0]["reason"]) == (200, "accepted")


@pytest.mark.asyncio(loop_scope="module")
async def test_only_json_is_read(shared: Visitor) -> None:
    """415 for everything else, so that no other site's form can send it."""
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"):
        answer = await shared.ask("POST", "/v1/verify", data=b"{}", headers={"Content-Type": media_type})
        assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_body_that_says_nothing_of_itself_is_json(shared: Visitor) -> None:
    """`requests.post(url, data=json.dumps(…))` and others send no Content-Type, and Reacher took that."""
    for path, question in (("/v1/verify", b'{"email": "nope"}'), ("/v0/check_email", b'{"to_email": "nope"}')):
        sent = shared.client.post(path, data=question, skip_auto_headers=["Content-Type"])
        async with sent as response:
            assert ("Content-Type" in response.request_info.headers, response.status) == (False, 200)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_byte_order_mark_is_nothing(shared: Visitor) -> None:
    """A file that was saved on Windows begins with one, and is sent as it is."""
    headers = {"Content-Type": "application/json"}
    answer = await shared.ask("POST", "/v1/verify", data=b'\xef\xbb\xbf{"email": "nope"}', headers=headers)
    assert (answer.status, answer.json["reason"]) == (200, "invalid_syntax")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_batch_comes_back_in_order(shared: Visitor) -> None:
    """One result an address, doubles and nonsense too."""
    emails = ["mailbox_full@verifier.test", "nope", "accepted@verifier.test", "nope", "greylisted@verifier.test"]
    answer = await shared.ask("POST", "/v1/verify/batch", json={"emails": emails})
    assert [result["email"] for result in answer.json["results"]] == emails
    reasons = [result["reason"] for result in answer.json["results"]]
    assert reasons == ["mailbox_full", "invalid_syntax", "accepted", "invalid_syntax", "greylisted"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_batch_can_be_streamed(shared: Visitor) -> None:
    """A line an address, each with its place."""
    emails = [f"{reason}@verifier.test" for reason in Reason]
    headers = {"Accept": "application/x-ndjson"}
    answer = await shared.ask("POST", "/v1/verify/batch", json={"emails": emails}, headers=headers)
    lines = [msgspec.json.decode(line) for line in answer.text.splitlines()]
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert sorted(line["index"] for line in lines) == list(range(len(emails)))
    assert {line["index"]: line["email"] for line in lines} == dict(enumerate(emails))


@pytest.mark.parametrize("count", [0, 1001])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_batch_has_its_bounds(shared: Visitor, count: int) -> None:
    """1 to 1000 addresses."""
    answer = await shared.ask("POST", "/v1/verify/batch", json={"emails": ["a"] * count})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/emails")


@pytest.mark.parametrize("path", ["/v0/check_email", "/v1/check_email"])
@pytest.mark.parametrize(
    ("email", "reachable"),
    [
        ("accepted@verifier.test", "safe"),
        ("catch_all@verifier.test", "risky"),
        ("mailbox_not_found@verifier.test", "invalid"),
        ("greylisted@verifier.test", "unknown"),
        ("nope", "invalid"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_reachers_question_gets_reachers_answer(shared: Visitor, path: str, email: str, reachable: str) -> None:
    """Its shape with our verdict; what else Reacher takes is ignored."""
    question = {"to_email": email, "from_email": "x@example.com", "proxy": {"host": "h", "port": 1}}
    answer = await shared.ask("POST", path, json=question)
    shaped = msgspec.json.decode(answer.body, type=ReacherAnswer)
    assert (shaped.input, shaped.is_reachable) == (email, reachable)
    assert set(answer.json) == {"input", "is_reachable", "misc", "mx", "smtp", "syntax", "debug"}
    assert ("error" in answer.json["smtp"]) == (reachable == "unknown")


async def test_reachers_header_carries_the_key(keyed: Visitor) -> None:
    """Who comes from Reacher changes the address, and the secret."""
    question, token = {"to_email": "accepted@verifier.test"}, await keyed.key(Scope.VERIFY)
    refused = await keyed.ask("POST", "/v0/check_email", json=question)
    answer = await keyed.ask("POST", "/v0/check_email", json=question, headers={"x-reacher-secret": token})
    assert (refused.status, answer.status) == (401, 200)


async def test_an_address_is_forgotten(local: Visitor, tmp_path: Path) -> None:
    """204 whether anything was known or not; what is no address is said."""
    answer = await local.ask("DELETE", "/v1/addresses/jane%2Bx@example.com")
    assert (answer.status, answer.body) == (204, b"")
    refused = await local.ask("DELETE", "/v1/addresses/nobody")
    assert (refused.status, refused.json["code"]) == (404, "not_found")


@pytest.mark.asyncio(loop_scope="module")
async def test_depth_is_bounded(shared: Visitor) -> None:
    """What nobody reads may still not be nested without end."""
    body = b'{"to_email": "nope", "proxy": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    answer = await shared.ask("POST", "/v0/check_email", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"]) == (400, "malformed_json")
