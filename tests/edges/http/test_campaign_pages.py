"""The pages of a send: what a person hands in, sees, releases and downloads, in both languages."""

import asyncio
import re

from aiohttp import FormData

from tests.support.front_desk import Answer, Visitor
from verifier.core.api_keys import Scope

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LIST = (
    b"email,name\naccepted@verifier.test,Ann\nmailbox_not_found@verifier.test,Bob\n"
    b"disposable@verifier.test,Carl\nprovider_unverifiable@verifier.test,<b>Dora</b>\n"
)


async def handed_in(visitor: Visitor, content: bytes = LIST, name: str = "news.csv", **fields: str) -> str:
    """The path of the campaign's page, once it is decided."""
    form = FormData()
    for field, value in fields.items():
        form.add_field(field, value)
    form.add_field("file", content, filename=name)
    async with visitor.client.post("/campaigns", data=form, allow_redirects=False) as response:
        assert response.status == 303, await response.text()
        path: str = response.headers["Location"]
    async with asyncio.timeout(60):
        while 'http-equiv="refresh"' in (await visitor.ask("GET", path)).text:
            await asyncio.sleep(0.05)
    return path


async def shown(visitor: Visitor, path: str, language: str = "en") -> Answer:
    answer = await visitor.ask("GET", path, headers={"Accept-Language": language})
    assert answer.status == 200
    return answer


async def test_a_send_in_one_look(local: Visitor) -> None:
    """Who gets it and who does not, in figures that a chart is drawn from; what to expect; every download works."""
    path = await handed_in(local, profile="mailjet", message_class="marketing")
    page = (await shown(local, path)).text
    rows = re.findall(r'data-value="(\d+)" data-colour="(\w+)"><th scope="row"><span[^>]*></span>([^<]+)', page)
    assert {name: (int(count), colour) for count, colour, name in rows} == {
        "can be mailed": (2, "deliverable"),
        "undeliverable": (1, "undeliverable"),
        "throw-away addresses": (1, "risky"),
    }
    assert "2 of 4 rows planned" in page and "Hard bounces to expect" in page
    links = set(re.findall(r'href="(/v1/campaigns/[^"]+)" download', page))
    assert len(links) == 10
    for link in links:
        assert (await local.ask("GET", link.replace("&amp;", "&"))).status == 200


async def test_a_cleaned_list_or_pasted_addresses_do_as_well_as_a_file(local: Visitor) -> None:
    """Whoever has cleaned his list need not hand it in again; a few addresses need no file."""

    async def of(**fields: str) -> str:
        form = FormData()
        for field, value in fields.items():
            form.add_field(field, value)
        form.add_field("file", b"", filename="", content_type="application/octet-stream")  # as browsers send none
        async with local.client.post("/campaigns", data=form, allow_redirects=False) as response:
            assert response.status == 303, await response.text()
            return (await shown(local, response.headers["Location"])).text

    await handed_in(local)
    chosen = re.search(r'<option value="(\w+)">news\.csv \(4\)', (await shown(local, "/campaigns")).text)
    assert chosen is not None
    assert "2 of 4 rows planned" in await of(list=chosen[1], emails="")
    pasted = "Ann <accepted@verifier.test>, catch_all@verifier.test;\r\nmailbox_not_found@verifier.test\r\n\r\n"
    assert "2 of 3 rows planned" in await of(list="", emails=pasted)
    assert "2 of 3 rows planned" in await of(emails=pasted + "," * 5000)
    form = FormData()
    form.add_field("list", "nowhere")
    form.add_field("file", b"", filename="")
    async with local.client.post("/campaigns", data=form, allow_redirects=False) as response:
        assert response.status == 404


async def test_in_french_too(local: Visitor) -> None:
    """The same page, whole, and shares as French writes them."""
    path = await handed_in(local)
    page = (await shown(local, path, "fr")).text
    assert re.search(r"\d,\d\u202f% de rebonds", page) and not re.search(r"\d\.\d%", page)
    assert "à qui écrire" in page and "Rebonds définitifs à prévoir" in page and "can be mailed" not in page
    assert "Avant l’envoi" in (await shown(local, "/campaigns", "fr")).text


async def test_a_held_send_is_released_by_name(local: Visitor) -> None:
    """Who and why are asked for, kept, and shown."""
    path = await handed_in(local, b"email\nmailbox_not_found@verifier.test\n")
    assert "there is nobody to mail" in (await shown(local, path)).text
    empty = await local.ask("POST", f"{path}/release", data=b"name=Ann&reason=+", headers=FORM)
    assert empty.status == 422
    done = await local.ask("POST", f"{path}/release", data=b"name=Ann&reason=%3Cb%3Eknown%3C/b%3E", headers=FORM)
    assert (done.status, done.headers["Location"]) == (303, path)
    page = (await shown(local, path)).text
    assert "Released by Ann" in page and "&lt;b&gt;known" in page and "<b>known" not in page
    assert "/release" not in page
    again = await local.ask("POST", f"{path}/release", data=b"name=Bob&reason=x", headers=FORM)
    assert again.status == 409


async def test_sends_are_listed(local: Visitor) -> None:
    """The newest first, with what was decided; choices are those that there are."""
    await local.ask("POST", "/v1/senders", json={"name": "newsletter", "quota": 1})
    path = await handed_in(local, name="<img src=x>.csv", sender="newsletter")
    page = (await shown(local, "/campaigns")).text
    assert f'href="{path}"' in page and "may go out" in page and "newsletter" in page
    assert "<img" not in page and re.findall(r"<style|<[^>]*\s(?:on\w+|style)=", page) == []
    assert "over the quota" in (await shown(local, path)).text


async def test_what_cannot_be_handed_in(local: Visitor) -> None:
    """A class that there is not; a file that is no list fails on its page, with its sentence."""
    form = FormData()
    form.add_field("message_class", "spam")
    form.add_field("file", LIST, filename="news.csv")
    async with local.client.post("/campaigns", data=form, allow_redirects=False) as response:
        assert response.status == 422
    path = await handed_in(local, b"\x00\x01\x02", "a.xlsx")
    assert "Failed" in (await shown(local, path)).text
    assert (await local.ask("GET", "/campaigns/nowhere")).status == 404


async def test_who_may_not_is_led_to_the_login(keyed: Visitor) -> None:
    """A key of the gate sees no page of campaigns."""
    answer = await keyed.ask("GET", "/campaigns")
    assert (answer.status, answer.headers["Location"].split("?")[0]) == (303, "/login")
    token = await keyed.key(Scope.GATE)
    assert (await keyed.ask("GET", "/campaigns", token=token)).status == 403
