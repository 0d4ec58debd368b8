"""Addresses a second at one real mail host 50 ms away, over 4 connections, with 0, 10 and 30 % unknown users.

    python bench/probe.py [--runs 5] [--addresses 1000] [--no-stock] [--profile FILE]

Four clients take turns at Debian's own Postfix (in_flow_delay=0, and stock) and Exim (smtp_accept_max=100): the engine
(lanes and all that is below them, controls included), the whole pipeline around it (`assess`: parsing, DNS, engine, the
fact store, verdicts), a bare client that asks by the same rules and does nothing else, and twenty workers with a
connection for each address. Servers and wire (bench/slow_wire.py) are processes of their own. A rate is all addresses
of all runs over all their seconds, so that bad luck counts as it does for a user; every answer is checked.
"""

import argparse
import asyncio
import contextlib
import cProfile
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import uvloop

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # bench/dns.py is not the dns that others import

from bench.bare_clients import HELO, Adaptive, one_by_one  # noqa: E402 - the path is set for these
from bench.targets import target  # noqa: E402
from tests.support.nsd import free_port, nsd  # noqa: E402
from tests.support.real_servers import Listener, Loopback, exim, local_part, postfix, zone  # noqa: E402
from verifier.adapters.memory_pacer import MemoryPacer  # noqa: E402
from verifier.adapters.reply_rule_file import shipped_rules  # noqa: E402
from verifier.adapters.smtp_dialer import SmtpDialer  # noqa: E402
from verifier.adapters.system_clock import SystemClock  # noqa: E402
from verifier.config import load_settings  # noqa: E402
from verifier.core.dialogue_events import Identity  # noqa: E402
from verifier.core.facts import MailHost, MailRoute, RouteStatus  # noqa: E402
from verifier.service.asking import Asking  # noqa: E402
from verifier.service.lanes import Lanes  # noqa: E402
from verifier.service.pacing_groups import PacingGroups  # noqa: E402
from verifier.service.probing import Equipment, Timeouts  # noqa: E402
from verifier.wiring import open_verifier  # noqa: E402

ROUND_TRIP = 0.05
CONNECTIONS = 4
WORKERS = 20
WORKERS_ADDRESSES = 200
RATES = (0.0, 0.1, 0.3)
DOMAINS = 2
LEAST_OF_BARE = 0.85
LEAST_OF_WORKERS = 8.0
MOST_CPU = 40.0
TITLES = {"postfix": "Postfix, `in_flow_delay=0`", "exim": "Exim, `smtp_accept_max=100`"}
Answers = dict[str, bool]


class Place(NamedTuple):
    """Where a host is to be found: by the wire's port, and by name."""

    listener: Listener
    port: int
    dns_port: int


class Cost(NamedTuple):
    """Of one turn: how many were asked, in how many seconds, and the CPU seconds of this process."""

    count: int
    seconds: float
    cpu: float


async def timed(count: int, work: Awaitable[object]) -> Cost:
    cpu, start = time.process_time(), time.perf_counter()
    await work
    return Cost(count, time.perf_counter() - start, time.process_time() - cpu)


async def engine(place: Place, wanted: Answers) -> tuple[Answers, Cost]:
    """The lanes alone: who asks them knows the route already and keeps what he learns in memory."""
    clock = SystemClock()
    dialer = SmtpDialer(place.port, lambda _: None)
    rules = shipped_rules()
    equipment = Equipment(dialer, rules, clock, Identity(HELO, f"probe@{HELO}"), Timeouts())
    groups = PacingGroups(clock, MemoryPacer(clock), default_sessions=CONNECTIONS, connections=CONNECTIONS)
    lanes = Lanes(equipment, groups, fail)
    host = MailHost(place.listener.exchange, 10, (place.listener.address,))
    route = MailRoute(RouteStatus.FOUND, (host,), clock.now(), clock.now() + timedelta(hours=1))
    targets = [target(path, route) for path in wanted]

    async def ask() -> None:
        lanes.submit(targets)
        await asyncio.wait([each.future for each in targets])

    cost = await timed(len(wanted), ask())
    await lanes.close()
    await dialer.close()
    return {each.path: each.future.result().finding.reply_class == "accepted" for each in targets}, cost


async def pipeline(place: Place, wanted: Answers) -> tuple[Answers, Cost]:
    """Everything that `verifier check` does with so many addresses; port 25 was tested before."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "VERIFIER_DATA_DIR": folder,
            "VERIFIER_DNS_NAMESERVERS": f"127.0.0.1:{place.dns_port}",
            "VERIFIER_DNS_CANARIES": place.listener.domains[0],
            "VERIFIER_SMTP_PORT": str(place.port),
            "VERIFIER_SMTP_ALLOW_NETWORKS": "127.0.0.0/8",
            "VERIFIER_SMTP_HELO": HELO,
            "VERIFIER_SMTP_SESSIONS_PER_GROUP": str(CONNECTIONS),
        }
        found: Answers = {}
        async with open_verifier(load_settings(environment, None), warn=print, report_fault=fail) as verifier:
            await verifier.egress.outcome()

            async def assess() -> None:
                for each in await verifier.verification.assess(list(wanted), Asking(source="bench")):
                    found[each.email] = each.reason == "accepted"

            cost = await timed(len(wanted), assess())
    return found, cost


async def bare(place: Place, wanted: Answers) -> tuple[Answers, Cost]:
    client = Adaptive(place.listener.address, place.port, wanted)
    cost = await timed(len(wanted), client.run(CONNECTIONS))
    return client.answers, cost


async def workers(place: Place, wanted: Answers) -> tuple[Answers, Cost]:
    """A part of the list is enough: they have no start-up to spread over many."""
    some = dict(list(wanted.items())[:WORKERS_ADDRESSES])
    answers: Answers = {}

    async def work() -> None:
        answers.update(await one_by_one(place.listener.address, place.port, list(some), WORKERS))

    cost = await timed(len(some), work())
    return wanted | {path: answers[path] for path in some}, cost


CLIENTS = {"engine": engine, "pipeline": pipeline, "bare": bare, "workers": workers}


def fail(fault: BaseException) -> None:
    raise fault


def recipients(listener: Listener, count: int, unknown: float, seed: int) -> Answers:
    """Addresses at the host in no order, and whether each exists."""
    chance = random.Random(seed)
    gone = set(chance.sample(range(count), round(count * unknown)))
    numbers = chance.sample(range(count), count)
    return {
        f"{'gone' if n in gone else ''}{local_part(n // DOMAINS + 1)}@{listener.domains[n % DOMAINS]}": n not in gone
        for n in numbers
    }


def turn(name: str, place: Place, count: int, unknown: float, seed: int) -> Cost:
    """One client's turn; AssertionError where an answer is wrong or missing."""
    wanted = recipients(place.listener, count, unknown, seed)
    found, cost = uvloop.run(CLIENTS[name](place, wanted))
    wrong = {path: found.get(path) for path, good in wanted.items() if found.get(path) is not good}
    assert not wrong, f"{name}: {len(wanted)} asked, {len(wrong)} wrong, such as {next(iter(wrong.items()))}"
    return cost


@contextlib.contextmanager
def wire(port: int, listeners: Sequence[Listener]) -> Iterator[int]:
    """The wire's port, at the same addresses."""
    listen = free_port()
    command = [sys.executable, str(ROOT / "bench/slow_wire.py"), str(listen), str(port), str(ROUND_TRIP / 2)]
    process = subprocess.Popen(
        [*command, *(listener.address for listener in listeners)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield listen
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def places(names: Sequence[str], in_flow_delay: str = "0") -> Iterator[dict[str, Place]]:
    """These hosts, at the other end of the wire."""
    loopback = Loopback()
    listeners = {name: loopback.listener(name, DOMAINS, 0) for name in names}
    every = list(listeners.values())
    with contextlib.ExitStack() as stack:
        if "postfix" in listeners:
            stack.enter_context(postfix(loopback.port, {listeners["postfix"]: ()}, in_flow_delay=in_flow_delay))
        if "exim" in listeners:
            stack.enter_context(exim(loopback.port, listeners["exim"], accept_max=100))
        port = stack.enter_context(wire(loopback.port, every))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        dns_port = stack.enter_context(nsd(folder, {"example": zone(every)}))
        yield {name: Place(listener, port, dns_port) for name, listener in listeners.items()}


def row(title: str, unknown: float, take: Callable[[str, int], Cost], runs: int) -> bool:
    """Measures and prints one line of the table; True where the targets are met."""
    costs: dict[str, list[Cost]] = {name: [] for name in CLIENTS}
    for seed in range(runs):
        for name in ("engine", "bare", "pipeline"):
            costs[name].append(take(name, seed))
    costs["workers"].append(take("workers", 0))
    rate = {name: sum(c.count for c in each) / sum(c.seconds for c in each) for name, each in costs.items()}
    cpu = {name: sum(c.cpu for c in each) / sum(c.count for c in each) * 1e6 for name, each in costs.items()}
    of_bare, of_workers = rate["engine"] / rate["bare"], rate["engine"] / rate["workers"]
    print(
        f"| {title} | {unknown:.0%} | {rate['engine']:,.0f} | {rate['bare']:,.0f} | {of_bare:.2f} "
        f"| {rate['workers']:,.0f} | {of_workers:.1f} | {cpu['engine']:.0f} | {cpu['bare']:.0f} "
        f"| {rate['pipeline']:,.0f} | {cpu['pipeline']:.0f} |",
        flush=True,
    )
    return of_bare >= LEAST_OF_BARE and (unknown != 0.1 or of_workers >= LEAST_OF_WORKERS)


def profiled(place: Place, count: int, file: str) -> None:
    """What the engine's CPU time goes into, for pstats."""
    profile = cProfile.Profile()
    with profile:
        turn("engine", place, count, 0.1, 0)
    profile.dump_stats(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--addresses", type=int, default=1000)
    parser.add_argument("--no-stock", action="store_true", help="leave out the stock Postfix, which takes minutes")
    parser.add_argument("--profile", help="only write a profile of the engine to this file")
    options = parser.parse_args()
    if options.profile:
        with places(["exim"]) as found:
            profiled(found["exim"], options.addresses, options.profile)
        return
    print("| host | unknown | engine | bare | of bare | 20 workers | times | µs engine | µs bare | pipeline | µs |")
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    met = []
    with places(list(TITLES)) as found:
        for host, place in found.items():
            for unknown in RATES:

                def take(name: str, seed: int, at: Place = place, part: float = unknown) -> Cost:
                    return turn(name, at, options.addresses, part, seed)

                met.append(row(TITLES[host], unknown, take, options.runs))
    for unknown in () if options.no_stock else RATES:

        def afresh(name: str, seed: int, part: float = unknown) -> Cost:
            """A stock Postfix has a hundred fast transactions in it."""
            with places(["postfix"], in_flow_delay="1s") as stock:
                return turn(name, stock["postfix"], options.addresses, part, seed)

        row("Postfix, stock", unknown, afresh, 1)
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
