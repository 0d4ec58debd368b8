"""The contract of DecisionLog: what was decided can be told for a while, without saying of whom."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from tests.support.clock import START, FakeClock
from tests.support.facts import at
from verifier.adapters import sqlite_decisions
from verifier.adapters.sqlite_decisions import SqliteDecisions
from verifier.adapters.sqlite_file import SqliteFile
from verifier.core.decisions import DECISIONS_KEPT, Became, Decided, Outcome, Tallied, became, masked
from verifier.core.faults import ServiceUnavailable
from verifier.core.gate_words import GateDecision
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

BLOCKED = Decided(
    START, "http", False, "k1", "j***@shop.example", "marketing", "shop", None, "strict", "role", "block", False
)


@pytest.fixture(params=["sqlite"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteDecisions]:
    warnings: list[str] = []
    made = SqliteDecisions(tmp_path / "decisions.sqlite", FakeClock(), warnings.append)
    yield made
    await made.close()
    assert warnings == []


async def test_what_was_decided_is_counted(log: SqliteDecisions) -> None:
    """By surface, class, policy, rule and outcome, since a moment; observed ones apart."""
    observed = structs.replace(BLOCKED, observed=True, degraded=True, surface="postfix")
    log.note([BLOCKED, structs.replace(BLOCKED, at=at(-10)), structs.replace(BLOCKED, at=at(5))])
    log.note([observed])
    await log.settled()
    assert await log.tally(START) == [
        Tallied("http", False, "marketing", "strict", "role", GateDecision.BLOCK, 2, 0),
        Tallied("postfix", True, "marketing", "strict", "role", GateDecision.BLOCK, 1, 1),
    ]
    assert await log.tally(at(6)) == []


async def test_two_processes_write_one_log(tmp_path: Path) -> None:
    """What both say is counted as one kind, whoever said it first."""
    one, other = (SqliteDecisions(tmp_path / "decisions.sqlite", FakeClock(), lambda _: None) for _ in range(2))
    for log in (one, other, one):
        log.note([BLOCKED, structs.replace(BLOCKED, rule="quota")])
        await log.settled()
    assert [(each.rule, each.count) for each in await other.tally(START)] == [("quota", 3), ("role", 3)]
    await one.close()
    await other.close()


async def test_what_became_of_mails_is_counted_beside(log: SqliteDecisions) -> None:
    """Each outcome once, for the last decision before it (senders tell whole seconds), whoever was mailed alone."""
    allowed = structs.replace(BLOCKED, rule="default_allow", decision="allow", recipient="k2")
    log.note([BLOCKED, structs.replace(allowed, at=at(10)), structs.replace(allowed, at=at(100.9), observed=True)])
    log.note([structs.replace(BLOCKED, recipient="", at=at(1))])
    await log.settled()
    told = [
        Became("k2", at(50), Outcome.DELIVERED),
        Became("k2", at(60), Outcome.DELIVERED),
        Became("k2", at(70), Outcome.COMPLAINED),
        Became("k2", at(100), Outcome.HARD),
        Became("k1", at(-100), Outcome.HARD),
        Became("k1", at(5), Outcome.SOFT),
        Became("k9", at(5), Outcome.HARD),
        Became("", at(5), Outcome.HARD),
    ]
    found = {(each.rule, each.observed): each for each in await log.tally(START, told)}
    ends = {name: (each.count, each.delivered, each.hard, each.soft, each.complained) for name, each in found.items()}
    assert ends == {
        ("role", False): (2, 0, 0, 1, 0),
        ("default_allow", False): (1, 1, 0, 0, 1),
        ("default_allow", True): (1, 0, 1, 0, 0),
    }
    assert all(each.hard == each.delivered == 0 for each in await log.tally(START))


@pytest.mark.parametrize(
    ("kind", "bounce_class", "outcome"),
    [
        (EventKind.DELIVERED, None, Outcome.DELIVERED),
        (EventKind.COMPLAINED, None, Outcome.COMPLAINED),
        (EventKind.BOUNCED, BounceClass.HARD, Outcome.HARD),
        (EventKind.BOUNCED, BounceClass.SOFT, Outcome.SOFT),
        (EventKind.BOUNCED, BounceClass.BLOCK, None),
        (EventKind.OPENED, None, None),
    ],
)
def test_what_an_event_says_of_its_mail(
    kind: EventKind, bounce_class: BounceClass | None, outcome: Outcome | None
) -> None:
    """How it ended, or nothing."""
    told = became(MailEvent("s", "1", kind, "jane@shop.example", START, bounce_class), "k1")
    assert told == (None if outcome is None else Became("k1", START, outcome))


async def test_many_are_written(log: SqliteDecisions) -> None:
    """In their thousands, each once, whoever looks meanwhile."""
    for _ in range(5):
        log.note([BLOCKED] * 1000)
    await log.settled()
    await log.settled()
    assert [each.count for each in await log.tally(START)] == [5000]


async def test_it_settles_while_more_is_noted(log: SqliteDecisions, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was noted before is written then; what comes meanwhile is no reason to go on writing."""
    write = SqliteFile.write

    async def busily(file: SqliteFile, work: Callable[[sqlite3.Connection], object]) -> object:
        log.note([structs.replace(BLOCKED, rule="disposable")])
        return await write(file, work)

    with monkeypatch.context() as patch:
        patch.setattr(SqliteFile, "write", busily)
        log.note([BLOCKED] * 3000)
        await log.settled()
    counts = {each.rule: each.count for each in await log.tally(START)}
    assert counts["role"] == 3000 and counts.get("disposable", 0) <= 3


async def test_a_recipient_is_forgotten(tmp_path: Path) -> None:
    """The count stays; nothing in the file says whose it was. A file keeps what is young enough."""
    path = tmp_path / "decisions.sqlite"
    log = SqliteDecisions(path, FakeClock(), lambda _: None)
    log.note([BLOCKED])
    await log.forget("k1")
    assert [each.count for each in await log.tally(START)] == [1]
    await log.close()
    assert b"j***@" not in path.read_bytes()
    later = SqliteDecisions(path, FakeClock(START + DECISIONS_KEPT * 2), lambda _: None)
    assert await later.tally(START) == []
    await later.close()


async def test_everything_of_a_recipient_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it stands in a long log, and nothing of anybody else."""
    monkeypatch.setattr(sqlite_decisions, "_READ_AT_ONCE", 2)
    log = SqliteDecisions(tmp_path / "decisions.sqlite", FakeClock(), lambda _: None)
    log.note([BLOCKED, *[structs.replace(BLOCKED, recipient="k2", masked="o***@shop.example")] * 5, BLOCKED, BLOCKED])
    await log.forget("k1")
    await log.forget("k3")
    await log.close()
    with closing(sqlite3.connect(tmp_path / "decisions.sqlite")) as file:
        found = file.execute("SELECT recipient, masked, count(*) FROM decided GROUP BY 1, 2 ORDER BY 1").fetchall()
    assert found == [("", "***", 3), ("k2", "o***@shop.example", 5)]


@pytest.mark.parametrize("version", [1, 2])
async def test_a_log_of_an_earlier_version_goes_on(tmp_path: Path, version: int) -> None:
    """What it holds is counted and forgotten as before, beside what comes."""
    path = tmp_path / "decisions.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.executescript(";".join(sqlite_decisions._SCHEMA[:version]))
        row = (START.timestamp(), "http", 0, "k1", "j***@x", "marketing", None, None, "strict", "role", "block", 0)
        for surface in ("http", "http", "relay"):
            file.execute(f"INSERT INTO decisions VALUES ({','.join('?' * len(row))})", (row[0], surface, *row[2:]))
        file.execute(f"PRAGMA user_version={version}")
        file.commit()
    log = SqliteDecisions(path, FakeClock(), lambda _: None)
    log.note([BLOCKED])
    await log.settled()
    assert [(each.surface, each.count) for each in await log.tally(START)] == [("http", 3), ("relay", 1)]
    await log.forget("k1")
    await log.close()
    assert b"j***@" not in path.read_bytes() and b"decisions_by_recipient" not in path.read_bytes()


async def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    """It is said once, and noting goes on."""
    (tmp_path / "decisions.sqlite").write_bytes(b"this is no database" * 300)
    warnings: list[str] = []
    log = SqliteDecisions(tmp_path / "decisions.sqlite", FakeClock(), warnings.append)
    for _ in range(3):
        log.note([BLOCKED])
        await log.settled()
    assert len(warnings) == 1 and "decisions.sqlite" in warnings[0]
    with pytest.raises(ServiceUnavailable):
        await log.tally(START)
    await log.close()


@pytest.mark.parametrize(
    ("email", "shown"),
    [("jane@shop.example", "j***@shop.example"), (" @x", "***@x"), ("no address", "***"), ("", "***")],
)
def test_masked(email: str, shown: str) -> None:
    """Nobody can be written to by what the log holds."""
    assert masked(email) == shown


async def test_who_was_forgotten_is_in_no_file(tmp_path: Path) -> None:
    """Neither the hash nor the masked address, while the log is open as before; the decision itself counts on."""
    log = SqliteDecisions(tmp_path / "decisions.sqlite", FakeClock(), lambda _: None)
    log.note([structs.replace(BLOCKED, recipient="hash-of-gone", masked="g***@gone.example")])
    await log.settled()
    await log.forget("hash-of-gone")
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert (b"hash-of-gone" in files, b"gone.example" in files) == (False, False)
    assert [each.count for each in await log.tally(START)] == [1]
    await log.close()
