"""A connection as lines and pieces, with back-pressure both ways and STARTTLS, for either side.

asyncio's streams leave the reader with the old transport after `start_tls` on a server's side; this one is told.
"""

import asyncio
import ssl
from typing import cast

_HIGH_WATER = 256 * 1024


class ChannelGone(Exception):
    """The other side has closed, or broken off."""


class Channel(asyncio.Protocol):
    """`line` and `some` read, `write` waits while the other side does not read. All raise ChannelGone at the end."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._ended = self._lost = False
        self._arrived: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._paused = False

    @property
    def ended(self) -> bool:
        """The other side will say no more."""
        return self._ended

    @property
    def is_encrypted(self) -> bool:
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is not None

    @property
    def peer(self) -> str:
        """The other side's address; empty for a path."""
        name = self.transport.get_extra_info("peername") if self.transport is not None else None
        return str(name[0]) if isinstance(name, tuple) else ""

    async def line(self, most: int) -> bytes:
        """The next line with its end. Raises ValueError where it is longer than `most`, and cannot be gone on with."""
        while (end := self._buffer.find(b"\n", 0, most)) < 0:
            if len(self._buffer) >= most:
                raise ValueError("a line that is too long")
            await self._more()
        return self._taken(end + 1)

    async def some(self) -> bytes:
        """Whatever is there, as soon as something is."""
        if not self._buffer:
            await self._more()
        return self._taken(len(self._buffer))

    def put_back(self, data: bytes) -> None:
        """Read too far."""
        self._buffer[:0] = data

    def write_now(self, data: bytes) -> None:
        """Without waiting, whatever is piled up."""
        if self.transport is None or self.transport.is_closing():
            raise ChannelGone
        self.transport.write(data)

    async def write(self, data: bytes) -> None:
        self.write_now(data)
        if self._writable is not None:
            await asyncio.shield(self._writable)
            if self._lost:
                raise ChannelGone

    async def start_tls(self, context: ssl.SSLContext, *, server_hostname: str | None = None) -> None:
        """Encrypts from now on; what was sent in clear and not yet read is forgotten. Raises ChannelGone."""
        assert self.transport is not None
        self._buffer.clear()
        loop = asyncio.get_running_loop()
        server_side = server_hostname is None
        try:
            encrypted = await loop.start_tls(
                self.transport, self, context, server_side=server_side, server_hostname=server_hostname
            )
        except (OSError, ssl.SSLError):
            raise ChannelGone from None
        if encrypted is None:  # the connection was lost meanwhile
            raise ChannelGone
        self.transport = encrypted

    def close(self) -> None:
        """What was written is still sent."""
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """At once."""
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._wake(self._arrived)
        if len(self._buffer) > _HIGH_WATER and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake(self._arrived)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = self._lost = True
        self._wake(self._arrived)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        self._wake(self._writable)
        self._writable = None

    async def _more(self) -> None:
        if self._ended:
            raise ChannelGone
        self._arrived = asyncio.get_running_loop().create_future()
        await self._arrived
        if self._ended and not self._buffer:
            raise ChannelGone

    def _taken(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        if self._paused and len(self._buffer) < _HIGH_WATER // 2 and self.transport is not None:
            self._paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()
        return taken

    @staticmethod
    def _wake(waiting: "asyncio.Future[None] | None") -> None:
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
