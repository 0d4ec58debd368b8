"""The prober's socket: other commands of the same user get their answers from the process that probes."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from verifier.adapters import prober_socket
from verifier.adapters.prober_socket import ProberGone, ProberServer, ask_prober, socket_path
from verifier.core.faults import InputError, ServiceUnavailable


class Prober:
    """Answers each address with a record, and remembers how its answers ended."""

    def __init__(self) -> None:
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def answer(self, request: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        ending = "cancelled"
        self.asked.set()
        try:
            if request["op"] != "assess":
                raise InputError(f"{request['op']} is no operation.")
            if request["op"] == "assess" and "fault" in request:
                raise ZeroDivisionError
            for email in request["emails"]:
                await self.open.wait()
                yield {"email": email, "padding": "x" * request.get("padding", 0)}
            ending = "done"
        finally:
            self.ended.put_nowait(ending)


@pytest.fixture
def prober() -> Prober:
    return Prober()


@pytest.fixture
async def path(prober: Prober, tmp_path: Path) -> AsyncIterator[Path]:
    path = socket_path(tmp_path)
    server = ProberServer(path, prober.answer)
    await server.start()
    yield path
    await server.close()
    assert not path.exists()


async def answers(path: Path, **request: Any) -> list[str]:
    return [record["email"] async for record in ask_prober(path, {"op": "assess", **request})]


async def test_records_come_in_order(path: Path) -> None:
    """One record an address, in the order of the request, accents intact; none for none."""
    emails = [f"jürgen{n}@shop.example" for n in range(1000)]
    assert await answers(path, emails=emails) == emails
    assert await answers(path, emails=[]) == []


async def test_many_ask_at_once(path: Path) -> None:
    """Clients are served side by side."""
    asked = [[f"a{n}@{client}.example" for n in range(20)] for client in range(20)]
    assert await asyncio.gather(*(answers(path, emails=emails) for emails in asked)) == asked


async def test_an_operators_fault_is_told_in_its_sentence(path: Path) -> None:
    """What the prober refuses reaches the person who asked."""
    with pytest.raises(ServiceUnavailable, match=r"^dance is no operation\.$"):
        await anext(ask_prober(path, {"op": "dance"}))


async def test_our_own_fault_ends_that_answer_alone(path: Path) -> None:
    """A bug behind one request goes to the loop's exception handler; the client is not left waiting."""
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    with pytest.raises(ProberGone):
        await answers(path, emails=["a@b.example"], fault=True)
    assert await answers(path, emails=["a@b.example"]) == ["a@b.example"]
    assert [type(fault["exception"]) for fault in faults] == [ZeroDivisionError]


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b"[1]\n", b'{"op":"assess","emails":"a@b.example"}\n', b"\xff\n", b"\n"]
)
async def test_a_malformed_request_is_answered_with_an_error(path: Path, line: bytes) -> None:
    """Whatever comes, the answer is one line with a sentence, and the server goes on."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    assert list(json.loads(await reader.readline())) == ["error"]
    assert await reader.read() == b""
    writer.close()
    assert await answers(path, emails=["a@b.example"]) == ["a@b.example"]


async def test_requests_are_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many addresses, or too long a line, are refused before they are sent, and by the server too."""
    with pytest.raises(InputError, match="at most 10000 addresses"):
        await answers(path, emails=["a@b.example"] * 10_001)
    with pytest.raises(InputError, match="bytes long"):
        await answers(path, emails=["a" * (5 << 20)])
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(json.dumps({"op": "assess", "emails": [""] * 10_001}).encode() + b"\n")
    assert b"at most 10000 addresses" in await reader.readline()
    writer.close()
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"a" * (9 << 20))
    assert b"bytes long" in await reader.readline()
    writer.close()


async def test_connections_are_bounded(path: Path, prober: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a client is turned away at once, and served again when there is room."""
    monkeypatch.setattr(prober_socket, "_MOST_CONNECTIONS", 1)
    prober.open.clear()
    first = asyncio.create_task(answers(path, emails=["a@b.example"]))
    await prober.asked.wait()
    with pytest.raises(ProberGone):
        await answers(path, emails=["a@b.example"])
    prober.open.set()
    assert await first == ["a@b.example"]


async def test_a_silent_client_is_not_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends no request is hung up on."""
    monkeypatch.setattr(prober_socket, "_PATIENCE", 0.02)
    reader, writer = await asyncio.open_unix_connection(path)
    assert await reader.read() == b""
    writer.close()


async def test_a_client_that_vanishes_ends_its_work(path: Path, prober: Prober) -> None:
    """Between two records, or while the first is awaited: what was done for it is cancelled, others go on."""
    async with aclosing(
        ask_prober(path, {"op": "assess", "emails": ["a@b.example"] * 5000, "padding": 900})
    ) as records:
        await anext(records)
    assert await prober.ended.get() == "cancelled"
    prober.open.clear()
    _, writer = await asyncio.open_unix_connection(path)
    writer.write(b'{"op":"assess","emails":["a@b.example"]}\n')
    await writer.drain()
    writer.close()
    assert await prober.ended.get() == "cancelled"
    prober.open.set()
    assert await answers(path, emails=["a@b.example"]) == ["a@b.example"]
    assert await prober.ended.get() == "done"


async def test_a_prober_that_stops_is_told_from_an_answer(tmp_path: Path, prober: Prober) -> None:
    """An answer that was cut short is a fault, never a short list."""
    server = ProberServer(tmp_path / "prober.sock", prober.answer)
    await server.start()
    prober.open.clear()
    asking = asyncio.create_task(answers(tmp_path / "prober.sock", emails=["a@b.example"]))
    await prober.asked.wait()
    await server.close()
    with pytest.raises(ProberGone, match="ended before it had answered"):
        await asking


async def test_nobody_listens(tmp_path: Path) -> None:
    """No socket at all is said as such."""
    with pytest.raises(ProberGone, match="Nobody answers"):
        await answers(tmp_path / "prober.sock", emails=[])


async def test_only_the_same_user_is_served(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's process gets no answer, and a client trusts no other user's prober; the socket is 0600."""
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    with pytest.raises(ProberGone, match="another user"):
        await answers(path, emails=["a@b.example"])
    reader, writer = await asyncio.open_unix_connection(path)
    assert await reader.read() == b""
    writer.close()


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder for what is temporary whose name leaves room for a socket's, wherever pytest keeps its own."""
    with tempfile.TemporaryDirectory(prefix="v") as folder:
        yield Path(folder)


async def test_a_long_folder_name_has_a_short_socket(
    tmp_path: Path, short: Path, prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the path does not fit into sun_path the socket lies in a folder of this user alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    path = socket_path(folder)
    assert path.parent == short / f"verifier-{os.getuid()}"
    assert path != socket_path(tmp_path / ("other" * 30))
    server = ProberServer(path, prober.answer)
    await server.start()
    assert await answers(path, emails=["a@b.example"]) == ["a@b.example"]
    assert path.parent.stat().st_mode & 0o777 == 0o700
    await server.close()
    path.parent.chmod(0o755)
    with pytest.raises(ServiceUnavailable, match="cannot be listened at"):
        await server.start()


CHILD = """
import asyncio, sys
from pathlib import Path
from verifier.adapters.prober_socket import ProberServer

async def answer(request):
    yield {"email": "never"}

async def main():
    await ProberServer(Path(sys.argv[1]), answer).start()
    print("listening", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_stale_socket_is_replaced(tmp_path: Path, prober: Prober) -> None:
    """After kill -9 the socket file stays: nobody answers there, and the next prober takes its place."""
    path = tmp_path / "prober.sock"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, str(path), stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    assert await child.stdout.readline() == b"listening\n"
    child.send_signal(signal.SIGKILL)
    await child.wait()
    assert path.is_socket()
    with pytest.raises(ProberGone, match="Nobody answers"):
        await answers(path, emails=["a@b.example"])
    server = ProberServer(path, prober.answer)
    await server.start()
    assert await answers(path, emails=["a@b.example"]) == ["a@b.example"]
    await server.close()
