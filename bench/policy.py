"""Postfix's policy protocol through the gate, beside a bare asyncio server that reads a request and answers DUNNO.

Both run on uvloop on one core, the same client on the other, in turns. First each one's requests a second with all
connections busy, one request at a time each as Postfix sends them; then the latency at 2,000 a second. The client looks
at every answer. `protocol` is our listener before a gate that need not think; `gate` is `verifier serve` as it is
shipped: the real gate, decisions logged, enforcing, asked about 2,000 people whom its memory knows, a quarter gone.

    python -m bench.policy [--seconds 5] [--runs 3] [--entries 5000000]   beside that many suppressions
"""

import argparse
import asyncio
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from bench.command import ROOT
from bench.gate import fill
from tests.support.gate_listeners import policy_request
from tests.support.nsd import free_port
from verifier.adapters.system_clock import SystemClock
from verifier.core.address import Address, parse_address
from verifier.core.evidence import Finding
from verifier.core.facts import AcceptsAll, DomainFacts, MailHost, MailRoute, RouteStatus
from verifier.core.gate_rules import Rule
from verifier.core.gate_words import GateAnswer, GateDecision, GateQuestion
from verifier.core.replies import ReplyClass, SmtpStage
from verifier.edges.gatekeeping import Gatekeeper
from verifier.edges.listening import listening
from verifier.edges.postfix.connection import PostfixConnection

SERVER_CORE, CLIENT_CORE = 1, 0
CONNECTIONS = 32
RATE = 2000
LEAST_RATIO, MOST_P99 = 0.4, 5.0
_DUNNO, _REFUSED = b"action=DUNNO\n\n", b"action=550 5.1.1 gate: undeliverable\n\n"
DOMAINS = 500
PEOPLE = {f"person{n}@town{n % DOMAINS}.example": _DUNNO if n % 4 else _REFUSED for n in range(2000)}


async def know(folder: Path) -> None:
    """Everybody was asked about an hour ago."""
    from verifier.adapters.prometheus_meter import PrometheusMeter
    from verifier.config import load_settings
    from verifier.wiring import open_verifier

    seen = datetime.now(UTC) - timedelta(hours=1)
    later = seen + timedelta(days=7)
    hosts = (MailHost("mx.town.example", 10, ("192.0.2.1",)),)
    route, control = MailRoute(RouteStatus.FOUND, hosts, seen, later), AcceptsAll(False, seen, later)
    settings = load_settings(_environment(folder), None)
    async with open_verifier(settings, warn=print, report_fault=print, meter=PrometheusMeter()) as verifier:
        key_of = verifier.verification.judging.key_of
        await verifier.store.remember_domains(
            [DomainFacts(f"town{number}.example", route, control) for number in range(DOMAINS)]
        )
        findings = []
        for email, answer in PEOPLE.items():
            said, code = (ReplyClass.ACCEPTED, 250) if answer == _DUNNO else (ReplyClass.MAILBOX_NOT_FOUND, 550)
            address = parse_address(email)
            assert isinstance(address, Address)
            finding = Finding(seen, said, stage=SmtpStage.RCPT, code=code, text="said", mx_host="mx.town.example")
            findings.append((key_of(address), finding))
        await verifier.store.remember_mailboxes(findings)


def _environment(folder: Path) -> dict[str, str]:
    return {
        "VERIFIER_DATA_DIR": str(folder / "data"),
        "VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1",
        "VERIFIER_SMTP_HELO": "probe.example.org",
    }


class Bare(asyncio.Protocol):
    """Reads to the blank line, says DUNNO."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *whole, self._buffer = (self._buffer + data).split(b"\n\n")
        self._transport.write(_DUNNO * len(whole))


async def bare_streams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The same as the documentation of asyncio would have it."""
    while True:
        try:
            await reader.readuntil(b"\n\n")
        except asyncio.IncompleteReadError:
            writer.close()
            return
        writer.write(_DUNNO)
        await writer.drain()


class Prompt:
    """A gate that need not think."""

    def at_once(self, question: GateQuestion) -> GateAnswer:
        return GateAnswer(question.email, GateDecision.ALLOW, Rule.OTHERWISE, "balanced", question.message_class)

    async def decide(self, questions: Sequence[GateQuestion], *, deadline_seconds: float = 0) -> list[GateAnswer]:
        return [self.at_once(each) for each in questions]


def serve_bare(port: int, kind: str) -> None:
    """Until killed."""
    import uvloop

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        if kind == "protocol":
            keeper = Gatekeeper(Prompt(), SystemClock(), enforce=True, note=print, warn=print, report_fault=print)
            async with listening(f"127.0.0.1:{port}", "", lambda crowd: PostfixConnection(crowd, keeper), most=100):
                await asyncio.Event().wait()
        if kind == "streams":
            await asyncio.start_server(bare_streams, "127.0.0.1", port)
        else:
            await loop.create_server(Bare, "127.0.0.1", port)
        await asyncio.Event().wait()

    uvloop.run(serve())


@contextmanager
def running(folder: Path, name: str) -> Iterator[tuple[int, int]]:
    """Port and pid of one of the servers, on its core."""
    port = free_port()
    settings = _environment(folder) | {
        "PYTHONPATH": str(ROOT),
        "VERIFIER_HTTP_PORT": str(free_port()),
        "VERIFIER_POLICY_LISTEN": f"127.0.0.1:{port}",
        "VERIFIER_GATE_ENFORCE": "true",
    }
    gate = [sys.executable, "-m", "verifier", "serve"]
    command = gate if name == "gate" else [sys.executable, "-m", "bench.policy", "--serve", name, str(port)]
    with (folder / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), *command], cwd=ROOT, env=os.environ | settings, stderr=log
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                asyncio.run(_answers(port))
                break
            except OSError:
                assert child.poll() is None and time.monotonic() < deadline, (folder / f"{name}.log").read_text()
                time.sleep(0.1)
        yield port, child.pid
    finally:
        child.terminate()
        child.wait()


async def _answers(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


class Client:
    """Asks over many connections, each one request at a time; counts, times, and looks at what is answered."""

    def __init__(self, port: int, expected: dict[str, bytes]) -> None:
        self._port = port
        self._asked = [(policy_request(email, "triggered"), answer) for email, answer in expected.items()]
        self.answered = 0
        self.wrong = 0
        self.latencies: list[float] = []

    async def busy(self, seconds: float) -> float:
        """Requests a second when every connection asks again as soon as it is answered."""
        end = time.perf_counter() + seconds
        await asyncio.gather(*(self._ask_until(end, 61 * number) for number in range(CONNECTIONS)))
        return self.answered / seconds

    async def paced(self, seconds: float, rate: int) -> None:
        """At a steady rate, whoever is slow: a late answer is counted from when it should have been asked for."""
        begin = time.perf_counter()
        step = CONNECTIONS / rate
        await asyncio.gather(
            *(self._ask_at(begin + number / rate, step, begin + seconds, 61 * number) for number in range(CONNECTIONS))
        )

    async def each(self) -> None:
        """Everybody is asked about twice, so that memory knows him; what is answered at first does not count."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for number in range(2 * len(self._asked)):
            if number == len(self._asked):
                self.wrong = 0
            await self._ask(reader, writer, number)
        writer.close()

    async def _ask_until(self, end: float, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while time.perf_counter() < end:
            await self._ask(reader, writer, number)
            number += 1
        writer.close()

    async def _ask_at(self, due: float, step: float, end: float, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while due < end:
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            await self._ask(reader, writer, number)
            self.latencies.append(time.perf_counter() - due)
            number, due = number + 1, due + step
        writer.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        request, expected = self._asked[number % len(self._asked)]
        writer.write(request)
        answer = await reader.readuntil(b"\n\n")
        self.answered += 1
        self.wrong += answer != expected


def measure(folder: Path, name: str, seconds: float) -> tuple[float, float, float, float, float]:
    """Requests a second, the server's microseconds of processor a request with all connections busy and at the rate,
    median and 99th percentile at the rate.
    """
    import uvloop

    from bench.http import processor_seconds

    expected = PEOPLE if name == "gate" else dict.fromkeys(PEOPLE, _DUNNO)
    with running(folder, name) as (port, pid):
        uvloop.run(Client(port, expected).each())
        begun = processor_seconds(pid)
        busy = Client(port, expected)
        rate = uvloop.run(busy.busy(seconds))
        between = processor_seconds(pid)
        steady = Client(port, expected)
        uvloop.run(steady.paced(seconds, RATE))
        ended = processor_seconds(pid)
        assert busy.wrong == steady.wrong == 0, (name, busy.wrong, steady.wrong)
        percentiles = statistics.quantiles(steady.latencies, n=100)
    each = 1e6 * (between - begun) / busy.answered, 1e6 * (ended - between) / steady.answered
    return rate, *each, percentiles[49] * 1000, percentiles[98] * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--entries", type=int, default=0)
    parser.add_argument("--serve", nargs=2, metavar=("KIND", "PORT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve_bare(int(arguments.serve[1]), arguments.serve[0])
        return
    os.sched_setaffinity(0, {CLIENT_CORE})
    names = ("bare", "streams", "protocol", "gate")
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        if arguments.entries:
            fill(Path(folder) / "data", arguments.entries)
        asyncio.run(know(Path(folder)))
        for _ in range(arguments.runs):
            for name in names:
                found[name].append(measure(Path(folder), name, arguments.seconds))
    middle = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in found.items()}
    print(f"{arguments.entries:,} suppressions; us: microseconds of the server's processor a request")
    print(f"{'server':10}{'requests/s':>12}{'us':>8}  at {RATE} a second:{'us':>8}{'p50 ms':>9}{'p99 ms':>9}")
    for name, (rate, each, paced, p50, p99) in middle.items():
        print(f"{name:10}{rate:12,.0f}{each:8.1f}{'':18}{paced:8.1f}{p50:9.2f}{p99:9.2f}")
    for one, other in itertools.product(("protocol", "gate"), ("bare", "streams")):
        ratio, by_cpu = middle[one][0] / middle[other][0], middle[other][1] / middle[one][1]
        print(f"{one} / {other}: {ratio:.2f} by requests a second, {by_cpu:.2f} by processor time")
    print(f"(at least {LEAST_RATIO})")
    print(f"p99 at {RATE} a second: {middle['gate'][4]:.2f} ms (at most {MOST_P99})")


if __name__ == "__main__":
    main()
