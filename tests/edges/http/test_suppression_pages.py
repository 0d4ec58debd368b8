"""The page of suppressions: what whoever administers the service sees, adds, ends, brings and takes away."""

import io
import re
from html import unescape

from aiohttp import FormData

from tests.edges.http.test_list_pages import post
from tests.support.front_desk import Answer, Visitor
from verifier.core.api_keys import Scope
from verifier.core.suppressions import SuppressionKind


async def shown(visitor: Visitor, path: str = "/suppressions", language: str = "en") -> str:
    answer = await visitor.ask("GET", path, headers={"Accept-Language": language})
    assert answer.status == 200
    return unescape(answer.text)


def listed(page: str) -> list[tuple[str, str]]:
    """Address and kind of each row of the table."""
    return re.findall(r'<tr><th scope="row">([^<]+)<.*?</th>\s*<td>([^<]+)</td>', page, re.DOTALL)


async def brought(visitor: Visitor, content: bytes, name: str, kind: str = "unsubscribed") -> Answer:
    form = FormData()
    form.add_field("kind", kind)
    form.add_field("file", io.BytesIO(content), filename=name)
    async with visitor.client.post("/suppressions/import", data=form, allow_redirects=False) as response:
        return Answer(response.status, dict(response.headers), await response.read())


async def test_one_is_added_found_and_ended(local: Visitor) -> None:
    """The gate knows it at once; a search finds what concerns an address, by its domain too."""
    added = await post(local, "/suppressions", b"emails=accepted%40verifier.test+%40shop.example&kind=manual_block")
    assert (added.status, added.headers["Location"]) == (303, "/suppressions?kind=manual_block")
    decided = await local.ask("POST", "/v1/gate", json={"email": "accepted@verifier.test"})
    assert decided.json["rule"] == "manual_block"
    page = await shown(local, added.headers["Location"])
    assert listed(page) == [("accepted@verifier.test", "blocked by hand"), ("@shop.example", "blocked by hand")]
    assert listed(await shown(local, "/suppressions?kind=complaint")) == []
    assert listed(await shown(local, "/suppressions?email=jane%40shop.example")) == [
        ("@shop.example", "blocked by hand")
    ]
    ended = await post(local, "/suppressions/remove", b"email=accepted%40verifier.test&kind=manual_block&sender=")
    assert (ended.status, ended.headers["Location"]) == (303, "/suppressions")
    assert (await local.ask("POST", "/v1/gate", json={"email": "accepted@verifier.test"})).json["decision"] == "allow"
    assert listed(await shown(local)) == [("@shop.example", "blocked by hand")]


async def test_a_file_comes_in_and_goes_out(local: Visitor) -> None:
    """What is no address is said by its row; an export comes back as it was, and adds nothing."""
    taken = await brought(local, b"email\njane@shop.example\nno address\njohn@shop.example\n", "left.csv")
    assert taken.status == 200 and "3 rows read: 2 added, 1 left out." in taken.text and "row 2:" in taken.text
    path = "/suppressions/export?kind=unsubscribed"
    exported = await local.ask("GET", path)
    assert "attachment" in exported.headers["Content-Disposition"]
    lines = exported.text.splitlines()
    assert lines[0].startswith("address,kind,") and len(lines) == 3
    again = await brought(local, exported.body, "export.csv", "complaint")
    assert "2 rows read: 0 added, 0 left out." in again.text
    assert len((await local.ask("GET", "/suppressions/export?kind=complaint")).text.splitlines()) == 1


async def test_a_page_leads_to_the_next(local: Visitor) -> None:
    """Fifty at a time, of the kind that was chosen."""
    emails = [f"a{number}@shop.example" for number in range(60)]
    await local.ask("POST", "/v1/suppressions", json={"emails": emails, "kind": "complaint"})
    page = await shown(local, "/suppressions?kind=complaint")
    following = re.search(r'href="(/suppressions\?cursor=\d+&kind=complaint)"', page)
    assert following is not None and len(listed(page)) == 50
    assert len(listed(await shown(local, following[1]))) == 10


async def test_in_french_with_every_kind(local: Visitor) -> None:
    """No kind is left in English, and neither is what is wrong."""
    for kind in SuppressionKind:
        await local.ask("POST", "/v1/suppressions", json={"emails": ["jane@shop.example"], "kind": kind})
    page = await shown(local, language="fr")
    assert "À qui ne pas écrire" in page and len(listed(page)) == len(SuppressionKind)
    assert {kind for _, kind in listed(page)}.isdisjoint({kind.value for kind in SuppressionKind})


async def test_what_cannot_be(local: Visitor, keyed: Visitor) -> None:
    """A text that is no address, nobody at all, a kind that there is not, a file that is no list; and who may not."""
    for body in (b"emails=nobody&kind=complaint", b"emails=+&kind=complaint", b"emails=a%40b.example&kind=mine"):
        assert (await post(local, "/suppressions", body)).status == 422
    assert (await post(local, "/suppressions/remove", b"email=nobody&kind=complaint")).status == 422
    assert (await local.ask("GET", "/suppressions?email=nobody")).status == 422
    broken = await brought(local, b"PK no workbook", "list.xlsx")
    assert (broken.status, "list.xlsx" in broken.text, "/tmp" in broken.text) == (422, True, False)
    assert (await brought(local, b"x" * (9 << 20), "list.csv")).status == 422
    token = await keyed.key(Scope.LISTS)
    assert (await keyed.ask("GET", "/suppressions", headers={"Authorization": f"Bearer {token}"})).status == 403
