"""The pages of lists without a browser: who may, what is escaped, what is refused, where each step leads."""

import asyncio
import io
import re

import pytest
import xlsxwriter
from aiohttp import FormData

from tests.edges.http.test_lists import ended, hand_in
from tests.support.front_desk import Answer, Visitor
from verifier.core.api_keys import Scope
from verifier.edges.http.pages.list_page import parts

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NASTY = b'name,email\r\n<b onclick="x">,"<script>alert(1)</script>"\r\nJane,jane@shop.example\r\n'


async def post(visitor: Visitor, path: str, body: bytes = b"", **headers: str) -> Answer:
    return await visitor.ask("POST", path, data=body, headers=FORM | headers)


async def upload(visitor: Visitor, content: bytes, name: str, **headers: str) -> tuple[int, str]:
    """Status, and where it leads."""
    form = FormData()
    form.add_field("file", content, filename=name)
    async with visitor.client.post("/lists", data=form, headers=headers, allow_redirects=False) as response:
        return response.status, response.headers.get("Location", "")


def test_shares_are_of_the_whole() -> None:
    """Shares are of the whole; of nothing there is no division."""
    found = parts([("a", 1), ("b", 3)])
    assert [part.share for part in found] == [0.25, 0.75]
    assert [part.share for part in parts([("a", 0)])] == [0.0]


async def test_every_step_leads_to_a_page(local: Visitor) -> None:
    """303, so that loading again does nothing again: handed in, started, deleted."""
    status, path = await upload(local, NASTY, "people.csv")
    assert (status, bool(re.fullmatch(r"/lists/[a-z0-9]{26}", path))) == (303, True)
    started = await post(local, f"{path}/start", b"column=2&max_wait_s=0")
    assert (started.status, started.headers["Location"]) == (303, path)
    await ended(local, path.removeprefix("/lists/"))
    assert (await post(local, f"{path}/cancel")).status == 409
    deleted = await post(local, f"{path}/delete")
    assert (deleted.status, deleted.headers["Location"]) == (303, "/")
    assert (await local.ask("GET", path)).status == 404


async def test_one_row_is_spoken_of_in_the_singular(local: Visitor) -> None:
    """No page says “1 rows” or “1 lignes”, before, while and after a list of one row is worked on; French takes 0 for
    a singular too.
    """
    _, path = await upload(local, b"email\naccepted@verifier.test\n", "one.csv")
    seen = [(await local.ask("GET", path, headers={"Accept-Language": lang})).text for lang in ("en", "fr")]
    await post(local, f"{path}/start", b"column=1&max_wait_s=0")
    await ended(local, path.removeprefix("/lists/"))
    for lang in ("en", "fr"):
        seen += [(await local.ask("GET", each, headers={"Accept-Language": lang})).text for each in (path, "/")]
    for page in seen:
        said = re.sub(r"\s+", " ", re.sub(r"<[^>]*?(?:data-(?:told|unit)=\"([^\"]*)\")?[^>]*>", r" \1 ", page))
        assert re.findall(r"\b1 (?:rows|lignes|addresses|adresses|doublons)|\b0 (?:lignes|doublons)", said) == []
    assert "1 row: 0 duplicates, 0 without an address." in seen[2]
    assert "1 ligne : 0 doublon, 0 sans adresse." in re.sub(r"\s", " ", seen[4])


async def test_a_second_column_of_addresses_is_offered_and_verified(local: Visitor) -> None:
    """Nobody would miss verdicts that nobody knew of: the preview names the other columns, not ticked; a ticked one has
    its verdicts in the downloaded file.
    """
    _, path = await upload(
        local, b"Nom;E-mail pro;E-mail perso\nA;accepted@verifier.test;catch_all@verifier.test\n", "a.csv"
    )
    shown = (await local.ask("GET", path)).text
    assert re.findall(r'<input type="checkbox" name="also_(\d)" value="1"( checked)?> ([^<]+)</label>', shown) == [
        ("3", "", "E-mail perso")
    ]
    await post(local, f"{path}/start", b"column=2&also_3=1&max_wait_s=0&stages=smtp")
    await ended(local, path.removeprefix("/lists/"))
    file = (await local.ask("GET", f"/v1{path}/download")).text.splitlines()
    assert file[0].startswith("Nom;E-mail pro;E-mail perso;ev_verdict;") and ";ev_verdict_2;ev_reason_2;" in file[0]
    assert ";deliverable;accepted;" in file[1] and ";risky;catch_all;" in file[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Clients au 1 novembre;;\n;;\nNom;Email;Ville\nA;a@shop.example;Lyon\n", "The headings stand in row 3"),
        (b'Nom;Email\nA;"a@shop.example, b@shop.example"\n', "Most cells of this column are no address."),
    ],
)
async def test_what_a_person_has_to_know_is_said_before_the_start(local: Visitor, content: bytes, said: str) -> None:
    """In both languages; and a list with nothing odd about it has no such note."""
    _, path = await upload(local, content, "a.csv")
    assert said in (await local.ask("GET", path)).text
    assert said not in (await local.ask("GET", path, headers={"Accept-Language": "fr"})).text
    _, path = await upload(local, b"Nom;Email\nA;a@shop.example\n", "a.csv")
    assert 'class="note">' not in (await local.ask("GET", path)).text


async def test_headings_below_a_title_name_the_columns(local: Visitor) -> None:
    """In the choice of the column, another one chosen too, and in what a sending service imports; the title stays in
    the file.
    """
    content = b"Clients;;\nNom;Email;Autre\nA;accepted@verifier.test;accepted@verifier.test\n"
    _, path = await upload(local, content, "a.csv")
    assert '<option value="2" selected>Email</option>' in (await local.ask("GET", path)).text
    await post(local, f"{path}/start", b"column=3&max_wait_s=0")
    await ended(local, path.removeprefix("/lists/"))
    file = (await local.ask("GET", f"/v1{path}/download")).text.splitlines()
    assert [line[:15] for line in file[:3]] == ["Nom;Email;Autre", "Clients;;;undel", "Nom;Email;Autre"]
    brevo = (await local.ask("GET", f"/v1{path}/download?preset=brevo")).text.splitlines()
    assert brevo == ["EMAIL,Nom,Email", "accepted@verifier.test,A,accepted@verifier.test"]


async def test_sheets_that_are_not_read_are_named(local: Visitor) -> None:
    """Or a person would take one sheet's result for the whole workbook's."""
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as made:
        for name in ("Clients", "Prospects"):
            made.add_worksheet(name).write_column(0, 0, ["email", f"{name}@shop.example"])
    _, path = await upload(local, book.getvalue(), "a.xlsx")
    assert (
        "Only the sheet “Clients” is read. Others have addresses too: Prospects." in (await local.ask("GET", path)).text
    )


async def test_what_a_list_holds_is_text(local: Visitor) -> None:
    """Cells, headings and file names are escaped; no page has a script or a style of its own."""
    _, path = await upload(local, NASTY, "<img src=x>.csv")
    preview = await local.ask("GET", path)
    await post(local, f"{path}/start", b"column=2&max_wait_s=0")
    await ended(local, path.removeprefix("/lists/"))
    pages = [preview, *[await local.ask("GET", page) for page in (path, f"{path}/progress", f"{path}/rows", "/")]]
    for page in pages:
        assert page.status == 200
        assert "<img" not in page.text and "alert(1)</" not in page.text and "<b onclick" not in page.text
        assert re.findall(r"<script(?! src=\"/static/)|<style|<[^>]*\s(?:on\w+|style)=", page.text) == []
        assert re.findall(r"(?:src|href)=\"https?:", page.text) == []
    assert "&lt;script&gt;alert(1)" in pages[1].text
    assert "style-src 'self'; script-src 'self'" in pages[1].headers["Content-Security-Policy"]


async def test_a_list_without_addresses_asks_for_their_column(local: Visitor) -> None:
    """In the reader's language; no column is called `email` only because nobody knew a better name."""
    _, path = await upload(local, b"name,city\r\nann,Paris\r\n", "people.csv")
    page = await local.ask("GET", path, headers={"Accept-Language": "fr"})
    assert "La colonne des adresses n’a pas pu être devinée" in page.text
    assert re.findall(r">(\w+)</option>", page.text)[:2] == ["column_1", "column_2"]


async def test_other_sites_cannot_press_the_buttons(local: Visitor) -> None:
    """A form of another origin is refused, and nothing happens."""
    made = await hand_in(local)
    foreign = {"Origin": "https://evil.example"}
    for step in ("start", "look", "webhook", "cancel", "delete"):
        assert (await post(local, f"/lists/{made['id']}/{step}", **foreign)).status == 403
    assert (await upload(local, NASTY, "a.csv", **foreign))[0] == 403
    assert (await post(local, "/check", b"email=a", **foreign)).status == 403
    assert [each["status"] for each in (await local.ask("GET", "/v1/lists")).json["lists"]] == ["ready"]


async def test_another_workspaces_list_has_no_page(keyed: Visitor) -> None:
    """404, for looking and for doing; who may not use lists sees no form for them."""
    mine = await keyed.key(Scope.LISTS, name="mine")
    granted = await keyed.site.desk.access.create("theirs", {Scope.LISTS}, rate=0, daily_quota=0, workspace="other")
    made = (await keyed.ask("POST", "/v1/lists?stages=syntax", data=b"a@b.example\n", token=mine)).json
    path = f"/lists/{made['id']}"
    for method, part in (
        ("GET", ""),
        ("GET", "/progress"),
        ("GET", "/rows"),
        ("GET", "/look"),
        ("POST", "/look"),
        ("POST", "/webhook"),
        ("POST", "/cancel"),
        ("POST", "/delete"),
    ):
        assert (await keyed.ask(method, path + part, token=granted.token)).status == 404, part
    assert made["id"] not in (await keyed.ask("GET", "/", token=granted.token)).text
    home = await keyed.ask("GET", "/", token=await keyed.key(Scope.VERIFY, name="form"))
    assert ('action="/check"' in home.text, 'type="file"' in home.text) == (True, False)


@pytest.mark.parametrize("body", [b"max_wait_s=soon", b"max_wait_s=99999999", b"column=telephone", b"stages=all"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_wrong_choice_is_said_and_starts_nothing(shared: Visitor, body: bytes) -> None:
    """422, as a page in the reader's language where a browser asks."""
    made = await hand_in(shared)
    answer = await post(shared, f"/lists/{made['id']}/start", body, Accept="text/html", **{"Accept-Language": "fr"})
    assert (answer.status, answer.headers["Content-Type"]) == (422, "text/html; charset=utf-8")
    assert "Cela n’a pas marché" in answer.text
    assert (await shared.ask("GET", f"/v1/lists/{made['id']}")).json["status"] == "ready"


async def test_filters_of_the_page(local: Visitor) -> None:
    """By verdict, reason, flag and text; a word that does not exist filters nothing; the cursor keeps the filter; the
    part that a script fetches shows the same rows.
    """
    content = b"email\n" + b"".join(b"user%d@shop.example\n" % n for n in range(120)) + b"nothing\n"
    made = await hand_in(local, content, "&start=true")
    await ended(local, made["id"])
    path = f"/lists/{made['id']}"

    async def shown(query: str, part: str = "") -> list[str]:
        page = await local.ask("GET", f"{path}{part}?{query}")
        assert ("<html" in page.text) is not bool(part)
        return re.findall(r'<td class="n">(\d+)</td><th scope="row">', page.text)

    assert len(await shown("")) == len(await shown("verdict=nice&reason=x")) == 50
    assert await shown("verdict=undeliverable") == await shown("reason=invalid_syntax") == ["121"]
    assert await shown("q=user7%40") == await shown("q=user7%40", "/rows") == ["8"]
    assert (await shown("flag=role"), len(await shown("flag=-role", "/rows")), len(await shown("flag=x"))) == (
        [],
        50,
        50,
    )
    first = (await local.ask("GET", f"{path}?q=user")).text
    following = re.search(r'href="/lists/\w+\?(q=user&amp;cursor=\d+)#rows"', first)
    assert following is not None
    assert (await shown(following[1].replace("&amp;", "&")))[0] == "51"
    assert (await local.ask("GET", f"{path}?cursor=x")).status == 422


async def test_how_far_to_look_is_chosen(local: Visitor) -> None:
    """The stage that is named is the last."""
    made = await hand_in(local)
    await post(local, f"/lists/{made['id']}/start", b"stages=mx&max_wait_s=0")
    assert (await local.ask("GET", f"/v1/lists/{made['id']}")).json["stages"] == ["syntax", "disposable", "mx"]


async def test_a_closer_look_comes_to_the_preview(local: Visitor) -> None:
    """The button leads back to the list, which says that it is looked at and then what was seen, in both languages;
    what has been seen cannot be asked for again.
    """
    content = b"email\n" + b"".join(
        b"mailbox_not_found@verifier.test\naccepted%d@verifier.test\n" % n for n in range(9)
    )
    path = f"/lists/{(await hand_in(local, content))['id']}"
    assert 'name="sample"' in (await local.ask("GET", path)).text
    pressed = await post(local, f"{path}/look", b"sample=1")
    assert (pressed.status, pressed.headers["Location"]) == (303, f"{path}#look")
    page = await local.ask("GET", path)
    async with asyncio.timeout(20):
        while "Looking closer" in page.text:
            assert "<html" not in page.text or 'data-events="/v1/lists/' in page.text
            page = await local.ask("GET", f"{path}/look")
            await asyncio.sleep(0.05)
    shown = (await local.ask("GET", path, headers={"Accept-Language": "fr"})).text
    assert "Rebonds définitifs à prévoir" in shown and "10 lignes de toute la liste" in shown
    assert "D’après les serveurs de messagerie" in shown and 'name="sample"' not in shown
    await post(local, f"{path}/start", b"max_wait_s=0")
    await ended(local, path.removeprefix("/lists/"))
    assert (await post(local, f"{path}/look", b"sample=1")).status == 409


async def test_a_list_without_rows_shows_none(local: Visitor) -> None:
    """Before it is started there is nothing to show, and that is said."""
    made = await hand_in(local)
    page = await local.ask("GET", f"/lists/{made['id']}")
    assert 'id="rows"' not in page.text and 'action="/lists/' in page.text
    assert (await local.ask("GET", f"/lists/{made['id']}/rows")).status == 409


async def test_a_row_says_why(local: Visitor) -> None:
    """Its evidence stands in a panel: risk, what was done, when; and how to ask again, for whoever may."""
    made = await hand_in(local, b"email\nnothing\nmailbox_full@verifier.test\n", "&start=true")
    await ended(local, made["id"])
    page = (await local.ask("GET", f"/lists/{made['id']}?q=mailbox", headers={"Accept-Language": "fr"})).text
    panel = page.split('<details class="why" id="why-2">')[1].split("</details>")[0]
    for words in (
        "pleine",
        "Risque estimé de rebond",
        "Constaté",
        'value="mailbox_full@verifier.test"',
    ):
        assert words in panel, words


async def test_one_address_is_checked(local: Visitor) -> None:
    """The verdict, its sentence, and the suggestion as a button; what is no address is an answer too."""
    full = await post(local, "/check", b"email=mailbox_full%40verifier.test", **{"Accept-Language": "fr"})
    assert "La boîte existe, mais elle est pleine." in full.text and "risquée" in full.text
    wrong = await post(local, "/check", b"email=%3Ci%3Enothing")
    assert (wrong.status, "&lt;i&gt;nothing" in wrong.text) == (200, True)
    assert 'value="jane@gmail.com"' in (await post(local, "/check", b"email=jane%40gmial.com")).text
