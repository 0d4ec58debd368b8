"""Pages for whoever runs the service: health, settings, keys, people; and one address with its conversation."""

import asyncio
import html
import re

import pytest

from tests.edges.http.test_list_pages import post
from tests.support.front_desk import Visitor
from verifier.core.api_keys import Scope
from verifier.core.diagnosis import Check, Health
from verifier.edges.http.pages import health


def token_of(page: str) -> str:
    found = re.search(r'class="token" readonly value="([^"]+)"', page)
    assert found is not None, page
    return html.unescape(found[1])


async def test_a_key_is_made_shown_once_and_revoked(keyed: Visitor) -> None:
    """It asks at once; no page shows it again; revoked, it is refused."""
    admin = f"Bearer {await keyed.key(Scope.ADMIN)}"
    body = b"name=shop&scope_verify=1&expires_in_days=30&rate=60"
    made = await post(keyed, "/keys", body, Authorization=admin)
    token = token_of(made.text)
    assert (made.status, made.headers["Cache-Control"]) == (200, "no-store")
    asked = await keyed.ask("POST", "/v1/verify", json={"email": "accepted@verifier.test"}, token=token)
    assert (asked.status, asked.headers["RateLimit-Policy"]) == (200, '"minute";q=60;w=60')
    listed = await keyed.ask("GET", "/keys", headers={"Authorization": admin})
    assert token not in listed.text and "shop" in listed.text
    revoke = re.search(r'action="(/keys/\w+/revoke)"', listed.text.split(">shop<", 1)[1])
    assert revoke is not None
    revoked = await post(keyed, revoke[1], Authorization=admin)
    assert (revoked.status, revoked.headers["Location"]) == (303, "/keys")
    refused = await keyed.ask("POST", "/v1/verify", json={"email": "accepted@verifier.test"}, token=token)
    assert refused.status == 401
    assert (await post(keyed, revoke[1], Authorization=admin)).status == 404


async def test_a_form_gets_a_key_of_its_site(local: Visitor) -> None:
    """Publishable, for that origin alone, with the line that goes into the page; an origin that is none is said."""
    made = await post(local, "/keys", b"name=form&origins=https%3A%2F%2Fshop.example&rate=600")
    assert made.status == 200 and f'data-key="{token_of(made.text)}"' in html.unescape(made.text)
    known = (await local.ask("GET", "/v1/keys")).json["keys"]
    assert [(key["scopes"], key["origins"]) for key in known] == [(["widget"], ["https://shop.example"])]
    wrong = await post(local, "/keys", b"name=b&origins=shop&rate=600", **{"Accept-Language": "fr"})
    assert (wrong.status, "n’est pas une origine" in html.unescape(wrong.text)) == (422, True)


async def test_somebody_is_invited(keyed: Visitor) -> None:
    """The link that is shown logs him in, with what was ticked and no more."""
    admin = f"Bearer {await keyed.key(Scope.ADMIN)}"
    invited = await post(keyed, "/keys/invite", b"name=Zoe&scope_lists=1", Authorization=admin)
    link = token_of(invited.text)
    assert link.startswith(f"{keyed.site.public_url}/login?invite=vfi_")
    invite = link.partition("invite=")[2]
    logged_in = await post(keyed, "/login", f"invite={invite}".encode())
    cookie = {"Cookie": logged_in.headers["Set-Cookie"].split(";")[0]}
    home = await keyed.ask("GET", "/", headers=cookie)
    assert ('type="file"' in home.text, 'action="/check"' in home.text, 'href="/keys"' in home.text) == (
        True,
        False,
        False,
    )
    assert (await keyed.ask("GET", "/keys", headers=cookie)).status == 403


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/keys", b"name=a", "Cochez au moins une chose"),
        ("/keys", b"name=&scope_verify=1&rate=60", "caractères imprimables"),
        ("/keys", b"name=a&scope_verify=1&rate=7", "doit être l’un de"),
        ("/keys/invite", b"name=%3Cb%3E%07&scope_lists=1", "caractères imprimables"),
    ],
)
async def test_what_cannot_be_made_is_said(local: Visitor, path: str, body: bytes, words: str) -> None:
    """422, in the reader's language, on a page; nothing was made."""
    answer = await post(local, path, body, Accept="text/html", **{"Accept-Language": "fr"})
    assert (answer.status, words in answer.text, "<b>\x07" in answer.text) == (422, True, False)
    assert (await local.ask("GET", "/v1/keys")).json == {"keys": []}


async def test_other_sites_press_none_of_these_buttons(local: Visitor) -> None:
    """403 for a form of another origin."""
    for path in ("/keys", "/keys/invite", "/keys/x/revoke", "/health/examine"):
        assert (await post(local, path, b"name=a&scope_admin=1", Origin="https://evil.example")).status == 403
    assert (await local.ask("GET", "/v1/keys")).json == {"keys": []}


async def test_health_is_shown_with_the_settings(local: Visitor) -> None:
    """Every part, every setting with its origin and meaning in the reader's language; no secret."""
    page = await local.ask("GET", "/health", headers={"Accept-Language": "fr"})
    assert page.status == 200
    for words in ("base de données", "port 25", "VERIFIER_LISTS_RETENTION", "durée de conservation", "environnement"):
        assert words in page.text
    secret = local.site.settings.secret_key
    assert not secret or secret not in page.text
    assert '<span lang="en">' not in page.text.split('class="figures settings"')[1]


async def test_this_host_is_examined_beside_everything_else(local: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The button does not wait for a slow examination, and presses begin no second one; meanwhile pages are answered,
    and the result is shown until the next.
    """
    begun, go_on = 0, asyncio.Event()

    async def slow(*_: object) -> tuple[Check, ...]:
        nonlocal begun
        begun += 1
        await go_on.wait()
        return (Check("PTR", Health.PROBLEM, "192.0.2.1 has no name.", "Try again later."),)

    monkeypatch.setattr(health, "examine_host", slow)
    monkeypatch.setattr(health, "_SOON_SECONDS", 0.05)
    for _ in range(2):
        pressed = await post(local, "/health/examine")
        assert (pressed.status, pressed.headers["Location"]) == (303, "/health")
    running = await local.ask("GET", "/health")
    assert ("Being examined" in running.text, 'data-again="' in running.text, begun) == (True, True, 1)
    go_on.set()
    done = await post(local, "/health/examine")
    page = await local.ask("GET", done.headers["Location"], headers={"Accept-Language": "fr"})
    assert "192.0.2.1 n’a pas de nom." in page.text and "→ Réessayez plus tard." in page.text
    assert "data-again" not in page.text


async def test_an_examination_that_fails_says_so(local: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the page stays a page."""

    async def broken(*_: object) -> tuple[Check, ...]:
        raise RuntimeError("secret path")

    monkeypatch.setattr(health, "examine_host", broken)
    await post(local, "/health/examine")
    page = await local.ask("GET", "/health")
    assert (page.status, "could not be done" in page.text, "secret" in page.text) == (200, True, False)


async def test_the_page_of_one_address_is_kept_in_its_language(local: Visitor) -> None:
    """The form has a page of its own, and the switch of its answer leads to one that is there."""
    assert 'name="email"' in (await local.ask("GET", "/check?lang=fr")).text
    answer = await post(local, "/check", b"email=accepted%40verifier.test")
    switch = re.search(r'<a href="([^"]+)" lang="en"', answer.text)
    assert switch is not None
    assert (await local.ask("GET", switch[1])).status == 200
    assert "Aucune boîte n’a été interrogée" in answer.text


async def test_a_page_that_leads_on_is_counted_as_one(keyed: Visitor) -> None:
    """Whoever is led elsewhere did not go away."""
    await keyed.ask("GET", "/")
    figures = (await keyed.ask("GET", "/metrics", token=await keyed.key(Scope.ADMIN))).text
    assert 'route="/",status="303"' in figures and 'status="499"' not in figures


async def test_the_switch_keeps_what_was_asked(local: Visitor) -> None:
    """A page in the other language is the same page."""
    page = await local.ask("GET", "/login?invite=a%26b")
    assert 'href="?invite=a%26b&amp;lang=fr"' in page.text
