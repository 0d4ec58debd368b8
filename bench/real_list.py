"""How long the list that people really have takes under the shipped pacing.

    python bench/real_list.py [--rows 2000] [--rtt 50] [--seed 5]

The mix is an assumption about a shop's list: 45 % Gmail, 20 % Microsoft (8 % Outlook.com, 12 % Microsoft 365), 10 %
Yahoo, 25 % others. What large providers bear a minute decides, not the program: so a part of the list is measured, and
the time of 100,000 addresses is worked out from the minute limits of data/providers.toml.
"""

import argparse
import csv
import sys
import tempfile
from collections import Counter
from itertools import chain, repeat
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from bench.command import clean  # noqa: E402
from bench.world_lists import ANSWERING, list_text  # noqa: E402
from verifier.adapters.data_files import load_providers, shipped_folder  # noqa: E402
from verifier.world import World  # noqa: E402
from verifier.world.process import WorldProcess  # noqa: E402

MIX = {"gmail": 45, "outlook": 8, "exchange": 12, "yahoo": 10}
LIMITED_BY = {"gmail": "google", "exchange": "microsoft365"}
_OTHERS = tuple(chain.from_iterable(repeat(name, part) for name, part in ANSWERING.items()))
_TURNS = (*chain.from_iterable(repeat(name, part) for name, part in MIX.items()), *_OTHERS[::4])
_LARGE = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--rtt", type=float, default=50.0, help="milliseconds")
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    world = World(given.seed, hosts=50, domains=400, rtt=given.rtt / 1000)
    with tempfile.TemporaryDirectory(prefix="verifier-real-") as name, WorldProcess(world) as running:
        folder = Path(name)
        (folder / "list.csv").write_text(list_text(world, given.rows, 400, _TURNS), encoding="utf-8")
        seconds = clean(folder, running.environment)
        with (folder / "list.clean.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        right = sum(row["ev_reason"] in world.truth(row["email"]).reasons for row in rows)
    verdicts = ", ".join(
        f"{count:,} {verdict}" for verdict, count in Counter(r["ev_verdict"] for r in rows).most_common()
    )
    print(f"{len(rows):,} rows in {seconds:.0f} s, {right:,} right: {verdicts}")
    limits = {provider.name: provider.recipients_per_minute for provider in load_providers(shipped_folder()).providers}
    for personality, provider in LIMITED_BY.items():
        minutes = _LARGE * MIX[personality] / 100 / limits[provider]
        print(f"{_LARGE:,} rows: {provider}, {limits[provider]} a minute: {minutes:,.0f} minutes")


if __name__ == "__main__":
    main()
