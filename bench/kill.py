"""kill -9 at random moments of a clean: is the finished file that of an undisturbed run, and who was asked twice?

The world's own log says what was asked. Whoever is named again behind a kill was in flight when it fell (in the last
group of a connection that had not said QUIT, or had said it within the last two seconds: a group is recorded before the
next one is sent), or had been answered and waited for the domain's control, without which a 250 means nothing; anybody
else was asked in vain.

    python bench/kill.py [--rows 50000] [--domains 5000] [--kills 10] [--seed 5] [--rtt 20]
"""

import argparse
import csv
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from bench.world_lists import list_text  # noqa: E402
from verifier.world import World  # noqa: E402
from verifier.world.process import WorldProcess  # noqa: E402

_TIMES = ("ev_retry_after", "ev_checked_at")
_START = 1.0
"""Seconds until a process has begun to work; nothing can go wrong before."""
_RECORDED_WITHIN = 2.0
"""Seconds from QUIT until the last group of a connection is surely recorded, on a busy machine."""
_CONTROLLED_WITHIN = 3.0
"""Seconds for a domain's control to be asked and answered."""
_RECIPIENT = re.compile(r"RCPT TO:<([^>]*)>", re.IGNORECASE)


class Asked(NamedTuple):
    """One naming of a recipient: when, on which connection, in which of its groups, and the answer's first digit."""

    at: float
    connection: tuple[str, int]
    group: int
    answer: str


class Account(NamedTuple):
    """What the world's log says of a run that was killed several times: how many recipients were named, how often, and
    why more than once. `requeued`: within one life of the process, as the host had wished. `oldest_in_flight`: seconds
    from the naming of the oldest of those until the kill.
    """

    recipients: int
    named: int
    in_flight: int
    awaiting_control: int
    in_vain: int
    requeued: int
    oldest_in_flight: float


def account(log: Path, kills: Sequence[float], rtt: float) -> Account:
    """Reads the log of a world; `kills` are moments of the monotonic clock, `rtt` seconds part two groups at least."""
    seen = _read(log, rtt / 2)
    why: Counter[str] = Counter()
    oldest = 0.0
    for asked in seen.by_address.values():
        for earlier, later in pairwise(asked):
            kill = next((kill for kill in kills if earlier.at <= kill <= later.at), None)
            if kill is None:
                why["requeued"] += 1
            elif seen.unfinished(earlier, kill):
                why["in_flight"] += 1
                oldest = max(oldest, kill - earlier.at)
            elif earlier.answer == "2" and kill - earlier.at < _CONTROLLED_WITHIN + 10 * rtt:
                why["awaiting_control"] += 1
            else:
                why["in_vain"] += 1
    named = sum(map(len, seen.by_address.values()))
    counts = (why["in_flight"], why["awaiting_control"], why["in_vain"], why["requeued"])
    return Account(len(seen.by_address), named, *counts, round(oldest, 2))


class Seen(NamedTuple):
    """What the hosts saw: the namings by address, the last group of each connection, and when it said QUIT."""

    by_address: dict[str, list[Asked]]
    last_group: dict[tuple[str, int], int]
    quit_at: dict[tuple[str, int], float]

    def unfinished(self, asked: Asked, kill: float) -> bool:
        """The group may not have been recorded when the kill fell."""
        quit_at = self.quit_at.get(asked.connection, kill)
        return asked.group == self.last_group[asked.connection] and kill - quit_at < _RECORDED_WITHIN


def _read(log: Path, pause: float) -> Seen:
    """A pause parts two groups."""
    by_address: dict[str, list[Asked]] = defaultdict(list)
    groups: dict[tuple[str, int], int] = {}
    quit_at: dict[tuple[str, int], float] = {}
    last_at: dict[tuple[str, int], float] = {}
    for line in log.read_bytes().splitlines():
        entry = msgspec.json.decode(line)
        connection, at = (entry["host"], entry["connection"]), entry["at"]
        if entry["command"] == "QUIT":
            quit_at[connection] = at
        recipient = _RECIPIENT.match(entry["command"])
        if recipient is None:
            continue
        if at - last_at.get(connection, -1.0) > pause:
            groups[connection] = groups.get(connection, 0) + 1
        last_at[connection] = at
        by_address[recipient[1].lower()].append(Asked(at, connection, groups[connection], entry["reply"][:1]))
    return Seen(by_address, groups, quit_at)


def without_times(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a cleaned file without what tells when they were asked."""
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: cell for name, cell in row.items() if name not in _TIMES}


def clean(folder: Path, environment: Mapping[str, str], *options: str) -> "subprocess.Popen[bytes]":
    """Begins `verifier clean list.csv` in a folder, with a data folder of its own."""
    settings = {"PYTHONPATH": str(ROOT), "VERIFIER_DATA_DIR": str(folder / "data"), **environment}
    return subprocess.Popen(
        [sys.executable, "-m", "verifier", "clean", "list.csv", "--force", *options],
        cwd=folder,
        env={**os.environ, **settings},
        stderr=(folder / "stderr.log").open("ab"),
    )


def undisturbed(world: World, folder: Path, text: str, *options: str) -> float:
    """Cleans the list once; the seconds that it took."""
    folder.mkdir()
    (folder / "list.csv").write_text(text, encoding="utf-8")
    with WorldProcess(world) as running:
        begun = time.monotonic()
        assert clean(folder, running.environment, *options).wait() == 0, (folder / "stderr.log").read_text()
        return time.monotonic() - begun


def disturbed(
    world: World, folder: Path, text: str, pauses: Sequence[float], *options: str
) -> tuple[list[float], float, Path]:
    """Cleans the list, killed after each of `pauses` seconds; the kills, the seconds of the last life, and the log."""
    folder.mkdir()
    (folder / "list.csv").write_text(text, encoding="utf-8")
    log = folder / "world.jsonl"
    kills = []
    with WorldProcess(world, log_file=str(log)) as running:
        for pause in pauses:
            child = clean(folder, running.environment, *options)
            try:
                child.wait(pause)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                kills.append(time.monotonic() + world.rtt)  # what was on the wire has arrived by then
        begun = time.monotonic()
        assert clean(folder, running.environment, *options).wait() == 0, (folder / "stderr.log").read_text()
        return kills, time.monotonic() - begun, log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--domains", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--rtt", type=float, default=20.0, help="milliseconds")
    given = parser.parse_args()
    world = World(given.seed, hosts=100, domains=given.domains, rtt=given.rtt / 1000)
    text = list_text(world, given.rows, given.domains)
    with tempfile.TemporaryDirectory(prefix="verifier-kill-") as name:
        whole, broken = Path(name) / "whole", Path(name) / "broken"
        seconds = undisturbed(world, whole, text)
        print(f"undisturbed: {given.rows:,} rows in {seconds:.1f} s")
        draw = random.Random(given.seed)
        share = 2 * max(0.5, seconds - _START) / (given.kills + 1)
        pauses = [_START + draw.uniform(0, share) for _ in range(given.kills)]
        kills, last, log = disturbed(world, broken, text, pauses)
        moments = ", ".join(f"{pause:.1f}" for pause in pauses)
        print(f"killed {len(kills)} times, each after {moments} s; last life {last:.1f} s")
        same = list(without_times(whole / "list.clean.csv")) == list(without_times(broken / "list.clean.csv"))
        print(f"finished files {'identical' if same else 'DIFFERENT'} (times aside)")
        for field, value in account(log, kills, world.rtt)._asdict().items():
            print(f"  {field.replace('_', ' ')}: {value:,}")


if __name__ == "__main__":
    main()
