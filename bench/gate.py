"""The gate: millions of suppressions, HTTP beside a bare aiohttp handler, a campaign's pre-flight.

python bench/gate.py suppressions [--entries 5000000]   a file of them, then a start beside it, in a process of its own
python bench/gate.py http [--entries N] [--seconds 8] [--runs 5]   wrk on `POST /v1/gate` of what is known, in turns
                                                        with the bare handler of bench/http.py
python bench/gate.py campaign [--rows 200000]           a file of rows that are all known, from upload to decision
"""

import argparse
import asyncio
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose http.py would hide the standard library's

LEAST_RATIO, MOST_BYTES, MOST_START, MOST_CAMPAIGN = 0.5, 1 << 30, 5.0, 20.0
DOMAINS = 2000


def fill(folder: Path, entries: int) -> float:
    """A file of suppressions under random keys, whose secret is the first to open it; the seconds that writing took."""
    from verifier.adapters.sqlite_suppressions import SqliteSuppressions
    from verifier.gate_wiring import SUPPRESSIONS_FILE

    folder.mkdir(parents=True, exist_ok=True)
    store = SqliteSuppressions(folder / SUPPRESSIONS_FILE, "")
    asyncio.run(_opened_once(store))
    began = time.monotonic()
    connection = sqlite3.connect(folder / SUPPRESSIONS_FILE, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO suppressions (key, kind, sender, message_class, topic, at, source, address)"
        " VALUES (?, ?, '', '', '', ?, 'import', ?)",
        _rows(entries),
    )
    connection.execute("COMMIT")
    connection.close()
    return time.monotonic() - began


async def _opened_once(store: object) -> None:
    await store.origin()  # type: ignore[attr-defined]
    await store.close()  # type: ignore[attr-defined]


def _rows(entries: int) -> Iterator[tuple[bytes, int, int, str]]:
    for number in range(entries):
        yield os.urandom(16), number % 7, 1_790_000_000_000_000 + number, f"person{number}@shop{number % 9999}.example"


def start(folder: Path) -> dict[str, float]:
    """Opens the memory of suppressions in this process: seconds, bytes, and what a look costs."""
    from verifier.adapters.sqlite_suppressions import SqliteSuppressions
    from verifier.adapters.suppression_memory import SuppressionMemory
    from verifier.core.address import Address, parse_address
    from verifier.core.suppression_keys import SuppressionKeys
    from verifier.gate_wiring import FRONT_FILE, SUPPRESSIONS_FILE

    async def opened() -> dict[str, float]:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        store = SqliteSuppressions(folder / SUPPRESSIONS_FILE, "")
        memory = SuppressionMemory(folder / FRONT_FILE, store)
        began, processor = time.monotonic(), time.process_time()
        await memory.open()
        took, worked = time.monotonic() - began, time.process_time() - processor
        keys = SuppressionKeys(b"k" * 32)
        sought = [
            keys.sought(parsed)
            for number in range(50_000)
            if isinstance(parsed := parse_address(f"jane{number}@shop{number % 50}.example"), Address)
        ]
        processor = time.process_time()
        found = sum(bool(memory.suspected(each)) for each in sought)
        look = (time.process_time() - processor) / len(sought)
        assert found == 0 and len(memory) > 0
        await store.close()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            "entries": len(memory),
            "seconds": took,
            "processor": worked,
            "peak_mb": peak / 1024,
            "of_it_mb": (peak - before) / 1024,
            "look_us": look * 1e6,
        }

    return asyncio.run(opened())


def suppressions(entries: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{entries:,} entries written in {fill(folder, entries):.1f} s")
        found = {}
        for said in ("first start, reading all of them", "next start, from the mapped file"):
            command = [sys.executable, __file__, "--start", name]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(
                f"{said}: {found['seconds']:.2f} s ({found['processor']:.2f} s of processor), peak"
                f" {found['peak_mb']:.0f} MB, {found['of_it_mb']:.0f} MB of it for {found['entries']:,.0f} entries;"
                f" a look costs {found['look_us']:.1f} us"
            )
    missed = found["seconds"] > MOST_START or found["peak_mb"] * (1 << 20) > MOST_BYTES
    print(f"targets: start < {MOST_START:.0f} s, memory < 1 GB: {'missed' if missed else 'met'}")
    return int(missed)


def http(entries: int, seconds: int, runs: int, profile: str) -> int:
    import bench.http as beside
    from verifier.world import World
    from verifier.world.process import WorldProcess

    beside._REQUEST = beside._REQUEST.replace("/v1/verify", "/v1/gate")
    world = World(5, hosts=3, domains=60, grey_delay=0.6, slowness=0.02, hang=0.3)
    domains = [world.domain(kind, number) for kind in ("exim", "postfix", "sendmail") for number in range(4)]
    wanted = [f"user{n}@{domains[n % len(domains)]}" for n in range(beside.MAILBOXES)]
    with tempfile.TemporaryDirectory() as name, WorldProcess(world) as hosts:
        folder, ours, theirs = Path(name), beside.free_port(), beside.free_port()
        environment = {**os.environ, **hosts.environment, "PYTHONPATH": str(ROOT)}
        environment |= {"VERIFIER_DATA_DIR": str(folder / "d"), "VERIFIER_HTTP_PORT": str(ours)}
        if entries:
            fill(folder / "d", entries)
            start(folder / "d")
        profiled = ["-m", "cProfile", "-o", str(Path(profile).resolve())] if profile else []
        with beside.running([sys.executable, *profiled, "-m", "verifier", "serve"], ours, environment, folder) as pid:
            mailboxes = asyncio.run(beside.warm(ours, wanted))
            answer = gate_answer(ours, mailboxes[0])
            print(f"{entries:,} suppressions, {len(mailboxes)} mailboxes are known; an answer: {answer.decode()}")
            if profile:
                beside.wrk(ours, mailboxes, seconds, beside.CONNECTIONS)
                return 0
            command = [
                sys.executable,
                str(ROOT / "bench" / "gate.py"),
                "--bare",
                str(theirs),
                "--answer",
                answer.decode(),
            ]
            with beside.running(command, theirs, environment, folder) as their_pid:
                both = beside.Server("bare", theirs, their_pid), beside.Server("gate", ours, pid)
                return beside.compared(*both, mailboxes, seconds, runs)


def bare(port: int, answer: bytes) -> None:
    """The handler of bench/http.py, at our path."""
    import msgspec
    import uvloop
    from aiohttp import web

    plain = msgspec.json.decode(answer)

    async def gate(request: web.Request) -> web.Response:
        question = msgspec.json.decode(await request.read())
        body = msgspec.json.encode(plain | {"email": question["email"]})
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/gate", gate)
    web.run_app(app, host="127.0.0.1", port=port, loop=uvloop.new_event_loop(), access_log=None, print=None)


def gate_answer(port: int, mailbox: str) -> bytes:
    import urllib.request

    body = json.dumps({"email": mailbox}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/gate", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer: bytes = response.read()
        return answer


def campaign(rows: int) -> int:
    return asyncio.run(_campaign(rows))


async def _campaign(rows: int) -> int:
    """Every mailbox was asked an hour ago: nobody is asked now."""
    from verifier.adapters.prometheus_meter import PrometheusMeter
    from verifier.config import load_settings
    from verifier.core.address import Address, parse_address
    from verifier.core.campaigns import CampaignOrder, campaign_record
    from verifier.core.evidence import Finding
    from verifier.core.facts import AcceptsAll, DomainFacts, MailHost, MailRoute, RouteStatus
    from verifier.core.list_jobs import ListOptions
    from verifier.core.list_orders import Order
    from verifier.core.replies import ReplyClass, SmtpStage
    from verifier.serving import open_front_desk
    from verifier.wiring import open_verifier

    names = [f"person{number}@town{number % DOMAINS}.example" for number in range(rows)]
    content = ("email,name,city\n" + "".join(f"{name},Jane,Lyon\n" for name in names)).encode()
    seen = datetime.now(UTC) - timedelta(hours=1)
    later = seen + timedelta(days=7)
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            {"VERIFIER_DATA_DIR": folder, "VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1", "VERIFIER_SMTP_PORT": "2525"}, None
        )
        meter = PrometheusMeter()
        async with open_verifier(settings, warn=print, report_fault=print, meter=meter) as verifier:
            hosts = (MailHost("mx.town.example", 10, ("192.0.2.1",)),)
            await verifier.store.remember_domains(
                [
                    DomainFacts(
                        f"town{number}.example",
                        MailRoute(RouteStatus.FOUND, hosts, seen, later),
                        AcceptsAll(False, observed_at=seen, expires_at=later),
                    )
                    for number in range(DOMAINS)
                ]
            )
            findings = []
            for number, name in enumerate(names):
                address = parse_address(name)
                assert isinstance(address, Address)
                gone = number % 10 == 0
                said, code = (ReplyClass.MAILBOX_NOT_FOUND, 550) if gone else (ReplyClass.ACCEPTED, 250)
                finding = Finding(seen, said, stage=SmtpStage.RCPT, code=code, text="said", mx_host="mx.town.example")
                findings.append((verifier.verification.judging.key_of(address), finding))
            await verifier.store.remember_mailboxes(findings)
            async with open_front_desk(verifier, meter, report_fault=print, warn=print) as desk:

                async def pieces() -> "object":
                    for first in range(0, len(content), 1 << 16):
                        yield content[first : first + (1 << 16)]

                order = Order("default", "bench", "list.csv", ListOptions(start=True, max_wait=timedelta(0)))
                began, processor = time.monotonic(), time.process_time()
                job, _ = await desk.lists.lists.upload(order, pieces())  # type: ignore[arg-type]
                campaigns = desk.campaigns.campaigns
                made = await campaigns.create(CampaignOrder("default", (job.id,), profile="mailjet"))
                made = await campaigns.settled("default", made.id, 600)
                whole, worked = time.monotonic() - began, time.process_time() - processor
                print(json.dumps(campaign_record(made), indent=None))
                print(f"{rows:,} known rows from upload to decision: {whole:.1f} s ({worked:.1f} s of our processor)")
                began, processor = time.monotonic(), time.process_time()
                made = await campaigns.create(CampaignOrder("default", (job.id,), profile="mailjet"))
                made = await campaigns.settled("default", made.id, 600)
                took, worked = time.monotonic() - began, time.process_time() - processor
                print(f"of a list that is there already: {took:.1f} s ({worked:.1f} s of our processor)")
    missed = took > MOST_CAMPAIGN
    print(f"target: < {MOST_CAMPAIGN:.0f} s: {'missed' if missed else 'met'}")
    return int(missed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=["suppressions", "http", "campaign"], default="suppressions")
    parser.add_argument("--entries", type=int, default=5_000_000)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--profile", default="", help="write a profile of the service to this file, compare nothing")
    parser.add_argument("--start", default="", help=argparse.SUPPRESS)
    parser.add_argument("--bare", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--answer", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.start:
        print(json.dumps(start(Path(arguments.start))))
        return 0
    if arguments.bare:
        bare(arguments.bare, arguments.answer.encode())
        return 0
    if arguments.part == "http":
        return http(arguments.entries, arguments.seconds, arguments.runs, arguments.profile)
    return campaign(arguments.rows) if arguments.part == "campaign" else suppressions(arguments.entries)


if __name__ == "__main__":
    raise SystemExit(main())
