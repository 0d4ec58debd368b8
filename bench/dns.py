"""Domains resolved a second: this project's resolver and service against dnspython's stock resolver and aiodns.

NSD serves one zone from one core; each client runs in a process of its own on the other core. A domain costs one MX
question; the exchanges are shared, and their addresses asked once each.

    python bench/dns.py [--domains 20000] [--runs 5]
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # and not this folder, whose dns.py would hide dnspython

EXCHANGES = 2_000
SERVER_CORE, CLIENT_CORE = 1, 0
IN_FLIGHT = 256
TARGET = 4_000


def zone(domains: int) -> str:
    """Every domain has two exchanges out of the shared ones; every exchange one address that may be contacted."""
    lines = ["$ORIGIN example.", "$TTL 3600", "@ SOA ns hostmaster 1 3600 900 604800 600", "@ NS ns", "ns A 127.0.0.1"]
    lines += [f"mx{i} A 100.{i >> 8}.{i & 255}.25" for i in range(EXCHANGES)]
    for i in range(domains):
        lines += [f"d{i} MX 10 mx{i % EXCHANGES}", f"d{i} MX 20 mx{(i * 7 + 1) % EXCHANGES}"]
    return "\n".join(lines) + "\n"


def names(domains: int) -> list[str]:
    return [f"d{i}.example" for i in range(domains)]


async def ours_service(port: int, domains: int) -> float:
    """`Domains.facts_for` in chunks of 4,096 over an empty store: routes judged and remembered."""
    from verifier.adapters.dnspython_resolver import DnspythonResolver
    from verifier.adapters.memory_store import MemoryStore
    from verifier.adapters.system_clock import SystemClock
    from verifier.core.facts import RouteStatus
    from verifier.core.guard import Guard
    from verifier.core.setting_values import Nameserver
    from verifier.service.domains import Domains

    clock = SystemClock()
    resolver = DnspythonResolver(clock, [Nameserver("127.0.0.1", port)], in_flight=IN_FLIGHT)
    service = Domains(resolver, MemoryStore(clock), clock, ("d0.example",), Guard())
    wanted = names(domains)
    start = time.perf_counter()
    for first in range(0, domains, 4096):
        facts = await service.facts_for(wanted[first : first + 4096])
        assert all(f.route is not None and f.route.status is RouteStatus.FOUND for f in facts.values())
    seconds = time.perf_counter() - start
    await service.close()
    await resolver.close()
    return seconds


async def ours_resolver(port: int, domains: int) -> float:
    """The bare resolver."""
    from verifier.adapters.dnspython_resolver import DnspythonResolver
    from verifier.adapters.system_clock import SystemClock
    from verifier.core.dns import DnsStatus, RecordType
    from verifier.core.setting_values import Nameserver

    resolver = DnspythonResolver(SystemClock(), [Nameserver("127.0.0.1", port)], in_flight=IN_FLIGHT)

    async def exchanges_of(name: str) -> list[str]:
        answer = await resolver.lookup(name, RecordType.MX)
        return [exchange for _, exchange in answer.records]

    async def address_of(name: str) -> None:
        assert (await resolver.lookup(name, RecordType.A)).status is DnsStatus.OK

    seconds = await _ask_all(exchanges_of, address_of, domains)
    await resolver.close()
    return seconds


async def dnspython_stock(port: int, domains: int) -> float:
    """`dns.asyncresolver.Resolver`, as its documentation shows it, without a cache."""
    import dns.asyncresolver

    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = port

    async def exchanges_of(name: str) -> list[str]:
        return [record.exchange.to_text() for record in await resolver.resolve(name, "MX", search=False)]

    async def address_of(name: str) -> None:
        await resolver.resolve(name, "A", search=False)

    return await _ask_all(exchanges_of, address_of, domains)


async def aiodns(port: int, domains: int) -> float:
    """aiodns over c-ares, with its query cache off."""
    import aiodns as library

    resolver = library.DNSResolver(nameservers=["127.0.0.1"], udp_port=port, tcp_port=port, timeout=2.0, tries=3)

    async def exchanges_of(name: str) -> list[str]:
        answer = (await resolver.query_dns(name, "MX")).answer
        return [str(record.data.exchange) for record in answer]

    async def address_of(name: str) -> None:
        assert (await resolver.query_dns(name, "A")).answer

    seconds = await _ask_all(exchanges_of, address_of, domains)
    await resolver.close()
    return seconds


async def _ask_all(
    exchanges_of: Callable[[str], Awaitable[list[str]]], address_of: Callable[[str], Awaitable[None]], domains: int
) -> float:
    exchanges: set[str] = set()

    async def ask_domain(name: str) -> None:
        found = await exchanges_of(name)
        assert len(found) == 2
        exchanges.update(found)

    start = time.perf_counter()
    await _spread(ask_domain, names(domains))
    await _spread(address_of, list(exchanges))
    return time.perf_counter() - start


async def _spread(ask: Callable[[str], Awaitable[None]], wanted: list[str]) -> None:
    """IN_FLIGHT workers over one list."""
    queue = iter(wanted)

    async def work() -> None:
        for name in queue:
            await ask(name)

    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


CLIENTS = {client.__name__: client for client in (ours_service, ours_resolver, aiodns, dnspython_stock)}


def run_client(name: str, loop: str, port: int, domains: int) -> None:
    """In the client's own process: one run, its figure on stdout."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    if loop == "uvloop":
        import uvloop

        seconds = uvloop.run(CLIENTS[name](port, domains))
    else:
        seconds = asyncio.run(CLIENTS[name](port, domains))
    print(json.dumps({"rate": domains / seconds}))


def measure(name: str, loop: str, port: int, domains: int, runs: int) -> list[float]:
    command = [
        sys.executable,
        __file__,
        "--client",
        name,
        "--loop",
        loop,
        "--port",
        str(port),
        "--domains",
        str(domains),
    ]
    rates = []
    for _ in range(runs):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name} on {loop} did not finish: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            return []
        rates.append(json.loads(done.stdout)["rate"])
    return rates


def report(rows: Iterable[tuple[str, str, list[float]]]) -> None:
    print(f"{'client':18} {'loop':8} {'best':>8} {'median':>8}  domains a second")
    for name, loop, rates in rows:
        if rates:
            print(f"{name:18} {loop:8} {max(rates):8,.0f} {sorted(rates)[len(rates) // 2]:8,.0f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domains", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--loop", default="uvloop", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.client:
        run_client(given.client, given.loop, given.port, given.domains)
        return 0
    from tests.support.nsd import nsd

    with (
        tempfile.TemporaryDirectory() as folder,
        nsd(Path(folder), {"example": zone(given.domains)}, ["taskset", "-c", str(SERVER_CORE)]) as port,
    ):
        rows = [
            (name, loop, measure(name, loop, port, given.domains, given.runs))
            for name, loop in [
                ("ours_service", "uvloop"),
                ("ours_service", "asyncio"),
                ("ours_resolver", "uvloop"),
                ("aiodns", "uvloop"),
                ("dnspython_stock", "uvloop"),
            ]
        ]
    report(rows)
    best = max(rows[0][2], default=0.0)
    outcome = "met" if best >= TARGET else "MISSED"
    print(f"asked for: {TARGET:,} domains a second; ours_service does {best:,.0f}: {outcome}")
    return 0 if best >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
