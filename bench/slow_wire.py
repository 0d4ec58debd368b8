"""A wire of a chosen length: a proxy process in front of loopback servers that delivers every byte a while later.

    python bench/slow_wire.py LISTEN-PORT SERVER-PORT ONE-WAY-SECONDS ADDRESS…

Listens at each address on one port and talks to the same address on the other. A connection's handshake costs what it
would cost (a round trip and a half until the server accepts); order is kept, bandwidth is not limited.
"""

import asyncio
import sys
from collections.abc import Iterable
from functools import partial
from typing import cast

import uvloop


class Delayed(asyncio.Protocol):
    """One side of a connection: what comes in leaves on the other side `delay` seconds later."""

    def __init__(self, delay: float, other: "Delayed | None" = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._delay = delay
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes | None] = []
        self.other = other

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        early, self._early = self._early, []
        for data in early:
            self.deliver(data)

    def data_received(self, data: bytes) -> None:
        self._pass_on(data)

    def eof_received(self) -> bool:
        self._pass_on(None)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._pass_on(None)

    def deliver(self, data: bytes | None) -> None:
        """Write to this side; None is the end."""
        if self._transport is None:
            self._early.append(data)
        elif data is None:
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write(data)

    def _pass_on(self, data: bytes | None) -> None:
        if self.other is not None:
            self._loop.call_later(self._delay, self.other.deliver, data)


class Entrance(Delayed):
    """The client's side: the server hears of the connection a round trip and a half later."""

    def __init__(self, delay: float, address: str, port: int) -> None:
        super().__init__(delay)
        self.other = Delayed(delay, self)
        self._handshake = partial(self._loop.create_connection, lambda: self.other, address, port)
        self._task: asyncio.Task[object] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._task = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        await asyncio.sleep(3 * self._delay)
        try:
            await self._handshake()
        except OSError:
            self.deliver(None)


async def serve(listen: int, server: int, delay: float, addresses: Iterable[str]) -> None:
    """Until stdin ends."""
    loop = asyncio.get_running_loop()
    for address in addresses:
        await loop.create_server(partial(Entrance, delay, address, server), address, listen)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
