"""POST /v1/lists: whatever is said beside the file counts, wherever it stands; who is told at the end, who never."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import FormData

from tests.adapters.test_aiohttp_webhooks import receiving
from tests.edges.http.test_lists import CSV, OFFLINE, ended, hand_in
from tests.support.front_desk import Answer, Visitor, visiting
from verifier.core.api_keys import Scope
from verifier.core.webhooks import verified

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


async def form(visitor: Visitor, *parts: tuple[str, bytes | str, str]) -> Answer:
    """Parts in their order: name, content, file name ("" is a plain field)."""
    data = FormData()
    for name, content, filename in parts:
        data.add_field(name, content, **({"filename": filename} if filename else {}))
    async with visitor.client.post(f"/v1/lists?{OFFLINE}", data=data) as response:
        return Answer(response.status, dict(response.headers), await response.read())


def left(folder: Path) -> list[str]:
    """What there is of lists, beside the folder that the worker unpacks into."""
    return [path.name for path in (folder / "list-jobs").rglob("*") if path.name != "spool.part"]


@pytest.fixture
async def allowing(tmp_path: Path) -> AsyncIterator[Visitor]:
    """Receivers on this machine may be told."""
    async with visiting(tmp_path, {"VERIFIER_SMTP_ALLOW_NETWORKS": "127.0.0.0/8"}) as visitor:
        yield visitor


async def test_a_receiver_is_told_when_a_list_is_done(allowing: Visitor) -> None:
    """Once, signed with the secret that the answer shows, with the list's record and no address."""
    async with receiving(ANSWER) as receiver:
        made = await hand_in(allowing, more=f"&start=true&webhook_url={receiver.url}")
        assert made["webhook"]["url"] == receiver.url
        async with asyncio.timeout(20):
            while not receiver.bodies:
                await asyncio.sleep(0.02)
        known = await ended(allowing, made["id"])
    lines = receiver.heads[0].decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = msgspec.json.decode(receiver.bodies[0])
    assert verified(made["webhook"]["secret"], headers, receiver.bodies[0], allowing.site.clock.now())
    assert (body["type"], body["data"]["id"], body["data"]["counts"]) == ("list.completed", made["id"], known["counts"])
    assert b"@" not in receiver.bodies[0] and "preview" not in body["data"]
    assert len(receiver.bodies) == 1


async def told(visitor: Visitor, list_id: str, state: str) -> dict[str, Any]:
    """What the list says of its webhook once that is so."""
    async with asyncio.timeout(20):
        while True:
            known: dict[str, Any] = (await visitor.ask("GET", f"/v1/lists/{list_id}")).json["webhook"]
            if known["state"] == state:
                return known
            await asyncio.sleep(0.02)


async def test_whether_it_was_told_is_shown(allowing: Visitor) -> None:
    """State, attempts, the latest answer and its time; pending with its next time; sent again by hand at once."""
    async with receiving(b"HTTP/1.1 500 Oops\r\n\r\n") as receiver:
        made = await hand_in(allowing, more=f"&webhook_url={receiver.url}")
        assert made["webhook"].items() >= {"state": "waiting", "attempts": 0, "last_status": None}.items()
        path = f"/v1/lists/{made['id']}/webhook"
        early = await allowing.ask("POST", path)
        assert (early.status, early.json["code"]) == (409, "list_state")
        await allowing.ask("POST", f"/v1/lists/{made['id']}/start")
        await ended(allowing, made["id"])
        async with asyncio.timeout(20):
            while not (known := await told(allowing, made["id"], "pending"))["attempts"]:
                await asyncio.sleep(0.02)
        assert (known["attempts"], known["last_status"], known["last_error"]) == (1, 500, None)
        assert known["next_at"] >= known["last_at"]
        receiver.answer = ANSWER
        again = await allowing.ask("POST", path)
        assert (again.status, again.json["webhook"]["state"]) == (202, "pending")
        known = await told(allowing, made["id"], "delivered")
        assert (known["attempts"], known["last_status"], known["next_at"]) == (1, 204, None)
        assert len(receiver.bodies) == 2


async def test_nobody_is_told_again_of_a_list_without_a_receiver(allowing: Visitor) -> None:
    """409, whatever its state; of no list 404."""
    made = await hand_in(allowing)
    answer = await allowing.ask("POST", f"/v1/lists/{made['id']}/webhook")
    assert (answer.status, answer.json["code"]) == (409, "no_webhook")
    assert (await allowing.ask("POST", f"/v1/lists/{'z' * 26}/webhook")).status == 404


async def test_the_page_says_whether_it_was_told(allowing: Visitor) -> None:
    """By its host alone, in both languages, with a button that sends it again and leads back; never the secret."""
    async with receiving(ANSWER) as receiver:
        made = await hand_in(allowing, more=f"&start=true&webhook_url={receiver.url}?token=s3cr3t")
        await ended(allowing, made["id"])
        await told(allowing, made["id"], "delivered")
        path = f"/lists/{made['id']}"
        page = (await allowing.ask("GET", path)).text
        assert "has been told" in page and "HTTP 204" in page and "Send it again" in page
        assert "s3cr3t" not in page and "whsec_" not in page
        french = (await allowing.ask("GET", path, headers={"Accept-Language": "fr"})).text
        assert "a été prévenu" in french and "Renvoyer" in french
        pressed = await allowing.ask("POST", f"{path}/webhook")
        assert (pressed.status, pressed.headers["Location"]) == (303, f"{path}#webhook")
        async with asyncio.timeout(20):
            while len(receiver.bodies) < 2:
                await asyncio.sleep(0.02)
    assert 'id="webhook"' not in (await allowing.ask("GET", f"/lists/{(await hand_in(allowing))['id']}")).text


async def test_a_receiver_is_named_at_the_start(allowing: Visitor) -> None:
    """Or taken back there; in JSON as in a form."""
    async with receiving(ANSWER) as receiver:
        url = receiver.url
        made = await hand_in(allowing, more=f"&webhook_url={url}")
        started = await allowing.ask("POST", f"/v1/lists/{made['id']}/start", json={"webhook_url": ""})
        assert (started.status, started.json["webhook"]) == (202, None)
        made = await hand_in(allowing)
        started = await allowing.ask("POST", f"/v1/lists/{made['id']}/start", json={"webhook_url": url})
        as_json = await allowing.ask(
            "POST", f"/v1/lists?{OFFLINE}", json={"emails": ["a@b.example"], "webhook_url": url}
        )
        in_form = await form(allowing, ("file", CSV, "a.csv"), ("webhook_url", url, ""))
        assert {each.json["webhook"]["url"] for each in (started, as_json, in_form)} == {url}
        await ended(allowing, made["id"])


async def test_each_workspace_has_its_own_secret(tmp_path: Path) -> None:
    """What one receiver knows signs nothing for another's."""
    settings = {
        "VERIFIER_HTTP_PUBLIC_URL": "https://verifier.example.org",
        "VERIFIER_SMTP_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    async with visiting(tmp_path, settings) as visitor:
        secrets = set()
        for name, workspace in (("1", "a"), ("2", "b"), ("3", "a")):
            key = await visitor.site.desk.access.create(name, {Scope.LISTS}, rate=0, daily_quota=0, workspace=workspace)
            question = {"emails": ["a@b.example"], "webhook_url": "http://127.0.0.1:1/"}
            answer = await visitor.ask("POST", "/v1/lists", json=question, token=key.token)
            secrets.add(answer.json["webhook"]["secret"])
    assert len(secrets) == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8080/v1/lists",
        "http://2130706433/",
        "http://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "ftp://shop.example/",
        "https://user:secret@shop.example/",
        "//shop.example/",
        "javascript:alert(1)",
        "http://",
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_forbidden_receiver_is_refused(shared: Visitor, url: str) -> None:
    """422 that names the field, before the file is kept, and at the start too; the list is not started."""
    question = {"emails": ["a@b.example"], "webhook_url": url}
    answers = [
        await shared.ask("POST", "/v1/lists", json=question),
        await form(shared, ("webhook_url", url, ""), ("file", CSV, "a.csv")),
        await form(shared, ("file", CSV, "a.csv"), ("webhook_url", url, "")),
    ]
    assert (await shared.ask("GET", "/v1/lists")).json["lists"] == []
    assert left(shared.site.settings.data_dir) == []
    made = await hand_in(shared)
    answers.append(await shared.ask("POST", f"/v1/lists/{made['id']}/start", json={"webhook_url": url}))
    for answer in answers:
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "webhook_url"), answer.text
    assert (await shared.ask("GET", f"/v1/lists/{made['id']}")).json["status"] == "ready"
    assert (await shared.ask("DELETE", f"/v1/lists/{made['id']}")).status == 204


async def test_fields_behind_the_file_count_too(local: Visitor) -> None:
    """As curl sends them in whatever order they were written."""
    answer = await form(local, ("file", CSV, "a.csv"), ("start", "true", ""), ("max_wait_s", "7", ""))
    assert answer.status == 202
    assert (await ended(local, answer.json["id"]))["status"] == "completed"


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([("file", CSV, "a.csv"), ("colum", "2", "")], 422),
        ([("colum", "2", ""), ("file", CSV, "a.csv")], 422),
        ([("file", CSV, "a.csv"), ("max_wait_s", "soon", "")], 422),
        ([("file", CSV, "a.csv"), ("start", "true", ""), ("start", "true", "")], 422),
        ([("file", CSV, "a.csv"), ("other", CSV, "b.csv")], 422),
        ([("file", CSV, "a.csv"), ("keep", "x" * 5000, "")], 413),
        ([*((f"f{n}", "1", "") for n in range(30)), ("file", CSV, "a.csv")], 422),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_form_that_says_nonsense_is_refused_whole(
    shared: Visitor, parts: list[tuple[str, bytes | str, str]], status: int
) -> None:
    """A word that nobody knows, a field twice, two files: said, and nothing of it is kept."""
    answer = await form(shared, *parts)
    assert answer.status == status, answer.text
    assert (await shared.ask("GET", "/v1/lists")).json["lists"] == []
    assert left(shared.site.settings.data_dir) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_encoded_in_an_unknown_way_is_refused(shared: Visitor) -> None:
    """A file in a form: said, and nothing is kept."""
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
        b"Content-Transfer-Encoding: rot13\r\n\r\nemail\r\na@b.example\r\n--x--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await shared.ask("POST", "/v1/lists", data=body, headers=headers)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/file")
    assert left(shared.site.settings.data_dir) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_common_slips_with_curl_are_said(shared: Visitor) -> None:
    """A forgotten @, and -d, which joins the lines: neither becomes a list of one strange row."""
    forgotten = await form(shared, ("file", "people.csv", ""), ("start", "true", ""), ("other", "x", ""))
    urlencoded = await shared.ask(
        "POST",
        "/v1/lists",
        data=b"id,email1,a@b.example",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (urlencoded.status, "-F file=@" in urlencoded.json["detail"]) == (415, True)
    with_a_file = await form(shared, ("file", "people.csv", ""), ("start", "true", ""), ("more", CSV, "b.csv"))
    assert forgotten.status == 415  # without any file it is no multipart at all
    assert (with_a_file.status, "with the @" in with_a_file.json["detail"]) == (422, True)
    yes = await form(shared, ("start", "yes", ""), ("file", CSV, "a.csv"))
    assert (yes.status, "true or false" in yes.json["detail"]) == (422, True)
    assert left(shared.site.settings.data_dir) == []


async def test_json_says_all_that_parameters_say(local: Visitor) -> None:
    """Arrays beside the rows, in the types of the document."""
    question = {"stages": ["syntax"], "rows": [{"a": 1, "b": "a@b.example"}], "keep": ["deliverable"], "column": "2"}
    made = await local.ask("POST", "/v1/lists", json={**question, "max_wait_s": 0, "retention_s": 3600, "name": "x"})
    assert (made.status, made.json["stages"], made.json["name"]) == (202, ["syntax"], "x.jsonl"), made.text
    assert made.json["preview"]["email_columns"] == [1]


async def test_a_download_can_have_everything(local: Visitor) -> None:
    """`keep=all` goes before the list's own rule."""
    made = await hand_in(local, more="&start=true&keep=deliverable")
    await ended(local, made["id"])
    path = f"/v1/lists/{made['id']}/download"
    assert [len((await local.ask("GET", path + more)).text.splitlines()) for more in ("", "?keep=all")] == [1, 6]
    wrong = await local.ask("GET", path + "?keep=nice")
    assert (wrong.status, wrong.json["errors"][0]["pointer"]) == (422, "keep")


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b'{"emails":["a"],"strat":true}', 422, "/strat"),
        (b'{"emails":["a"],"start":"yes"}', 422, "/start"),
        (b'{"emails":["a"],"stages":["smtp"]}', 422, "/stages"),
        (b'{"emails":["a",7]}', 422, "/emails/1"),
        (b'{"list":["a@b.example"]}', 422, "/emails"),
        (b'{"emails":["a"],"keep":["nice"]}', 422, "keep"),
        (b'{"emails":["a"', 400, None),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_json_that_is_none_is_refused_whole(
    shared: Visitor, body: bytes, status: int, pointer: str | None
) -> None:
    """With the place of what is wrong; nothing of it is kept."""
    answer = await shared.ask("POST", "/v1/lists", data=body, headers={"Content-Type": "application/json"})
    errors: list[Any] = answer.json.get("errors", [])
    assert (answer.status, [each["pointer"] for each in errors] or [None]) == (status, [pointer]), answer.text
    assert left(shared.site.settings.data_dir) == []


async def test_json_is_read_as_it_comes(tmp_path: Path) -> None:
    """A list is as long as an upload may be, and no longer."""
    async with visiting(tmp_path, {"VERIFIER_LISTS_MAX_UPLOAD": "1MB"}) as visitor:
        emails = {"emails": [f"user{n}@shop.example" for n in range(20_000)], "name": "many", "start": False}
        answer = await visitor.ask("POST", f"/v1/lists?{OFFLINE}", json=emails)
        assert (answer.status, answer.json["name"]) == (202, "many.jsonl"), answer.text
        assert answer.json["preview"]["rows"] == 20_000
        emails["emails"] *= 3  # type: ignore[operator]
        body, headers = io.BytesIO(msgspec.json.encode(emails)), {"Content-Type": "application/json"}
        answer = await visitor.ask("POST", f"/v1/lists?{OFFLINE}", data=body, headers=headers)
        assert (answer.status, answer.json["code"]) == (413, "upload_too_large")
        assert [name for name in left(tmp_path) if name.endswith(".part")] == []


async def test_a_list_has_its_own_retention(local: Visitor) -> None:
    """`retention_s` at hand-in and at the start; the settings' where nothing is said."""
    made = await hand_in(local, more="&retention_s=3600")
    assert made["expires_at"] < (await hand_in(local))["expires_at"]
    later = await local.ask("POST", f"/v1/lists/{made['id']}/start", json={"retention_s": 366 * 86400})
    assert later.json["expires_at"] > made["expires_at"]
    assert (await local.ask("POST", "/v1/lists?retention_s=1", data=CSV)).status == 422


async def test_a_lists_numbers_are_read_as_any_bodys(local: Visitor) -> None:
    """60.0 seconds are 60; what stands in the rows stays as it was written."""
    body = b'{"rows": [{"email": "jane@shop.example", "n": 2.0}], "max_wait_s": 60.0, "start": true}'
    headers = {"Content-Type": "application/json"}
    made = await local.ask("POST", f"/v1/lists?{OFFLINE}", data=body, headers=headers)
    assert made.status == 202, made.text
    done = await ended(local, made.json["id"])
    assert '"n":2.0,' in (await local.ask("GET", f"/v1/lists/{done['id']}/download")).text


async def test_null_is_a_blank_cell(local: Visitor) -> None:
    """A row without an address is blank, none whose address is the word; empty in a sheet, null in JSON."""
    made = await local.ask(
        "POST",
        f"/v1/lists?{OFFLINE}",
        json={"rows": [{"email": None, "n": None}, {"email": "jane@shop.example", "n": 1}], "start": True},
    )
    done = await ended(local, made.json["id"])
    blank = await local.ask(
        "POST", f"/v1/lists?{OFFLINE}&name=x.csv&start=true", data=b"email,n\r\n,\r\njane@shop.example,1\r\n"
    )
    assert done["counts"] == (await ended(local, blank.json["id"]))["counts"]
    assert (made.json["preview"]["blank"], done["counts"]["blank"]) == (1, 1)
    sheet = await local.ask("GET", f"/v1/lists/{done['id']}/download?format=csv")
    assert sheet.text.splitlines()[1].startswith(",,")
    same = await local.ask("GET", f"/v1/lists/{done['id']}/download")
    assert same.text.startswith('{"email":null,"n":null,"ev_verdict":')
