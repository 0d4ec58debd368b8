"""Mail hosts on loopback that say whatever bytes a test wants, whenever it wants; and what they saw.

All listen on one port, each at an address of its own.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

GREETING = b"220 mx.example ESMTP\r\n"
OFFERS = b"250-mx.example\r\n250 PIPELINING\r\n"
UNKNOWN_USER = b"550 5.1.1 <x@y.example>: User unknown\r\n"
_VERBS = ("EHLO", "HELO", "STARTTLS", "RSET", "MAIL", "RCPT", "QUIT")


class Gone(Exception):
    """The client has left, or the host has had enough."""


class Peer:
    """One connection as the host sees it. `commands` are those heard so far, without their line ends."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.commands: list[str] = []

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> str:
        """The next command; raises Gone where none comes any more."""
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise Gone
        self.commands.append(line.decode("utf-8").rstrip("\r\n"))
        return self.commands[-1]

    async def hang(self) -> None:
        """Listen until the client leaves, and say nothing."""
        while await self.reader.read(65536):
            pass
        raise Gone

    async def dribble(self, octet: bytes = b"2", every: float = 0.02) -> None:
        """One octet at a time, for ever."""
        while True:
            await self.say(octet)
            await asyncio.sleep(every)

    async def reset(self) -> None:
        """RST instead of FIN."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        raise Gone


Act = bytes | Callable[[Peer], Awaitable[None]]
Behave = Callable[[Peer], Awaitable[None]]


async def hang(peer: Peer) -> None:
    await peer.hang()


async def close(_: Peer) -> None:
    raise Gone


async def reset(peer: Peer) -> None:
    await peer.reset()


async def dribble(peer: Peer) -> None:
    await peer.dribble()


def host(known: Callable[[str], bool] = lambda _: True, **acts: Act) -> Behave:
    """A host that is like any other but where `acts` says otherwise, by verb in lower case; `banner` is its greeting.

    It knows the mailboxes of which `known` holds, by local part.
    """

    async def behave(peer: Peer) -> None:
        await _act(peer, acts.get("banner", GREETING))
        while True:
            command = await peer.hear()
            verb = command.partition(" ")[0].upper()
            if verb not in _VERBS:
                raise AssertionError(f"a probe never says {command!r}")
            if verb == "QUIT":
                await peer.say(b"221 2.0.0 bye\r\n")
                raise Gone
            if verb == "EHLO":
                await _act(peer, acts.get("ehlo", OFFERS))
            elif verb == "RCPT":
                name = command.partition("<")[2].partition("@")[0]
                await _act(peer, acts.get("rcpt", b"250 2.1.5 OK\r\n") if known(name) else UNKNOWN_USER)
            else:
                await _act(peer, acts.get(verb.lower(), b"250 2.0.0 OK\r\n"))

    return behave


async def _act(peer: Peer, act: Act) -> None:
    if isinstance(act, bytes):
        await peer.say(act)
    else:
        await act(peer)


class RawHosts:
    """The hosts that listen; `visits` are the connections that each address saw, `port` is theirs all."""

    def __init__(self) -> None:
        self.port = 0
        self.visits: dict[str, list[Peer]] = {}
        self.faults: list[BaseException] = []
        self._open: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []

    async def listen(self, address: str, behave: Behave) -> None:
        visits = self.visits.setdefault(address, [])

        async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._open.add(task)
            peer = Peer(reader, writer)
            visits.append(peer)
            try:
                await behave(peer)
            except (Gone, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            except Exception as fault:  # noqa: BLE001 - whatever a script trips over is looked at by the test
                self.faults.append(fault)
            finally:
                self._open.discard(task)
                writer.close()

        server = await asyncio.start_server(met, address, self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def raw_hosts(behaviour: Mapping[str, Behave]) -> AsyncIterator[RawHosts]:
    """Hosts by address."""
    hosts = RawHosts()
    try:
        for address, behave in behaviour.items():
            await hosts.listen(address, behave)
        yield hosts
    finally:
        await hosts.close()
