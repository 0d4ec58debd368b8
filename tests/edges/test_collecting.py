"""Garbage is collected when nobody waits for anything else."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

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


class Service:
    """Somebody waits, or not; somebody asks every so many seconds, or nobody."""

    def __init__(self, clock: FakeClock) -> None:
        self.waiting = False
        self.every: float | None = None
        self._clock = clock

    def asked(self) -> int:
        return 0 if self.every is None else int(self._clock.monotonic() / self.every)


@asynccontextmanager
async def collecting() -> AsyncIterator[tuple[FakeClock, Service]]:
    clock = FakeClock()
    service = Service(clock)
    task = asyncio.create_task(collect_in_time(lambda: service.waiting, service.asked, clock.sleep))
    await clock.advance(0)
    yield clock, service
    task.cancel()


async def test_it_is_collected_in_a_quiet_moment() -> None:
    """Once a minute, not before."""
    async with collecting() as (clock, _):
        knot = old_knot()
        await clock.advance(59)
        assert knot() is not None
        await clock.advance(2)
        assert knot() is None


async def test_who_waits_is_not_kept_waiting() -> None:
    """Unless that goes on for ten minutes."""
    async with collecting() as (clock, service):
        service.waiting = True
        knot = old_knot()
        await clock.advance(590)
        assert knot() is not None
        await clock.advance(11)
        assert knot() is None


@pytest.mark.parametrize(("every", "quiet"), [(0.2, False), (0.9, False), (10.0, True)])
async def test_who_asks_all_the_time_is_not_kept_waiting(every: float, quiet: bool) -> None:
    """That nobody waits at this very moment says nothing: the next question comes while the garbage is collected."""
    async with collecting() as (clock, service):
        service.every = every
        knot = old_knot()
        for _ in range(300):
            await clock.advance(1)
        assert (knot() is None) is quiet
        for _ in range(301):
            await clock.advance(1)
        assert knot() is None


async def test_what_was_there_at_the_start_is_left_alone() -> None:
    """It is never looked through again."""
    async with collecting():
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[2] > 100_000
