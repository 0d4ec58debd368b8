"""Every TCP connection that this process begins, seen where it is begun; none that leads off this machine is made."""

import contextlib
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from unittest.mock import patch


@contextlib.contextmanager
def watched_connections() -> Iterator[list[str]]:
    """The addresses connected to, in order, while the context lasts."""
    begun: list[str] = []
    connect = socket.socket.connect

    def watched(sock: socket.socket, address: Any) -> None:
        if sock.type == socket.SOCK_STREAM and sock.family in (socket.AF_INET, socket.AF_INET6):
            begun.append(address[0])
            if not ip_address(address[0].partition("%")[0]).is_loopback:
                raise OSError("a test leaves this machine")
        connect(sock, address)

    with patch.object(socket.socket, "connect", watched):
        yield begun
