"""The wires to one name server: UDP sockets with random ports and ids, TCP for what does not fit (RFC 1035, 5452).

A channel's socket is connected, so the kernel drops replies from any other address; a reply with another id or another
question is ignored, and the right one still waited for.
"""

import asyncio
import struct
from hashlib import shake_128
from typing import cast

from verifier.adapters.dns_wire import answers_question, query
from verifier.core.setting_values import Nameserver
from verifier.ports import Clock

_SOCKETS = 8
_QUERIES_A_SOCKET = 4096


class Chance:
    """Unguessable 16-bit numbers, cheaply: a keyed stream over one token of the clock's."""

    def __init__(self, clock: Clock) -> None:
        self._key = clock.token(32).encode("ascii")
        self._blocks = 0
        self._numbers: list[int] = []

    def number(self) -> int:
        if not self._numbers:
            self._blocks += 1
            block = shake_128(self._key + self._blocks.to_bytes(8, "big")).digest(1024)
            self._numbers.extend(struct.unpack("!512H", block))
        return self._numbers.pop()


class UdpChannel(asyncio.DatagramProtocol):
    """One UDP socket with one random source port, and the questions that wait on it."""

    def __init__(self) -> None:
        self.asked = 0
        self._retired = False
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[int, tuple[bytes, asyncio.Future[bytes]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        waiting = self._waiting.get(int.from_bytes(data[:2], "big"))
        if waiting is not None and not waiting[1].done() and answers_question(data, waiting[0]):
            waiting[1].set_result(data)

    def error_received(self, error: Exception) -> None:
        self._fail(error)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(error or ConnectionAbortedError("the resolver was closed"))

    async def ask(self, question: bytes, edns: bool, chance: Chance, timeout: float) -> bytes:
        """The reply's bytes. Raises TimeoutError, or OSError where the network said that nobody is there."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionAbortedError("the resolver was closed")
        message_id = chance.number()
        while message_id in self._waiting:
            message_id = chance.number()
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[bytes] = loop.create_future()
        self._waiting[message_id] = (question, reply)
        self.asked += 1
        timer = loop.call_later(timeout, _time_out, reply)
        try:
            self._transport.sendto(query(message_id, question, edns))
            return await reply
        finally:
            timer.cancel()
            del self._waiting[message_id]
            if self._retired and not self._waiting:
                self.close()

    def retire(self) -> None:
        """Closes once nothing waits."""
        self._retired = True
        if not self._waiting:
            self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _fail(self, error: Exception) -> None:
        for _, reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(error)


class ServerWires:
    """All channels to one name server: several source ports, each replaced after some thousand questions."""

    def __init__(self, server: Nameserver, chance: Chance) -> None:
        self.server = server
        self._chance = chance
        self._channels: list[UdpChannel] = []
        self._opening = asyncio.Lock()
        self._closed = False

    async def ask_udp(self, question: bytes, edns: bool, timeout: float) -> bytes:
        """As `UdpChannel.ask`."""
        channel = await self._channel()
        return await channel.ask(question, edns, self._chance, timeout)

    async def ask_tcp(self, question: bytes, edns: bool, timeout: float) -> bytes:
        """The reply's bytes over a connection of its own. Raises TimeoutError or OSError."""
        message_id = self._chance.number()
        message = query(message_id, question, edns)
        try:
            async with asyncio.timeout(timeout):
                reader, writer = await asyncio.open_connection(self.server.host, self.server.port)
                try:
                    writer.write(struct.pack("!H", len(message)) + message)
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    reply = await reader.readexactly(length)
                finally:
                    writer.close()
        except EOFError as error:
            raise ConnectionResetError("the name server hung up") from error
        if int.from_bytes(reply[:2], "big") != message_id or not answers_question(reply, question):
            raise ConnectionAbortedError("a reply to another question")
        return reply

    def close(self) -> None:
        self._closed = True
        for channel in self._channels:
            channel.close()
        self._channels.clear()

    async def _channel(self) -> UdpChannel:
        if len(self._channels) < _SOCKETS:
            async with self._opening:
                while len(self._channels) < _SOCKETS:
                    self._channels.append(await self._open())
        place = self._chance.number() % _SOCKETS
        channel = self._channels[place]
        if channel.asked >= _QUERIES_A_SOCKET:
            channel.asked = 0
            fresh = await self._open()
            if place < len(self._channels):
                self._channels[place] = fresh
            channel.retire()
            return fresh
        return channel

    async def _open(self) -> UdpChannel:
        if self._closed:
            raise ConnectionAbortedError("the resolver was closed")
        _, channel = await asyncio.get_running_loop().create_datagram_endpoint(
            UdpChannel, remote_addr=(self.server.host, self.server.port)
        )
        return channel


def _time_out(reply: asyncio.Future[bytes]) -> None:
    if not reply.done():
        reply.set_exception(TimeoutError())
