"""Webhooks over the wire: they reach whom they may, follow nobody, and never raise."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network

import aiohttp
import pytest

from tests.support.clock import START, FakeClock
from verifier.adapters.aiohttp_webhooks import AiohttpWebhooks
from verifier.core.guard import Guard
from verifier.core.webhooks import Posted, secret_for, signed_headers, verified

LOOPBACK = Guard(allowed=(ip_network("127.0.0.0/8"),))
SECRET = secret_for(b"root", "main")


class Receiver:
    """Answers every request with the same bytes, and keeps what it was sent."""

    def __init__(self, answer: bytes, pause: float = 0.0) -> None:
        self.answer = answer
        self.pause = pause
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.url = ""

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            self.heads.append(head)
            self.bodies.append(await reader.readexactly(int(length.partition(b":")[2])))
            await asyncio.sleep(self.pause)
            writer.write(self.answer)
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def receiving(answer: bytes, pause: float = 0.0) -> AsyncIterator[Receiver]:
    receiver = Receiver(answer, pause)
    server = await asyncio.start_server(receiver.meet, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield receiver


@pytest.fixture
async def webhooks() -> AsyncIterator[AiohttpWebhooks]:
    made = AiohttpWebhooks(LOOPBACK.reason, FakeClock(), aiohttp.ClientTimeout(total=1.0))
    yield made
    await made.close()


async def test_a_message_arrives_as_it_was_signed(webhooks: AiohttpWebhooks) -> None:
    """Its receiver can verify it with nothing but the secret."""
    async with receiving(b"HTTP/1.1 204 No Content\r\n\r\n") as receiver:
        headers = signed_headers(SECRET, "msg_1", START, b'{"type":"list.completed"}')
        assert await webhooks.post(receiver.url, headers, b'{"type":"list.completed"}') == Posted(204)
    lines = receiver.heads[0].decode().split("\r\n")
    got = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    assert lines[0] == "POST /hook HTTP/1.1"
    assert got["content-type"] == "application/json"
    assert verified(SECRET, got, receiver.bodies[0], START)


@pytest.mark.parametrize(
    ("said", "seconds"), [("120", 120.0), ("Sun, 22 Nov 2026 10:01:00 GMT", 60.0), ("soon", None), ("²", None)]
)
async def test_when_to_come_again_is_heard(webhooks: AiohttpWebhooks, said: str, seconds: float | None) -> None:
    """As a number of seconds or as a date; anything else is nothing."""
    answer = f"HTTP/1.1 429 Slow\r\nRetry-After: {said}\r\nContent-Length: 0\r\n\r\n".encode()
    async with receiving(answer) as receiver:
        posted = await webhooks.post(receiver.url, {}, b"{}")
    assert (posted.status, posted.retry_after) == (429, seconds)
    assert START + timedelta(0) == FakeClock().now()


async def test_a_redirect_is_not_followed(webhooks: AiohttpWebhooks) -> None:
    """Where it leads to hears nothing."""
    async with receiving(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as other:
        answer = f"HTTP/1.1 302 Found\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode()
        async with receiving(answer) as receiver:
            assert await webhooks.post(receiver.url, {}, b"{}") == Posted(302)
    assert other.heads == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"])
async def test_nobody_is_sent_home(host: str) -> None:
    """An address of ours is not contacted, however it is written, and whatever name leads to it."""
    strict = AiohttpWebhooks(Guard().reason, FakeClock(), aiohttp.ClientTimeout(total=2.0))
    async with receiving(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as receiver:
        port = receiver.url.rpartition(":")[2].removesuffix("/hook")
        posted = await strict.post(f"http://{host}:{port}/hook", {}, b"{}")
    assert posted.status is None
    assert receiver.heads == []
    await strict.close()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "127.1", "0x7f.1", "[::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]"],
)
async def test_a_forbidden_target_is_told_before_anything_is_sent(host: str) -> None:
    """However it is written, and whatever name leads there; what the guard allows passes."""
    strict = AiohttpWebhooks(Guard().reason, FakeClock())
    assert "not contacted" in str(await strict.refusal(f"https://{host}:8443/hook"))
    assert await AiohttpWebhooks(LOOPBACK.reason, FakeClock()).refusal("http://127.0.0.1/hook") is None


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "its host has no address"),
        (socket.gaierror(socket.EAI_AGAIN, "away"), None),
        (OSError("away"), None),
        (TimeoutError(), None),
        (UnicodeError("label too long"), "its host is no name"),
    ],
)
async def test_a_name_server_that_is_away_refuses_nothing(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, refusal: str | None
) -> None:
    """Each attempt looks again; only a name that does not exist is refused at once."""

    async def resolve(*_: object, **__: object) -> list[object]:
        raise fault

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    assert await AiohttpWebhooks(Guard().reason, FakeClock()).refusal("https://shop.example/hook") == refusal


async def test_one_forbidden_address_of_a_name_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads to a public and a private address is refused: which one is taken is chance."""

    async def resolve(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.7")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    refusal = await AiohttpWebhooks(Guard().reason, FakeClock()).refusal("https://shop.example/hook")
    assert refusal == "its host leads to an address that is not contacted (private)"


async def test_a_name_is_checked_by_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A harmless name that resolves to a forbidden address is not contacted, and the failure says why."""

    async def resolve(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 80))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    strict = AiohttpWebhooks(Guard().reason, FakeClock(), aiohttp.ClientTimeout(total=2.0))
    posted = await strict.post("http://shop.example/hook", {}, b"{}")
    assert posted.status is None
    assert "private" in posted.failure
    await strict.close()


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000 + b"\r\n\r\n"],
)
async def test_what_is_no_answer_is_a_failure(webhooks: AiohttpWebhooks, answer: bytes) -> None:
    """It is told in words, and raises nothing."""
    async with receiving(answer) as receiver:
        posted = await webhooks.post(receiver.url, {}, b"{}")
    assert posted.status is None
    assert posted.failure


async def test_nobody_is_waited_for_for_long(webhooks: AiohttpWebhooks) -> None:
    """A receiver that does not answer is left alone."""
    async with receiving(b"", pause=1.5) as receiver:
        assert await webhooks.post(receiver.url, {}, b"{}") == Posted(failure="no answer in time")


async def test_a_closed_port_is_a_failure(webhooks: AiohttpWebhooks) -> None:
    """Nobody there."""
    assert (await webhooks.post("http://127.0.0.1:1/hook", {}, b"{}")).status is None


async def test_a_long_answer_is_not_read(webhooks: AiohttpWebhooks) -> None:
    """The head is enough."""
    async with receiving(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100_000) as receiver:
        assert await webhooks.post(receiver.url, {}, b"{}") == Posted(200)
