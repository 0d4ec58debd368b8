"""Outgoing: a crowd's answers leave together, in their order; who asks alone does not wait."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from verifier.edges.outgoing import Outgoing


class Wire(asyncio.WriteTransport):
    """Remembers what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))


async def test_who_asks_alone_does_not_wait() -> None:
    """Not even for a turn of the loop, however often; nor two."""
    outgoing, wire = Outgoing(), Wire()
    for number in range(10):
        outgoing.send(wire, b"%d" % number)
        outgoing.send(wire, b"-")
        assert wire.written[-2:] == [b"%d" % number, b"-"]
        await asyncio.sleep(0)


async def test_a_crowd_is_answered_at_the_end_of_a_turn() -> None:
    """From the turn on that follows one in which many were answered, as long as there are many."""
    outgoing, wire = Outgoing(), Wire()
    for sent, at_once in ((3, 3), (5, 0), (1, 0), (1, 1)):
        wire.written.clear()
        for _ in range(sent):
            outgoing.send(wire, b"x")
        assert len(wire.written) == at_once
        await asyncio.sleep(0)
        assert len(wire.written) == sent


async def test_what_waits_leaves_before_a_transport_is_closed() -> None:
    """By hand, and once."""
    outgoing, wire = Outgoing(), Wire()
    for _ in range(3):
        outgoing.send(wire, b"first")
    await asyncio.sleep(0)
    outgoing.send(wire, b"last")
    assert b"last" not in wire.written
    outgoing.flush()
    await asyncio.sleep(0)
    assert wire.written.count(b"last") == 1


@given(st.lists(st.integers(0, 9), max_size=8))
def test_everything_leaves_in_its_order(turns: list[int]) -> None:
    """Whatever came in whichever turn."""

    async def run() -> None:
        outgoing, wire, said = Outgoing(), Wire(), list[bytes]()
        for size in turns:
            for _ in range(size):
                said.append(b"%d" % len(said))
                outgoing.send(wire, said[-1])
            await asyncio.sleep(0)
        assert wire.written == said

    asyncio.run(run())
