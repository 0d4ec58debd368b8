"""A DNS server on loopback that says whatever a test wants, over UDP and TCP."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.support.nsd import free_port
from verifier.core.setting_values import Nameserver

Script = Callable[[dns.message.Message, bool], list[bytes]]
"""From a query, and whether it came over TCP, to the datagrams (or messages) to send back."""


class ScriptedDns(asyncio.DatagramProtocol):
    """Keeps what it was asked: `queries`, and the client ports that they came from."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.queries: list[dns.message.Message] = []
        self.ports: set[int] = set()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.ports.add(addr[1])
        for reply in self._replies(data, tcp=False):
            assert self._transport is not None
            self._transport.sendto(reply, addr)

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        for reply in self._replies(await reader.readexactly(length), tcp=True):
            writer.write(struct.pack("!H", len(reply)) + reply)
        writer.close()

    def _replies(self, data: bytes, tcp: bool) -> list[bytes]:
        query = dns.message.from_wire(data)
        self.queries.append(query)
        return self.script(query, tcp)


@contextlib.asynccontextmanager
async def scripted_dns(script: Script) -> AsyncIterator[tuple[Nameserver, ScriptedDns]]:
    port = free_port()
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: ScriptedDns(script), ("127.0.0.1", port))
    tcp = await asyncio.start_server(server.serve_tcp, "127.0.0.1", port)
    try:
        yield Nameserver("127.0.0.1", port), server
    finally:
        transport.close()
        tcp.close()
        await tcp.wait_closed()


def reply_to(
    query: dns.message.Message, *records: str, rcode: str = "NOERROR", authority: str = ""
) -> dns.message.Message:
    """A reply with `records` ("name ttl IN type data"), each in the answer section."""
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(dns.rcode.from_text(rcode))
    for record in records:
        name, ttl, kind_class, kind, data = record.split(" ", 4)
        reply.answer.append(dns.rrset.from_text(name, int(ttl), kind_class, kind, data))
    if authority:
        name, ttl, kind_class, kind, data = authority.split(" ", 4)
        reply.authority.append(dns.rrset.from_text(name, int(ttl), kind_class, kind, data))
    return reply
