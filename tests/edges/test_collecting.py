"""Garbage is collected when nobody waits for anything else."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from tests.support.clock import FakeClock
from verifier.edges.cli.collecting import collect_in_time


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


class Knot:
    """Holds itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


def old_knot() -> "weakref.ref[Knot]":
    """One that has outlived the small heaps."""
    knot = Knot()
    gc.collect()
    return weakref.ref(knot)


async def test_it_is_collected_in_an_idle_moment() -> None:
    """Not before a minute is over, and not while somebody waits, unless that goes on for ten minutes."""
    clock, idle = FakeClock(), [False]
    collecting = asyncio.create_task(collect_in_time(lambda: idle[0], clock.sleep))
    await clock.advance(0)
    knot = old_knot()
    await clock.advance(120)
    assert knot() is not None
    idle[0] = True
    await clock.advance(1)
    assert knot() is None
    knot = old_knot()
    await clock.advance(58)
    assert knot() is not None
    await clock.advance(2)
    assert knot() is None
    idle[0] = False
    knot = old_knot()
    await clock.advance(601)
    assert knot() is None
    collecting.cancel()


async def test_what_was_there_at_the_start_is_left_alone() -> None:
    """It is never looked through again."""
    clock = FakeClock()
    collecting = asyncio.create_task(collect_in_time(lambda: True, clock.sleep))
    await clock.advance(0)
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[2] > 100_000
    collecting.cancel()
