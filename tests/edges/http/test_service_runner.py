"""What is no request is told so like everything else that goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from tests.support.front_desk import visiting
from verifier.edges.http.app import make_app
from verifier.edges.http.server_log import server_logger
from verifier.edges.http.service_runner import ServiceRunner

_HEAD = b"Host: 127.0.0.1\r\nContent-Type: application/json\r\n"


@asynccontextmanager
async def listening(data_dir: Path) -> AsyncIterator[int]:
    """The port of a service as `serve` runs it."""
    async with visiting(data_dir) as visitor:
        runner = ServiceRunner(make_app(visitor.site), access_log=None, logger=server_logger())
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()


async def spoken(port: int, content: bytes) -> bytes:
    """Everything that is answered until the other side hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(content)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("content", "status", "code", "says"),
    [
        (b"GET /?%s HTTP/1.1\r\n%s\r\n" % (b"a" * 9000, _HEAD), 400, "malformed_request", "at most 8,190 bytes"),
        (b"GET / HTTP/1.1\r\nX: %s\r\n%s\r\n" % (b"a" * 9000, _HEAD), 400, "malformed_request", "8,190 bytes"),
        (b"G T / HTTP/1.1\r\n\r\n", 400, "malformed_request", "no HTTP request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "malformed_request", "no HTTP request"),
        (
            b"POST /v1/verify HTTP/1.1\r\nContent-Encoding: br\r\nContent-Length: 2\r\n%s\r\n{}" % _HEAD,
            415,
            "unsupported_media_type",
            "Content-Encoding: gzip",
        ),
    ],
    ids=["long query", "long header", "no method", "TLS", "brotli"],
)
async def test_what_cannot_be_read_is_a_problem(
    tmp_path: Path, content: bytes, status: int, code: str, says: str
) -> None:
    """With a lasting code and a number, and without a word of what is behind it."""
    async with listening(tmp_path) as port:
        head, _, body = (await spoken(port, content)).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    problem = msgspec.json.decode(body)
    assert first.split(" ")[1] == str(status)
    assert (problem["status"], problem["code"], says in problem["detail"]) == (status, code, True)
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["X-Request-ID"] == problem["request_id"] != ""
    assert (headers["Server"], headers["X-Content-Type-Options"]) == ("verifier", "nosniff")


async def test_who_goes_away_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In the middle of a form: nothing is logged but that he went."""
    form = b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 900\r\nHost: 127.0.0.1\r\n\r\n--x\r\n"
    async with listening(tmp_path) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/lists HTTP/1.1\r\n" + form)
        await writer.drain()
        await spoken(port, b"GET /healthz HTTP/1.1\r\nConnection: close\r\n" + _HEAD + b"\r\n")
        writer.transport.abort()
        await spoken(port, b"GET /healthz HTTP/1.1\r\nConnection: close\r\n" + _HEAD + b"\r\n")
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_fault_behind_everything_tells_nothing(tmp_path: Path) -> None:
    """What not even the middlewares caught is a 500 without details."""
    async with visiting(tmp_path) as visitor:
        runner = ServiceRunner(make_app(visitor.site), access_log=None, logger=server_logger())
        await runner.setup()

        async def fails(request: web.BaseRequest) -> web.StreamResponse:
            raise RuntimeError("/srv/secret")

        assert runner.server is not None
        runner.server.request_handler = fails
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            answer = await spoken(runner.addresses[0][1], b"GET / HTTP/1.1\r\n" + _HEAD + b"\r\n")
        finally:
            await runner.cleanup()
    assert answer.startswith(b"HTTP/1.1 500 ") and b'"code":"internal_error"' in answer and b"secret" not in answer
