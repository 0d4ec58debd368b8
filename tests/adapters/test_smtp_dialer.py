"""The dialer, over real sockets on loopback: what it connects to, what it says of failures, and what it bounds."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from verifier.adapters.smtp_dialer import SmtpConnection, SmtpDialer
from verifier.ports import DialFailure

CERTIFICATE = Path(__file__).parent.parent.parent / "verifier" / "world" / "certificate.pem"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PATIENCE = 5.0


class Server:
    """A server on a loopback address, and who came."""

    def __init__(self) -> None:
        self.port = 0
        self.peers: list[str] = []
        self.written = 0


@asynccontextmanager
async def serving(serve: Serve, address: str = "127.0.0.1") -> AsyncIterator[Server]:
    server = Server()
    open_now: set[asyncio.Task[None]] = set()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        server.peers.append(writer.get_extra_info("peername")[0])
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        else:
            writer.close()
        open_now.discard(task)

    listener = await asyncio.start_server(met, address, 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)
        await asyncio.sleep(0.01)


def anything(_: str) -> None:
    return None


def dialer(port: int, **options: object) -> SmtpDialer:
    return SmtpDialer(port, anything, **options)  # type: ignore[arg-type]


async def connected(dialer: SmtpDialer, address: str = "127.0.0.1", pin: str = "group") -> SmtpConnection:
    connection = await dialer.dial(address, pin=pin, timeout=PATIENCE)
    assert isinstance(connection, SmtpConnection), connection
    return connection


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mx.example ESMTP\r\n")
    while line := await reader.readline():
        writer.write(b"250 " + line)


async def stay_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_bytes_go_both_ways() -> None:
    """What is sent arrives, and what comes is received as it came."""
    async with serving(greet) as server:
        connection = await connected(dialer(server.port))
        assert await connection.receive(PATIENCE) == b"220 mx.example ESMTP\r\n"
        connection.send(b"EHLO probe.example.org\r\n")
        assert await connection.receive(PATIENCE) == b"250 EHLO probe.example.org\r\n"
        connection.close()


async def test_nobody_listens() -> None:
    """A refused connection is a value, not an exception."""
    async with serving(greet) as server:
        port = server.port
    assert await dialer(port).dial("127.0.0.1", pin="group", timeout=PATIENCE) is DialFailure.REFUSED


async def test_nowhere_to_go() -> None:
    """An address that no route leads to, or that no source address fits, is unreachable."""
    unroutable = dialer(25, sources=["192.0.2.77"])
    assert await unroutable.dial("127.0.0.1", pin="group", timeout=PATIENCE) is DialFailure.UNREACHABLE


async def test_nothing_answers() -> None:
    """A connection that does not come about in time is a time-out. The backlog of a listener that accepts nobody is
    full, so that the kernel drops what else comes."""
    loop = asyncio.get_running_loop()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(("127.0.0.1", port))
        started = loop.time()
        assert await dialer(port).dial("127.0.0.1", pin="group", timeout=0.2) is DialFailure.TIMEOUT
        assert loop.time() - started < 1.0
        for filler in fillers:
            filler.close()


async def test_a_forbidden_address_is_never_contacted() -> None:
    """The guard is asked about the very address that would be connected to, and its word is final."""
    asked: list[str] = []

    def forbidden(address: str) -> str | None:
        asked.append(address)
        return "loopback"

    async with serving(greet) as server:
        guarded = SmtpDialer(server.port, forbidden)
        assert await guarded.dial("127.0.0.1", pin="group", timeout=PATIENCE) is DialFailure.FORBIDDEN
        await asyncio.sleep(0.05)
        assert server.peers == []
    assert asked == ["127.0.0.1"]


async def test_silence_is_a_timeout() -> None:
    """`receive` waits no longer than it may, and can be asked again."""
    async with serving(stay_silent) as server:
        connection = await connected(dialer(server.port))
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await connection.receive(0.02)
        connection.close()


async def test_the_peer_closes() -> None:
    """What was said before the end is received first, then b"" for ever; sending into the void is no error."""

    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 no\r\n")

    async with serving(leave) as server:
        connection = await connected(dialer(server.port))
        received = await connection.receive(PATIENCE)
        assert [received, await connection.receive(PATIENCE), await connection.receive(PATIENCE)] == [
            b"554 no\r\n",
            b"",
            b"",
        ]
        connection.send(b"QUIT\r\n")
        connection.close()
        connection.close()


async def test_the_peer_resets() -> None:
    """A connection that breaks says so."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with serving(reset) as server:
        connection = await connected(dialer(server.port))
        connection.send(b"EHLO x\r\nunread\r\n")
        with pytest.raises(ConnectionError):
            await connection.receive(PATIENCE)
        connection.close()


async def test_a_flood_is_bounded() -> None:
    """A host that pours out megabytes is not read any further than a little beyond what is held."""
    poured = 8 * 1024 * 1024
    written = asyncio.Event()

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(poured // 65536):
            writer.write(b"220-" + b"x" * 65530 + b"\r\n")
            await writer.drain()
        written.set()

    async with serving(flood) as server:
        connection = await connected(dialer(server.port))
        await asyncio.sleep(0.2)
        held = await connection.receive(PATIENCE)
        assert 0 < len(held) < 1024 * 1024
        assert not written.is_set()
        received = len(held)
        while data := await connection.receive(PATIENCE):
            received += len(data)
        assert received == poured
        connection.close()


async def test_quit_is_written_before_the_end() -> None:
    """`close` loses nothing of what was sent, and waits for nobody."""
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        heard.set_result(await reader.read())

    async with serving(listen) as server:
        connection = await connected(dialer(server.port))
        connection.send(b"QUIT\r\n")
        connection.close()
        assert await asyncio.wait_for(heard, PATIENCE) == b"QUIT\r\n"
        connection.send(b"more\r\n")


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.mark.parametrize("server_name", ["mx.example", "_weird-.example"])
async def test_tls_with_any_certificate(server_name: str) -> None:
    """The handshake takes a certificate that nobody vouches for, and the conversation goes on inside."""

    async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 go ahead\r\n")
        await writer.start_tls(server_tls())
        writer.write(b"250 " + await reader.readline())

    async with serving(upgrade) as server:
        connection = await connected(dialer(server.port))
        connection.send(b"STARTTLS\r\n")
        assert await connection.receive(PATIENCE) == b"220 go ahead\r\n"
        await connection.start_tls(server_name, PATIENCE)
        connection.send(b"EHLO inside\r\n")
        assert await connection.receive(PATIENCE) == b"250 EHLO inside\r\n"
        connection.close()


async def test_closing_drops_what_still_says_goodbye() -> None:
    """A peer that never answers a TLS farewell leaves nothing behind once the dialer is closed."""
    closed = asyncio.Event()

    async def never_says_goodbye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.start_tls(server_tls())
        await closed.wait()
        writer.transport.abort()

    async with serving(never_says_goodbye) as server:
        opening = dialer(server.port)
        connection = await connected(opening)
        await connection.start_tls("mx.example", PATIENCE)
        connection.close()
        before = asyncio.get_running_loop().time()
        await opening.close()
        assert connection.drop().done()
        assert asyncio.get_running_loop().time() - before < 1.0
        closed.set()


async def test_tls_that_fails() -> None:
    """A peer that speaks no TLS is a ConnectionError."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"500 what?\r\n")
        await reader.read()

    async with serving(babble) as server:
        connection = await connected(dialer(server.port))
        with pytest.raises(ConnectionError, match="handshake"):
            await connection.start_tls("mx.example", PATIENCE)
        connection.close()


async def test_tls_that_hangs() -> None:
    """A handshake that nobody answers is a TimeoutError in time."""
    async with serving(stay_silent) as server:
        connection = await connected(dialer(server.port))
        with pytest.raises((TimeoutError, ConnectionError)):
            await asyncio.wait_for(connection.start_tls("mx.example", 0.05), 1.0)
        connection.close()


async def test_tls_with_a_name_that_cannot_be_asked_for() -> None:
    """A host name that no SNI can carry is a failed handshake, not a fault of ours."""
    async with serving(stay_silent) as server:
        connection = await connected(dialer(server.port))
        with pytest.raises(ConnectionError):
            await connection.start_tls(".example", PATIENCE)
        connection.close()


async def test_nothing_in_clear_behind_starttls() -> None:
    """What is said in clear after STARTTLS could come from anybody: no handshake follows (RFC 3207 §5)."""

    async def inject(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"250 injected\r\n")
        await reader.read()

    async with serving(inject) as server:
        connection = await connected(dialer(server.port))
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionError, match="in clear"):
            await connection.start_tls("mx.example", PATIENCE)
        connection.close()


async def test_tls_after_the_end() -> None:
    """A connection that is gone can't be encrypted."""

    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pass

    async with serving(leave) as server:
        connection = await connected(dialer(server.port))
        assert await connection.receive(PATIENCE) == b""
        with pytest.raises(ConnectionError):
            await connection.start_tls("mx.example", PATIENCE)
        connection.close()


async def test_a_group_keeps_to_one_source_address() -> None:
    """One pin, one source address; many pins use all of them; only addresses of the target's family are used."""
    sources = ["127.0.0.11", "127.0.0.12", "::1"]
    pinned = dict[str, set[str]]()
    async with serving(greet) as server:
        leaving = dialer(server.port, sources=sources)
        for pin in [f"group-{number}" for number in range(12)] * 2:
            connection = await connected(leaving, pin=pin)
            await connection.receive(PATIENCE)
            pinned.setdefault(pin, set()).add(server.peers[-1])
            connection.close()
    assert [len(used) for used in pinned.values()] == [1] * 12
    assert set().union(*pinned.values()) == {"127.0.0.11", "127.0.0.12"}


async def socks5(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: int) -> str:
    """A SOCKS5 server's part up to its reply; the target that was asked for (RFC 1928)."""
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    _, command, _, kind = await reader.readexactly(4)
    assert (command, kind) == (1, 1)
    octets = await reader.readexactly(4)
    port = int.from_bytes(await reader.readexactly(2))
    writer.write(bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]))
    return f"{'.'.join(map(str, octets))}:{port}"


async def test_through_socks5() -> None:
    """The checked address itself is asked of the proxy, never a name, and the bytes go through."""
    targets: list[str] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        targets.append(await socks5(reader, writer, 0))
        await greet(reader, writer)

    async with serving(relay) as proxy:
        connection = await connected(dialer(2525, proxy=f"socks5://127.0.0.1:{proxy.port}"), "192.0.2.9")
        assert await connection.receive(PATIENCE) == b"220 mx.example ESMTP\r\n"
        connection.close()
    assert targets == ["192.0.2.9:2525"]


@pytest.mark.parametrize(
    ("reply", "failure"),
    [(1, DialFailure.PROXY), (2, DialFailure.PROXY), (4, DialFailure.UNREACHABLE), (5, DialFailure.REFUSED)],
)
async def test_what_a_socks5_proxy_refuses(reply: int, failure: DialFailure) -> None:
    """What the proxy says of the target is the target's failure, everything else the proxy's own."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await socks5(reader, writer, reply)

    async with serving(refuse) as proxy:
        through = dialer(25, proxy=f"socks5://127.0.0.1:{proxy.port}")
        assert await through.dial("192.0.2.9", pin="group", timeout=PATIENCE) is failure


@pytest.mark.parametrize("apart", [True, False], ids=["apart", "in one segment"])
@pytest.mark.parametrize(
    ("target", "authority"), [("192.0.2.9", b"192.0.2.9:25"), ("2001:db8::9", b"[2001:db8::9]:25")]
)
async def test_through_http_connect(apart: bool, target: str, authority: bytes) -> None:
    """An HTTP proxy is asked to CONNECT to the checked address; a banner right behind its answer is not lost."""
    asked: list[bytes] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.extend((await reader.readuntil(b"\r\n\r\n")).splitlines())
        writer.write(b"HTTP/1.1 200 Connection")
        if apart:
            await asyncio.sleep(0.02)
        writer.write(b" established\r\nVia: here\r\n\r\n")
        await greet(reader, writer)

    async with serving(relay) as proxy:
        connection = await connected(dialer(25, proxy=f"http://me:s%40cret@127.0.0.1:{proxy.port}"), target)
        assert await connection.receive(PATIENCE) == b"220 mx.example ESMTP\r\n"
        connection.close()
    assert asked[0] == b"CONNECT " + authority + b" HTTP/1.1"
    assert b"Proxy-Authorization: Basic bWU6c0BjcmV0" in asked


@pytest.mark.parametrize("scheme", ["socks5", "http"])
@pytest.mark.parametrize("answer", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b"", b"nonsense\r\n\r\n"])
async def test_a_proxy_that_fails(scheme: str, answer: bytes) -> None:
    """A proxy that refuses, leaves or babbles is the proxy's failure, never the mail host's."""

    async def fail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(3)
        writer.write(answer)

    async with serving(fail) as proxy:
        through = dialer(25, proxy=f"{scheme}://127.0.0.1:{proxy.port}")
        assert await through.dial("192.0.2.9", pin="group", timeout=PATIENCE) is DialFailure.PROXY


async def test_no_proxy_there() -> None:
    """A proxy that nobody runs is the proxy's failure."""
    async with serving(greet) as server:
        port = server.port
    through = dialer(25, proxy=f"socks5://127.0.0.1:{port}")
    assert await through.dial("192.0.2.9", pin="group", timeout=PATIENCE) is DialFailure.PROXY


async def test_a_proxy_in_silence() -> None:
    """Silence behind a proxy is a time-out."""
    async with serving(stay_silent) as proxy:
        through = dialer(25, proxy=f"socks5://127.0.0.1:{proxy.port}")
        assert await through.dial("192.0.2.9", pin="group", timeout=0.05) is DialFailure.TIMEOUT
