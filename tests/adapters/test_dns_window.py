"""The window of questions in flight shrinks with trouble and grows again, and no place is ever lost."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from verifier.adapters.dns_window import QueryWindow


async def _pass(window: QueryWindow, times: int, troubled: bool) -> None:
    for _ in range(times):
        await window.enter()
        window.leave(troubled)


async def test_single_failures_are_the_weather() -> None:
    """One question in ten without an answer changes nothing."""
    window = QueryWindow(most=100)
    for _ in range(100):
        await _pass(window, 1, troubled=True)
        await _pass(window, 9, troubled=False)
    assert window.limit == 100


async def test_a_server_that_refuses_is_asked_less_and_then_more_again() -> None:
    """The limit halves while more than a quarter fails, down to the least, and comes back with good answers."""
    window = QueryWindow(most=100, least=10)
    await _pass(window, 2000, troubled=True)
    assert window.limit == 10
    await _pass(window, 5000, troubled=False)
    assert window.limit == 100


@given(st.lists(st.booleans(), max_size=400))
def test_no_place_is_lost(outcomes: list[bool]) -> None:
    """Whatever came, exactly `limit` may enter at once."""

    async def scenario() -> None:
        window = QueryWindow(most=8, least=2)
        for troubled in outcomes:
            await _pass(window, 1, troubled)
        waiting = [asyncio.create_task(window.enter()) for _ in range(12)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        entered = sum(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert window.limit <= entered <= window.limit + 1

    asyncio.run(scenario())
