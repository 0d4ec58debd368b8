"""Turns: a crowd goes on a few at a time, in the order in which it came, and nobody is left behind."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from verifier.service.turns import Turns


async def crowd(turns: Turns, size: int) -> list[list[int]]:
    """Who went on in which turn of the loop, as another task that runs in every turn sees it."""
    went: list[int] = []

    async def one(number: int) -> None:
        await turns.mine()
        went.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(size)]
    seen, by_turn = 0, list[list[int]]()
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        by_turn.append(went[seen:])
        seen = len(went)
    return by_turn


@pytest.mark.parametrize("at_once", [1, 3])
async def test_a_crowd_goes_on_a_few_at_a_time(at_once: int) -> None:
    """In no turn more than so many; in their order; each once."""
    by_turn = await crowd(Turns(at_once), 20)
    assert max(map(len, by_turn)) == at_once
    assert [number for some in by_turn for number in some] == list(range(20))
    assert len([some for some in by_turn if some]) == -(-20 // at_once)


async def test_who_comes_alone_does_not_wait() -> None:
    """Not even for a turn of the loop; however often, as long as he lets others run in between."""
    turns = Turns(1)
    for _ in range(5):
        mine = turns.mine()
        with pytest.raises(StopIteration):
            mine.send(None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_who_goes_away_takes_nobodys_turn() -> None:
    """The next in the queue goes on in his place."""
    turns, went = Turns(1), list[int]()

    async def one(number: int) -> None:
        await turns.mine()
        went.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(6)]
    await asyncio.sleep(0)
    for task in tasks[1:4]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert went == [0, 4, 5]
    assert all(earlier < later for earlier, later in pairwise(went))


async def test_a_crowd_rests_while_somebody_wants_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it worked, never long, and only while he is there; nobody is left behind."""
    loop, rests = asyncio.get_running_loop(), list[float]()
    began, now = loop.time(), 0.0
    monkeypatch.setattr(loop, "time", lambda: began + now)

    def rest(seconds: float, going_on: Callable[[], None]) -> None:
        rests.append(round(seconds, 6))
        loop.call_soon(going_on)

    monkeypatch.setattr(loop, "call_later", rest)
    turns, went = Turns(1), list[int]()
    turns.courtesy.give_way()

    async def one(number: int) -> None:
        nonlocal now
        await turns.mine()
        went.append(number)
        now += 0.004 if number < 5 else 0.02

    await asyncio.gather(*(one(number) for number in range(9)))
    assert went == list(range(9))
    assert rests[1:5] == [0.004] * 4
    assert max(rests[1:]) == 0.01 and len(rests) < 8
