"""kill -9 at random moments of a clean: is the finished file that of an undisturbed run, and who was asked twice?

The world's own log says what was asked. Whoever is named again behind a kill was in flight when it fell (in the last
group of a connection that had not said QUIT: a group is recorded before the next one is sent, and the last one before
QUIT), or had an answer that says nothing by itself: an acceptance while the domain's control was unanswered or in
flight, or OpenSMTPD's ambiguous 524, which is decided with the rest of its domain. Anybody else was asked in vain.
Made-up names and postmasters that were asked again are counted apart.

    python bench/kill.py [--rows 50000] [--domains 5000] [--kills 10] [--seed 5] [--rtt 20]
"""

import argparse
import csv
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from bench.command import begin_clean, clean  # noqa: E402
from bench.world_lists import addresses, list_text  # noqa: E402
from verifier.world import World  # noqa: E402
from verifier.world.process import WorldProcess  # noqa: E402

_TIMES = ("ev_retry_after", "ev_checked_at")
_START = 1.0
"""Seconds until a process has begun to work; nothing can go wrong before."""
_AMBIGUOUS = "524"
_OF_THE_CROWD = "too many"
"""So a host speaks of all that it was asked at once, and not of this one, who is asked again."""
_RECIPIENT = re.compile(r"RCPT TO:<([^>]*)>", re.IGNORECASE)


class Asked(NamedTuple):
    """One naming of a recipient: when, on which connection, in which of its groups, the answer's code, whether it was
    about the crowd, and the domain.
    """

    at: float
    connection: tuple[str, int]
    group: int
    answer: str
    of_the_crowd: bool
    domain: str


class Account(NamedTuple):
    """What the world's log says of a run that was killed several times: how many recipients were named, how often, and
    why more than once. `requeued`: as the host had wished, whether a kill came between or not. `oldest_in_flight`:
    seconds from the naming of the oldest of those until the kill.
    """

    recipients: int
    named: int
    in_flight: int
    undecided: int
    in_vain: int
    requeued: int
    controls_again: int
    oldest_in_flight: float


def account(log: Path, kills: Sequence[float], rtt: float, listed: Collection[str]) -> Account:
    """Reads the log of a world; `kills` are moments of the monotonic clock, `rtt` seconds part two groups at least, and
    whoever is not `listed` is a control.
    """
    seen = _read(log, rtt / 2)
    why: Counter[str] = Counter()
    oldest = 0.0
    for path, asked in seen.by_address.items():
        for earlier, later in pairwise(asked):
            kill = next((kill for kill in kills if earlier.at <= kill <= later.at), None)
            if path not in listed:
                why["controls_again"] += 1
            elif kill is None or earlier.of_the_crowd:
                why["requeued"] += 1
            elif seen.unfinished(earlier, kill):
                why["in_flight"] += 1
                oldest = max(oldest, kill - earlier.at)
            elif earlier.answer == _AMBIGUOUS or (
                earlier.answer[:1] == "2" and not seen.controlled(earlier.domain, kill, listed)
            ):
                why["undecided"] += 1
            else:
                why["in_vain"] += 1
    named = sum(map(len, seen.by_address.values()))
    counts = (why["in_flight"], why["undecided"], why["in_vain"], why["requeued"], why["controls_again"])
    return Account(len(seen.by_address), named, *counts, round(oldest, 2))


class Seen(NamedTuple):
    """What the hosts saw: the namings by address, the last group of each connection, and when it said QUIT."""

    by_address: dict[str, list[Asked]]
    by_domain: dict[str, set[str]]
    last_group: dict[tuple[str, int], int]
    quit_at: dict[tuple[str, int], float]

    def unfinished(self, asked: Asked, kill: float) -> bool:
        """The group may not have been recorded when the kill fell."""
        quit_at = self.quit_at.get(asked.connection, kill)
        return asked.group == self.last_group[asked.connection] and quit_at >= kill

    def controlled(self, domain: str, kill: float, listed: Collection[str]) -> bool:
        """What the domain's control said had been settled and recorded when the kill fell: by its own answer, or, where
        that is ambiguous, by the postmaster's beside it.
        """
        return any(
            control.at < kill and control.answer and not self.unfinished(control, kill)
            for path in self.by_domain[domain]
            if path not in listed
            for control in self.by_address[path]
            if path.startswith("postmaster@") or control.answer != _AMBIGUOUS
        )


def _read(log: Path, pause: float) -> Seen:
    """A pause parts two groups."""
    by_address: dict[str, list[Asked]] = defaultdict(list)
    by_domain: dict[str, set[str]] = defaultdict(set)
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
        path = recipient[1].lower()
        reply, domain = entry["reply"], path.rpartition("@")[2]
        by_address[path].append(
            Asked(at, connection, groups[connection], reply[:3], _OF_THE_CROWD in reply.lower(), domain)
        )
        by_domain[by_address[path][-1].domain].add(path)
    return Seen(by_address, by_domain, groups, quit_at)


def without_times(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a cleaned file without what tells when they were asked."""
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: cell for name, cell in row.items() if name not in _TIMES}


def undisturbed(world: World, folder: Path, text: str, *options: str) -> float:
    """Cleans the list once; the seconds that it took."""
    folder.mkdir()
    (folder / "list.csv").write_text(text, encoding="utf-8")
    with WorldProcess(world) as running:
        return clean(folder, running.environment, *options)


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
            child = begin_clean(folder, running.environment, *options)
            try:
                child.wait(pause)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                kills.append(time.monotonic() + world.rtt)  # what was on the wire has arrived by then
        return kills, clean(folder, running.environment, *options), log


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
        listed = {path.lower() for path in addresses(world, given.rows, given.domains)}
        for field, value in account(log, kills, world.rtt, listed)._asdict().items():
            print(f"  {field.replace('_', ' ')}: {value:,}")


if __name__ == "__main__":
    main()
