"""The world's name server: authoritative for everything, on one loopback port, UDP and TCP (RFC 1035 §4.2)."""

import asyncio
import socket
from collections import Counter

from verifier.world.dns_wire import TYPE_NAMES, Body, answer, parse
from verifier.world.world import World

_AT_ONCE = 128
_REMEMBERED = 100_000


class NameServer:
    """Answers on `address` (host, port) between `open` and `close`.

    `asked` counts the questions by (name, type), for those who judge how kind a resolver is.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._bodies: dict[tuple[str, int], Body] = {}
        self._stream_server: asyncio.Server | None = None
        self._socket: socket.socket | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self.asked: Counter[tuple[str, str]] = Counter()
        self.address = ("127.0.0.1", 0)

    async def open(self, port: int) -> None:
        """Binds the port for UDP and TCP; 0 takes one that is free for both. Raises OSError where it is taken."""
        for _ in range(16):
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                datagrams.bind(("127.0.0.1", port))
                self._stream_server = await asyncio.start_server(self._converse, *datagrams.getsockname())
                break
            except OSError:
                datagrams.close()
                if port:
                    raise
        else:
            raise OSError("no port is free for both UDP and TCP")
        datagrams.setblocking(False)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        self._socket = datagrams
        self.address = datagrams.getsockname()
        asyncio.get_running_loop().add_reader(datagrams.fileno(), self._on_datagrams, datagrams)

    async def close(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
        if self._stream_server is not None:
            self._stream_server.close()
        for conversation in tuple(self._conversations):
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def _on_datagrams(self, datagrams: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                message, peer = datagrams.recvfrom(4096)
                reply = self._answer(message, datagram=True)
                if reply is not None:
                    datagrams.sendto(reply, peer)
            except (BlockingIOError, ConnectionError):
                return

    def _answer(self, message: bytes, *, datagram: bool) -> bytes | None:
        if len(self._bodies) >= _REMEMBERED:
            self._bodies.clear()
        question = parse(message)
        if question is not None:
            if len(self.asked) >= _REMEMBERED:
                self.asked.clear()
            self.asked[question.name, TYPE_NAMES.get(question.rtype, str(question.rtype))] += 1
        return answer(self._world, message, question, datagram=datagram, bodies=self._bodies)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                reply = self._answer(await reader.readexactly(size), datagram=False)
                if reply is not None:
                    writer.write(len(reply).to_bytes(2, "big") + reply)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return  # the asker has gone, or the world ends: nobody waits for this task
        finally:
            self._conversations.discard(task)
            writer.close()
