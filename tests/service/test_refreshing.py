"""What lacks is verified behind the gate's answers: once, while there is room, and never waited for."""

import asyncio

from tests.support.clock import FakeClock
from verifier.core.senders import Sender
from verifier.service import refreshing
from verifier.service.realtime import TooBusy
from verifier.service.refreshing import Refreshing
from verifier.service.sender_book import SenderBook


class RealTimes:
    """Remembers what was asked; `busy` refuses."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.busy = False
        self.goes_on = asyncio.Event()

    async def check(self, raw: str, *_: object) -> None:
        if self.busy:
            raise TooBusy
        self.asked.append(raw)
        await self.goes_on.wait()


async def test_a_text_is_asked_once_a_minute() -> None:
    """However often somebody wants to mail it; a minute later anew."""
    realtime, clock = RealTimes(), FakeClock()
    realtime.goes_on.set()
    asking = Refreshing(realtime, clock)  # type: ignore[arg-type]
    asking.ask(["jane@shop.example", "jane@shop.example", "john@shop.example"])
    await asking.settled()
    clock.move(59)
    asking.ask(["jane@shop.example"])
    await asking.settled()
    assert realtime.asked == ["jane@shop.example", "john@shop.example"]
    clock.move(2)
    asking.ask(["jane@shop.example"])
    await asking.settled()
    assert realtime.asked[2:] == ["jane@shop.example"]


async def test_a_busy_service_is_asked_later() -> None:
    """What had no room is not remembered as asked."""
    realtime, clock = RealTimes(), FakeClock()
    realtime.goes_on.set()
    realtime.busy = True
    asking = Refreshing(realtime, clock)  # type: ignore[arg-type]
    asking.ask(["jane@shop.example"])
    await asking.settled()
    realtime.busy = False
    asking.ask(["jane@shop.example"])
    await asking.settled()
    assert realtime.asked == ["jane@shop.example"]


async def test_what_runs_is_bounded() -> None:
    """Of thousands at once some are begun; the rest is asked when it is wanted again. Memory of them is bounded too."""
    realtime, clock = RealTimes(), FakeClock()
    asking = Refreshing(realtime, clock)  # type: ignore[arg-type]
    asking.ask([f"u{n}@shop.example" for n in range(5000)])
    await asyncio.sleep(0)
    assert len(realtime.asked) == refreshing._MOST_AT_ONCE
    realtime.goes_on.set()
    await asking.settled()
    for round_ in range(60):
        asking.ask([f"v{round_}.{n}@shop.example" for n in range(400)])
        await asking.settled()
    assert len(asking._asked) <= refreshing._MOST_REMEMBERED


class SenderRows:
    """A SenderStore in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, Sender] = {}

    async def put(self, sender: Sender) -> None:
        self.rows[sender.name] = sender

    async def senders(self) -> list[Sender]:
        return list(self.rows.values())

    async def remove(self, name: str) -> bool:
        return self.rows.pop(name, None) is not None


async def test_senders_are_known_at_once() -> None:
    """What this process changes now, what others change after a look."""
    store = SenderRows()
    book = SenderBook(store)
    await book.put(Sender("b"))
    await store.put(Sender("a"))
    assert book.sender("b") == Sender("b") and book.sender("a") is None
    await book.look()
    assert [sender.name for sender in book.senders] == ["a", "b"]
    assert [await book.remove("a"), await book.remove("a")] == [True, False]
    assert book.sender("a") is None
