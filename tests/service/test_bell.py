"""The bell: who waits is told in time, in order, and earlier where many wait for the same moment."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import FakeClock
from verifier.service.bell import Bell


async def rung_at(ends: list[tuple[float, float]]) -> list[tuple[float, int]]:
    """For alarms of (end, budget): when each was rung, and which it was, in the order of ringing."""
    clock = FakeClock()
    bell, rung = Bell(clock), list[tuple[float, int]]()
    for number, (end, budget) in enumerate(ends):
        bell.set(end, budget, lambda number=number: rung.append((clock.monotonic(), number)))  # type: ignore[misc]
    last = max(end for end, _ in ends)
    while clock.monotonic() < last:
        await clock.advance(min(0.02, last - clock.monotonic()))
    assert len(bell) == 0
    return rung


async def test_one_is_told_when_his_time_is_up() -> None:
    """To the millisecond: nobody gives up before he has to."""
    ((when, _),) = await rung_at([(8.0, 8.0)])
    assert 7.999 <= when <= 8.0


async def test_a_crowd_is_told_earlier() -> None:
    """The more there are, the earlier, but never before half of the time is over; who ends alone is not affected."""
    few, many = await rung_at([(4.0, 4.0)] * 10), await rung_at([(4.0, 4.0)] * 500)
    assert many[0][0] < few[0][0] < 4.0
    crowded = await rung_at([(0.1, 0.1)] * 500)
    assert crowded[0][0] >= 0.05
    alone = await rung_at([(2.0, 2.0)] * 500 + [(5.0, 5.0)])
    assert alone[-1][0] >= 4.99


@given(st.lists(st.tuples(st.floats(0.1, 0.5), st.floats(0.1, 10)), min_size=1, max_size=40))
def test_nobody_is_told_late_or_left_out(ends: list[tuple[float, float]]) -> None:
    """Each once, in the order of their ends, none after his end."""
    rung = asyncio.run(rung_at(ends))
    assert sorted(number for _, number in rung) == list(range(len(ends)))
    assert [ends[number][0] for _, number in rung] == sorted(end for end, _ in ends)
    assert all(when <= ends[number][0] + 1e-6 for when, number in rung)


async def test_who_comes_later_may_end_earlier() -> None:
    """The bell does not sleep over a short time because it was set for a long one first."""
    clock, rung = FakeClock(), list[str]()
    bell = Bell(clock)
    bell.set(100.0, 100.0, lambda: rung.append("long"))
    await clock.advance(1)
    bell.set(2.0, 1.0, lambda: rung.append("short"))
    await clock.advance(1)
    assert rung == ["short"]
    await clock.advance(98)
    assert rung == ["short", "long"]


async def test_who_does_not_wait_any_more_is_not_told() -> None:
    """Nor does it matter to stop twice, or after the ringing; and a closed bell is silent."""
    clock, rung = FakeClock(), list[int]()
    bell = Bell(clock)
    first, second = (bell.set(1.0, 1.0, lambda number=number: rung.append(number)) for number in (1, 2))  # type: ignore[misc]
    bell.stop(first)
    bell.stop(first)
    await clock.advance(1)
    bell.stop(second)
    assert rung == [2]
    bell.set(3.0, 1.0, lambda: rung.append(3))
    await clock.advance(0)
    bell.close()
    await clock.advance(5)
    assert rung == [2]


@pytest.mark.parametrize("count", [1, 100])
async def test_it_says_whether_somebody_is_due(count: int) -> None:
    """So that nothing else is begun meanwhile."""
    clock = FakeClock()
    bell = Bell(clock)
    assert not bell.is_due
    for _ in range(count):
        bell.set(1.0, 1.0, lambda: None)
    assert not bell.is_due
    clock.move(0.9999)
    assert bell.is_due
    bell.close()


async def test_who_is_hastened_is_told_by_then() -> None:
    """Who waits, and who comes later; who ends before is told at his own time."""
    clock, rung = FakeClock(), list[tuple[float, str]]()
    bell = Bell(clock)
    bell.hasten(1000.0)
    for end, name in ((100.0, "long"), (2.0, "short")):
        bell.set(end, end, lambda name=name: rung.append((round(clock.monotonic(), 1), name)))  # type: ignore[misc]
    await clock.advance(1)
    bell.hasten(5.0)
    for _ in range(50):
        await clock.advance(0.1)
    assert rung == [(2.0, "short"), (5.0, "long")]
    bell.set(100.0, 90.0, lambda: rung.append((round(clock.monotonic(), 1), "later")))
    await clock.advance(0)
    assert rung[2:] == [(6.0, "later")]
