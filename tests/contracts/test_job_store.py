"""The contract of JobStore, EventLog and DeliveryStore, over their adapters: nothing is lost, nothing counts twice."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from tests.support.clock import START
from tests.support.list_jobs import PREVIEW, job
from tests.support.memory_jobs import MemoryJobs
from verifier.adapters import sqlite_jobs
from verifier.adapters.sqlite_jobs import SqliteJobs
from verifier.adapters.sqlite_thread import open_database
from verifier.core.list_jobs import EventKind, ListEvent, changed
from verifier.core.list_states import ListState
from verifier.core.webhooks import Delivery, WebhookState

Store = MemoryJobs | SqliteJobs
LATER = START + timedelta(minutes=1)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = MemoryJobs() if request.param == "memory" else SqliteJobs(tmp_path / "jobs.sqlite")
    yield made
    await made.close()


def event(number: int) -> ListEvent:
    return ListEvent(number, EventKind.PROGRESS, {"asked": number})


def delivery(name: str, list_id: str, minutes: float = 0) -> Delivery:
    return Delivery(name, list_id, "https://shop.example/", "main", b"{}", START + timedelta(minutes=minutes))


async def test_what_was_added_is_there(store: Store) -> None:
    """By its id; nobody else's is."""
    assert await store.add(job()) == job()
    assert await store.get(job().id) == job()
    assert await store.get("another") is None


async def test_a_key_stands_for_one_list(store: Store) -> None:
    """The same workspace's same key gives the list that is there; another workspace's, or no key, a new one."""
    first = job(id="1" * 20, idempotency_key="k")
    assert await store.add(first) == first
    assert await store.add(job(id="2" * 20, idempotency_key="k")) == first
    assert await store.get("2" * 20) is None
    other = job(id="3" * 20, idempotency_key="k", workspace="v")
    assert await store.add(other) == other
    for number in ("4", "5"):
        assert (await store.add(job(id=number * 20))).id == number * 20


async def test_adding_twice_is_adding_once(store: Store) -> None:
    """What is there stays as it has become."""
    await store.add(job())
    running = changed(job(), LATER, state=ListState.RUNNING)
    assert await store.put(running, event(1))
    assert await store.add(job()) == running


async def test_a_change_is_recorded_once(store: Store) -> None:
    """The same or an older revision changes nothing, and adds no event and no message."""
    await store.add(job())
    running = changed(job(), LATER, state=ListState.RUNNING)
    assert await store.put(running, event(1), delivery("m1", job().id))
    assert not await store.put(running, event(1), delivery("m1", job().id))
    assert not await store.put(job(), event(7), delivery("m2", job().id))
    assert await store.get(job().id) == running
    assert await store.events(job().id, 0) == [event(1)]
    assert await store.due(LATER) == [delivery("m1", job().id)]


async def test_events_follow_their_numbers(store: Store) -> None:
    """Those after a number, oldest first, a page at a time; the latest 500 at least are kept."""
    known = job()
    await store.add(known)
    for number in range(1, 701):
        known = changed(known, LATER)
        assert await store.put(known, event(number))
    assert await store.events(known.id, 698) == [event(699), event(700)]
    kept = await store.events(known.id, 0, limit=1000)
    assert [e.number for e in kept] == list(range(kept[0].number, 701))
    assert 500 <= len(kept) < 700
    assert await store.events(known.id, 650, limit=2) == [event(651), event(652)]
    assert await store.events("another", 0) == []


async def test_lists_come_newest_first(store: Store) -> None:
    """By workspace and state, a page at a time, each once, those of one moment too."""
    made = [
        job(id=str(n) * 20, created=START + timedelta(seconds=n // 2), workspace="wv"[n % 3 == 0]) for n in range(9)
    ]
    for each in made:
        await store.add(each)
    newest = sorted(made, key=lambda each: (each.created, each.id), reverse=True)
    assert list(await store.jobs()) == newest
    assert list(await store.jobs(workspace="w")) == [each for each in newest if each.workspace == "w"]
    paged, before = [], None
    while page := await store.jobs(before=before, limit=2):
        paged += page
        before = (page[-1].created, page[-1].id)
    assert paged == newest
    await store.put(changed(made[4], LATER, state=ListState.RUNNING), event(1))
    assert [each.id for each in await store.jobs(states={ListState.RUNNING, ListState.PAUSED})] == [made[4].id]


async def test_a_removed_list_is_gone(store: Store) -> None:
    """With its events and messages; what comes late of it does not bring it back; its key is free."""
    await store.add(job(idempotency_key="k"))
    await store.put(changed(job(idempotency_key="k"), LATER), event(1), delivery("m1", job().id))
    await store.remove(job().id)
    await store.remove(job().id)
    assert await store.get(job().id) is None
    assert await store.events(job().id, 0) == []
    assert not await store.put(changed(changed(job(), LATER), LATER), event(2), delivery("m2", job().id))
    await store.put_delivery(delivery("m1", job().id))
    assert await store.due(LATER) == []
    anew = job(id="9" * 20, idempotency_key="k")
    assert await store.add(anew) == anew


async def test_messages_are_due_while_they_are_pending(store: Store) -> None:
    """In the order of their time, not before it; put off they come later; delivered or given up never, until they are
    put again.
    """
    await store.add(job())
    for name, minutes in (("m1", 2.0), ("m2", 0.0), ("m3", 1.0)):
        await store.put_delivery(delivery(name, job().id, minutes))
    assert [d.id for d in await store.due(LATER)] == ["m2", "m3"]
    assert [d.id for d in await store.due(LATER, limit=1)] == ["m2"]
    await store.put_delivery(delivery("m2", job().id, 9))
    await store.put_delivery(structs.replace(delivery("m3", job().id), state=WebhookState.DELIVERED))
    assert await store.due(LATER) == []
    assert [d.id for d in await store.due(START + timedelta(hours=1))] == ["m1", "m2"]
    await store.put_delivery(structs.replace(delivery("m1", job().id), state=WebhookState.FAILED))
    await store.put_delivery(delivery("m3", job().id))
    assert [d.id for d in await store.due(START + timedelta(hours=1))] == ["m3", "m2"]


async def test_a_list_knows_its_latest_message(store: Store) -> None:
    """As it was put last, whatever became of it; as long as the list is there; no other list's."""
    await store.add(job())
    await store.add(job(id="2" * 20))
    assert await store.delivery(job().id) is None
    await store.put_delivery(delivery("m2", job().id, 9))
    await store.put_delivery(delivery("m1", job().id))
    await store.put_delivery(delivery("other", "2" * 20))
    done = structs.replace(delivery("m2", job().id, 99), state=WebhookState.DELIVERED, status=204, attempted=LATER)
    await store.put_delivery(done)
    assert await store.delivery(job().id) == delivery("m1", job().id)
    failed = structs.replace(delivery("m1", job().id), state=WebhookState.FAILED, failure="no answer in time")
    await store.put_delivery(failed)
    assert await store.delivery(job().id) == failed
    await store.remove(job().id)
    assert await store.delivery(job().id) is None


async def test_messages_of_an_older_file_stay_due(tmp_path: Path) -> None:
    """A file that was written before messages were kept is brought up to date, and loses none."""
    path = tmp_path / "jobs.sqlite"
    waiting = delivery("m1", job().id)
    connection = open_database(path, sqlite_jobs._SCHEMA[:1])
    entry = (waiting.id, waiting.list_id, waiting.due.timestamp(), msgspec.msgpack.encode(waiting))
    connection.execute("INSERT INTO deliveries VALUES (?, ?, ?, ?)", entry)
    connection.close()
    store = SqliteJobs(path)
    assert await store.due(LATER) == [waiting]
    assert await store.delivery(job().id) == waiting
    await store.close()


async def test_another_process_knows_all_of_it(tmp_path: Path) -> None:
    """Job, event and message outlive the process, and so do the numbers."""
    first = SqliteJobs(tmp_path / "jobs.sqlite")
    await first.add(job())
    await first.put(changed(job(), LATER), event(1), delivery("m1", job().id))
    second = SqliteJobs(tmp_path / "jobs.sqlite")
    assert await second.get(job().id) == changed(job(), LATER)
    assert await second.events(job().id, 0) == [event(1)]
    assert await second.due(LATER) == [delivery("m1", job().id)]
    await second.close()
    await first.close()


async def test_what_was_removed_is_in_no_file(tmp_path: Path) -> None:
    """A preview's rows go with their list, from the file as well."""
    store = SqliteJobs(tmp_path / "jobs.sqlite")
    await store.add(job())
    await store.remove(job().id)
    held = [path for path in tmp_path.iterdir() if b"ann@shop.example" in path.read_bytes()]
    assert held == []
    await store.close()


async def test_what_a_preview_shows_no_more_is_in_no_file(tmp_path: Path) -> None:
    """Rows that were blanked, or whose time is over, while their list stays: the log does not hold them either."""
    store = SqliteJobs(tmp_path / "jobs.sqlite")
    await store.add(job())
    assert PREVIEW.first_rows == (("1", "ann@shop.example"),)
    after = job(revision=1, preview=structs.replace(PREVIEW, first_rows=(("1", ""),)))
    assert await store.put(after, event(1))
    held = [path for path in tmp_path.iterdir() if b"ann@shop.example" in path.read_bytes()]
    assert (held, await store.get(job().id)) == ([], after)
    await store.close()
