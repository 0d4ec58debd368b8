"""`POST /v1/verify` on what is known already, beside a bare aiohttp handler that parses and answers the same JSON.

Both run on uvloop on one core, wrk on the other, in turns: first each one's requests a second with all connections
busy, then the latency of both at half of the bare one's rate. wrk keeps no rate by itself: each connection pauses, at
random, for what is left of its interval. The service is `verifier serve` as it is shipped, log included; the answers
come from its store, which a small world of mail hosts has filled before.

    python bench/http.py [--seconds 8] [--runs 5] [--profile FILE]
"""

import argparse
import asyncio
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose http.py would hide the standard library's

SERVER_CORE, CLIENT_CORE = 1, 0
CONNECTIONS = 32
MAILBOXES = 500
LEAST_RATIO, MOST_TIMES = 0.5, 3.0
_REQUEST = """
local bodies = {%s}
local place, pause = 0, %f
wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
function request() place = place %% #bodies + 1; return wrk.format(nil, "/v1/verify", nil, bodies[place]) end
if pause > 0 then function delay() return pause * 2 * math.random() end end
function done(summary, latency)
  io.write(string.format("FOUND %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99)))
  io.write(string.format("ERRORS %%d\\n", summary.errors.status + summary.errors.read + summary.errors.timeout))
end
"""


def processor_seconds(pid: int) -> float:
    """What a process has used by now."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Found(NamedTuple):
    """Requests a second; the 50th and the 99th percentile of the latency in milliseconds."""

    rate: float
    p50: float
    p99: float


def bare(port: int, answer: bytes) -> None:
    """The handler that everything else is held against."""
    import msgspec
    import uvloop
    from aiohttp import web

    plain = msgspec.json.decode(answer)

    async def verify(request: web.Request) -> web.Response:
        question = msgspec.json.decode(await request.read())
        body = msgspec.json.encode(plain | {"email": question["email"]})
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/verify", verify)
    web.run_app(app, host="127.0.0.1", port=port, loop=uvloop.new_event_loop(), access_log=None, print=None)


@contextmanager
def running(command: list[str], port: int, environment: Mapping[str, str], folder: Path) -> Iterator[int]:
    """A server on its core, from when it listens as long as the context: its process."""
    pinned = ["taskset", "-c", str(SERVER_CORE), *command]
    with (folder / "log").open("ab") as log:
        child = subprocess.Popen(pinned, env=dict(environment), stderr=log, stdout=log, cwd=folder)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert child.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
                time.sleep(0.05)
        yield child.pid
    finally:
        child.terminate()
        child.wait(30)


def wrk(port: int, mailboxes: list[str], seconds: int, connections: int, pause_ms: float = 0.0) -> Found:
    """What wrk measures; fails where any request did."""
    bodies = ",".join(f"'{json.dumps({'email': mailbox})}'" for mailbox in mailboxes)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_REQUEST % (bodies, pause_ms))
        script.flush()
        command = [
            "taskset",
            "-c",
            str(CLIENT_CORE),
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout=10s",
        ]
        done = subprocess.run(
            [*command, "-s", script.name, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True
        )
    assert "ERRORS 0" in done.stdout, done.stdout
    found = re.search(r"FOUND (\d+) (\d+) (\d+) (\d+)", done.stdout)
    assert found is not None, done.stdout
    requests, micros, p50, p99 = map(int, found.groups())
    return Found(requests / micros * 1e6, p50 / 1000, p99 / 1000)


def at_rate(port: int, mailboxes: list[str], seconds: int, rate: float) -> Found:
    """The latency at about this rate: twice the connections, whose pauses fill their interval."""
    connections = 2 * CONNECTIONS
    pause = connections / rate * 1000
    for _ in range(4):
        found = wrk(port, mailboxes, max(2, seconds // 4), connections, pause)
        pause = max(1.0, pause + connections / rate * 1000 - connections / found.rate * 1000)
    return wrk(port, mailboxes, seconds, connections, pause)


def ask(port: int, mailbox: str) -> bytes:
    import urllib.request

    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/verify",
        json.dumps({"email": mailbox, "timeout_ms": 30_000}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        body: bytes = response.read()
        return body


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def warm(port: int, mailboxes: list[str]) -> list[str]:
    """Asks about all, and gives those whose answer is known from now on."""
    waiting = asyncio.Semaphore(20)

    async def one(mailbox: str) -> bool:
        async with waiting:
            await asyncio.to_thread(ask, port, mailbox)
            again = json.loads(await asyncio.to_thread(ask, port, mailbox))
            return bool(again["source"] == "cache")

    known = await asyncio.gather(*map(one, mailboxes))
    return [mailbox for mailbox, is_known in zip(mailboxes, known, strict=True) if is_known]


def measured(seconds: int, runs: int, profile: str) -> int:
    from verifier.world import World
    from verifier.world.process import WorldProcess

    world = World(5, hosts=3, domains=60, grey_delay=0.6, slowness=0.02, hang=0.3)
    domains = [world.domain(kind, number) for kind in ("exim", "postfix", "sendmail") for number in range(4)]
    wanted = [f"user{n}@{domains[n % len(domains)]}" for n in range(MAILBOXES)]
    with tempfile.TemporaryDirectory() as name, WorldProcess(world) as hosts:
        folder, ours, theirs = Path(name), free_port(), free_port()
        environment = {
            **os.environ,
            **hosts.environment,
            "PYTHONPATH": str(ROOT),
            "VERIFIER_DATA_DIR": str(folder / "d"),
        }
        environment["VERIFIER_HTTP_PORT"] = str(ours)
        profiled = ["-m", "cProfile", "-o", str(Path(profile).resolve())] if profile else []
        with running([sys.executable, *profiled, "-m", "verifier", "serve"], ours, environment, folder) as our_pid:
            mailboxes = asyncio.run(warm(ours, wanted))
            answer = ask(ours, mailboxes[0])
            print(f"{len(mailboxes)} mailboxes are known; an answer has {len(answer)} bytes", file=sys.stderr)
            if profile:
                wrk(ours, mailboxes, seconds, CONNECTIONS)
                return 0
            command = [
                sys.executable,
                str(Path(__file__).resolve()),
                "--bare",
                str(theirs),
                "--answer",
                answer.decode(),
            ]
            with running(command, theirs, environment, folder) as their_pid:
                bare_one, our_one = Server("bare", theirs, their_pid), Server("verifier", ours, our_pid)
                return compared(bare_one, our_one, mailboxes, seconds, runs)


class Server(NamedTuple):
    """One of the two that are compared."""

    name: str
    port: int
    pid: int


def compared(bare_one: Server, ours: Server, mailboxes: list[str], seconds: int, runs: int) -> int:
    """Prints what was found; 1 where a target is missed."""
    both = (bare_one, ours)
    rates: dict[str, list[float]] = {server.name: [] for server in both}
    costs: dict[str, list[float]] = {server.name: [] for server in both}
    for _ in range(runs):
        for server in both:
            before = processor_seconds(server.pid)
            rate = wrk(server.port, mailboxes, seconds, CONNECTIONS).rate
            rates[server.name].append(rate)
            costs[server.name].append((processor_seconds(server.pid) - before) / (rate * seconds) * 1e6)
    for name, found in rates.items():
        spread = f"{min(found):,.0f}-{max(found):,.0f}"
        cost = statistics.median(costs[name])
        print(f"{name}: {statistics.median(found):,.0f} requests a second ({spread}), {cost:.0f} us of processor each")
    ratio = _median_ratio(rates[ours.name], rates[bare_one.name])
    print(f"requests a second, to the bare handler's: {ratio:.2f} (target {LEAST_RATIO})")
    print(f"the same by processor time: {_median_ratio(costs[bare_one.name], costs[ours.name]):.2f}")
    half = statistics.median(rates[bare_one.name]) / 2
    paced: dict[str, list[Found]] = {server.name: [] for server in both}
    for _ in range(runs):
        for server in both:
            paced[server.name].append(at_rate(server.port, mailboxes, seconds, half))
    for name, each in paced.items():
        rate, p50, p99 = (statistics.median(values) for values in zip(*each, strict=True))
        print(f"{name} at {rate:,.0f} requests a second (of {half:,.0f}): p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    times = _median_ratio([found.p99 for found in paced[ours.name]], [found.p99 for found in paced[bare_one.name]])
    print(f"p99, to the bare handler's: {times:.2f} (target {MOST_TIMES})")
    return int(ratio < LEAST_RATIO or times > MOST_TIMES)


def _median_ratio(ours: list[float], theirs: list[float]) -> float:
    """Of pairs that were measured one after the other, so that what else the machine does weighs on both."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--profile", default="", help="write a profile of the service to this file, and compare nothing"
    )
    parser.add_argument("--bare", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--answer", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        bare(arguments.bare, arguments.answer.encode())
        return 0
    return measured(arguments.seconds, arguments.runs, arguments.profile)


if __name__ == "__main__":
    raise SystemExit(main())
