"""The contract of EventStore, OutcomeStore and SecretStore: nothing is lost, nothing counts twice."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.clock import START, FakeClock
from verifier.adapters import sqlite_events
from verifier.adapters.sqlite_events import SqliteEvents
from verifier.core.calibration import Seen
from verifier.core.decisions import Became
from verifier.core.decisions import Outcome as Ended
from verifier.core.faults import ServiceUnavailable
from verifier.core.feedback.effects import History, Opt, SoftBounce
from verifier.core.feedback.hook import Once
from verifier.core.mail_events import BounceClass, EventKind, MailEvent
from verifier.feedback_ports import Arrival, Outcome, Waiting

DAY = timedelta(days=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqliteEvents]:
    made = SqliteEvents(tmp_path / "events.sqlite", clock)
    yield made
    await made.close()


def arrival(name: str, kind: EventKind = EventKind.DELIVERED, mailbox: str = "m", days: float = 0) -> Arrival:
    bounce_class = BounceClass.SOFT if kind is EventKind.BOUNCED else None
    event = MailEvent("test", name, kind, "jane@example.com", START - days * DAY, bounce_class, sender="shop")
    return Arrival(name, mailbox, event, f"mail-{name}")


async def test_what_is_new_waits_in_the_order_of_its_coming(store: SqliteEvents) -> None:
    """Numbered upwards, whole, until it is settled; and what is settled waits no more."""
    batch = [arrival("1"), arrival("2", EventKind.BOUNCED), arrival("3")]
    assert await store.add(batch) == 3
    waiting = await store.waiting(2)
    assert [(w.mailbox, w.event) for w in waiting] == [("m", a.event) for a in batch[:2]]
    await store.settle(waiting[-1].number, [], {})
    rest = await store.waiting(10)
    assert [w.event.id for w in rest] == ["3"] and rest[0].number > waiting[-1].number
    await store.settle(rest[-1].number, [], {})
    assert await store.waiting(10) == []


async def test_told_twice_counts_once(store: SqliteEvents) -> None:
    """In one batch, in two, in two at a time, and after a restart."""
    assert await store.add([arrival("1"), arrival("1"), arrival("2")]) == 2
    assert await store.add([arrival("2"), arrival("3")]) == 1
    counts = await asyncio.gather(*(store.add([arrival("4"), arrival("5")]) for _ in range(5)))
    assert sum(count or 0 for count in counts) == 2
    assert len(await store.waiting(100)) == 5
    await store.settle((await store.waiting(100))[-1].number, [], {})
    assert await store.add([arrival("1")]) == 0
    assert await store.waiting(100) == []


async def test_numbers_are_not_used_again(store: SqliteEvents) -> None:
    """Else what is forgotten and what comes after it would be settled together."""
    await store.add([arrival("1")])
    first = (await store.waiting(1))[0].number
    await store.forget("m", "r")
    await store.add([arrival("2")])
    assert (await store.waiting(1))[0].number > first


async def test_a_token_stands_for_one_message(store: SqliteEvents) -> None:
    """The same message may come again under it; another is refused, and nothing of it is kept."""
    once = Once("token", "digest")
    assert await store.add([arrival("1")], once) == 1
    assert await store.add([arrival("1")], once) == 0
    assert await store.add([arrival("2")], Once("token", "another")) is None
    assert [w.event.id for w in await store.waiting(10)] == ["1"]
    together = await asyncio.gather(
        store.add([arrival("3")], Once("t2", "a")), store.add([arrival("4")], Once("t2", "b"))
    )
    assert sorted(map(str, together)) == ["1", "None"]


async def test_the_history_has_what_bears_on_suppressions(store: SqliteEvents) -> None:
    """Soft bounces with their mails, the last sign of life where there are any, and opts; nothing of others."""
    await store.add(
        [
            arrival("1", EventKind.BOUNCED, "soft", 3),
            arrival("2", EventKind.DELIVERED, "soft", 5),
            arrival("3", EventKind.OPENED, "soft", 2),
            arrival("4", EventKind.SENT, "soft"),
            arrival("5", EventKind.DELIVERED, "good"),
            arrival("6", EventKind.UNSUBSCRIBED, "opt", 1),
        ]
    )
    histories = await store.history(["soft", "good", "opt", "nobody"])
    assert dict(histories) == {
        "soft": History((SoftBounce(START - 3 * DAY, "mail-1"),), START - 2 * DAY),
        "opt": History(opts=(Opt(EventKind.UNSUBSCRIBED, START - DAY, "shop"),)),
    }


async def test_outcomes_add_up_and_count_once(store: SqliteEvents) -> None:
    """By reason and provider; a mailbox once a period, and its bounce outweighs its delivery, whichever came first."""

    def outcome(mailbox: str, hard: bool, reason: str = "accepted", period: int = 1) -> Outcome:
        return Outcome(mailbox, reason, "big", period, 0.25, hard)

    await store.settle(0, [outcome("a", False), outcome("a", False), outcome("b", True), outcome("c", False)], {})
    await store.settle(0, [outcome("b", False), outcome("c", True), outcome("a", False, period=2)], {})
    await store.settle(0, [outcome("a", True, "catch_all")], {})
    assert sorted(await store.seen(), key=lambda seen: seen.reason) == [
        Seen("accepted", "big", 4, 2, 1.0),
        Seen("catch_all", "big", 1, 1, 0.25),
    ]


async def test_what_is_settled_keeps_no_address(tmp_path: Path, clock: FakeClock) -> None:
    """Neither in a row nor in a page that was freed."""
    store = SqliteEvents(tmp_path / "events.sqlite", clock)
    await store.add([arrival(str(number)) for number in range(50)])
    await store.settle((await store.waiting(100))[-1].number, [], {})
    await store.close()
    assert b"jane" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


async def test_what_is_settled_leaves_the_log_within_minutes(tmp_path: Path, clock: FakeClock) -> None:
    """However little else is told afterwards, and while the store is open."""
    store = SqliteEvents(tmp_path / "events.sqlite", clock)
    await store.add([arrival("1")])
    assert b"jane" in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    await store.settle(1, [], {})
    clock.move(60)
    assert await store.waiting(10) == []
    assert b"jane" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    await store.close()


async def test_forgetting_leaves_nothing_of_a_mailbox(tmp_path: Path, clock: FakeClock) -> None:
    """Events, what waits and outcomes; others stay."""
    store = SqliteEvents(tmp_path / "events.sqlite", clock)
    await store.add([arrival("1", mailbox="gone-mailbox"), arrival("2", mailbox="stays")])
    await store.settle(0, [Outcome("gone-mailbox", "accepted", "", 1, 0.1, False)], {})
    await store.forget("gone-mailbox", "gone-recipient")
    assert [w.mailbox for w in await store.waiting(10)] == ["stays"]
    assert await store.seen() == []
    await store.close()
    assert b"gone-mailbox" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


async def test_what_is_old_is_deleted_and_what_it_showed_stays(tmp_path: Path, clock: FakeClock) -> None:
    """By the time of its coming; outcomes hold no text and are kept."""
    store = SqliteEvents(tmp_path / "events.sqlite", clock, retention=timedelta(days=10))
    await store.add([arrival("1", EventKind.UNSUBSCRIBED)])
    await store.settle(1, [Outcome("m", "accepted", "", 1, 0.1, False)], {})
    clock.move(11 * 86400)
    await store.add([arrival("2", EventKind.UNSUBSCRIBED)])
    assert len((await store.history(["m"]))["m"].opts) == 1
    assert await store.seen() == [Seen("accepted", "", 1, 0, 0.1)]
    await store.close()


async def test_the_last_sign_of_life_of_a_recipient_is_known(store: SqliteEvents) -> None:
    """The latest, in whatever order they are told; nobody else's; and nothing once it is forgotten."""
    await store.settle(0, [], {"a": START, "b": START - DAY})
    await store.settle(0, [], {"a": START - DAY, "b": START})
    assert dict(await store.last_active(["a", "b", "c"])) == {"a": START, "b": START}
    await store.forget("m", "a")
    assert dict(await store.last_active(["a", "b"])) == {"b": START}


async def test_secrets_are_kept_by_source(store: SqliteEvents) -> None:
    """Replaced as a whole, and ended by none."""
    assert await store.secrets("mailgun") == ()
    await store.put_secrets("mailgun", ["a", "b"], START)
    await store.put_secrets("sendgrid", ["c"], START)
    assert await store.secrets("mailgun") == ("a", "b")
    assert await store.secrets("sendgrid") == ("c",)
    await store.put_secrets("mailgun", [], START)
    assert await store.secrets("mailgun") == ()


async def test_what_was_added_is_there_after_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    """And still waits."""
    path = tmp_path / "events.sqlite"
    first = SqliteEvents(path, clock)
    await first.add([arrival("1")])
    await first.close()
    second = SqliteEvents(path, clock)
    assert await second.waiting(5) == [Waiting(1, "m", arrival("1").event)]
    assert await second.add([arrival("1")]) == 0
    await second.close()


async def test_a_damaged_file_is_said_and_never_begun_anew(tmp_path: Path, clock: FakeClock) -> None:
    """Events that were answered are in it: somebody has to look."""
    path = tmp_path / "events.sqlite"
    path.write_bytes(b"no database at all" * 1000)
    store = SqliteEvents(path, clock)
    with pytest.raises(ServiceUnavailable):
        await store.add([arrival("1")])
    with pytest.raises(ServiceUnavailable):
        await store.waiting(1)
    await store.close()
    assert path.read_bytes().startswith(b"no database")


async def test_a_write_that_fails_keeps_nothing(store: SqliteEvents, tmp_path: Path) -> None:
    """A batch is kept whole or not at all, and its caller hears of it."""
    await store.add([arrival("1")])
    with sqlite3.connect(tmp_path / "events.sqlite") as other:
        other.execute("DROP TABLE waiting")
    with pytest.raises(ServiceUnavailable):
        await store.add([arrival("2"), arrival("3")])
    with sqlite3.connect(tmp_path / "events.sqlite") as other:
        assert other.execute("SELECT count(*) FROM events").fetchone() == (1,)


async def test_what_became_of_mail_is_told_since_a_moment(store: SqliteEvents) -> None:
    """Once, by its recipient's key, until he is forgotten."""
    early, late = Became("k1", START - DAY, Ended.DELIVERED), Became("k2", START, Ended.HARD)
    await store.settle(0, [], {}, [early, late, late])
    await store.settle(0, [], {}, [late])
    assert set(await store.became(START - 2 * DAY)) == {early, late}
    assert await store.became(START) == [late]
    await store.forget("m", "k2")
    assert await store.became(START) == []


async def test_a_file_of_an_earlier_version_goes_on(tmp_path: Path, clock: FakeClock) -> None:
    """What was told stays told, and what became of mails stays known."""
    path = tmp_path / "events.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.executescript(";".join(sqlite_events._SCHEMA[:2]))
        file.execute("INSERT INTO became VALUES ('k1', ?, 'hard')", (START.timestamp(),))
        file.execute("INSERT INTO events VALUES (1, '1', 'm', 0, 0, 0, x'')")
        file.execute("UPDATE last SET number = 1")
        file.execute("PRAGMA user_version=2")
        file.commit()
    store = SqliteEvents(path, clock, timedelta(days=36_500))
    assert await store.became(START) == [Became("k1", START, Ended.HARD)]
    assert await store.add([arrival("1"), arrival("2")]) == 1
    await store.close()
