"""What a large list that runs beside them adds to single checks on what is known: `POST /v1/verify`, phase by phase.

    python -m bench.beside [--rows 500000] [--domains 20000] [--stages syntax,disposable] [--rate 200] [--half]

`verifier serve` knows some hundred mailboxes of a small world of mail hosts, which is a process of its own. A client, a
process too, asks about them at a fixed rate and waits for nobody: each request has its moment, and its time counts from
that, whatever became of the one before it. It asks for a while with nothing beside it; then a list is handed in that is
started at once, and asked about at the same hosts (all stages, or only `--stages`); it goes on until the list is done
and a while longer. Told are the percentiles of each phase: `alone`, `parsing` (the upload included), `running`,
`ending` (every row has its answer; the last judging), `after`. `--half`: wrk instead, at half of what a bare handler
answers at most (bench/http.py), alone and while the list runs.

The world is the mail servers of others, so it has what processor time is left (nice 10 more than everything else).
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench import http
from bench.service import ROOT, MemoryWatch, Service, children
from bench.world_lists import list_text
from verifier.world import World
from verifier.world.process import WorldProcess

MOST_ADDED = 20.0
_CONNECTIONS = 32
_MAILBOXES = 300
_LOOK_EVERY = 0.25
_PHASES = ("alone", "parsing", "running", "ending", "after")
_STATES = {"uploaded": "parsing", "parsing": "parsing", "ready": "parsing"}
_DONE = ("completed", "failed", "cancelled")


class Asked(NamedTuple):
    """One request: when it had to be sent (time.monotonic) and how many milliseconds later its answer was there."""

    at: float
    took: float


class Connection(asyncio.Protocol):
    """One request at a time; gives itself back with each answer."""

    def __init__(self, free: "deque[Connection]", asked: list[Asked], waiting: "deque[tuple[float, bytes]]") -> None:
        self._free, self._asked, self._waiting = free, asked, waiting
        self._answer = b""
        self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._free.append(self)

    def send(self, due: float, request: bytes) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, _, body = self._answer.partition(b"\r\n\r\n")
        if not body.endswith(b"}"):
            return
        assert head.startswith(b"HTTP/1.1 200 "), self._answer
        assert b'"source":"cache"' in body, self._answer
        self._answer = b""
        self._asked.append(Asked(self._due, 1000 * (time.monotonic() - self._due)))
        if self._waiting:
            self.send(*self._waiting.popleft())
        else:
            self._free.append(self)


async def ask_on_and_on(port: int, rate: float, mailboxes: Sequence[str]) -> list[Asked]:
    """Asks until stdin ends."""
    loop, asked = asyncio.get_running_loop(), list[Asked]()
    free, waiting = deque[Connection](), deque[tuple[float, bytes]]()
    for _ in range(_CONNECTIONS):
        await loop.create_connection(lambda: Connection(free, asked, waiting), "127.0.0.1", port)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), lambda: os.read(sys.stdin.fileno(), 1) or ended.set())
    requests = [_request(mailbox) for mailbox in mailboxes]
    due, number = time.monotonic(), 0
    while not ended.is_set():
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        while due <= time.monotonic():
            question = (due, requests[number % len(requests)])
            if free:
                free.popleft().send(*question)
            else:
                waiting.append(question)
            number += 1
            due += 1 / rate
    return asked


def _request(mailbox: str) -> bytes:
    body = json.dumps({"email": mailbox}).encode()
    head = (
        b"POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    return head % len(body) + body


class Client:
    """`with Client(...) as client`: asks as long as the context; then `asked` is what it has seen."""

    def __init__(self, port: int, rate: float, mailboxes: Sequence[str]) -> None:
        self._command = [sys.executable, "-m", "bench.beside", "--ask", str(port), "--rate", str(rate)]
        self._mailboxes = json.dumps(list(mailboxes))
        self.asked: list[Asked] = []

    def __enter__(self) -> "Client":
        self._child = subprocess.Popen(
            [*self._command, "--mailboxes", self._mailboxes],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        told, _nothing = self._child.communicate()
        assert self._child.returncode == 0
        self.asked = [Asked(*each) for each in json.loads(told)]


class Watched(NamedTuple):
    """When each phase of the list began (time.monotonic), and what it came to."""

    began: dict[str, float]
    record: dict[str, Any]


def watched(service: Service, text: bytes, stages: str) -> Iterator[tuple[str, Watched]]:
    """Hands the list in and looks at it until it is done: its phase at each look."""
    began = {"parsing": time.monotonic()}
    chosen = f"&stages={stages}" if stages else ""
    status, record = service.ask(
        "POST", f"/v1/lists?name=large.csv&start=true&max_wait_s=0{chosen}", text, Content_Type="text/csv"
    )
    assert status == 202, record
    while record["status"] not in _DONE:
        phase = _STATES.get(record["status"], "running")
        if phase == "running" and record["progress"]["asked"] >= record["progress"]["rows"]:
            phase = "ending"
        began.setdefault(phase, time.monotonic())
        yield phase, Watched(began, record)
        time.sleep(_LOOK_EVERY)
        _, record = service.ask("GET", f"/v1/lists/{record['id']}")
    assert record["status"] == "completed", record
    began["after"] = time.monotonic()
    yield "after", Watched(began, record)


def percentiles(asked: Sequence[Asked]) -> tuple[float, float, float, float]:
    """The 50th, the 99th and the 99.9th of the milliseconds, and the most."""
    ordered = sorted(each.took for each in asked)
    p50, p99, p999 = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.99, 0.999))
    return p50, p99, p999, ordered[-1]


def at_fixed_rate(service: Service, mailboxes: Sequence[str], text: bytes, given: argparse.Namespace) -> float:
    """Prints the phases, and gives the milliseconds that the worst of them adds to the 99th percentile."""
    with MemoryWatch(service) as memory, Client(service.port, given.rate, mailboxes) as client:
        time.sleep(2)  # its start is nobody's
        began = {"alone": time.monotonic()}
        time.sleep(given.seconds)
        for _, seen in watched(service, text, given.stages):
            began |= seen.began
        time.sleep(given.seconds)
        ended = time.monotonic()
    present = [phase for phase in _PHASES if phase in began]
    ends = [*(began[phase] for phase in present[1:]), ended]
    added, alone = 0.0, 0.0
    rows, seconds = seen.record["progress"]["rows"], began["after"] - began["parsing"]
    print(
        f"{rows:,} rows in {seconds:.0f} s ({rows / seconds:,.0f} a second); {given.rate:g} checks a second beside them"
    )
    for phase, end in zip(present, ends, strict=True):
        theirs = [each for each in client.asked if began[phase] <= each.at < end]
        if not theirs:
            print(f"{phase:8} {end - began[phase]:6.1f} s: too short for a check")
            continue
        p50, p99, p999, worst = percentiles(theirs)
        alone = p99 if phase == "alone" else alone
        added = max(added, p99 - alone)
        print(
            f"{phase:8} {end - began[phase]:6.1f} s, {len(theirs):6,} checks: p50 {p50:.2f} ms, p99 {p99:.2f} ms"
            f" ({p99 - alone:+.2f}), p99.9 {p999:.2f} ms, worst {worst:.1f} ms"
        )
    print(
        f"peaks: service {memory.service:.0f} MB, worker {memory.worker:.0f} MB, at one moment {memory.together:.0f} MB"
    )
    return added


def at_half_rate(service: Service, mailboxes: list[str], text: bytes, given: argparse.Namespace) -> float:
    """The same by wrk at half of a bare handler's rate: alone, and again and again while the list runs."""
    answer, port = http.ask(service.port, mailboxes[0]), http.free_port()
    command = [sys.executable, str(Path(http.__file__).resolve()), "--bare", str(port), "--answer", answer.decode()]
    with http.running(command, port, os.environ, service.log.parent):
        most = http.wrk(port, mailboxes, given.seconds, http.CONNECTIONS).rate
    alone = http.at_rate(service.port, mailboxes, given.seconds, most / 2)
    print(f"a bare handler answers {most:,.0f} a second; alone {_told(alone)}")
    added, connections = 0.0, 2 * http.CONNECTIONS
    pause = max(0.0, connections / alone.rate * 1000 - alone.p50)
    for phase, seen in watched(service, text, given.stages):
        if phase not in ("running", "ending"):
            continue
        found = http.wrk(service.port, mailboxes, given.seconds, connections, pause)
        added = max(added, found.p99 - alone.p99)
        print(f"{phase}, {seen.record['progress']['asked']:,} rows asked: {_told(found)}", flush=True)
    return added


def _told(found: http.Found) -> str:
    return f"at {found.rate:,.0f} a second: p50 {found.p50:.2f} ms, p99 {found.p99:.2f} ms"


@contextmanager
def town(given: argparse.Namespace) -> Iterator[tuple[World, dict[str, str]]]:
    """The world, in the background."""
    world = World(8, hosts=100, domains=given.domains, rtt=given.rtt / 1000)
    with WorldProcess(world) as hosts:
        for child in children(os.getpid()):
            os.setpriority(os.PRIO_PROCESS, child, min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10))
        yield world, hosts.environment


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--domains", type=int, default=20_000)
    parser.add_argument("--stages", default="", help="syntax,disposable: nobody is asked about the list")
    parser.add_argument("--rate", type=float, default=200.0, help="checks a second")
    parser.add_argument("--rtt", type=float, default=20.0, help="milliseconds to the mail hosts and back")
    parser.add_argument("--seconds", type=int, default=20, help="of each measurement before and behind the list")
    parser.add_argument("--half", action="store_true", help="wrk at half of a bare handler's rate")
    parser.add_argument("--ask", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--mailboxes", default="[]", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        print(json.dumps(asyncio.run(ask_on_and_on(given.ask, given.rate, json.loads(given.mailboxes)))))
        return 0
    with town(given) as (world, environment), tempfile.TemporaryDirectory(prefix="verifier-beside-") as folder:
        text = list_text(world, given.rows, given.domains).encode()
        others = [world.domain(kind, number) for kind in ("exim", "postfix", "opensmtpd") for number in range(4)]
        wanted = [f"known{n}@{others[n % len(others)]}" for n in range(_MAILBOXES)]
        with Service(Path(folder), environment) as service:
            mailboxes = asyncio.run(http.warm(service.port, wanted))
            print(f"{len(mailboxes)} mailboxes are known", flush=True)
            measured = at_half_rate if given.half else at_fixed_rate
            added = measured(service, mailboxes, text, given)
    holds = added <= MOST_ADDED
    print(f"{'met' if holds else 'MISSED':6} at most {MOST_ADDED:.0f} ms added to the 99th percentile ({added:.2f})")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
