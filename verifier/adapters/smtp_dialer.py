"""Opens TCP connections to mail hosts, straight or through a proxy, and carries bytes both ways.

What may be contacted is asked of the guard again here, at the moment of connecting and for the very address that is
connected to, so that no name can be re-bound in between.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from hashlib import blake2b
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from python_socks import ProxyConnectionError, ProxyError
from python_socks.async_.asyncio import Proxy

from verifier.adapters.http_tunnel import TunnelRefused, open_tunnel
from verifier.ports import DialFailure

_PAUSE_READING_AT = 256 * 1024
_HTTP_PORT = 80
_LINGER = 2.0
"""Seconds that a closed connection has to send what is left (QUIT, close_notify)."""
_SOCKS_REPLIES = {3: DialFailure.UNREACHABLE, 4: DialFailure.UNREACHABLE, 5: DialFailure.REFUSED}
"""What a SOCKS5 proxy says of the target rather than of itself (RFC 1928 §6)."""


class SmtpDialer:
    """`forbidden(address)` names the reason why an address may not be contacted, or is None.

    `sources` are this host's addresses to leave by: a pacing group keeps to one of them, chosen by hash among those
    of the target's address family. With `proxy` (socks5:// or http://) the checked address itself is asked of it; who
    is silent then, the proxy or the target, cannot be told, so that is a time-out like any other. `take_turn` is
    awaited before what came is handed on: many hosts answer together.
    """

    def __init__(
        self,
        port: int,
        forbidden: Callable[[str], str | None],
        *,
        sources: Sequence[str] = (),
        proxy: str | None = None,
        take_turn: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._port = port
        self._forbidden = forbidden
        self._sources = tuple(sources)
        self._proxy = proxy
        self._take_turn = take_turn
        self._connections: set[SmtpConnection] = set()

    async def close(self) -> None:
        """Drop what still says goodbye: a TLS farewell may not outlive the event loop."""
        leaving = [connection.drop() for connection in tuple(self._connections)]
        if leaving:
            await asyncio.wait(leaving, timeout=_LINGER)

    async def dial(self, address: str, *, pin: str, timeout: float) -> "SmtpConnection | DialFailure":
        if self._forbidden(address) is not None:
            return DialFailure.FORBIDDEN
        try:
            async with asyncio.timeout(timeout):
                if self._proxy is None:
                    return await self._straight(address, pin)
                if self._proxy.startswith("http"):
                    return await self._through_http(self._proxy, address, timeout)
                return await self._through_socks(self._proxy, address, timeout)
        except (ProxyConnectionError, TunnelRefused):
            return DialFailure.PROXY
        except ProxyError as error:
            return _SOCKS_REPLIES.get(error.error_code or 0, DialFailure.PROXY)
        except TimeoutError:
            return DialFailure.TIMEOUT
        except ConnectionRefusedError:
            return DialFailure.REFUSED
        except OSError:
            return DialFailure.UNREACHABLE

    async def _straight(self, address: str, pin: str) -> "SmtpConnection":
        source = self._source_for(address, pin)
        _, connection = await asyncio.get_running_loop().create_connection(
            self._connection, address, self._port, local_addr=(source, 0) if source else None
        )
        return connection

    async def _through_http(self, proxy: str, address: str, timeout: float) -> "SmtpConnection":
        url = urlsplit(proxy)
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(self._connection, url.hostname or "", url.port or _HTTP_PORT)
        except TimeoutError:
            raise
        except OSError as error:
            raise ProxyConnectionError(str(error)) from error
        try:
            connection.data_received(await open_tunnel(connection, url, address, self._port, timeout))
        except BaseException as error:
            connection.close()
            if isinstance(error, ConnectionError):
                raise ProxyConnectionError(str(error)) from error
            raise
        return connection

    async def _through_socks(self, proxy: str, address: str, timeout: float) -> "SmtpConnection":
        try:
            sock = await Proxy.from_url(proxy).connect(dest_host=address, dest_port=self._port, timeout=timeout)
        except TimeoutError:
            raise
        except OSError as error:
            raise ProxyConnectionError(str(error)) from error
        try:
            _, connection = await asyncio.get_running_loop().create_connection(self._connection, sock=sock)
        except BaseException:
            sock.close()
            raise
        return connection

    def _connection(self) -> "SmtpConnection":
        return SmtpConnection(self._connections, self._take_turn)

    def _source_for(self, address: str, pin: str) -> str | None:
        version = ip_address(address).version
        fitting = [source for source in self._sources if ip_address(source).version == version]
        if not fitting:
            return None
        digest = blake2b(pin.encode(), digest_size=8).digest()
        return fitting[int.from_bytes(digest) % len(fitting)]


class SmtpConnection(asyncio.Protocol):
    """One open connection: the port's `Connection` over an asyncio transport; one of `open_ones` while it lives."""

    def __init__(
        self, open_ones: "set[SmtpConnection]", take_turn: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._open_ones = open_ones
        self._take_turn = take_turn
        self._transport: asyncio.Transport | None = None
        self._wire: asyncio.Transport | None = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._lost = False
        self._error: Exception | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._wire = cast(asyncio.Transport, transport)
        self._open_ones.add(self)

    def data_received(self, data: bytes) -> None:
        """Also called with what a proxy let through together with its own answer."""
        self._buffer += data
        if len(self._buffer) > _PAUSE_READING_AT and self._transport is not None and not self._paused:
            self._transport.pause_reading()
            self._paused = True
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = self._lost = True
        self._error = exc
        self._open_ones.discard(self)
        if not self._gone.done():
            self._gone.set_result(None)
        self._wake()

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self._ended:
            self._transport.write(data)

    async def receive(self, timeout: float) -> bytes:
        if not self._buffer and not self._ended:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            timer = loop.call_later(timeout, _expire, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
            if self._take_turn is not None:
                await self._take_turn()
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            if self._paused and self._transport is not None:
                self._paused = False
                self._transport.resume_reading()
            return data
        if self._error is not None:
            raise ConnectionError(str(self._error)) from self._error
        return b""

    async def start_tls(self, server_name: str, timeout: float) -> None:
        if self._transport is None or self._ended:
            raise ConnectionError("the connection closed before the TLS handshake")
        if self._buffer:
            raise ConnectionError("something was said in clear between STARTTLS and the handshake")
        try:
            async with asyncio.timeout(timeout):
                upgraded = await asyncio.get_running_loop().start_tls(
                    self._transport, self, _tls_context(), server_hostname=server_name, ssl_handshake_timeout=timeout
                )
        except TimeoutError:
            raise
        except (OSError, ValueError) as error:  # ValueError: a name that no certificate could be asked for
            raise ConnectionError(f"the TLS handshake failed: {error}") from error
        if upgraded is None:
            raise ConnectionError("the connection closed during the TLS handshake")
        self._transport = self._wire = upgraded

    def close(self) -> None:
        """Sends what is left, for at most two seconds; what the peer still says is not heard."""
        transport, self._transport = self._transport, None
        self._ended = True
        if transport is None or self._lost:
            return
        transport.close()
        asyncio.get_running_loop().call_later(_LINGER, transport.abort)

    def drop(self) -> "asyncio.Future[None]":
        """Close without a word; done once the transport is gone."""
        self._ended = True
        if self._wire is not None:
            self._wire.abort()
        return self._gone

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _expire(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


@cache
def _tls_context() -> ssl.SSLContext:
    """Opportunistic TLS (RFC 7435): any certificate, and old protocol versions too, since nothing secret is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context
