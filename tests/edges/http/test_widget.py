"""The sign-up widget's routes: whose pages may ask, what they learn, and what the form's server learns."""

import pytest

from tests.support.front_desk import Visitor
from verifier.core.api_keys import Scope
from verifier.core.reasons import Reason
from verifier.service.probe_limits import PER_CLIENT

SHOP = "https://shop.example.com"
PATH = "/v1/widget/verify"


async def shop_key(visitor: Visitor, name: str = "shop", origin: str = SHOP) -> str:
    return await visitor.key(Scope.WIDGET, name=name, rate=0, origins=[origin])


async def advice(visitor: Visitor, email: str, token: str, **question: str):  # type: ignore[no-untyped-def]
    headers = {"Origin": SHOP}
    answer = await visitor.ask("POST", PATH, json={"email": email, **question}, token=token, headers=headers)
    assert answer.status == 200, answer.text
    return answer.json


async def test_a_page_of_the_key_is_answered(keyed: Visitor) -> None:
    """With the CORS headers for its own origin and no other."""
    token = await shop_key(keyed)
    question = {"email": "jane@gmial.com"}
    answer = await keyed.ask("POST", PATH, json=question, token=token, headers={"Origin": SHOP})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, SHOP)
    assert "Origin" in answer.headers["Vary"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert (answer.json["decision"], answer.json["suggestion"]) == ("suggest", "jane@gmail.com")
    assert answer.json["sentence"] == "Did you mean jane@gmail.com?"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "https://shop.example.com.evil.example"])
async def test_pages_of_other_origins_are_refused(keyed: Visitor, origin: str) -> None:
    """Those of another key too; nothing that a browser would let them read."""
    token = await shop_key(keyed)
    await shop_key(keyed, "other", "https://other.example.com")
    for other in (origin, "https://other.example.com"):
        headers = {"Origin": other} if other else {}
        answer = await keyed.ask("POST", PATH, json={"email": "a"}, token=token, headers=headers)
        assert (answer.status, answer.json["code"]) == (403, "origin_refused")
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_browser_may_ask_before_it_asks(keyed: Visitor) -> None:
    """Allowed for the origins of keys that hold, refused to all others."""
    await shop_key(keyed)
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    answer = await keyed.ask("OPTIONS", PATH, headers={"Origin": SHOP, **asked})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, SHOP)
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
    await keyed.site.desk.access.revoke("shop")
    for origin in (SHOP, "https://evil.example", "null"):
        refused = await keyed.ask("OPTIONS", PATH, headers={"Origin": origin, **asked})
        assert (refused.status, "Access-Control-Allow-Origin" in refused.headers) == (403, False)


async def test_a_publishable_key_opens_nothing_else(keyed: Visitor) -> None:
    """Not even the check of its own tokens."""
    token = await shop_key(keyed)
    for method, path in (("POST", "/v1/verify"), ("GET", "/v1/keys"), ("POST", "/v1/widget/token")):
        answer = await keyed.ask(method, path, json={"email": "a"}, token=token, headers={"Origin": SHOP})
        assert (answer.status, answer.json["code"]) == (403, "scope_missing")


async def test_nobody_learns_that_a_mailbox_exists(keyed: Visitor) -> None:
    """What exists, may exist and cannot be told look the same, to the byte but for token and time."""
    token = await shop_key(keyed)
    answers = {reason: await advice(keyed, f"{reason}@verifier.test", token) for reason in Reason}
    refused = {reason for reason, answer in answers.items() if answer["decision"] == "refuse"}
    dead = {Reason.DOMAIN_NOT_FOUND, Reason.NO_MAIL_HOST, Reason.NULL_MX, Reason.MX_UNROUTABLE}
    assert refused == dead | {Reason.INVALID_SYNTAX, Reason.MAILBOX_NOT_FOUND}
    others = [answer for reason, answer in answers.items() if reason not in refused]
    shown = {(a["decision"], a["suggestion"], a["sentence"], len(a["token"])) for a in others}
    assert shown == {("accept", None, "", len(others[0]["token"]))}
    assert set(others[0]) == {"decision", "suggestion", "sentence", "token", "expires_at"}


async def test_the_forms_server_learns_the_decision(keyed: Visitor) -> None:
    """By the token and a key of its own; `confirm` included; for that address and policy alone."""
    page, server = await shop_key(keyed), await keyed.key(Scope.VERIFY, name="server")
    for reason, decision in (("accepted", "accept"), ("catch_all", "confirm"), ("mailbox_not_found", "refuse")):
        email = f"{reason}@verifier.test"
        token = (await advice(keyed, email, page))["token"]
        question = {"token": token, "email": email.upper()}
        told = await keyed.ask("POST", "/v1/widget/token", json=question, token=server)
        assert told.json == {"valid": True, "decision": decision}
        for other in (
            {"email": "other@verifier.test"},
            {"policy": "signup_strict"},
            {"token": "1.2.3"},
            {"email": "x"},
        ):
            told = await keyed.ask("POST", "/v1/widget/token", json=question | other, token=server)
            assert told.json == {"valid": False, "decision": None}


async def test_what_is_no_address_has_no_token(keyed: Visitor) -> None:
    """It is refused, in the language that was asked for."""
    answer = await advice(keyed, "jane@", await shop_key(keyed), lang="fr")
    assert (answer["decision"], answer["token"], answer["expires_at"]) == ("refuse", None, None)
    assert answer["sentence"].startswith("Ce n’est pas une adresse")


async def test_throw_away_addresses_are_refused_where_the_form_says_so(keyed: Visitor) -> None:
    """By the policy, as at /v1/verify."""
    token = await shop_key(keyed)
    policies = ("signup", "signup_strict")
    told = [(await advice(keyed, "disposable@verifier.test", token, policy=policy))["decision"] for policy in policies]
    assert told == ["accept", "refuse"]


async def test_past_the_limit_no_mailbox_is_asked(keyed: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Syntax, lists and MX are; each client by himself, also behind a proxy."""
    token, stages = await shop_key(keyed), []
    check = keyed.site.desk.realtime.check

    async def listen(raw: str, wanted: tuple[str, ...], *rest: object, **named: object) -> object:
        stages.append(wanted[-1])
        return await check(raw, wanted, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(keyed.site.desk.realtime, "check", listen)
    for client in ("9.9.9.9", "8.8.8.8"):
        headers = {"Origin": SHOP, "X-Forwarded-For": f"1.2.3.{len(stages)}, {client}"}
        for number in range(PER_CLIENT + 4):
            question = {"email": f"user{number}@verifier.test"}
            assert (await keyed.ask("POST", PATH, json=question, token=token, headers=headers)).status == 200
    assert stages == (["smtp"] * PER_CLIENT + ["mx"] * 4) * 2


async def test_the_script_is_small_and_loads_nothing(keyed: Visitor) -> None:
    """For every site, kept for an hour, without a key."""
    answer = await keyed.ask("GET", "/widget.js")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert len(answer.body) < 8192
    for word in ("innerHTML", "eval(", "preventDefault", "import ", "document.write"):
        assert word not in answer.text
