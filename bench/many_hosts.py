"""100,000 addresses over 20,000 domains and 5,000 hosts 50 ms away: addresses a second on one core, memory, a plot.

    python bench/many_hosts.py [--rows 100000] [--domains 20000] [--hosts 1100] [--rtt 50] [--plot FILE.svg]

The whole command `verifier clean`, start-up, DNS and writing included, on one core; the world is on the other. What the
plot shows is the hosts' own count, read every half second.
"""

import argparse
import csv
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from bench.command import begin_clean  # noqa: E402
from bench.world_lists import KINDS, list_text  # noqa: E402
from verifier.world import World  # noqa: E402
from verifier.world.process import Report, WorldProcess  # noqa: E402

_LOOK_SECONDS = 0.5
_LEAST_A_SECOND = 2_000
_MOST_MEGABYTES = 400


class Run(NamedTuple):
    """`asked`: (seconds since the start, recipients named so far); CPU seconds and peak megabytes of the client."""

    seconds: float
    cpu: float
    megabytes: float
    asked: list[tuple[float, int]]
    right: int
    rows: int
    report: Report


def clean(world: World, text: str) -> Run:
    """`verifier clean` as a process on the last core, the world on the first."""
    first, last = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="verifier-hosts-") as name:
        folder = Path(name)
        (folder / "list.csv").write_text(text, encoding="utf-8")
        os.sched_setaffinity(0, {first})  # the world inherits it
        with WorldProcess(world, kinds=KINDS) as running:
            begun = time.monotonic()
            child = begin_clean(folder, running.environment, before=("taskset", "-c", str(last)))
            asked = [(0.0, 0)]
            while True:
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
                asked.append((time.monotonic() - begun, running.report().total.recipients))
                if pid:
                    break
                time.sleep(_LOOK_SECONDS)
            child.returncode = os.waitstatus_to_exitcode(status)
            assert child.returncode == 0, child.returncode
            report = running.report()
        right = rows = 0
        with (folder / "list.clean.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                rows += 1
                right += row["ev_reason"] in world.truth(row["email"]).reasons
    return Run(asked[-1][0], usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, asked, right, rows, report)


def draw(asked: Sequence[tuple[float, int]], file: Path) -> None:
    """The plot of recipients named over time, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    axes.plot([at for at, _ in asked], [count for _, count in asked], color="#2563a8", linewidth=2)
    axes.set(xlabel="seconds since the command began", ylabel="recipients asked, by the hosts' count")
    axes.yaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--domains", type=int, default=20_000)
    parser.add_argument("--hosts", type=int, default=1_100, help="of each of six kinds; the list decides who is asked")
    parser.add_argument("--rtt", type=float, default=50.0, help="milliseconds")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    world = World(given.seed, hosts=given.hosts, domains=given.domains, rtt=given.rtt / 1000)
    run = clean(world, list_text(world, given.rows, given.domains))
    hosts = [seen for seen in run.report.hosts.values() if seen.connections]
    total = run.report.total
    rate = run.rows / run.seconds
    print(
        f"{run.rows:,} rows, {len(hosts):,} hosts: {run.seconds:.1f} s, {rate:,.0f} a second, "
        f"{run.right:,} right; CPU {run.cpu / run.rows * 1e6:.0f} µs a row, {run.megabytes:.0f} MB; "
        f"{total.connections:,} connections, at most {max(seen.sessions_max for seen in hosts)} at a time at a host, "
        f"at most {total.rejects_max} rejects on one"
    )
    if given.plot:
        draw(run.asked, given.plot)
    sys.exit(0 if rate >= _LEAST_A_SECOND and run.megabytes < _MOST_MEGABYTES else 1)


if __name__ == "__main__":
    main()
