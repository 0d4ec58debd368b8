"""Lists over their whole life, below HTTP: every verb, over real files, without a network."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.list_service import OFFLINE, Desk, desk, order, pieces
from verifier.core.address import Address, parse_address
from verifier.core.faults import DiskFull, ServiceUnavailable
from verifier.core.list_faults import (
    BadRequest,
    KeyReused,
    UnknownList,
    UploadBroken,
    UploadTooLarge,
    WrongState,
)
from verifier.core.list_jobs import ListOptions, list_record, preview_record
from verifier.core.list_orders import as_lines
from verifier.core.list_states import ListState
from verifier.core.reasons import Reason
from verifier.core.row_filter import parse_filter
from verifier.core.table import OUR_COLUMNS, TableKind
from verifier.service import list_sheets

LIST = (
    b"id;Name;E-Mail;Backup\r\n"
    b"1;Ann;Ann@Gmail.com;x@y.example\r\n"
    b"2;Bob;bob@shop.example;\r\n"
    b'3;"O""Hara; Kim";ann@gmail.com;\r\n'
    b"4;Nobody;;\r\n"
    b"5;Bad;not an address;\r\n"
    b"6;Trash;me@mailinator.com;z\r\n"
    b"7;Role;info@yahoo.com\r\n"
)
BIG = b"email,n\n" + b"".join(b"user%d@shop%d.example,%d\n" % (n, n % 50, n) for n in range(4000))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path / "data") as made:
        yield made


async def test_a_list_waits_for_its_start(shop: Desk) -> None:
    """It is read, looked at, and stops at `ready`; nothing can be read of it until it is started."""
    job, again = await shop.lists.upload(order(start=False), pieces(LIST))
    assert (job.state, again) == (ListState.UPLOADED, False)
    job = await shop.lists.read("w", job.id)
    seen = preview_record(job)
    assert seen is not None
    assert job.state is ListState.READY
    assert ["id", "Name", "E-Mail", "Backup"] == seen["columns"]
    assert (seen["separator"], seen["encoding"], seen["email_columns"]) == (";", "utf-8", [2])
    assert (seen["rows"], seen["blank"], seen["malformed"], seen["duplicates"]) == (7, 1, 1, 1)
    assert ["7", "Role", "info@yahoo.com", ""] == seen["first_rows"][6]
    assert {"google": 1, "yahoo": 1, "others": 2} == seen["addresses"]
    assert [part["provider"] for part in seen["forecast"]["mix"] if not part["tells"]] == ["yahoo"]
    with pytest.raises(WrongState):
        await shop.reading.results(job, parse_filter())
    with pytest.raises(WrongState):
        await shop.reading.download(job)
    await shop.lists.start("w", job.id)
    done = await shop.done(job)
    assert (done.state, done.counts.rows, done.counts.unique) == (ListState.COMPLETED, 7, 5)
    with pytest.raises(WrongState, match="it cannot be started"):
        await shop.lists.start("w", job.id)


async def test_another_column_may_be_chosen(shop: Desk) -> None:
    """The same rows, other verdicts; a column that is not there is refused with those that are."""
    job, _ = await shop.lists.upload(order(start=False), pieces(LIST))
    await shop.lists.read("w", job.id)
    with pytest.raises(BadRequest, match="its columns are id, Name, E-Mail, Backup"):
        await shop.lists.start("w", job.id, ["mail"])
    await shop.lists.start("w", job.id, ["backup"])
    done = await shop.done(job)
    rows = (await shop.reading.results(done, parse_filter())).rows
    assert [row["email"] for row in rows] == ["x@y.example", "", "", "", "", "z", ""]
    assert (done.counts.blank, done.counts.by_reason[Reason.INVALID_SYNTAX]) == (5, 1)


async def test_a_list_without_addresses_is_looked_at_all_the_same(shop: Desk) -> None:
    """Its column cannot be guessed, so it waits for somebody to name it, `start` or not, and says so as long."""
    job, _ = await shop.lists.upload(order(), pieces(b"id,name\n1,ann\n2,bob\n"))
    job = await shop.done(job)
    assert (job.state, job.columns) == (ListState.READY, ())
    record = list_record(job)
    assert job.preview is not None and job.preview.columns == ("column_1", "column_2")
    assert (record["code"], "could not be guessed: name it" in record["error"]) == ("column_needed", True)
    with pytest.raises(BadRequest, match="could not be guessed"):
        await shop.lists.start("w", job.id)
    await shop.lists.start("w", job.id, ["2"])
    done = await shop.done(job)
    assert (done.counts.by_reason, done.trouble) == ({Reason.INVALID_SYNTAX: 3}, ("", ""))


async def test_what_is_no_list_fails_with_a_sentence(shop: Desk) -> None:
    """By the name under which it was sent."""
    done = await shop.cleaned(b"\x00\x01\x02" * 100, "photo.csv")
    assert (done.state, done.error_code) == (ListState.FAILED, "bad_list")
    assert done.error.startswith("photo.csv is ")
    record = list_record(done)
    assert (record["status"], record["code"], record["error"]) == ("failed", "bad_list", done.error)


async def test_a_list_of_too_many_rows_fails_with_a_sentence(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than the cap; memory is bounded by it, for each row takes some. As many as the cap are a list."""
    monkeypatch.setattr(list_sheets, "MOST_ROWS", 3)
    rows = b"email\n" + b"a@b.example\n" * 4
    assert (await shop.cleaned(rows[: -len(b"a@b.example\n")])).state is ListState.COMPLETED
    job = await shop.cleaned(rows, "long.csv")
    assert (job.state, job.error) == (ListState.FAILED, "long.csv has 4 rows: a list has at most 3 here. Split it.")


async def test_rows_and_addresses_are_a_list_too(shop: Desk) -> None:
    """JSON texts become addresses, objects keep their cells and their kinds of values."""
    content = b"".join(as_lines(["ann@gmail.com", {"email": "bob@shop.example", "n": 1.50, "x": None}]))
    job, _ = await shop.lists.upload(order("a.jsonl"), pieces(content))
    lines = (await shop.text(await shop.done(job))).splitlines()
    assert ["ann@gmail.com", "bob@shop.example"] == [json.loads(line)["email"] for line in lines]
    assert b'"n":1.5,"x":null' in lines[1] and b'"n"' not in lines[0]


async def test_pages_follow_each_other(shop: Desk) -> None:
    """Every row once, in order, whatever the limit; the cursor ends behind the last."""
    done = await shop.cleaned(BIG)
    for limit in (1000, 333):
        rows, cursor = [], ""
        while True:
            page = await shop.reading.results(done, parse_filter(), cursor, limit)
            rows += page.rows
            if page.cursor is None:
                break
            cursor = page.cursor
        assert list(range(1, 4001)) == [row["row"] for row in rows]
        assert [f"user{n}@shop{n % 50}.example" for n in range(4000)] == [row["email"] for row in rows]
    for limit in (0, 1001):
        with pytest.raises(BadRequest, match="limit"):
            await shop.reading.results(done, parse_filter(), "", limit)


async def test_pages_can_be_filtered(shop: Desk) -> None:
    """By verdict, reason, flag, text and repetition."""
    done = await shop.cleaned(LIST)

    async def numbers(**words: object) -> list[int]:
        return [row["row"] for row in (await shop.reading.results(done, parse_filter(**words))).rows]  # type: ignore[arg-type]

    assert [4, 5] == await numbers(verdict=["undeliverable"])
    assert [6] == await numbers(reason=["disposable"])
    assert [7] == await numbers(flag=["role"])
    assert [1, 3, 7] == await numbers(flag=["free"])
    assert [1] == await numbers(text="ANN", repeats=False)
    assert [] == await numbers(reason=["greylisted"])
    third = (await shop.reading.results(done, parse_filter(), "2", 1)).rows[0]
    assert (third["row"], third["duplicate_of"], third["cells"][1]) == (3, 1, 'O"Hara; Kim')


async def test_presets_are_what_services_import(shop: Desk) -> None:
    """Sendable addresses once each under the service's heading; Insider's without any, and without other columns."""
    done = await shop.cleaned(LIST)
    mailchimp = list(csv.reader(io.StringIO((await shop.text(done, preset="mailchimp")).decode(), newline="")))
    assert mailchimp == [
        ["Email Address", "id", "Name", "Backup"],
        ["ann@gmail.com", "1", "Ann", "x@y.example"],
        ["bob@shop.example", "2", "Bob", ""],
        ["info@yahoo.com", "7", "Role", ""],
    ]
    assert b"ann@gmail.com\r\nbob@shop.example\r\ninfo@yahoo.com\r\n" == await shop.text(done, preset="insider")
    risky = parse_filter(verdict=["risky"])
    assert b"me@mailinator.com\r\n" == await shop.text(done, filter_=risky, preset="insider")
    assert (await shop.reading.download(done, preset="brevo")).name == "list.brevo.csv"
    with pytest.raises(BadRequest, match="There is no preset"):
        await shop.reading.download(done, preset="other")


async def test_a_download_keeps_what_the_list_says(shop: Desk) -> None:
    """`keep` of the list where the request says nothing; a workbook leaves nothing behind."""
    done = await shop.cleaned(LIST, keep=("sendable",))
    kept = list(csv.reader(io.StringIO((await shop.text(done)).decode(), newline=""), delimiter=";"))
    assert ["1", "2", "3", "7"] == [row[0] for row in kept[1:]]
    everything = (await shop.text(done, filter_=parse_filter())).decode()
    assert 8 == len(list(csv.reader(io.StringIO(everything, newline=""), delimiter=";")))
    book = await shop.reading.download(done, TableKind.XLSX)
    assert book.name == "list.clean.xlsx"
    assert b"".join([chunk async for chunk in book.chunks]).startswith(b"PK")


async def test_one_key_is_one_list(shop: Desk, tmp_path: Path) -> None:
    """The same upload again gives the same list, another under the same key is refused; nothing is left of either."""
    first, _ = await shop.lists.upload(order(key="k"), pieces(LIST))
    again, replayed = await shop.lists.upload(order(key="k"), pieces(LIST))
    assert (again.id, replayed) == (first.id, True)
    with pytest.raises(KeyReused):
        await shop.lists.upload(order(key="k"), pieces(LIST + b"8;;;\r\n"))
    with pytest.raises(KeyReused):
        await shop.lists.upload(order(key="k", keep=("sendable",)), pieces(LIST))
    other, _ = await shop.lists.upload(order(key="k", workspace="v"), pieces(LIST))
    await shop.done(first)
    await shop.done(other)
    folders = {path.name for path in (tmp_path / "data" / "list-jobs").iterdir()}
    assert folders == {first.id, other.id}


async def test_a_workspace_sees_its_own_lists_only(shop: Desk) -> None:
    """What is another's is not there, for no verb; the listing comes in pages, newest first."""
    mine = [(await shop.lists.upload(order(f"{n}.csv"), pieces(LIST)))[0] for n in range(3)]
    for job in mine:
        await shop.done(job)
    for verb in (shop.lists.get, shop.lists.start, shop.lists.cancel, shop.lists.delete, shop.lists.read):
        with pytest.raises(UnknownList):
            await verb("v", mine[0].id)
    assert await shop.lists.lists("v") == ([], None)
    page, cursor = await shop.lists.lists("w", limit=2)
    assert cursor is not None
    rest, end = await shop.lists.lists("w", cursor, limit=2)
    assert [job.name for job in (*page, *rest)] == ["2.csv", "1.csv", "0.csv"]
    assert end is None


async def test_a_deleted_list_leaves_nothing(shop: Desk, tmp_path: Path) -> None:
    """At once: no file of the data folder holds anything of it, and it is unknown."""
    done = await shop.cleaned(LIST)
    working, _ = await shop.lists.upload(order(), pieces(BIG))
    for job in (done, working):
        await shop.lists.delete("w", job.id)
        with pytest.raises(UnknownList):
            await shop.lists.get("w", job.id)
    await asyncio.sleep(0.2)
    held = [path for path in (tmp_path / "data").rglob("*") if path.is_file() and b"shop.example" in path.read_bytes()]
    assert held == []
    assert list((tmp_path / "data" / "list-jobs").iterdir()) == []


async def test_a_cancelled_list_stays_readable(shop: Desk) -> None:
    """It is stopped where it is; what is known can be read, all rows of it; it cannot be cancelled twice."""
    job, _ = await shop.lists.upload(order(), pieces(BIG))
    await shop.done(job, states=frozenset({ListState.RUNNING, ListState.COMPLETED}))
    job = await shop.lists.get("w", job.id)
    if job.state is ListState.RUNNING:
        job = await shop.lists.cancel("w", job.id)
    assert len((await shop.text(job)).splitlines()) == 4001
    with pytest.raises(WrongState, match="cannot be cancelled"):
        await shop.lists.cancel("w", job.id)


async def test_an_upload_that_breaks_off_is_none(shop: Desk, tmp_path: Path) -> None:
    """Neither a list nor a file; the cap holds."""

    async def broken() -> AsyncIterator[bytes]:
        yield LIST
        raise ConnectionResetError

    with pytest.raises(UploadBroken):
        await shop.lists.upload(order(), broken())
    assert await shop.lists.lists("w") == ([], None)
    assert list((tmp_path / "data" / "list-jobs").iterdir()) == []


async def test_the_cap_is_the_operators(tmp_path: Path) -> None:
    """VERIFIER_LISTS_MAX_UPLOAD."""
    async with desk(tmp_path / "data", lists_max_upload="100") as shop:
        with pytest.raises(UploadTooLarge, match="larger than 100"):
            await shop.lists.upload(order(), pieces(LIST))


async def test_events_tell_everything_and_can_be_resumed(shop: Desk, tmp_path: Path) -> None:
    """Numbers grow by one; who heard some hears the rest; who comes late hears the last; they end with the list."""
    job, _ = await shop.lists.upload(order(), pieces(BIG))
    heard = [event async for event in shop.lists.events(job.id, 0)]
    assert [event.number for event in heard] == list(range(1, len(heard) + 1))
    states = list(dict.fromkeys(event.data["status"] for event in heard))
    assert states == ["parsing", "ready", "running", "completed"]
    assert heard[-1].data["counts"]["rows"] == 4000
    assert [event async for event in shop.lists.events(job.id, 2)] == heard[2:]
    assert [event async for event in shop.lists.events(job.id, heard[-1].number)] == []


async def test_events_outlive_the_process(tmp_path: Path) -> None:
    """A listener that comes back after a restart hears what it missed, by the same numbers."""
    async with desk(tmp_path / "data") as shop:
        done = await shop.cleaned(LIST)
        heard = [event async for event in shop.lists.events(done.id, 0)]
    async with desk(tmp_path / "data") as shop:
        assert [event async for event in shop.lists.events(done.id, 1)] == heard[1:]
        assert await shop.text(done) != b""


async def test_old_lists_expire(tmp_path: Path) -> None:
    """At the end of their retention rows and results are gone, the record says so, and later that is gone too."""
    async with desk(tmp_path / "data") as shop:
        kept = await shop.cleaned(LIST)
        old = await shop.cleaned(LIST, retention=timedelta(0))
        assert await shop.lists.sweep() == 1
        expired = await shop.lists.get("w", old.id)
        assert (expired.state, expired.counts.rows) == (ListState.EXPIRED, 7)
        assert expired.preview is not None and expired.preview.first_rows == ()
        assert [path.name for path in (tmp_path / "data" / "list-jobs").iterdir()] == [kept.id]
        with pytest.raises(WrongState):
            await shop.reading.download(expired)


async def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    """Half an upload, and a folder whose list was never written down, are gone after the next start."""
    folder = tmp_path / "data" / "list-jobs"
    for name in ("a" * 26, "b" * 26 + ".part"):
        (folder / name).mkdir(parents=True)
        (folder / name / "upload.csv").write_bytes(LIST)
    async with desk(tmp_path / "data") as shop:
        assert list(folder.iterdir()) == []
        assert await shop.lists.lists("w") == ([], None)


async def test_a_forgotten_address_is_in_no_list(tmp_path: Path) -> None:
    """Its cell is blank in every list and column and in the preview, in every spelling; all other cells stay."""
    address = parse_address("ann@gmail.com")
    assert isinstance(address, Address)
    async with desk(tmp_path / "data") as shop:
        done = await shop.cleaned(LIST)
        other, _ = await shop.lists.upload(
            order(start=False), pieces(b"email,note\nx@y.example,ask a.n.n@googlemail.com\n")
        )
        third = await shop.cleaned(b'email,note\nx@y.example,"tell ANN@gmail.com, please"\n')
        assert await shop.lists.forget(address, "00") == 2
        again = await shop.lists.get("w", done.id)
        rows = list(csv.reader(io.StringIO((await shop.text(again)).decode(), newline=""), delimiter=";"))
        assert [row[:4] for row in rows[1:4]] == [
            ["1", "Ann", "", "x@y.example"],
            ["2", "Bob", "bob@shop.example", ""],
            ["3", 'O"Hara; Kim', "", ""],
        ]
        assert [row[4 + OUR_COLUMNS.index("ev_duplicate_of")] for row in rows[1:]] == [""] * 7
        assert (again.counts.blank, again.counts.duplicates, again.counts.unique) == (3, 0, 4)
        assert again.preview is not None and again.preview.first_rows[0] == ("1", "Ann", "", "x@y.example")
        assert b"ANN" not in await shop.text(await shop.lists.get("w", third.id))
        assert (await shop.lists.get("w", other.id)).state is ListState.READY


async def test_a_damaged_list_keeps_no_other_from_forgetting(tmp_path: Path) -> None:
    """Whichever of three it is: the address is gone from the other two, and that it may be in that one is said."""
    address = parse_address("ann@gmail.com")
    assert isinstance(address, Address)
    async with desk(tmp_path / "data") as shop:
        lists = [await shop.cleaned(LIST) for _ in range(3)]
        (tmp_path / "data" / "list-jobs" / lists[1].id / "rows.sqlite").write_bytes(b"no database " * 1000)
        with pytest.raises(ServiceUnavailable, match=f"The rows of list {lists[1].id} are damaged"):
            await shop.lists.forget(address, "00")
        for each in (lists[0], lists[2]):
            assert b"ann@gmail.com" not in await shop.text(await shop.lists.get("w", each.id))
        await shop.lists.delete("w", lists[1].id)
        assert await shop.lists.forget(address, "00") == 0


async def test_forgetting_disturbs_no_upload(shop: Desk) -> None:
    """What comes in meanwhile comes in whole."""
    address = parse_address("nobody@shop.example")
    assert isinstance(address, Address)

    async def slow() -> AsyncIterator[bytes]:
        yield LIST[:50]
        await shop.lists.forget(address, "00")
        yield LIST[50:]

    job, _ = await shop.lists.upload(order(), slow())
    assert (await shop.done(job)).counts.rows == 7


async def test_a_closer_look_asks_for_a_sample(shop: Desk) -> None:
    """A few rows, spread evenly, with the bounds of what they say; the list still waits for its start."""
    job, _ = await shop.lists.upload(order(start=False), pieces(BIG))
    await shop.lists.read("w", job.id)
    await shop.lists.examine("w", job.id, sample=50)
    async with asyncio.timeout(20):
        while (known := await shop.lists.get("w", job.id)).sample is None:
            await asyncio.sleep(0.02)
    assert (known.sample.asked, known.state) == (50, ListState.READY)
    assert known.sample.at_least <= known.sample.bounce_rate <= known.sample.at_most
    await shop.lists.start("w", job.id, options=ListOptions(stages=OFFLINE))
    await shop.done(job)
    with pytest.raises(WrongState):
        await shop.lists.examine("w", job.id, sample=50)


async def test_a_list_can_be_deleted_to_make_room(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is too full to write that it is gone, its rows go first."""
    done = await shop.cleaned(LIST)
    store = shop.lists._keep.store
    real, full = store.remove, [True]

    async def remove(list_id: str) -> None:
        if full.pop() if full else False:
            raise DiskFull("The disk is full.")
        await real(list_id)

    monkeypatch.setattr(store, "remove", remove)
    await shop.lists.delete("w", done.id)
    with pytest.raises(UnknownList):
        await shop.lists.get("w", done.id)
