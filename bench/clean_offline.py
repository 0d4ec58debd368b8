"""What `verifier clean --stages syntax,disposable` costs beside a bare csv.reader → csv.writer copy of the same file.

    python bench/clean_offline.py [--rows 1000000] [--runs 5] [--large-rows 10000000 | --large-rows 0]

Every run is a process of its own, timed from outside, start-up included; copy and clean take turns, and the best of
each counts. The ratio is to the copy's loop alone, the seconds of its whole process stand beside it. Peaks are what the
kernel says of the child (ru_maxrss).
"""

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import lists

MOST_TIMES_THE_COPY = 10.0
MOST_MEGABYTES = 200.0
MOST_MEGABYTES_LARGE = 600.0
LARGE = 10
MOST_TIMES_THE_SMALL = 11.0
_ROOT = Path(__file__).resolve().parent.parent
_COPY = """
import csv, sys, time
start = time.perf_counter()
source, target = sys.argv[1:]
with open(source, newline="", encoding="utf-8") as file, open(target, "w", newline="", encoding="utf-8") as copy:
    csv.writer(copy).writerows(csv.reader(file))
print(time.perf_counter() - start)
"""


class Cost(NamedTuple):
    """Of one process: its seconds from outside, those that it says of itself, and its peak in MB."""

    seconds: float
    inner: float
    megabytes: float


class Figures(NamedTuple):
    """The best of all runs over one list."""

    name: str
    rows: int
    clean: float
    copy: float
    copy_process: float
    megabytes: float

    @property
    def times(self) -> float:
        return self.clean / self.copy


def realistic(count: int) -> Iterator[tuple[str, ...]]:
    """Two thirds at a few large providers; mixed case, quoted cells, tags, roles, some IDN, dirt and faults."""
    chance = random.Random(lists.SEED)
    large = ("gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "orange.fr", "web.de", "icloud.com", "gmx.net")
    shares = (40, 12, 12, 8, 6, 6, 4, 4)
    for row in lists.rows(count):
        local, _, domain = row[1].partition("@")
        domain = domain.replace(".example", ".fr") if chance.random() < 0.35 else chance.choices(large, shares)[0]
        match chance.randrange(40):
            case 0:
                local = chance.choice(("info", "sales", "no-reply", "office", "kontakt"))
            case 1:
                local += "+news"
            case 2:
                domain = f"müller-{chance.randrange(5000)}.de"
            case 3:
                domain = chance.choice(("gmial.com", "hotmial.com", "mailinator.com", "yahoo.con", "gmail"))
        address = f"{local}@{domain}"
        match chance.randrange(20):
            case 0 | 1 | 2:
                address = address.title()
            case 3:
                address = f" {address}\u00a0"
            case 4:
                address = f"{row[2]} {row[3]} <{address}>"
        yield row[0], address, row[2], f"{row[3]}, {row[2]}", row[4], row[5]


def dirty(count: int) -> Iterator[tuple[str, ...]]:
    """No cell that is an address as it stands."""
    wrappings = ("{} ", "\u00a0{}", "<{}>", "mailto:{}", "'{}'", "Jane Doe <{}>", "\u200b{}", "{};", '"{}"', "{},")
    for number, row in enumerate(lists.rows(count)):
        yield row[0], wrappings[number % len(wrappings)].format(row[1]), *row[2:]


def faulty(count: int) -> Iterator[tuple[str, ...]]:
    """No cell that is an address at all."""
    for number, row in enumerate(lists.rows(count)):
        broken = (row[1].replace("@", " at "), f".{row[1]}", row[1].replace("@", "@@"), f"{row[2]} {row[3]}")
        yield row[0], broken[number % len(broken)], *row[2:]


VARIANTS = {variant.__name__: variant for variant in (realistic, dirty, faulty)}


def write_variant(name: str, path: Path, count: int) -> None:
    """In a process of its own: a child's peak is never below the size of the process that started it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(lists.HEADER)
        writer.writerows(VARIANTS[name](count))


def cost(command: list[str], folder: Path) -> Cost:
    """Runs one process to its end. Raises RuntimeError with what it said where it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VERIFIER_")}
    environment["VERIFIER_DATA_DIR"] = str(folder / "data")
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment, cwd=_ROOT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode()
    if child.returncode:
        raise RuntimeError(f"{command} ended with {child.returncode}: {text}")
    return Cost(seconds, float(text) if command[1] == "-c" else seconds, usage.ru_maxrss / 1024)


def measure(name: str, path: Path, rows: int, runs: int, folder: Path) -> Figures:
    copying = [sys.executable, "-c", _COPY, str(path), str(folder / "copy.csv")]
    cleaning = [sys.executable, "-m", "verifier", "clean", str(path), "-o", str(folder / "cleaned.csv"), "--force"]
    copies, cleans = [], []
    for _ in range(runs):
        copies.append(cost(copying, folder))
        cleans.append(cost([*cleaning, "--stages", "syntax,disposable"], folder))
    return Figures(
        name,
        rows,
        min(run.seconds for run in cleans),
        min(run.inner for run in copies),
        min(run.seconds for run in copies),
        max(run.megabytes for run in cleans),
    )


def written(name: str, rows: int, folder: Path) -> Path:
    """The list of that name, made in a process of its own."""
    path = folder / f"{name.replace(' ', '_')}.csv"
    if name in VARIANTS:
        command = [__file__, "--write", name, "--rows", str(rows), "--path", str(path)]
    else:
        columns = 1 if name == "one column" else len(lists.HEADER)
        command = [str(Path(__file__).with_name("lists.py")), str(path), "--rows", str(rows), "--columns", str(columns)]
    subprocess.run([sys.executable, *command], check=True)
    return path


def show(figures: Iterable[Figures]) -> None:
    print(f"{'list':12} {'rows':>10} {'clean s':>8} {'rows/s':>8} {'copy s':>7} {'process':>8} {'ratio':>6} {'MB':>4}")
    for f in figures:
        rate = f.rows / f.clean
        print(
            f"{f.name:12} {f.rows:10,} {f.clean:8.2f} {rate:8,.0f} {f.copy:7.2f} {f.copy_process:8.2f} {f.times:6.2f}"
            f" {f.megabytes:4.0f}"
        )


def judged(small: Figures, large: Figures | None) -> bool:
    """Whether what was asked for is met; says so, claim by claim."""
    claims = [
        (f"at most {MOST_TIMES_THE_COPY:.0f} x the copy", small.times <= MOST_TIMES_THE_COPY),
        (f"below {MOST_MEGABYTES:.0f} MB", small.megabytes < MOST_MEGABYTES),
    ]
    if large is not None:
        growth = large.clean / small.clean
        claims += [
            (f"{large.rows:,} rows below {MOST_MEGABYTES_LARGE:.0f} MB", large.megabytes < MOST_MEGABYTES_LARGE),
            (f"and in at most {MOST_TIMES_THE_SMALL:.0f} x the time ({growth:.2f})", growth <= MOST_TIMES_THE_SMALL),
        ]
    for claim, holds in claims:
        print(f"{'met' if holds else 'MISSED':6} {claim}")
    return all(holds for _, holds in claims)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=lists.ROWS)
    parser.add_argument("--large-rows", type=int, default=lists.ROWS * LARGE, help="0: leave the large list out")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        write_variant(given.write, given.path, given.rows)
        return 0
    sizes = dict.fromkeys(["six columns", "one column", *VARIANTS], given.rows)
    if given.large_rows:
        sizes["large"] = given.large_rows
    figures = {}
    with tempfile.TemporaryDirectory(prefix="verifier-bench-") as name:
        folder = Path(name)
        for list_name, rows in sizes.items():
            path = written(list_name, rows, folder)
            figures[list_name] = measure(list_name, path, rows, given.runs, folder)
            path.unlink()
    show(figures.values())
    return 0 if judged(figures["six columns"], figures.get("large")) else 1


if __name__ == "__main__":
    sys.exit(main())
