"""Events into `verifier serve` as it is shipped: how many a second, sustained, what they cost, and how long each waits.

Batches as senders make them, over a few connections, as fast as they are answered: an answer comes when a batch is
kept, and as a rule when what it changes is done. The share of each kind is that of a newsletter. `--single` sends one
event a request instead, as most webhooks do.

    python bench/feedback.py [--seconds 60] [--batch 200] [--senders 4] [--single]
"""

import argparse
import asyncio
import os
import random
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose http.py would hide the standard library's

import aiohttp  # noqa: E402
import msgspec  # noqa: E402

from bench.http import processor_seconds, running  # noqa: E402

WANTED = 5000.0
_KINDS = (
    (0.86, {"event": "delivered"}),
    (0.95, {"event": "opened"}),
    (0.97, {"event": "clicked"}),
    (0.985, {"event": "bounced", "bounce_class": "hard", "reply": "550 5.1.1 <x@y.example>: User unknown"}),
    (0.995, {"event": "bounced", "bounce_class": "soft", "reply": "452 4.2.2 Mailbox full"}),
    (0.998, {"event": "unsubscribed", "topic": "offers"}),
    (1.0, {"event": "complained"}),
)
_AT = "2026-11-20T10:%02d:%02dZ"


def event(chance: random.Random, number: int) -> dict[str, str]:
    """One event; every mail has one recipient, of a million at twenty thousand domains."""
    place = chance.random()
    kind = next(kind for share, kind in _KINDS if place <= share)
    person = chance.randrange(1_000_000)
    return {
        "source": "bench",
        "id": str(number),
        "email": f"person{person}@d{person % 20_000}.example",
        "at": _AT % divmod(number % 3600, 60),
        "message_id": f"<{number}@shop.example>",
        "sender": "shop",
        **kind,
    }


class Sent:
    """What was answered: events, and the seconds of each request."""

    def __init__(self) -> None:
        self.events = 0
        self.waits: list[float] = []


async def sending(session: aiohttp.ClientSession, url: str, seed: int, batch: int, until: float, sent: Sent) -> None:
    """One sender, until the time is up."""
    chance, number = random.Random(seed), seed * 1_000_000_000
    while time.monotonic() < until:
        lines = []
        for _ in range(batch):
            number += 1
            lines.append(msgspec.json.encode(event(chance, number)))
        began = time.monotonic()
        async with session.post(
            url, data=b"\n".join(lines), headers={"Content-Type": "application/x-ndjson"}
        ) as response:
            answer = await response.json()
            assert (response.status, answer.get("new")) == (200, batch), answer
        sent.waits.append(time.monotonic() - began)
        sent.events += batch


async def measure(port: int, arguments: argparse.Namespace) -> tuple[Sent, float]:
    sent, url = Sent(), f"http://127.0.0.1:{port}/v1/events"
    began = time.monotonic()
    async with aiohttp.ClientSession() as session:
        batch = 1 if arguments.single else arguments.batch
        senders = range(1, arguments.senders + 1)
        await asyncio.gather(*(sending(session, url, n, batch, began + arguments.seconds, sent) for n in senders))
    return sent, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--single", action="store_true")
    arguments = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": name,
            "VERIFIER_DATA_DIR": str(folder / "data"),
            "VERIFIER_HTTP_PORT": str(port),
            "VERIFIER_SMTP_ENABLED": "false",
            "VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1",
        }
        with running([sys.executable, "-m", "verifier", "serve"], port, environment, folder) as pid:
            before = processor_seconds(pid)
            sent, seconds = asyncio.run(measure(port, arguments))
            used = processor_seconds(pid) - before
        size = sum(path.stat().st_size for path in (folder / "data").glob("events.sqlite*"))
    waits = sorted(sent.waits)
    print(
        f"{sent.events:,} events in {seconds:.1f} s: {sent.events / seconds:,.0f} a second"
        f" (wanted {WANTED:,.0f}); {1e6 * used / sent.events:.0f} µs of processor time an event,"
        f" {sent.events / used:,.0f} a second of it; an answer after {1000 * statistics.median(waits):.0f} ms (median),"
        f" {1000 * waits[int(0.99 * len(waits))]:.0f} ms (99 %); {size / sent.events:.0f} bytes kept an event"
    )


if __name__ == "__main__":
    main()
