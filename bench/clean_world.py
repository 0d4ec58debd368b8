"""A whole list through `verifier clean` in the mail world, beside a connection for every address.

The list has 20,000 addresses at 2,000 domains on 600 hosts that answer (bench/world_lists.py says which), 50 ms round
trip. The other way asks the same hosts with as many connections at a time, two a host, each for one address: connect,
EHLO, MAIL, RCPT, QUIT; it knows every host's address beforehand, resolves nothing and asks no control.

    python bench/clean_world.py [--rows 20000] [--domains 2000] [--hosts 100] [--rtt 50] [--seed 5]
"""

import argparse
import asyncio
import csv
import sys
import tempfile
import time
from collections import defaultdict, deque
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from bench.command import clean  # noqa: E402
from bench.world_lists import addresses, list_text  # noqa: E402
from verifier.world import World  # noqa: E402
from verifier.world.process import WorldProcess  # noqa: E402

_SESSIONS = 2


def ours(world: World, text: str) -> None:
    """`verifier clean` as a process, start-up included."""
    with tempfile.TemporaryDirectory(prefix="verifier-world-") as name, WorldProcess(world) as running:
        folder = Path(name)
        (folder / "list.csv").write_text(text, encoding="utf-8")
        seconds = clean(folder, running.environment)
        with (folder / "list.clean.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        right = sum(row["ev_reason"] in world.truth(row["email"]).reasons for row in rows)
        seen = running.report().total
        print(
            f"verifier clean: {len(rows):,} rows in {seconds:.1f} s, {len(rows) / seconds:,.0f} a second; "
            f"{right:,} right; {seen.connections:,} connections, at most {seen.rejects_max} rejects on one"
        )


def one_by_one(world: World, every: list[str]) -> None:
    """A connection for every address, two at a time at each host."""
    by_host: dict[str, deque[str]] = defaultdict(deque)
    for address in every:
        site = world.site(address.rpartition("@")[2])
        assert site is not None
        host = next(exchange.host for exchange in site.exchanges if exchange.host is not None)
        by_host[host.address].append(address)
    with WorldProcess(world) as running:
        port = int(running.environment["VERIFIER_SMTP_PORT"])
        begun = time.monotonic()
        asyncio.run(_all_hosts(by_host, port))
        seconds = time.monotonic() - begun
        seen = running.report().total
    print(
        f"a connection an address: {len(every):,} in {seconds:.1f} s, {len(every) / seconds:,.0f} a second; "
        f"{seen.connections:,} connections"
    )


async def _all_hosts(by_host: dict[str, deque[str]], port: int) -> None:
    workers = [_worker(host, port, queue) for host, queue in by_host.items() for _ in range(_SESSIONS)]
    await asyncio.gather(*workers)


async def _worker(host: str, port: int, queue: deque[str]) -> None:
    while queue:
        address = queue.popleft()
        reader, writer = await asyncio.open_connection(host, port)
        await _reply(reader)
        for command in ("EHLO probe.example.org", "MAIL FROM:<probe@example.org>", f"RCPT TO:<{address}>", "QUIT"):
            writer.write(command.encode() + b"\r\n")
            await _reply(reader)
        writer.close()


async def _reply(reader: asyncio.StreamReader) -> None:
    while (await reader.readline())[3:4] == b"-":
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--domains", type=int, default=2_000)
    parser.add_argument("--hosts", type=int, default=100, help="of each of six kinds")
    parser.add_argument("--rtt", type=float, default=50.0, help="milliseconds")
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    world = World(given.seed, hosts=given.hosts, domains=given.domains, rtt=given.rtt / 1000)
    ours(world, list_text(world, given.rows, given.domains))
    one_by_one(world, list(addresses(world, given.rows, given.domains)))


if __name__ == "__main__":
    main()
