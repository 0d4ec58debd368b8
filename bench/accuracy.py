"""Is every verdict right? A list of every personality of the mail world, cleaned whole, held against the world's truth.

    python bench/accuracy.py [--rows 100000] [--domains 10000] [--hosts 100] [--seed N]

The whole command `verifier clean` with the shipped pacing, greylisted rows waited for. Counted over rows that hold an
address, duplicates included: good mailboxes called undeliverable; among the decidable (one verdict is right, and it is
not unknown) how many were decided, and among all that were decided how many rightly.
"""

import argparse
import csv
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from bench.command import clean  # noqa: E402
from verifier.core.reasons import Verdict  # noqa: E402
from verifier.world import World  # noqa: E402
from verifier.world.process import WorldProcess  # noqa: E402
from verifier.world.sample import write_list  # noqa: E402

_MOST_WRONG = 0.001
_LEAST_DECIDED = 0.97


def tell(world: World, size: int, cleaned: Path) -> bool:
    """Prints what the verdicts came to, and the wrong ones by personality; True where all targets are met."""
    counts: Counter[str] = Counter()
    wrong: Counter[tuple[str, str, str]] = Counter()
    with cleaned.open(newline="", encoding="utf-8-sig") as file:
        for row, out in zip(world.rows(size), csv.DictReader(file), strict=True):
            assert row.email == out["email"], (row.number, row.email, out["email"])
            truth, verdict = row.truth(world), out["ev_verdict"]
            counts["rows"] += 1
            counts["decidable"] += truth.decidable
            if verdict != Verdict.UNKNOWN:
                counts["decided"] += 1
                counts["decided and decidable"] += truth.decidable
                if out["ev_reason"] not in truth.reasons:
                    counts["decided wrongly"] += 1
                    wrong[row.personality, out["ev_reason"], truth.reasons[0]] += 1
            if truth.exists and verdict == Verdict.UNDELIVERABLE and Verdict.UNDELIVERABLE not in truth.verdicts:
                counts["good mailboxes called undeliverable"] += 1
    rate = counts["decided wrongly"] / counts["decided"]
    share = counts["decided and decidable"] / counts["decidable"]
    print(
        f"{counts['rows']:,} rows, {counts['good mailboxes called undeliverable']} good mailboxes undeliverable; "
        f"{counts['decided']:,} decided, {counts['decided wrongly']:,} of them wrongly ({1 - rate:.3%} right); "
        f"{counts['decided and decidable']:,} of {counts['decidable']:,} decidable ones decided ({share:.2%})"
    )
    for (personality, said, best), number in wrong.most_common(20):
        print(f"  {personality}: {said} instead of {best}: {number}")
    return not counts["good mailboxes called undeliverable"] and rate <= _MOST_WRONG and share >= _LEAST_DECIDED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--domains", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=100, help="of each kind")
    parser.add_argument("--seed", type=int, default=20261125)
    given = parser.parse_args()
    world = World(given.seed, hosts=given.hosts, domains=given.domains)
    with tempfile.TemporaryDirectory(prefix="verifier-accuracy-") as name:
        folder = Path(name)
        (folder / "list.csv").write_text("".join(write_list(world, given.rows)), encoding="utf-8")
        with WorldProcess(world) as running:
            seconds = clean(folder, running.environment)
        print(f"seed {given.seed}: {seconds:.0f} s")
        met = tell(world, given.rows, folder / "list.clean.csv")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
