"""The wire under the hosts' sessions: octets, delays and TLS. What is said is `smtp_session`'s affair.

A reply leaves a round trip after its command came, however many commands came with it: the round trip delays a
pipelined group, it does not serialise it. What a host sleeps over does.
"""

import asyncio
import os
import socket
import ssl
import struct
from collections import deque
from pathlib import Path
from typing import NamedTuple, cast

from verifier.world.smtp_session import After, Machine, Session, Turn

_LINE_MAX = 4096
_HANDSHAKE_SECONDS = 10.0


class _Due(NamedTuple):
    at: float
    octets: bytes
    after: After


def server_tls() -> ssl.SSLContext:
    """TLS with the world's own certificate, which nobody has a reason to trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("certificate.pem"))
    return context


class HostProtocol(asyncio.Protocol):
    """One connection to one machine. `tls` None: every handshake fails."""

    def __init__(self, machine: Machine, tls: ssl.SSLContext | None, open_connections: set["HostProtocol"]) -> None:
        self._machine = machine
        self._tls = tls
        self._all = open_connections
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._queue: deque[_Due] = deque()
        self._busy_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._upgrade: asyncio.Task[None] | None = None
        self._deaf = False
        self._greeted = False
        self._early = False
        self._ahead = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._all.add(self)
        now = self._loop.time()
        number = self._machine.log.opened(now)
        peer = transport.get_extra_info("peername") or ("unknown", 0)
        self._session = Session(self._machine, number, peer[0])
        greeting = self._session.greet(self._machine.log.sessions)
        self._machine.log.heard(now, number, "", greeting.text)
        self._busy_until = now + self._machine.world.rtt  # the handshake's round trip, which loopback does not take
        self._schedule(greeting, now)
        self._pump()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self in self._all:
            self._all.discard(self)
            self._machine.log.closed(self._session.rejects)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._upgrade is not None and not self._upgrade.done():
            self._buffer += data
            return
        self._hear(data)

    def eof_received(self) -> bool:
        return bool(self._queue) and not self._session.tls  # TLS has no half-closed state

    def abort(self) -> None:
        """Ends the connection at once, without a word."""
        self._transport.abort()

    def _hear(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > _LINE_MAX:
            lines, self._buffer = [*lines, self._buffer], b""
        now = self._loop.time()
        for place, line in enumerate(lines, 1):
            followed = place < len(lines) or bool(self._buffer)
            if self._take(line.rstrip(b"\r").decode("utf-8", "replace"), now, followed=followed):
                break
        self._pump()

    def _take(self, line: str, now: float, *, followed: bool) -> bool:
        """Answers one line; True when the host listens no further."""
        early = not self._greeted
        self._note_manners(early, followed)
        turn = self._session.command(line, now, early=early, followed=followed)
        self._machine.log.heard(now, self._session.number, line, turn.text)
        self._schedule(turn, now)
        if turn.after is After.READ:
            return False
        self._buffer = b""
        self._deaf = turn.after is not After.TLS
        return True

    def _note_manners(self, early: bool, followed: bool) -> None:
        seen = self._machine.log.summary
        if early and not self._early:
            self._early = True
            seen.early += 1
        if followed and not self._ahead and "PIPELINING" not in self._machine.kind.ehlo:
            self._ahead = True
            seen.unasked_pipelining += 1

    def _schedule(self, turn: Turn, now: float) -> None:
        self._busy_until = max(self._busy_until, now) + turn.wait
        octets = turn.text.encode() + b"\r\n" if turn.text else b""
        at = self._busy_until + self._machine.world.rtt
        if turn.after is After.SILENCE:
            at += self._machine.world.hang
        self._queue.append(_Due(at, octets, turn.after))

    def _pump(self) -> None:
        """Sends what is due, and comes back when the next reply is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._loop.time()
        out: list[bytes] = []
        after = After.READ
        while self._queue and self._queue[0].at <= now and after is After.READ:
            due = self._queue.popleft()
            out.append(due.octets)
            after = due.after
        if self._transport.is_closing():
            return
        if out:
            self._greeted = True
            self._transport.write(b"".join(out))
        if after is not After.READ:
            self._finish(after)
        elif self._queue:
            self._timer = self._loop.call_at(self._queue[0].at, self._pump)

    def _finish(self, after: After) -> None:
        match after:
            case After.TLS:
                self._transport.pause_reading()
                self._upgrade = self._loop.create_task(self._start_tls())
            case After.RESET:
                self._machine.log.summary.hung_up += 1
                _reset_on_close(self._transport)
                self._transport.abort()
            case _:
                self._machine.log.summary.hung_up += 1
                self._transport.close()

    async def _start_tls(self) -> None:
        if self._tls is None:
            self._transport.write(b"454 4.7.0 TLS not available: no certificate\r\n")
            self._transport.close()
            return
        try:
            secured = await self._loop.start_tls(
                self._transport, self, self._tls, server_side=True, ssl_handshake_timeout=_HANDSHAKE_SECONDS
            )
        except (ssl.SSLError, ConnectionError, TimeoutError):
            self._transport.abort()
            return
        if secured is None:
            return
        self._transport = secured
        self._session.tls = True
        data, self._buffer = self._buffer, b""
        self._upgrade = None
        if data:
            self._hear(data)


def _reset_on_close(transport: asyncio.Transport) -> None:
    """Makes the close a RST, as a crashed host or a firewall sends it."""
    wire: socket.socket = transport.get_extra_info("socket")
    with socket.socket(fileno=os.dup(wire.fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
