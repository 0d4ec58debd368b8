"""/v1/lists over a real socket: handed in every way, started, watched, read, downloaded, deleted; nobody else's."""

import asyncio
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import FormData

from tests.support.front_desk import Answer, Visitor, visiting
from verifier.core.address import Address, parse_address
from verifier.core.api_keys import Scope

OFFLINE = "stages=syntax,disposable"
CSV = b"id,e-mail\r\n1,jane@shop.example\r\n2,no address\r\n3,JANE@shop.example\r\n4,\r\n5,bob@shop.example\r\n"


async def hand_in(visitor: Visitor, content: bytes = CSV, more: str = "", **headers: str) -> Any:
    """A list handed in as a body by itself."""
    sent = {"Content-Type": "text/csv", **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = await visitor.ask("POST", f"/v1/lists?{OFFLINE}&name=people.csv{more}", data=content, headers=sent)
    assert answer.status == 202, answer.text
    return answer.json


async def finished(visitor: Visitor, content: bytes = CSV) -> Any:
    """A list that has come to its end."""
    made = await hand_in(visitor, content, "&start=true")
    return await ended(visitor, made["id"])


async def ended(visitor: Visitor, list_id: str) -> Any:
    async with asyncio.timeout(30):
        while (known := (await visitor.ask("GET", f"/v1/lists/{list_id}")).json)["finished_at"] is None:
            await asyncio.sleep(0.02)
    return known


async def form(visitor: Visitor, fields: Mapping[str, str], content: bytes, name: str = "people.csv") -> Answer:
    data = FormData()
    for field, value in fields.items():
        data.add_field(field, value)
    data.add_field("file", content, filename=name, content_type="text/csv")
    async with visitor.client.post(f"/v1/lists?{OFFLINE}", data=data) as response:
        return Answer(response.status, dict(response.headers), await response.read())


async def test_a_list_stops_at_its_preview(local: Visitor) -> None:
    """202 with id, status and preview: columns, the guess, rows, duplicates, blanks, and what is to be expected."""
    made = await hand_in(local)
    preview = made["preview"]
    assert made["status"] == "ready"
    assert preview["columns"] == ["id", "e-mail"] and preview["email_columns"] == [1]
    assert [preview[name] for name in ("rows", "duplicates", "blank", "malformed")] == [5, 1, 1, 1]
    assert preview["forecast"]["seconds"] >= 0
    assert (await local.ask("GET", f"/v1/lists/{made['id']}")).json["preview"] == preview


async def test_it_is_started_with_a_column(local: Visitor) -> None:
    """By its heading; a column that is not there is a 422 that names the field; twice is a 409."""
    made = await hand_in(local)
    path = f"/v1/lists/{made['id']}/start"
    wrong = await local.ask("POST", path, json={"column": "telephone"})
    assert (wrong.status, wrong.json["errors"][0]["pointer"]) == (422, "column")
    started = await local.ask("POST", path, json={"column": "e-mail"})
    assert (started.status, started.json["status"]) == (202, "running")
    again = await local.ask("POST", path)
    assert (again.status, again.json["code"]) == (409, "list_state")
    counts = (await ended(local, made["id"]))["counts"]
    assert (counts["by_reason"], counts["duplicates"]) == ({"invalid_syntax": 1, "not_probed": 2}, 1)


async def test_every_way_to_hand_in_is_the_same_list(local: Visitor) -> None:
    """A form with its fields before the file, a body by itself, addresses as JSON, rows as JSON."""
    in_form = await form(local, {"start": "true", "keep": "deliverable"}, CSV)
    assert in_form.status == 202, in_form.text
    emails = {"emails": ["jane@shop.example", "no address", "JANE@shop.example", "bob@shop.example"], "start": True}
    rows = {"rows": [{"id": n, "e-mail": email} for n, email in enumerate(emails["emails"])], "start": True}  # type: ignore[arg-type,var-annotated]
    ids = [in_form.json["id"], (await hand_in(local, more="&start=true"))["id"]]
    for question in (emails, rows):
        answer = await local.ask("POST", f"/v1/lists?{OFFLINE}", json=question)
        assert answer.status == 202, answer.text
        ids.append(answer.json["id"])
    for list_id in ids:
        known = await ended(local, list_id)
        assert known["counts"]["by_reason"] == {"invalid_syntax": 1, "not_probed": 2}, known
    shown = (await local.ask("GET", "/v1/lists")).json
    assert [each["id"] for each in shown["lists"]] == ids[::-1]


async def test_a_column_is_chosen_in_the_form(local: Visitor) -> None:
    """Fields of the form say what parameters do; what they cannot say is a 422."""
    assert (await form(local, {"column": "2", "start": "true"}, CSV)).json["preview"]["email_columns"] == [1]
    assert (await form(local, {"max_wait_s": "soon"}, CSV)).status == 422


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"{}", 422, "invalid_fields"),
        ("application/json", b'{"emails": []}', 422, "invalid_fields"),
        ("application/json", b'{"emails": ["a"], "rows": [{"a": 1}]}', 422, "invalid_fields"),
        ("application/json", b"{", 400, "malformed_json"),
        ("text/csv", b"", 400, "upload_incomplete"),
        ("multipart/form-data", b"x", 400, "malformed_request"),
        ("multipart/form-data; boundary=x", b"x", 400, "malformed_request"),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 422, "invalid_fields"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_no_list_is_said(shared: Visitor, content_type: str, body: bytes, status: int, code: str) -> None:
    """A clear problem, and no list is left of it."""
    answer = await shared.ask("POST", "/v1/lists", data=body, headers={"Content-Type": content_type})
    assert (answer.status, answer.json["code"]) == (status, code), answer.text
    assert (await shared.ask("GET", "/v1/lists")).json == {"lists": [], "cursor": None}


async def test_a_file_that_cannot_be_read_is_refused(local: Visitor) -> None:
    """With a sentence that says why; nothing of it stays, and its idempotency key may be used again."""
    key = {"Idempotency-Key": "one"}
    answer = await local.ask("POST", "/v1/lists?name=a.xlsx", data=b"no workbook", headers=key)
    assert (answer.status, answer.json["code"]) == (422, "list_unreadable")
    assert "workbook" in answer.json["detail"]
    assert (await local.ask("GET", "/v1/lists")).json["lists"] == []
    assert (await local.ask("POST", "/v1/lists?name=a.csv", data=b"jane@shop.example\n", headers=key)).status == 202


async def test_a_file_that_is_found_unreadable_later_is_a_failed_list(
    local: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same sentence: whoever handed it in has its number by then."""
    monkeypatch.setattr("verifier.edges.http.api.lists._LOOK_SECONDS", 0.0)
    made = await local.ask("POST", "/v1/lists?name=a.xlsx", data=b"no workbook")
    assert (made.status, made.json["status"]) in ((202, "uploaded"), (202, "parsing"))
    failed = await ended(local, made.json["id"])
    assert (failed["status"], failed["code"]) == ("failed", "bad_list") and "workbook" in failed["error"]


async def test_the_limit_on_uploads_holds(tmp_path: Path) -> None:
    """413, and nothing of it stays on the disk."""
    async with visiting(tmp_path, {"VERIFIER_LISTS_MAX_UPLOAD": "1MB"}) as visitor:
        answer = await visitor.ask("POST", "/v1/lists?name=a.csv", data=io.BytesIO(b"a@b.example\n" * 200_000))
        assert (answer.status, answer.json["code"]) == (413, "upload_too_large")
        assert list((tmp_path / "list-jobs").iterdir()) == []


async def test_an_idempotency_key_is_honoured(local: Visitor) -> None:
    """The same upload is the same list; another one under its key is refused."""
    first, second = [await hand_in(local, Idempotency_Key="k") for _ in range(2)]
    assert first["id"] == second["id"]
    other = await local.ask("POST", "/v1/lists?name=b.csv", data=b"a@b.example\n", headers={"Idempotency-Key": "k"})
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")


async def test_rows_are_paged_and_filtered(local: Visitor) -> None:
    """By verdict, reason and text; the cursor goes on where the page ended; unknown words are a 422."""
    path = f"/v1/lists/{(await finished(local))['id']}/results"
    first = (await local.ask("GET", f"{path}?limit=2")).json
    rest = (await local.ask("GET", f"{path}?limit=100&cursor={first['cursor']}")).json
    assert [row["row"] for row in [*first["rows"], *rest["rows"]]] == [1, 2, 3, 4, 5]
    assert rest["cursor"] is None
    assert rest["rows"][0]["duplicate_of"] == 1 and rest["rows"][0]["cells"] == ["3", "JANE@shop.example"]

    async def rows(query: str) -> list[int]:
        return [row["row"] for row in (await local.ask("GET", f"{path}?{query}")).json["rows"]]

    assert await rows("reason=not_probed&q=BOB") == [5]
    assert await rows("verdict=undeliverable") == [2, 4]
    for query in ("verdict=good", "reason=x", "flag=x", "limit=0", "cursor=x", "sort=1"):
        assert (await local.ask("GET", f"{path}?{query}")).status == 422, query


async def test_the_cleaned_file_comes_in_every_form(local: Visitor) -> None:
    """With a name and a media type; presets; only what is to be kept; what does not exist is a 422."""
    path = f"/v1/lists/{(await finished(local))['id']}/download"
    whole = await local.ask("GET", path)
    assert whole.headers["Content-Disposition"].startswith('attachment; filename="people.clean.csv"')
    lines = whole.body.split(b"\r\n")
    assert lines[0].startswith(b"id,e-mail,ev_verdict") and lines[2].startswith(b"2,no address,undeliverable")
    kept = await local.ask("GET", f"{path}?keep=undeliverable&format=jsonl")
    assert [msgspec.json.decode(line)["id"] for line in kept.body.splitlines()] == ["2", "4"]
    workbook = await local.ask("GET", f"{path}?format=xlsx")
    assert "xl/workbook.xml" in zipfile.ZipFile(io.BytesIO(workbook.body)).namelist()
    brevo = await local.ask("GET", f"{path}?preset=brevo&keep=unknown")
    assert brevo.body.splitlines()[0].startswith(b"EMAIL")
    for query in ("format=pdf", "preset=pigeon", "keep=nice", "preset=brevo&format=xlsx"):
        assert (await local.ask("GET", f"{path}?{query}")).status == 422, query


async def test_rows_of_a_list_that_was_not_started_are_a_409(local: Visitor) -> None:
    """Rows and file are there from its start on."""
    made = await hand_in(local)
    for part in ("results", "download"):
        answer = await local.ask("GET", f"/v1/lists/{made['id']}/{part}")
        assert (answer.status, answer.json["code"]) == (409, "list_state")


async def told(visitor: Visitor, list_id: str, after: str = "") -> list[tuple[int, str, Any]]:
    """The events of a list until they end: number, kind, record."""
    answer = await visitor.ask("GET", f"/v1/lists/{list_id}/events", headers={"Last-Event-ID": after} if after else {})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    events = []
    for block in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "id" in fields:
            events.append((int(fields["id"]), fields["event"], msgspec.json.decode(fields["data"])))
    return events


async def test_events_are_told_and_resumed(local: Visitor) -> None:
    """They end with the list; Last-Event-ID leaves out what was heard."""
    made = await hand_in(local, more="&start=true")
    events = await told(local, made["id"])
    assert events[-1][1:2] == ("state",) and events[-1][2]["status"] == "completed"
    middle = events[len(events) // 2][0]
    assert await told(local, made["id"], str(middle)) == [event for event in events if event[0] > middle]


@pytest.mark.parametrize("path", ["/v1/lists/{id}/download", "/v1/lists/{id}/events", "/suppressions/export"])
async def test_head_of_a_stream_is_its_head_alone(local: Visitor, path: str) -> None:
    """Nothing of the body is sent, which would be read as the next answer on the same connection; and nothing waited
    for: a list that is not begun yet has no end of its events.
    """
    made = await (hand_in if path.endswith("events") else finished)(local)
    reader, writer = await asyncio.open_connection(local.client.host, local.client.port)
    for method, asked in (("HEAD", path.format(id=made["id"])), ("GET", "/healthz")):
        writer.write(f"{method} {asked} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    async with asyncio.timeout(5):
        heads = [await reader.readuntil(b"\r\n\r\n") for _ in range(2)]
    writer.close()
    assert [head.partition(b"\r\n")[0] for head in heads] == [b"HTTP/1.1 200 OK"] * 2


async def test_events_end_with_the_service(local: Visitor) -> None:
    """Whoever watches a list that waits does not hold the service up."""
    made = await hand_in(local)
    watching = asyncio.create_task(told(local, made["id"]))
    await asyncio.sleep(0.1)
    assert not watching.done()
    local.site.desk.readiness.draining = True
    async with asyncio.timeout(5):
        assert [event[2]["status"] for event in await watching][-1] == "ready"


async def test_a_list_is_cancelled_and_deleted(local: Visitor) -> None:
    """Then there is nothing of it, here or on the disk; what is finished cannot be cancelled."""
    made = await hand_in(local)
    path = f"/v1/lists/{made['id']}"
    assert (await local.ask("POST", f"{path}/cancel")).json["status"] == "cancelled"
    assert (await local.ask("POST", f"{path}/cancel")).status == 409
    assert (await local.ask("DELETE", path)).status == 204
    assert (await local.ask("DELETE", path)).json["code"] == "list_not_found"
    left = (local.site.settings.data_dir / "list-jobs").rglob("*")
    assert {path.name for path in left} <= {"spool.part"}  # where the worker unpacks, and empty


async def test_another_workspaces_list_is_not_there(keyed: Visitor) -> None:
    """404 for every verb, and its own lists are all that it sees; a key without the scope may not ask."""
    mine = await keyed.key(Scope.LISTS, name="mine")
    granted = await keyed.site.desk.access.create("theirs", {Scope.LISTS}, rate=0, daily_quota=0, workspace="other")
    theirs = granted.token
    made = await keyed.ask("POST", f"/v1/lists?{OFFLINE}", data=CSV, token=mine)
    path = f"/v1/lists/{made.json['id']}"
    for method, part in (
        ("GET", ""),
        ("GET", "/events"),
        ("GET", "/results"),
        ("GET", "/download"),
        ("POST", "/start"),
        ("POST", "/cancel"),
        ("DELETE", ""),
    ):
        answer = await keyed.ask(method, path + part, token=theirs)
        assert (answer.status, answer.json["code"]) == (404, "list_not_found"), (method, part)
    assert (await keyed.ask("GET", "/v1/lists", token=theirs)).json["lists"] == []
    assert (await keyed.ask("GET", path, token=mine)).status == 200
    verify = await keyed.key(Scope.VERIFY, name="form")
    assert (await keyed.ask("GET", "/v1/lists", token=verify)).status == 403


async def test_forgetting_reaches_lists(local: Visitor) -> None:
    """An address that is to be forgotten is gone from rows and previews."""
    known = await finished(local)
    assert isinstance(parse_address("jane@shop.example"), Address)
    assert (await local.ask("DELETE", "/v1/addresses/jane@shop.example")).status == 204
    cleaned = await local.ask("GET", f"/v1/lists/{known['id']}/download")
    preview = (await local.ask("GET", f"/v1/lists/{known['id']}")).text
    assert "jane" not in (cleaned.text + preview).lower() and "bob@shop.example" in cleaned.text


async def test_a_list_ends_where_the_settings_say(tmp_path: Path) -> None:
    """VERIFIER_LISTS_RETENTION after its end its rows are deleted."""
    async with visiting(tmp_path, {"VERIFIER_LISTS_RETENTION": "1s"}) as visitor:
        known = await finished(visitor)
        await asyncio.sleep(1.1)
        assert await visitor.site.desk.lists.lists.sweep() == 1
        answer = await visitor.ask("GET", f"/v1/lists/{known['id']}")
        assert (answer.json["status"], answer.json["preview"]["first_rows"]) == ("expired", [])
