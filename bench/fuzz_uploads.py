"""Mutated uploads sent to a running service: only a clear 4xx or an accepted list, bounded memory, nothing left behind.

    python -m bench.fuzz_uploads [--count 10000] [--seed 1] [--kind xlsx] [--at N]

Every upload is made of a seed and its number, so that a failure can be sent again (`--at N`). They are CSV, XLSX, JSON
lines, JSON and gzip, whole, bitten, cut, crossed with each other, as bodies and as forms; bombs of gzip and zip, path
names, NULs, a million columns, forms that break off, heads that lie about their length. What was accepted is deleted
again, half of it while it is worked on. Peaks are what the kernel says (VmHWM) of the service and its workers.
"""

import argparse
import json
import re
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

from bench.mutated_uploads import Upload, upload
from bench.service import NOBODY, MemoryWatch, Service, resident_megabytes

MOST_MEGABYTES = 400.0
AT_ONCE = 4
_PATIENCE = 60.0
_SEEN = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class Sent(NamedTuple):
    """What came of it: status (0 where the sender had gone away), id of the list, and the body of the answer."""

    status: int
    list_id: str
    answer: bytes


def send(port: int, one: Upload) -> Sent:
    """Sends it whole, then listens to its end. Raises TimeoutError where nothing comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
        try:
            connection.sendall(one.wire)
            if one.ends:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before the end: its answer is there
        answer = b""
        try:
            while piece := connection.recv(1 << 16):
                answer += piece
        except ConnectionResetError:
            pass
    seen = _SEEN.match(answer)
    if seen is None:
        return Sent(0, "", answer)
    found = re.search(rb'"id":"([a-z0-9]{26})"', answer)
    status = int(seen[1])
    return Sent(status, found[1].decode() if found and status == 202 else "", answer.partition(b"\r\n\r\n")[2])


class Judge:
    """Sends uploads and says what was not as it has to be; whatever was accepted is deleted again."""

    def __init__(self, service: Service, seed: int) -> None:
        self._service = service
        self._seed = seed
        self._lock = threading.Lock()
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []

    def judge(self, number: int) -> None:
        one = upload(self._seed, number)
        began = time.monotonic()
        try:
            sent = send(self._service.port, one)
        except OSError as error:
            self._blame(number, one, f"{type(error).__name__} after {time.monotonic() - began:.0f} s")
            return
        if (reason := complaint(one, sent)) is not None:
            self._blame(number, one, reason)
        with self._lock:
            self.outcomes[str(sent.status or "went away")] += 1
        if sent.list_id:
            self._deleted(number, one, sent.list_id)

    def _deleted(self, number: int, one: Upload, list_id: str) -> None:
        status, _ = self._service.ask("DELETE", f"/v1/lists/{list_id}")
        if status != 204:
            self._blame(number, one, f"deleting it: {status}")

    def _blame(self, number: int, one: Upload, reason: str) -> None:
        with self._lock:
            self.wrong.append(f"{number} ({one.kind}): {reason}")


def complaint(one: Upload, sent: Sent) -> str | None:
    """What is wrong with an answer; None where it is as it has to be."""
    if sent.status == 0:
        return None if one.ends else f"no answer: {sent.answer[:200]!r}"
    if sent.status == 202:
        return None
    if not 400 <= sent.status < 500:
        return f"status {sent.status}: {sent.answer[:300]!r}"
    try:
        problem = json.loads(sent.answer)
    except ValueError:
        return f"no problem details: {sent.answer[:200]!r}"
    return None if problem.get("code") and problem.get("detail") else f"no code or detail: {problem}"


def left_behind(service: Service) -> list[str]:
    """What lies in the folder of lists, or is known of them, but the worker's own empty folder."""
    root = service.data_dir / "list-jobs"
    found = [str(path.relative_to(root)) for path in root.rglob("*") if path.name != "spool.part"]
    return found + [each["id"] for each in service.ask("GET", "/v1/lists")[1]["lists"]]


def soon(left: Callable[[], list[str]], seconds: float = 10.0) -> list[str]:
    """What is left once whoever went away was noticed."""
    deadline = time.monotonic() + seconds
    while (found := left()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def numbers(given: argparse.Namespace) -> Iterator[int]:
    """Those of the uploads that are asked for."""
    if given.at is not None:
        return iter([given.at])
    chosen = (n for n in count() if upload(given.seed, n).kind.startswith(given.kind)) if given.kind else count()
    return islice(chosen, given.count)


def send_all(service: Service, judge: Judge, given: argparse.Namespace) -> None:
    """Sends all of them, and says now and then how it goes."""
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for place, _ in enumerate(pool.map(judge.judge, numbers(given)), 1):
            if place % 500 == 0:
                held = [f"{resident_megabytes(pid):.0f} MB" for pid in (service.pid, *service.workers)]
                wrong = len(judge.wrong)
                print(place, f"{time.monotonic() - began:.0f} s", dict(judge.outcomes), *held, wrong, flush=True)
    print(f"sent in {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", default="", help="only those whose kind begins so: xlsx, csv, jsonl, gzip, …")
    parser.add_argument("--at", type=int, help="send this one alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="verifier-fuzz-") as name, Service(Path(name), NOBODY) as service:
        judge = Judge(service, given.seed)
        with MemoryWatch(service) as memory:
            send_all(service, judge, given)
            # of senders who went away before the answer
            for each in service.ask("GET", "/v1/lists?limit=100")[1]["lists"]:
                service.ask("DELETE", f"/v1/lists/{each['id']}")
            left = soon(lambda: left_behind(service))
        began = time.monotonic()
        code = service.stop()
        print(f"stopped in {time.monotonic() - began:.0f} s", flush=True)
        faults = [
            line
            for line in service.log.read_text().splitlines()
            if "fault of this program" in line or "Traceback" in line
        ]
    print("outcomes:", dict(sorted(judge.outcomes.items())))
    print(
        f"peaks: service {memory.service:.0f} MB, worker {memory.worker:.0f} MB ({len(memory.workers)} one after"
        f" another); all at one moment {memory.together:.0f} MB"
    )
    for line in [*judge.wrong, *faults][:50]:
        print("WRONG ", line)
    claims = [
        ("only 202 and clear 4xx", not judge.wrong),
        ("no fault in the log", not faults),
        (f"nothing left on the disk {left[:5]}", not left),
        (
            f"all processes below {MOST_MEGABYTES:.0f} MB",
            max(memory.together, memory.service + memory.worker) < MOST_MEGABYTES,
        ),
        (f"it stopped with {code}", code == 0),
    ]
    for claim, holds in claims:
        print(f"{'met' if holds else 'MISSED':6} {claim}")
    return 0 if all(holds for _, holds in claims) else 1


if __name__ == "__main__":
    sys.exit(main())
