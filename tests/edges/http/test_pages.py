"""The pages for people, and what tells of the service's health."""

from pathlib import Path

import pytest
from aiohttp import ClientError, web
from aiohttp.test_utils import TestClient, TestServer

from tests.support.front_desk import Visitor, visiting
from verifier.edges.http.app import make_app
from verifier.edges.http.routing import Call, Route, write
from verifier.service.readiness import Condition, Part


async def test_the_helo_page_tells_who_probes(keyed: Visitor) -> None:
    """At its own path and at the HELO name's beginning, in English and French, with the contact; nobody else sees it
    at the beginning.
    """
    for path, headers in (("/about-probes", {}), ("/", {"Host": "probe.example.org"})):
        page = await keyed.ask("GET", path, headers=headers)
        assert (page.status, page.headers["Content-Language"]) == (200, "en")
        assert "mailto:probe@probe.example.org" in page.text and "opt-out list" in page.text
    french = await keyed.ask("GET", "/about-probes", headers={"Accept-Language": "fr-CA"})
    assert (french.headers["Content-Language"], "liste de refus" in french.text) == ("fr", True)
    assert "opt-out list" in (await keyed.ask("GET", "/about-probes?lang=en", headers={"Accept-Language": "fr"})).text
    elsewhere = await keyed.ask("GET", "/")
    assert (elsewhere.status, elsewhere.headers["Location"]) == (303, "/login")


async def test_the_helo_page_is_shown_through_a_proxy(tmp_path: Path) -> None:
    """Even where the service itself answers this machine alone."""
    proxied = {"Host": "probe.example.org", "X-Forwarded-For": "192.0.2.1"}
    async with visiting(tmp_path) as visitor:
        assert (await visitor.ask("GET", "/", headers=proxied)).status == 200
        assert (await visitor.ask("GET", "/v1/keys", headers=proxied)).status == 403


async def test_what_is_written_into_a_page_is_escaped(local: Visitor) -> None:
    """A link's text is text."""
    page = await local.ask("GET", '/login?invite="><script>alert(1)</script>')
    assert (page.status, "<script" in page.text) == (200, False)


async def test_files_of_pages_are_shipped_and_kept(local: Visitor) -> None:
    """What a page names is there, for a year, under a name that changes with its content."""
    page = await local.ask("GET", "/")
    path = page.text.split('stylesheet" href="')[1].split('"')[0]
    file = await local.ask("GET", path)
    assert (file.status, file.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in file.headers["Cache-Control"]
    for other in ("/static/x/style.css", "/static/x/..%2F__init__.py", path.replace("style", "other")):
        assert (await local.ask("GET", other)).status == 404


async def test_health_and_readiness(keyed: Visitor) -> None:
    """Alive is alive; ready has its parts, and what ails them is told to an administrator alone."""
    assert (await keyed.ask("GET", "/healthz")).json == {"status": "ok"}
    ready = await keyed.ask("GET", "/readyz")
    assert (ready.status, ready.json["status"]) == (200, "ready")
    assert set(ready.json["parts"]) == {"database", "events", "redis", "dns", "egress", "prober_lock"}
    assert {part["sentence"] for part in ready.json["parts"].values()} == {""}


async def test_not_ready_is_503(local: Visitor) -> None:
    """A part that failed, or a service that stops, wants no more requests; it still answers."""
    readiness = local.site.desk.readiness

    async def broken() -> Part:
        return Part(Condition.FAILED, "the disk is full")

    readiness.parts["database"] = broken
    answer = await local.ask("GET", "/readyz")
    assert (answer.status, answer.json["status"]) == (503, "not_ready")
    assert answer.json["parts"]["database"] == {"condition": "failed", "sentence": "the disk is full"}
    readiness.draining = True
    assert (await local.ask("GET", "/readyz")).json["status"] == "draining"
    assert (await local.ask("GET", "/healthz")).status == 200


@pytest.mark.parametrize("taken_away", [False, True])
async def test_without_a_store_of_events_it_is_not_ready(local: Visitor, keyed: Visitor, taken_away: bool) -> None:
    """Overwritten or taken away in use: senders would tell in vain. What is wrong, an administrator hears."""
    for visitor in (local, keyed):
        assert (await visitor.ask("GET", "/readyz")).json["parts"]["events"]["condition"] == "ok"
    place = local.site.desk.verifier.settings.data_dir / "events.sqlite"
    for part in place.parent.glob("events.sqlite*"):
        part.unlink()
    if not taken_away:
        place.write_bytes(b"no database " * 1000)
    for visitor, told in ((local, True), (keyed, False)):
        answer = await visitor.ask("GET", "/readyz")
        part = answer.json["parts"]["events"]
        assert (answer.status, part["condition"]) == (503, "failed")
        sentence = "events.sqlite cannot be read" if taken_away else "events.sqlite is damaged"
        assert (sentence in part["sentence"]) is told


async def test_figures_are_shown(local: Visitor) -> None:
    """Verdicts, stages and requests are counted, with no address among their labels."""
    for email in ("mailbox_full@verifier.test", "nope", "jane@example.com"):
        await local.ask("POST", "/v1/verify", json={"email": email, "stages": ["syntax"]})
    await local.ask("DELETE", "/v1/addresses/jane@example.com")
    page = await local.ask("GET", "/metrics")
    assert page.headers["Content-Type"].startswith("application/openmetrics-text")
    wanted = 'verifier_verdicts_total{reason="mailbox_full",source="live",verdict="risky"} 1.0'
    assert wanted in page.text
    assert 'route="/v1/addresses/{address}"' in page.text
    assert "verifier_dns_seconds" in page.text and "verifier_checks_behind 0.0" in page.text
    assert "jane" not in page.text


async def test_a_fault_of_ours_tells_nothing(local: Visitor) -> None:
    """500 with a number to look for in the log, and no word of what happened."""

    async def broken() -> Part:
        raise RuntimeError("secret path /srv/data")

    local.site.desk.readiness.parts["dns"] = broken
    answer = await local.ask("GET", "/readyz")
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


async def test_an_answer_that_has_begun_is_cut_off(tmp_path: Path) -> None:
    """A fault in the middle of a stream never looks like its end."""

    async def broken(call: Call[None]) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(call.request)
        await write(response, b"half of it")
        raise RuntimeError("secret")

    async with visiting(tmp_path) as visitor:
        app = make_app(visitor.site, [Route("GET", "/broken", broken, "Broken")])
        async with TestClient(TestServer(app)) as client:
            with pytest.raises(ClientError):
                async with client.get("/broken") as response:
                    await response.read()
