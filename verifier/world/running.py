"""A world that runs: its hosts and its name server on loopback, and the settings that lead a verifier there."""

import asyncio
import resource
import socket
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from verifier.world.dns_server import NameServer
from verifier.world.geography import Host
from verifier.world.host_kind import HostKind, Tls
from verifier.world.log import WorldLog
from verifier.world.smtp_server import HostProtocol, server_tls
from verifier.world.smtp_session import Machine
from verifier.world.truth import Egress
from verifier.world.world import World
from verifier.world.zone import IDENTITY

_SHARED = "127.0.0.1"
_BACKLOG = 512


class RunningWorld:
    """`async with world.serve() as running`: everything listens inside the block, and nothing is left after it.

    Each host has a listening socket of its own, bound to its own loopback address, so nothing listens off loopback
    and an address that no host has refuses. Raises OSError where a port is taken.
    """

    def __init__(
        self,
        world: World,
        *,
        port: int,
        dns_port: int,
        log_file: str | None,
        shared_address: bool,
        kinds: Sequence[str] | None,
    ) -> None:
        self.world = world
        self.port = port
        self.log = WorldLog()
        self.name_server = NameServer(world)
        self.port_map: dict[str, int] = {}
        self._dns_port = dns_port
        self._log_file = log_file
        self._shared = shared_address
        self._kinds = None if kinds is None else frozenset(kinds)
        self._sink: IO[bytes] | None = None
        self._servers: list[asyncio.Server] = []
        self._fillers: list[socket.socket] = []
        self._connections: set[HostProtocol] = set()
        self._tls = server_tls()

    @property
    def environment(self) -> dict[str, str]:
        """The settings with which a verifier lives in this world."""
        delay = self.world.grey_delay
        delays = ",".join(f"{max(1, round(delay * factor + 0.5))}s" for factor in (1.2, 2.5, 5, 10))
        host, port = self.name_server.address
        return {
            "VERIFIER_DNS_NAMESERVERS": f"{host}:{port}",
            "VERIFIER_SMTP_PORT": str(self.port),
            "VERIFIER_SMTP_ALLOW_NETWORKS": "127.0.0.0/8",
            "VERIFIER_SMTP_HELO": IDENTITY,
            "VERIFIER_SMTP_MAIL_FROM": f"probe@{IDENTITY}",
            "VERIFIER_SMTP_GREYLIST_DELAYS": delays,
        }

    async def __aenter__(self) -> "RunningWorld":
        _allow_many_files()
        if self._log_file is not None:
            self._sink = Path(self._log_file).open("ab")  # noqa: SIM115, ASYNC230 - closed with the world
            self.log = WorldLog(self._sink)
        try:
            await self.name_server.open(self._dns_port)
            for host, kind in self.world.machines():
                await self._open_host(host, kind)
        except OSError:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _open_host(self, host: Host, kind: HostKind) -> None:
        if not kind.listens and self.world.egress is Egress.OPEN:
            return
        if self._kinds is not None and host.kind not in self._kinds:
            return
        hangs = kind.hangs or self.world.egress is Egress.BLOCKED
        listener = self._listener(host.address, 0 if hangs else _BACKLOG)
        if hangs:
            self._fillers.extend((listener, *_fill_backlog(listener)))
            return
        machine = Machine(self.world, host, kind, self.log.host(host.address, kind.name))
        tls = None if kind.tls is Tls.BROKEN else self._tls
        server = await asyncio.get_running_loop().create_server(
            lambda: HostProtocol(machine, tls, self._connections), sock=listener, backlog=_BACKLOG
        )
        self._servers.append(server)

    def _listener(self, address: str, backlog: int) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((_SHARED, 0) if self._shared else (address, self.port))
            listener.listen(backlog)
        except OSError:
            listener.close()
            raise
        listener.setblocking(False)
        taken = listener.getsockname()[1]
        self.port_map[address] = taken
        if not self._shared:
            self.port = taken
        return listener

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections):
            connection.abort()
        for filler in self._fillers:
            filler.close()
        await self.name_server.close()
        await asyncio.sleep(0)  # the aborted connections' callbacks
        if self._sink is not None:
            self._sink.close()


def _fill_backlog(listener: socket.socket) -> list[socket.socket]:
    """Takes every place in a listener's queue, so that further SYNs are lost: how a dropping firewall looks."""
    fillers = []
    for _ in range(2):
        filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    return fillers


def _allow_many_files() -> None:
    """A socket for every host and every connection: as many as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
