"""Keys, sessions, and who is kept out."""

import asyncio
import re

import pytest

from tests.support.front_desk import KEYED, Visitor
from verifier.core.api_keys import Scope

QUESTION = {"email": "accepted@verifier.test"}
PUBLIC = KEYED["VERIFIER_HTTP_PUBLIC_URL"]


async def invited(visitor: Visitor, *scopes: Scope) -> str:
    """The token of a link for Jane."""
    return (await visitor.site.desk.access.invite("Jane", scopes)).token


async def logged_in(visitor: Visitor, invite: str) -> dict[str, str]:
    """The headers of a browser that logged in by the link: its cookie, and where its requests come from."""
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": PUBLIC}
    answer = await visitor.ask("POST", "/login", data=f"invite={invite}".encode(), headers=form)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    return {"Cookie": cookie, "Origin": PUBLIC}


async def test_a_key_is_made_used_and_revoked(keyed: Visitor) -> None:
    """Its token is shown once and works at once; revoked by the service, it is refused at once."""
    admin = await keyed.key(Scope.ADMIN, name="admin")
    wish = {"name": "form", "scopes": ["verify"], "expires_in_days": 3}
    made = await keyed.ask("POST", "/v1/keys", json=wish, token=admin)
    token, key = made.json["token"], made.json["key"]
    assert (made.status, key["name"], key["scopes"], key["kind"]) == (201, "form", ["verify"], "program")
    assert (await keyed.ask("POST", "/v1/verify", json=QUESTION, token=token)).status == 200
    listed = await keyed.ask("GET", "/v1/keys", token=admin)
    assert key in listed.json["keys"]
    assert token not in listed.text
    again = await keyed.ask("POST", "/v1/keys", json=wish, token=admin)
    assert (again.status, again.json["code"]) == (409, "conflict")
    assert (await keyed.ask("DELETE", f"/v1/keys/{key['id']}", token=admin)).status == 204
    assert (await keyed.ask("POST", "/v1/verify", json=QUESTION, token=token)).json["code"] == "key_invalid"
    assert (await keyed.ask("DELETE", f"/v1/keys/{key['id']}", token=admin)).status == 404


async def test_a_link_logs_in_once(keyed: Visitor) -> None:
    """Looking at it uses nothing up; its button does; of two who press it at once, one gets in."""
    invite = await invited(keyed, Scope.VERIFY)
    for _ in range(2):
        page = await keyed.ask("GET", f"/login?invite={invite}")
        assert (page.status, f'value="{invite}"' in page.text) == (200, True)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": PUBLIC}
    answers = await asyncio.gather(
        *(keyed.ask("POST", "/login", data=f"invite={invite}".encode(), headers=form) for _ in range(5))
    )
    assert sorted(answer.status for answer in answers) == [303, 401, 401, 401, 401]


async def test_the_cookie_is_kept_from_scripts_and_other_sites(keyed: Visitor) -> None:
    """HttpOnly, SameSite, Secure where people come by https; pages are not stored."""
    invite = await invited(keyed, Scope.VERIFY)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": PUBLIC}
    answer = await keyed.ask("POST", "/login", data=f"invite={invite}".encode(), headers=form)
    attributes = {part.strip().split("=")[0] for part in answer.headers["Set-Cookie"].split(";")}
    assert {"HttpOnly", "SameSite", "Secure", "Path", "Max-Age"} <= attributes
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_session_may_what_its_person_may(keyed: Visitor) -> None:
    """By the cookie, with the scopes of the invitation; until it is closed."""
    browser = await logged_in(keyed, await invited(keyed, Scope.VERIFY))
    assert (await keyed.ask("POST", "/v1/verify", json=QUESTION, headers=browser)).status == 200
    assert (await keyed.ask("GET", "/v1/keys", headers=browser)).status == 403
    home = await keyed.ask("GET", "/", headers=browser)
    assert (home.status, "Jane" in home.text) == (200, True)
    out = await keyed.ask("POST", "/logout", headers=browser)
    assert (out.status, out.headers["Location"]) == (303, "/login")
    assert (await keyed.ask("POST", "/v1/verify", json=QUESTION, headers=browser)).status == 401


async def test_a_revoked_person_is_out(keyed: Visitor) -> None:
    """And so is the link that was not yet used."""
    browser, unused = await logged_in(keyed, await invited(keyed, Scope.VERIFY)), await invited(keyed)
    await keyed.site.desk.access.revoke("Jane")
    assert (await keyed.ask("POST", "/v1/verify", json=QUESTION, headers=browser)).status == 401
    assert await keyed.site.desk.access.log_in(unused) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://verifier.example.org.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
async def test_other_sites_cannot_use_a_session(keyed: Visitor, headers: dict[str, str]) -> None:
    """An unsafe request that brings the cookie has to say that it comes from our own pages."""
    browser = await logged_in(keyed, await invited(keyed, Scope.ADMIN))
    sent = {"Cookie": browser["Cookie"], **headers}
    for method, path in (("POST", "/v1/verify"), ("DELETE", "/v1/addresses/a@example.com"), ("POST", "/logout")):
        answer = await keyed.ask(method, path, json=QUESTION, headers=sent)
        assert (answer.status, answer.json["code"]) == (403, "origin_refused")
    assert (await keyed.ask("POST", "/v1/verify", json=QUESTION, headers=browser)).status == 200


async def test_a_login_page_of_another_site_is_refused(keyed: Visitor) -> None:
    """Nobody is logged in as somebody else."""
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://evil.example"}
    answer = await keyed.ask("POST", "/login", data=f"invite={await invited(keyed)}".encode(), headers=form)
    assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example:8080"},
        {"Host": "[::1"},
        {"X-Forwarded-For": "192.0.2.1"},
        {"Forwarded": "for=192.0.2.1"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_without_keys_only_this_machine_may_ask(local: Visitor, headers: dict[str, str]) -> None:
    """Not a site that a browser here looks at, not whoever a proxy speaks for."""
    answer = await local.ask("POST", "/v1/verify", json=QUESTION, headers=headers)
    assert (answer.status, answer.json["code"] in ("host_refused", "origin_refused")) == (403, True)


async def test_a_host_that_is_none_is_led_to_the_login(keyed: Visitor) -> None:
    """The first page looks at the name under which it was asked, whatever stands there."""
    answer = await keyed.ask("GET", "/", headers={"Host": "[::1"})
    assert (answer.status, answer.headers["Location"]) == (303, "/login")


async def test_an_own_page_may_ask_without_keys(local: Visitor) -> None:
    """The page of the service itself is not another site."""
    address = f"{local.client.host}:{local.client.port}"
    for headers in ({"Origin": f"http://{address}"}, {"Sec-Fetch-Site": "same-origin"}, {}):
        assert (await local.ask("POST", "/v1/verify", json=QUESTION, headers=headers)).status == 200


async def test_every_answer_has_its_headers(local: Visitor) -> None:
    """A number, a policy, no sniffing, no storing; an own number is taken where it is one."""
    for path in ("/healthz", "/docs", "/nowhere", "/about-probes", "/metrics"):
        answer = await local.ask("GET", path, headers={"X-Request-ID": "abc-1"})
        assert answer.headers["X-Request-ID"] == "abc-1"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Server"] == "verifier"
    odd = await local.ask("GET", "/healthz", headers={"X-Request-ID": "a b<c>"})
    assert re.fullmatch(r"[a-z0-9]{12}", odd.headers["X-Request-ID"])
