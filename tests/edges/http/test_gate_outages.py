"""Whatever store of the gate is slow, stopped or locked: every decision arrives in time, degraded."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from tests.support.front_desk import Visitor, visiting
from tests.support.redis_server import RedisServer, running_redis
from verifier.core.gate_words import GateAnswer, GateQuestion, MessageClass
from verifier.gate_wiring import SENDERS_FILE, SUPPRESSIONS_FILE
from verifier.wiring import FACTS_FILE

DEADLINE, LATE = 0.05, 0.02
GONE = "gone@shop.example"
_numbers = count()


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process is in the middle of a change that it does not end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


@asynccontextmanager
async def slow(visitor: Visitor, name: str) -> AsyncIterator[None]:
    """The disk lets whoever reads that file wait."""
    equipment, facts = visitor.site.desk.gate.equipment, visitor.site.desk.verifier.store
    thread: Any = {
        FACTS_FILE: lambda: facts._behind._thread,  # type: ignore[attr-defined]
        SUPPRESSIONS_FILE: lambda: equipment.suppressions._reader._thread,  # type: ignore[attr-defined]
        SENDERS_FILE: lambda: equipment.uses._reader._thread,  # type: ignore[attr-defined]
    }[name]()
    woken = threading.Event()
    reading = asyncio.ensure_future(thread.call(lambda _: woken.wait(60)))
    await asyncio.sleep(0)
    yield
    woken.set()
    await reading


async def in_time(visitor: Visitor) -> dict[MessageClass, list[GateAnswer]]:
    """What is decided of somebody new and of who complained, within the deadline and 20 ms: the best of five, since
    others use the machine.
    """
    gate, answers = visitor.site.desk.gate.gate, {}
    for message_class in MessageClass:
        took = []
        for _ in range(5):
            emails = (f"jane@shop{next(_numbers)}.example", GONE)
            questions = [GateQuestion(email, message_class=message_class, sender="shop") for email in emails]
            began = perf_counter()
            answers[message_class] = await gate.decide(questions, deadline_seconds=DEADLINE)
            took.append(perf_counter() - began)
        assert min(took) < DEADLINE + LATE, took
    return answers


async def prepared(visitor: Visitor) -> None:
    """Somebody has complained, and the sender has a quota."""
    await visitor.ask("POST", "/v1/suppressions", json={"emails": [GONE], "kind": "complaint"})
    await visitor.ask("POST", "/v1/senders", json={"name": "shop", "quota": 1000})


def hold_what_is_promised(answers: dict[MessageClass, list[GateAnswer]]) -> None:
    """Marketing is held, order mail goes out, and who complained gets neither marketing nor triggered mail."""
    for message_class, decision in zip(MessageClass, ("hold", "allow", "allow"), strict=True):
        new, gone = answers[message_class]
        assert (new.decision, new.degraded) == (decision, True)
        assert message_class is MessageClass.TRANSACTIONAL or gone.rule == "complaint"


@pytest.mark.parametrize("name", [FACTS_FILE, SUPPRESSIONS_FILE, SENDERS_FILE])
async def test_a_locked_file(tmp_path: Path, name: str) -> None:
    """Facts, suppressions or use: another process holds the file."""
    async with visiting(tmp_path) as visitor:
        await prepared(visitor)
        with locked(tmp_path / name):
            hold_what_is_promised(await in_time(visitor))
        assert visitor.faults == []


@pytest.mark.parametrize("name", [FACTS_FILE, SUPPRESSIONS_FILE, SENDERS_FILE])
async def test_a_slow_file(tmp_path: Path, name: str) -> None:
    """Reading it takes longer than anybody waits."""
    async with visiting(tmp_path) as visitor:
        await prepared(visitor)
        async with slow(visitor, name):
            answers = await in_time(visitor)
            hold_what_is_promised(answers)
            if name == SUPPRESSIONS_FILE:
                assert all(gone.degraded for _, gone in answers.values())
            else:
                assert answers[MessageClass.MARKETING][0].rule == "unavailable"
        assert visitor.faults == []


@pytest.fixture
async def shared(tmp_path: Path, redis: RedisServer) -> AsyncIterator[Visitor]:
    """A service whose facts are in Redis."""
    settings = {"VERIFIER_REDIS_URL": redis.url, "VERIFIER_SECRET_KEY": "s" * 32}
    async with visiting(tmp_path, settings) as visitor:
        await prepared(visitor)
        yield visitor


async def test_redis_stops_answering(shared: Visitor, redis: RedisServer) -> None:
    """It keeps its connections and says nothing."""
    redis.freeze()
    try:
        hold_what_is_promised(await in_time(shared))
    finally:
        redis.thaw()


async def test_redis_is_gone(shared: Visitor, redis: RedisServer) -> None:
    """Its connections are refused."""
    redis.kill()
    try:
        hold_what_is_promised(await in_time(shared))
    finally:
        redis.start()
