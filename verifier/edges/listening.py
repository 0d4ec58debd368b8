"""Listening at `host:port` or `unix:/path`, and connections that are bounded in number, in silence and in length."""

import asyncio
import os
import socket
import stat
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from verifier.core.faults import ServiceUnavailable
from verifier.core.setting_values import host_and_port
from verifier.edges.outgoing import Outgoing

_UNIX = "unix:"
_SWEEP_SECONDS = 1.0
_BACKLOG = 1024


class Crowd:
    """The connections of one listener, and what is on its way to them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.members: set[Connection] = set()
        self.outgoing = Outgoing()


class Connection(asyncio.Protocol):
    """One client. It is dropped when it is one too many, and when what it began lasts too long.

    `began`: when it last did something, by the loop's clock; whoever derives keeps it true.
    """

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self.transport: asyncio.Transport
        self.began = asyncio.get_running_loop().time()

    @abstractmethod
    def patience(self) -> float:
        """For how many seconds nothing need happen now."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if len(self._crowd.members) >= self._crowd.most:
            self.transport.abort()
            return
        self._crowd.members.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.members.discard(self)

    def pause_writing(self) -> None:
        """It asks and asks, and reads no answer."""
        self.transport.abort()


@asynccontextmanager
async def listening(
    place: str, setting: str, make: Callable[[Crowd], Connection], *, most: int
) -> AsyncIterator[asyncio.Server]:
    """A listener that lives as long as the context; its connections end with it.

    Raises ServiceUnavailable, which names `setting`, where the place cannot be listened at.
    """
    loop = asyncio.get_running_loop()
    crowd = Crowd(most)
    listener = bound(place, setting)
    server = await (
        loop.create_unix_server(lambda: make(crowd), sock=listener, backlog=_BACKLOG)
        if place.startswith(_UNIX)
        else loop.create_server(lambda: make(crowd), sock=listener, backlog=_BACKLOG)
    )
    sweeping = loop.create_task(_sweep(crowd))
    try:
        yield server
    finally:
        sweeping.cancel()
        server.close()
        for connection in tuple(crowd.members):
            connection.transport.close()
        _remove(place)


def bound(place: str, setting: str) -> socket.socket:
    """A socket that is bound to the place. A path that nobody answers at any more is taken over.

    Everybody on this machine may connect to a path, as to a port: the folder around it says who reaches it.
    """
    try:
        if place.startswith(_UNIX):
            path = Path(place.removeprefix(_UNIX))
            _clear(path)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(os.fspath(path))
            path.chmod(0o666)
            return listener
        host, port = host_and_port(place)
        return socket.create_server(
            (host, port or 0),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            backlog=_BACKLOG,
        )
    except OSError as error:
        raise ServiceUnavailable(
            f"{place} cannot be listened at: {error.strerror or error}. {setting} chooses another place."
        ) from None


def is_local(place: str) -> bool:
    """Only this machine reaches it, whatever DNS says: a path, `localhost`, or a loopback address."""
    if place.startswith(_UNIX):
        return True
    host = host_and_port(place)[0]
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _remove(place: str) -> None:
    if place.startswith(_UNIX):
        Path(place.removeprefix(_UNIX)).unlink(missing_ok=True)


def _clear(path: Path) -> None:
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise FileExistsError(0, "something that is no socket lies there")
    with socket.socket(socket.AF_UNIX) as probe, suppress(ConnectionRefusedError):
        probe.connect(os.fspath(path))
        raise FileExistsError(0, "another process listens there")
    path.unlink()


async def _sweep(crowd: Crowd) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        now = loop.time()
        for connection in tuple(crowd.members):
            if now - connection.began > connection.patience():
                connection.transport.abort()
