"""The gate's listeners around a scripted gate, and what a client says to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.clock import FakeClock
from tests.support.nsd import free_port
from tests.support.scripted_gate import ScriptedGate
from verifier.edges.gatekeeping import Gatekeeper, Note
from verifier.edges.line_connection import LineConnection
from verifier.edges.listening import listening
from verifier.edges.postfix.connection import PostfixConnection


@dataclass
class Post:
    """A gatekeeper at work, with what it noted and what it blamed us for."""

    enforce: bool = True
    gate: ScriptedGate = field(default_factory=ScriptedGate)
    clock: FakeClock = field(default_factory=FakeClock)
    notes: list[Note] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)

    def keeper(self) -> Gatekeeper:
        return Gatekeeper(
            self.gate,
            self.clock,
            enforce=self.enforce,
            note=self.notes.append,
            warn=self.warnings.append,
            report_fault=self.faults.append,
        )

    @asynccontextmanager
    async def policy(self, place: str = "", most: int = 100) -> AsyncIterator[int]:
        """The policy listener; its port (0 at a path)."""
        keeper, place = self.keeper(), place or f"127.0.0.1:{free_port()}"
        async with listening(place, "X", lambda crowd: PostfixConnection(crowd, keeper), most=most) as server:
            yield _port(server)

    @asynccontextmanager
    async def line(self, port: int = 0) -> AsyncIterator[int]:
        """The one-shot line's listener; its port."""
        keeper, place = self.keeper(), f"127.0.0.1:{port or free_port()}"
        async with listening(place, "X", lambda crowd: LineConnection(crowd, keeper), most=100) as server:
            yield _port(server)


def policy_request(recipient: str, context: str = "", **more: str) -> bytes:
    """A request as Postfix writes it, at RCPT."""
    attributes = {
        "request": "smtpd_access_policy",
        "protocol_state": "RCPT",
        "sender": "news@shop.example",
        "recipient": recipient,
        "policy_context": context,
        **more,
    }
    return "".join(f"{name}={value}\n" for name, value in attributes.items()).encode() + b"\n"


async def say(port: int, data: bytes) -> bytes:
    """Everything that is answered to one client who says this and then no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def _port(server: asyncio.Server) -> int:
    name = server.sockets[0].getsockname()
    return name[1] if isinstance(name, tuple) else 0
