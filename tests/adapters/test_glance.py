"""What a store has at hand is what it would have said when asked, or nothing."""

from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.facts import facts, hindered, replied, route
from verifier.adapters.layered_store import LayeredStore
from verifier.adapters.memory_store import MemoryStore
from verifier.core.evidence import Obstacle
from verifier.core.replies import ReplyClass

KEY, DOMAIN = "a" * 32, "shop.example"
YEAR = 366 * 86_400


@pytest.mark.parametrize("layered", [False, True])
async def test_it_says_what_the_store_says_or_nothing(tmp_path: Path, layered: bool) -> None:
    """Both or neither; and no longer than the store itself remembers."""
    clock = FakeClock()
    behind = MemoryStore(clock)
    store = LayeredStore(MemoryStore(clock), behind) if layered else behind
    assert store.at_hand(DOMAIN, KEY, clock.now()) is None
    await behind.remember_domains([facts(DOMAIN, route())])
    await store.domains([DOMAIN])
    assert store.at_hand(DOMAIN, KEY, clock.now()) is None
    await behind.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED)), (KEY, hindered(Obstacle.TIMEOUT, 1))])
    await store.mailboxes([KEY])
    said = (await store.domains([DOMAIN]))[DOMAIN], (await store.mailboxes([KEY]))[KEY]
    assert store.at_hand(DOMAIN, KEY, clock.now()) == said
    assert store.at_hand("other.example", KEY, clock.now()) is None
    await store.forget(KEY)
    assert store.at_hand(DOMAIN, KEY, clock.now()) is None
    await behind.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED))])
    await store.mailboxes([KEY])
    clock.move(YEAR)
    assert store.at_hand(DOMAIN, KEY, clock.now()) is None


async def test_what_only_lies_behind_is_not_at_hand() -> None:
    """Nobody waits for a disk or a network here."""
    clock = FakeClock()
    behind = MemoryStore(clock)
    await behind.remember_domains([facts(DOMAIN, route())])
    await behind.remember_mailboxes([(KEY, replied(ReplyClass.ACCEPTED))])
    assert LayeredStore(MemoryStore(clock), behind).at_hand(DOMAIN, KEY, clock.now()) is None
