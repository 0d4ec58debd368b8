"""A list of a million rows by HTTP, as a program hands it in: curl, the real service, curl; beside `verifier clean`.

    python -m bench.lists_http [--rows 1000000] [--json]

curl uploads the file (`--stages syntax,disposable`, `start=true`), the list is watched to its end, curl downloads the
cleaned file, which has to be that of `verifier clean` with the same stages, row for row (times aside). Wall-clock and
processor time of service and worker stand beside those of the command in the same run; peaks are what the kernel says
(VmHWM). `--json` sends the addresses as `{"emails": […]}` instead.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from bench import lists
from bench.service import NOBODY, ROOT, Service, cpu_seconds, peak_megabytes

MOST_TIMES_CLEAN = 2.0
MOST_MEGABYTES = 400.0
_STAGES = "syntax,disposable"
_TIMES = ("ev_retry_after", "ev_checked_at")


class Cost(NamedTuple):
    """Wall-clock and processor seconds."""

    wall: float
    cpu: float


def curl(*options: str | Path) -> bytes:
    return subprocess.run(["curl", "-sS", "--fail-with-body", *options], check=True, stdout=subprocess.PIPE).stdout


def by_http(service: Service, source: Path, media: str, target: Path) -> dict[str, float]:
    """Seconds of each step."""
    marks = [time.perf_counter()]
    query = f"{service.url}/v1/lists?stages={_STAGES}&start=true&max_wait_s=0"
    name = "" if media == "application/json" else "&name=list.csv"
    made = json.loads(curl("-T", source, "-X", "POST", "-H", f"Content-Type: {media}", "-H", "Expect:", query + name))
    marks.append(time.perf_counter())
    while (known := service.ask("GET", f"/v1/lists/{made['id']}")[1])["status"] != "completed":
        assert known["status"] in ("uploaded", "parsing", "ready", "running"), known
        time.sleep(0.2)
    marks.append(time.perf_counter())
    curl("-o", target, f"{service.url}/v1/lists/{made['id']}/download?format=csv")
    marks.append(time.perf_counter())
    return {"upload and preview": marks[1] - marks[0], "run": marks[2] - marks[1], "download": marks[3] - marks[2]}


def clean(source: Path, folder: Path) -> Cost:
    begun = time.perf_counter()
    command = [sys.executable, "-m", "verifier", "clean", source, "-o", folder / "clean.csv", "--stages", _STAGES]
    child = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, env={"VERIFIER_DATA_DIR": str(folder / "clean-data"), "PATH": ""}, cwd=ROOT
    )
    cpu = 0.0
    while child.poll() is None:
        cpu = cpu_seconds(child.pid)
        time.sleep(0.05)
    assert child.returncode == 0
    return Cost(time.perf_counter() - begun, cpu)


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: cell for name, cell in row.items() if name not in _TIMES}


def differing(one: Path, other: Path) -> int:
    """Rows that are not the same, or not there."""
    return sum(a != b for a, b in zip_longest(rows_of(one), rows_of(other)))


def as_json(source: Path, target: Path) -> Path:
    """The first column of addresses as JSON."""
    with source.open(newline="", encoding="utf-8") as file, target.open("w", encoding="utf-8") as out:
        out.write('{"emails": [')
        for number, row in enumerate(csv.DictReader(file)):
            out.write(("," if number else "") + json.dumps(row["email"]))
        out.write("]}")
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=lists.ROWS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="verifier-bench-") as name:
        folder = Path(name)
        source = folder / "list.csv"
        command = [sys.executable, str(Path(__file__).with_name("lists.py")), source, "--rows", str(given.rows)]
        subprocess.run([*command, "--columns", str(len(lists.HEADER))], check=True)
        sent, media = (
            (as_json(source, folder / "list.json"), "application/json") if given.json else (source, "text/csv")
        )
        with Service(folder, NOBODY) as service:
            steps = by_http(service, sent, media, folder / "http.csv")
            worker = service.worker
            assert worker is not None
            cpu = cpu_seconds(service.pid) + cpu_seconds(worker)
            peaks = (peak_megabytes(service.pid), peak_megabytes(worker))
            service.stop()
        beside = clean(source, folder)
        different = 0 if given.json else differing(folder / "clean.csv", folder / "http.csv")
        print(f"{given.rows:,} rows, {sent.stat().st_size / 1e6:.0f} MB")
    whole = sum(steps.values())
    print(
        "  ".join(f"{step} {seconds:.1f} s" for step, seconds in steps.items()),
        f" together {whole:.1f} s, CPU {cpu:.1f} s",
    )
    print(f"verifier clean {beside.wall:.1f} s, CPU {beside.cpu:.1f} s")
    print(f"peaks: service {peaks[0]:.0f} MB, worker {peaks[1]:.0f} MB")
    claims = [
        (
            f"within {MOST_TIMES_CLEAN:.0f} x clean ({whole / beside.wall:.2f}; CPU {cpu / beside.cpu:.2f})",
            whole <= MOST_TIMES_CLEAN * beside.wall,
        ),
        (f"both processes below {MOST_MEGABYTES:.0f} MB ({sum(peaks):.0f})", sum(peaks) < MOST_MEGABYTES),
        (f"row for row the file of clean ({different} differ)", not different),
    ]
    for claim, holds in claims:
        print(f"{'met' if holds else 'MISSED':6} {claim}")
    return 0 if all(holds for _, holds in claims) else 1


if __name__ == "__main__":
    sys.exit(main())
