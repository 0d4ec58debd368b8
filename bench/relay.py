"""Messages a second through the relay of `verifier serve`, on one core; the client and a sink behind it on the other.

Two manners of sending: many messages over one connection, and a connection for each message, as most programs do. What
the sink took is counted, and has to be what the client was answered 250 for.

    python -m bench.relay [--seconds 5] [--runs 3]
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.command import ROOT
from bench.http import processor_seconds
from tests.support.nsd import free_port
from tests.support.sink import Sink

SERVER_CORE, CLIENT_CORE = 1, 0
CLIENTS = 16
LEAST = 500
BODY = b"Subject: hello\r\n\r\n" + b"a line of some seventy characters, as there are many in a newsletter....\r\n" * 60
COMMANDS = (b"MAIL FROM:<news@shop.example>\r\n", b"RCPT TO:<accepted@verifier.test>\r\n", b"DATA\r\n")


@contextmanager
def relaying(folder: Path, upstream: int) -> Iterator[tuple[int, int]]:
    """Port and pid of the relay, on its core."""
    port = free_port()
    settings = {
        "PYTHONPATH": str(ROOT),
        "VERIFIER_DATA_DIR": str(folder / "data"),
        "VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1",
        "VERIFIER_HTTP_PORT": str(free_port()),
        "VERIFIER_RELAY_LISTEN": f"127.0.0.1:{port}",
        "VERIFIER_RELAY_UPSTREAM": f"127.0.0.1:{upstream}",
        "VERIFIER_GATE_ENFORCE": "true",
        "VERIFIER_SMTP_HELO": "probe.example.org",
    }
    command = ["taskset", "-c", str(SERVER_CORE), sys.executable, "-m", "verifier", "serve"]
    log = folder / "serve.log"
    with log.open("ab") as output:
        child = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stderr=output)
    try:
        deadline = time.monotonic() + 60
        while "Mail may be sent through" not in log.read_text():
            assert child.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield port, child.pid
    finally:
        child.terminate()
        child.wait()


async def send(port: int, end: float, messages_a_connection: int) -> int:
    """One client's messages until then; how many were answered 250."""
    sent = 0
    while time.perf_counter() < end:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await _code(reader)
        await _say(reader, writer, b"EHLO bench.example\r\n")
        for _ in range(messages_a_connection):
            for command in COMMANDS:
                await _say(reader, writer, command)
            sent += await _say(reader, writer, BODY + b".\r\n") == 250
            if time.perf_counter() >= end:
                break
        await _say(reader, writer, b"QUIT\r\n")
        writer.close()
    return sent


async def measure(folder: Path, seconds: float, messages_a_connection: int) -> tuple[float, float]:
    """Messages a second, and milliseconds of processor time for each."""
    sink = Sink()
    async with sink.listening() as upstream:
        relay = relaying(folder, upstream)
        port, pid = await asyncio.to_thread(relay.__enter__)
        try:
            used, begun = processor_seconds(pid), time.perf_counter()
            clients = (send(port, begun + seconds, messages_a_connection) for _ in range(CLIENTS))
            sent = sum(await asyncio.gather(*clients))
            used, seconds = processor_seconds(pid) - used, time.perf_counter() - begun
        finally:
            await asyncio.to_thread(relay.__exit__, None, None, None)
    assert sent == len(sink.messages), (sent, len(sink.messages))
    return sent / seconds, used / sent * 1000


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> int:
    writer.write(data)
    return await _code(reader)


async def _code(reader: asyncio.StreamReader) -> int:
    while (line := await reader.readline())[3:4] == b"-":
        pass
    return int(line[:3])


def main() -> None:
    import uvloop

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE})
    for name, each in (("many messages a connection", 1_000_000), ("a connection for each message", 1)):
        found = []
        for _ in range(arguments.runs):
            with tempfile.TemporaryDirectory() as folder:
                found.append(uvloop.run(measure(Path(folder), arguments.seconds, each)))
        rate, used = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{name:32}{rate:8,.0f} messages a second, {used:.2f} ms of processor each: {1000 / used:,.0f} a core")
    print(f"(at least {LEAST} a second on one core; {len(BODY):,} octets a message)")


if __name__ == "__main__":
    main()
