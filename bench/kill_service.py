"""kill -9 of `verifier serve` at random moments over one list in the world: is there one result a row, and all right?

    python -m bench.kill_service [--rows 20000] [--domains 4000] [--kills 100] [--uploads 20]

The list is handed in by HTTP with `start=true` and an idempotency key, and is never asked for again: each new service
has to go on by itself. The moments are drawn so that lives are short and some of them end while the service starts.
When the kills are over the list has to come to its end by itself; then its file is held against that of an undisturbed
`verifier clean` (times aside), row by row: lost, doubled and wrong rows are counted. The world's own log says who was
asked twice (bench/kill.py). Before, uploads are cut at random places by killing the service: half a list must not be
there afterwards.
"""

import argparse
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.command import clean
from bench.kill import account, without_times
from bench.service import Service
from bench.world_lists import addresses, list_text
from verifier.world import World
from verifier.world.process import WorldProcess

_WHILE_STARTING = 0.25
_START = 1.0
_HAND_IN = "/v1/lists?start=true&name=list.csv&max_wait_s=60"
_PATIENCE = 900.0


class Kept(NamedTuple):
    """What of the list was not as it has to be, in rows."""

    lost: int
    doubled: int
    wrong: int


def hand_in(service: Service, text: bytes) -> dict[str, Any]:
    status, made = service.ask("POST", _HAND_IN, text, Content_Type="text/csv", Idempotency_Key="one list")
    assert status == 202, made
    known: dict[str, Any] = made
    return known


def cut_upload(service: Service, text: bytes, share: float) -> None:
    """Sends the head and so much of the body, kills the service in the middle, and starts it again."""
    head = (
        f"POST {_HAND_IN} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(head.encode() + text[: int(share * len(text))])
        time.sleep(0.05)
        service.kill()
    service.begin()
    service.wait_until_listening()


def half_lists(service: Service) -> int:
    """Lists, folders and files that are there although nothing was handed in whole."""
    root = service.data_dir / "list-jobs"
    found = [path for path in root.rglob("*") if path.name != "spool.part"] if root.is_dir() else []
    return len(found) + len(service.ask("GET", "/v1/lists")[1]["lists"])


def killed_often(service: Service, kills: int, draw: random.Random, rtt: float, seconds: float) -> list[float]:
    """Lives that together are as long as the list, each ended by kill -9, a quarter of them while the service starts;
    the moments of the kills.
    """
    moments = []
    for _ in range(kills):
        if draw.random() < _WHILE_STARTING:
            time.sleep(draw.uniform(0.0, _START))
        else:
            service.wait_until_listening()
            time.sleep(draw.uniform(0.0, 2 * seconds / kills / (1 - _WHILE_STARTING)))
        service.kill()
        moments.append(time.monotonic() + rtt)
        service.begin()
    service.wait_until_listening()
    return moments


def finished(service: Service, list_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE
    while True:
        known: dict[str, Any] = service.ask("GET", f"/v1/lists/{list_id}")[1]
        if known["status"] not in ("uploaded", "parsing", "ready", "running", "paused", "rechecking"):
            return known
        assert time.monotonic() < deadline, known
        time.sleep(0.5)


def compared(whole: Sequence[dict[str, str]], broken: Sequence[dict[str, str]]) -> Kept:
    """Row by row, by their numbers in the list."""
    counted = Counter(row["id"] for row in broken)
    by_number = {row["id"]: row for row in broken}
    lost = sum(row["id"] not in by_number for row in whole)
    doubled = sum(count - 1 for count in counted.values())
    wrong = sum(row["id"] in by_number and by_number[row["id"]] != row for row in whole)
    return Kept(lost, doubled, wrong)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--domains", type=int, default=4_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--uploads", type=int, default=20)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--rtt", type=float, default=100.0, help="milliseconds")
    given = parser.parse_args()
    world = World(given.seed, hosts=40, domains=given.domains, rtt=given.rtt / 1000)
    text, draw = list_text(world, given.rows, given.domains), random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="verifier-kill-") as name:
        whole, broken = Path(name) / "whole", Path(name) / "broken"
        for folder in (whole, broken):
            folder.mkdir()
        (whole / "list.csv").write_text(text, encoding="utf-8")
        with WorldProcess(world) as running:
            seconds = clean(whole, running.environment)
        print(f"undisturbed `clean`: {given.rows:,} rows in {seconds:.1f} s", flush=True)
        log = broken / "world.jsonl"
        with WorldProcess(world, log_file=str(log)) as running, Service(broken, running.environment) as service:
            halves = 0
            for _ in range(given.uploads):
                cut_upload(service, text.encode(), draw.random())
                halves += half_lists(service)
            print(f"{given.uploads} uploads cut by kill -9: {halves} halves left", flush=True)
            made = hand_in(service, text.encode())
            kills = killed_often(service, given.kills, draw, world.rtt, seconds)
            print("after the last kill:", service.ask("GET", f"/v1/lists/{made['id']}")[1]["progress"], flush=True)
            begun = time.monotonic()
            known = finished(service, made["id"])
            again = hand_in(service, text.encode())
            print(f"finished by itself {time.monotonic() - begun:.1f} s after the last kill: {known['status']}")
            lists = len(service.ask("GET", "/v1/lists")[1]["lists"])
            download = Path(name) / "broken.csv"
            download.write_bytes(service.read(f"/v1/lists/{made['id']}/download"))
            service.stop()
        kept = compared(list(without_times(whole / "list.clean.csv")), list(without_times(download)))
        print(f"{len(kills)} kills: lost {kept.lost}, doubled {kept.doubled}, wrong {kept.wrong}")
        listed = {path.lower() for path in addresses(world, given.rows, given.domains)}
        for field, value in account(log, kills, world.rtt, listed)._asdict().items():
            print(f"  {field.replace('_', ' ')}: {value:,}")
    claims = [
        ("one result a row, all right", kept == Kept(0, 0, 0)),
        ("finished by itself", known["status"] == "completed" and known["counts"]["rows"] == given.rows),
        ("the upload sent again is the same list", again["id"] == made["id"] and lists == 1),
        ("no half list", halves == 0),
    ]
    for claim, holds in claims:
        print(f"{'met' if holds else 'MISSED':6} {claim}")
    return 0 if all(holds for _, holds in claims) else 1


if __name__ == "__main__":
    sys.exit(main())
