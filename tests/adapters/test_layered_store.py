"""The layered store: memory answers only for what it holds whole."""

import asyncio
from collections.abc import Mapping, Sequence

from tests.support.clock import FakeClock
from tests.support.facts import facts, hindered, replied, route
from verifier.adapters.layered_store import LayeredStore
from verifier.adapters.memory_store import MemoryStore
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import RouteStatus
from verifier.core.replies import ReplyClass

KEY = "a" * 32


class SlowStore(MemoryStore):
    """Counts its reads, and answers with what it knew when it was asked, once `go` is set."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.go = asyncio.Event()
        self.go.set()
        self.reads = 0

    async def mailboxes(self, keys: Sequence[str]) -> Mapping[str, tuple[Finding, ...]]:
        self.reads += 1
        known = await super().mailboxes(keys)
        await self.go.wait()
        return known


def layered() -> tuple[LayeredStore, SlowStore]:
    clock = FakeClock()
    behind = SlowStore(clock)
    return LayeredStore(MemoryStore(clock, limit=10), behind), behind


async def test_what_memory_holds_is_not_asked_again() -> None:
    """The second read of a mailbox costs nothing behind."""
    store, behind = layered()
    await behind.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED))])
    for _ in range(3):
        assert await store.mailboxes([KEY]) == {KEY: (replied(ReplyClass.ACCEPTED),)}
    assert behind.reads == 1


async def test_news_of_what_memory_does_not_hold_hide_nothing() -> None:
    """After a restart a failure is learned first: the good one of before, still behind, is given out with it."""
    store, behind = layered()
    await behind.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED))])
    await behind.remember_domains([facts("shop.example", route())])
    await store.remember_mailboxes([(KEY, hindered(Obstacle.TIMEOUT, 1))])
    await store.remember_domains([facts("shop.example", route(RouteStatus.TEMP_ERROR, 1))])
    assert await store.mailboxes([KEY]) == {KEY: (replied(ReplyClass.ACCEPTED), hindered(Obstacle.TIMEOUT, 1))}
    assert await store.domains(["shop.example"]) == {"shop.example": facts("shop.example", route())}


async def test_news_during_a_read_are_not_lost() -> None:
    """What is remembered or forgotten while a read is under way is not undone by its out-of-date answer."""
    store, behind = layered()
    await behind.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED)), ("b" * 32, replied(ReplyClass.ACCEPTED))])
    behind.go.clear()
    reading = asyncio.create_task(store.mailboxes([KEY, "b" * 32]))
    await asyncio.sleep(0)
    await store.remember_mailboxes([(KEY, replied(ReplyClass.MAILBOX_NOT_FOUND, 1, 550))])
    await store.forget("b" * 32)
    behind.go.set()
    await reading
    assert await store.mailboxes([KEY, "b" * 32]) == {
        KEY: (replied(ReplyClass.ACCEPTED), replied(ReplyClass.MAILBOX_NOT_FOUND, 1, 550))
    }
