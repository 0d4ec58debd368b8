"""Opens TCP connections to mail hosts, straight or through a proxy, and carries bytes both ways.

What may be contacted is asked of the guard again here, at the moment of connecting and for the very address that is
connected to, so that no name can be re-bound in between.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from hashlib import blake2b
from ipaddress import ip_address

from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError
from python_socks.async_.asyncio import Proxy

from verifier.ports import DialFailure

_PAUSE_READING_AT = 256 * 1024


class SmtpDialer:
    """`forbidden(address)` names the reason why an address may not be contacted, or is None.

    `sources` are this host's addresses to leave by: a pacing group keeps to one of them, chosen by hash among those
    of the target's address family. With `proxy` (socks5:// or http://) the checked address itself is asked of it.
    """

    def __init__(
        self,
        port: int,
        forbidden: Callable[[str], str | None],
        *,
        sources: Sequence[str] = (),
        proxy: str | None = None,
    ) -> None:
        self._port = port
        self._forbidden = forbidden
        self._sources = tuple(sources)
        self._proxy = proxy

    async def dial(self, address: str, *, pin: str, timeout: float) -> "SmtpConnection | DialFailure":
        if self._forbidden(address) is not None:
            return DialFailure.FORBIDDEN
        try:
            async with asyncio.timeout(timeout):
                return await (self._through_proxy(address) if self._proxy else self._straight(address, pin))
        except TimeoutError:
            return DialFailure.TIMEOUT
        except (ProxyError, ProxyConnectionError, ProxyTimeoutError):
            return DialFailure.PROXY
        except ConnectionRefusedError:
            return DialFailure.REFUSED
        except OSError:
            return DialFailure.UNREACHABLE

    async def _straight(self, address: str, pin: str) -> "SmtpConnection":
        source = self._source_for(address, pin)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            SmtpConnection, address, self._port, local_addr=(source, 0) if source else None
        )
        return connection

    async def _through_proxy(self, address: str) -> "SmtpConnection | DialFailure":
        assert self._proxy is not None
        sock = await Proxy.from_url(self._proxy).connect(dest_host=address, dest_port=self._port)
        try:
            _, connection = await asyncio.get_running_loop().create_connection(SmtpConnection, sock=sock)
        except BaseException:
            sock.close()
            raise
        return connection

    def _source_for(self, address: str, pin: str) -> str | None:
        version = ip_address(address).version
        fitting = [source for source in self._sources if ip_address(source).version == version]
        if not fitting:
            return None
        digest = blake2b(pin.encode(), digest_size=8).digest()
        return fitting[int.from_bytes(digest) % len(fitting)]


class SmtpConnection(asyncio.Protocol):
    """One open connection: the port's `Connection` over an asyncio transport."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._error: Exception | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > _PAUSE_READING_AT and self._transport is not None:
            self._transport.pause_reading()
            self._paused = True
        self._wake()

    def eof_received(self) -> bool:
        self._closed = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._error = exc
        self._wake()

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self._closed:
            self._transport.write(data)

    async def receive(self, timeout: float) -> bytes:
        if not self._buffer and not self._closed:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            timer = loop.call_later(timeout, _expire, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
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
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                upgraded = await loop.start_tls(
                    self._transport,
                    self,
                    _tls_context(),
                    server_hostname=server_name or None,
                    ssl_handshake_timeout=timeout,
                )
        except (ssl.SSLError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise ConnectionError(f"the TLS handshake failed: {error}") from error
        if upgraded is None:
            raise ConnectionError("the connection closed during the TLS handshake")
        self._transport = upgraded

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _expire(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


_contexts: list[ssl.SSLContext] = []


def _tls_context() -> ssl.SSLContext:
    """Opportunistic TLS (RFC 7435): any certificate, and old protocol versions too, since nothing secret is sent."""
    if not _contexts:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _contexts.append(context)
    return _contexts[0]
