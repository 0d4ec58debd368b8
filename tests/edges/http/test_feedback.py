"""Feedback over HTTP: events, webhooks, one-click unsubscribing, calibration."""

import base64
from urllib.parse import urlsplit

import pytest

from tests.support.feedback_vectors import (
    MAILGUN_KEY,
    SES_BOUNCE,
    VECTORS,
    as_json,
    mailgun_body,
    sns_certificate,
    sns_message,
)
from tests.support.front_desk import Answer, Visitor
from verifier.adapters.system_clock import SystemClock
from verifier.core.address import Address, parse_address
from verifier.core.api_keys import Scope
from verifier.core.unsubscribe_token import Leaving, make_unsubscribe_token
from verifier.feedback_ports import Outcome

NOW = SystemClock().now()
STAMP = int(NOW.timestamp())
NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


def bounce(**changes: object) -> dict[str, object]:
    return {
        "source": "shop",
        "id": "1",
        "event": "bounced",
        "email": "jane@example.com",
        "at": NOW.isoformat(),
        "bounce_class": "hard",
    } | changes


async def kinds(visitor: Visitor, email: str = "jane@example.com") -> set[tuple[str, str | None]]:
    """Kind and sender of what is on the list."""
    address = parse_address(email)
    assert isinstance(address, Address)
    gate = visitor.site.desk.gate
    found = await gate.suppressions.under(gate.keys.sought(address))
    return {(entry.kind.value, entry.sender) for entries in found.values() for entry in entries}


async def hook(visitor: Visitor, path: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
    return await visitor.ask("POST", f"/v1/webhooks/{path}", data=body, headers=JSON | (headers or {}))


async def test_an_event_is_answered_when_it_is_done(keyed: Visitor) -> None:
    """One object; told again it is a repetition; the address is on the list."""
    token = await keyed.key(Scope.FEEDBACK)
    answer = await keyed.ask("POST", "/v1/events", json=bounce(), token=token)
    assert (answer.status, answer.json) == (200, {"new": 1, "repeated": 0, "ignored": 0})
    again = await keyed.ask("POST", "/v1/events", json=[bounce(), bounce(id="2", email="none")], token=token)
    assert again.json == {"new": 0, "repeated": 1, "ignored": 1}
    assert await kinds(keyed) == {("hard_bounce", None)}


async def test_lines_are_taken_whole_or_not_at_all(local: Visitor) -> None:
    """The second of three is wrong: 422 names it, and nothing of the first is kept."""
    good = as_json(bounce()) + b"\n"
    refused = await local.ask("POST", "/v1/events", data=good + b'{"event":1}\n' + good, headers=NDJSON)
    assert (refused.status, refused.json["code"]) == (422, "event_malformed")
    assert "Line 2" in refused.json["detail"]
    assert await kinds(local) == set()
    assert (await local.ask("POST", "/v1/events", data=good * 2, headers=NDJSON)).json["new"] == 1


async def test_events_are_told_of_the_sender_that_the_address_names(local: Visitor) -> None:
    """What an event says itself goes first."""
    await local.ask(
        "POST",
        "/v1/events?sender=shop",
        json=[bounce(event="complained", bounce_class=None), bounce(event="unsubscribed", id="2", sender="blog")],
    )
    assert await kinds(local) == {("complaint", "shop"), ("unsubscribed", "blog")}


@pytest.mark.parametrize("source", ["mailjet", "ses", "brevo", "postmark", "mailchimp", "insider", "generic"])
async def test_a_source_that_signs_nothing_brings_a_key(keyed: Visitor, source: str) -> None:
    """Without one, with a false one, with one for other things: refused, and said what to do."""
    body = next(vector.body for vector in VECTORS if vector.source == source)
    bare = await hook(keyed, source, body)
    assert (bare.status, bare.json["code"]) == (401, "signature_refused")
    assert "scope `feedback`" in bare.json["detail"]
    assert (await hook(keyed, f"{source}?key=vfk_nonsense", body)).json["code"] == "key_invalid"
    other = await keyed.key(Scope.VERIFY)
    assert (await hook(keyed, f"{source}?key={other}", body)).json["code"] == "scope_missing"


async def test_a_key_goes_into_the_address_the_basic_password_or_the_header(keyed: Visitor) -> None:
    """Whichever the sender's settings page can hold."""
    token = await keyed.key(Scope.FEEDBACK)
    body = next(vector.body for vector in VECTORS if vector.source == "mailjet")
    basic = base64.b64encode(f"anybody:{token}".encode()).decode()
    answers = [
        await hook(keyed, f"mailjet?key={token}&sender=shop", body),
        await hook(keyed, "mailjet", body, {"Authorization": f"Basic {basic}"}),
        await hook(keyed, "mailjet", body, {"Authorization": f"Bearer {token}"}),
    ]
    assert [(answer.status, answer.json["new"]) for answer in answers] == [(200, 8), (200, 0), (200, 0)]
    assert await kinds(keyed, "angry@example.com") == {("complaint", "shop")}
    assert (await hook(keyed, "mailjet", body, {"Authorization": "Basic %%%"})).status == 401


async def test_a_source_that_signs_needs_its_secret_and_no_key(keyed: Visitor) -> None:
    """Before it is set nothing is taken; forged and taken-over tokens are refused."""
    event = {"event": "complained", "id": "e1", "timestamp": STAMP, "recipient": "jane@example.com"}
    body = _signed_now(event, "token-1")
    unset = await hook(keyed, "mailgun", body)
    assert (unset.status, unset.json["code"]) == (403, "source_unconfigured")
    await keyed.site.desk.feedback.secrets.put_secrets("mailgun", [MAILGUN_KEY], NOW)
    assert (await hook(keyed, "mailgun", body)).json == {"new": 1, "repeated": 0, "ignored": 0}
    assert (await hook(keyed, "mailgun", body)).json == {"new": 0, "repeated": 1, "ignored": 0}
    taken_over = await hook(keyed, "mailgun", body.replace(b"jane@", b"jack@"))
    assert (taken_over.status, taken_over.json["code"]) == (401, "signature_refused")
    forged = await hook(keyed, "mailgun", _signed_now(event, "token-2").replace(b"token-2", b"token-3"))
    assert forged.status == 401
    old = await hook(keyed, "mailgun", mailgun_body(event))
    assert (old.status, "a day ago" in old.json["detail"]) == (401, True)
    assert await kinds(keyed, "jack@example.com") == set()


async def test_ses_is_taken_with_a_key_and_amazon_s_signature(local: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is fetched once; a subscription is confirmed by calling Amazon; where that fails, 503."""
    fetched: list[str] = []
    hooks = local.site.desk.feedback.hooks

    class Amazon:
        async def get(self, url: str) -> str | None:
            fetched.append(url)
            return sns_certificate(NOW.replace(year=2030)) if url.endswith(".pem") else None

    monkeypatch.setattr(hooks, "_fetcher", Amazon())
    body = as_json(sns_message(SES_BOUNCE, at=NOW))
    for new in (2, 0):
        assert (await hook(local, "ses", body)).json["new"] == new
    confirming = await hook(local, "ses", as_json(sns_message("x", kind="SubscriptionConfirmation", at=NOW)))
    assert (confirming.status, confirming.json["code"]) == (503, "unavailable")
    assert [urlsplit(url).path.endswith(".pem") for url in fetched] == [True, False]
    assert (await hook(local, "ses", body.replace(b"jane@", b"jack@"))).status == 401


async def test_a_body_that_is_too_large_is_refused_unread(local: Visitor) -> None:
    """Fifty megabytes: 413 by its head alone."""
    await local.site.desk.feedback.secrets.put_secrets("standard", ["whsec_eA=="], NOW)
    for path in ("/v1/events", "/v1/webhooks/mailjet", "/v1/webhooks/standard"):
        answer = await local.ask("POST", path, data=b"x" * 100, headers=JSON | {"Content-Length": str(50 << 20)})
        assert (answer.status, answer.json["code"]) == (413, "body_too_large")


async def test_of_a_stranger_s_message_nothing_is_read(keyed: Visitor) -> None:
    """Without a key, or without a secret that was set here, it is refused by its head, however long it is."""
    for path, code in (
        ("mailjet", "signature_refused"),
        ("ses", "signature_refused"),
        ("mailgun", "source_unconfigured"),
    ):
        answer = await hook(keyed, path, b"x" * 100, {"Content-Length": str(7 << 20), "Connection": "close"})
        assert answer.json["code"] == code


async def test_an_unknown_source_is_not_there(local: Visitor) -> None:
    """404, with those that are."""
    answer = await hook(local, "nobody", b"{}")
    assert (answer.status, "mailjet" in answer.json["detail"]) == (404, True)


async def test_a_sender_may_look_whether_anybody_is_there(keyed: Visitor) -> None:
    """GET and HEAD, as Mailchimp and Mandrill do before they save an address."""
    assert (await keyed.ask("GET", "/v1/webhooks/mailchimp?key=x")).status == 200
    assert (await keyed.ask("HEAD", "/v1/webhooks/mandrill")).status == 200


async def test_one_click_unsubscribes_and_opening_does_not(keyed: Visitor) -> None:
    """RFC 8058: a POST without cookies or keys; a GET is a page with a button, since scanners open links."""
    secret = keyed.site.desk.verifier.secret
    token = make_unsubscribe_token(secret, Leaving("jane@example.com", "shop", "offers"))
    page = await keyed.ask("GET", f"/unsubscribe/{token}", headers={"Accept-Language": "fr"})
    assert (page.status, "<button" in page.text, "jane@example.com" in page.text) == (200, True, True)
    assert await kinds(keyed) == set()
    click = b"List-Unsubscribe=One-Click"
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://mail.example"}
    for _ in range(2):
        done = await keyed.ask("POST", f"/unsubscribe/{token}", data=click, headers=form)
        assert (done.status, "unsubscribed" in done.text) == (200, True)
    assert await kinds(keyed) == {("unsubscribed", "shop")}


async def test_a_false_unsubscribe_token_is_nobody_s(keyed: Visitor) -> None:
    """404 and a page that says what to do; nobody else's address can be guessed."""
    secret = keyed.site.desk.verifier.secret
    token = make_unsubscribe_token(secret, Leaving("jane@example.com"))
    assert token == make_unsubscribe_token(secret, Leaving("jane@example.com"))
    others = (token[:-1], token[:-2] + ("AA" if not token.endswith("AA") else "BB"), "x", "%C3%A9", "A" * 2000)
    for false in (*others, make_unsubscribe_token(b"another", Leaving("jane@example.com"))):
        for method in ("GET", "POST"):
            assert (await keyed.ask(method, f"/unsubscribe/{false}")).status == 404
    assert await kinds(keyed) == set()


async def test_the_calibration_shows_predicted_against_seen(keyed: Visitor) -> None:
    """Every reason has a line; where nobody was mailed it is a prior, and says so."""
    answer = await keyed.ask("GET", "/v1/calibration", token=await keyed.key(Scope.VERIFY))
    assert (answer.status, answer.json["mailboxes"]) == (200, 0)
    line = next(each for each in answer.json["lines"] if (each["reason"], each["provider"]) == ("accepted", None))
    assert (line["basis"], line["seen"], line["hard_bounces"]) == ("prior", None, 0)
    assert line["interval_95"][0] < line["predicted"] < line["interval_95"][1]


async def test_the_page_of_the_calibration_plots_what_was_seen(local: Visitor) -> None:
    """Before anything was seen it says what to do; then each reason is a point, and each provider a row."""
    empty = await local.ask("GET", "/calibration")
    assert (empty.status, "<svg" in empty.text, "feedback import" in empty.text) == (200, False, True)
    service = local.site.desk.feedback
    outcomes = [Outcome(f"{n}", "catch_all", "big" if n % 2 else "", 1, 0.2, n < 3) for n in range(40)]
    await service.secrets.settle(0, outcomes, {})  # type: ignore[attr-defined]
    page = await local.ask("GET", "/calibration", headers={"Accept-Language": "fr"})
    assert (page.text.count("<circle"), "catch_all" in page.text, "big" in page.text) == (1, True, True)
    assert "Prévu" in page.text


def _signed_now(event: dict[str, object], token: str) -> bytes:
    from tests.support.feedback_vectors import _mailgun

    return _mailgun(event, STAMP, token)
