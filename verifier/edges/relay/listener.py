"""relay_listening(…): the relay's sessions, from the first connection to the end of the last message."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from verifier.core.faults import ConfigError
from verifier.edges.listening import bound
from verifier.edges.relay.channel import Channel
from verifier.edges.relay.session import Relaying, RelaySession

MOST_CONNECTIONS = 500
DRAIN_SECONDS = 5.0
_BACKLOG = 1024


class _Clients:
    """Everybody who is connected."""

    def __init__(self, relaying: Relaying, report_fault: Callable[[BaseException], None]) -> None:
        self._relaying = relaying
        self._report_fault = report_fault
        self._sessions: dict[asyncio.Task[None], RelaySession] = {}

    def connected(self) -> "_ClientChannel":
        return _ClientChannel(self)

    def begin(self, channel: Channel) -> None:
        if len(self._sessions) >= MOST_CONNECTIONS:
            channel.write_now(b"421 4.3.2 too many connections, try again later\r\n")
            channel.close()
            return
        session = RelaySession(channel, self._relaying)
        task = asyncio.get_running_loop().create_task(session.run())
        self._sessions[task] = session
        task.add_done_callback(self._ended)

    async def end(self) -> None:
        """Whoever is not sending hears 421 now; a message that is on its way has some seconds."""
        for task, session in tuple(self._sessions.items()):
            session.ending = True
            if not session.in_message:
                task.cancel()
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=DRAIN_SECONDS)
        left = tuple(self._sessions)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._sessions[task]
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            self._report_fault(fault)


class _ClientChannel(Channel):
    """A channel that becomes a session when it is there."""

    def __init__(self, clients: _Clients) -> None:
        super().__init__()
        self._clients = clients

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        begun = self.transport is not None  # STARTTLS tells it once more
        super().connection_made(transport)
        if not begun:
            self._clients.begin(self)


@asynccontextmanager
async def relay_listening(
    place: str, setting: str, relaying: Relaying, *, report_fault: Callable[[BaseException], None]
) -> AsyncIterator[None]:
    """The relay, as long as the context lives. Raises ServiceUnavailable where the place cannot be listened at."""
    loop = asyncio.get_running_loop()
    clients = _Clients(relaying, report_fault)
    listener = bound(place, setting)
    server = await (
        loop.create_unix_server(clients.connected, sock=listener, backlog=_BACKLOG)
        if place.startswith("unix:")
        else loop.create_server(clients.connected, sock=listener, backlog=_BACKLOG)
    )
    try:
        yield
    finally:
        server.close()
        await clients.end()


def server_tls(certificate: Path) -> ssl.SSLContext:
    """TLS with the chain and the key in one PEM file. Raises ConfigError where that cannot be used."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"VERIFIER_RELAY_CERTIFICATE: {certificate} cannot be used ({error.strerror or error}): it is one PEM file"
            " with the certificate, its chain and the key."
        ) from None
    return context
