"""One list in one mail world through `verifier clean` and two other open verifiers: speed, and what is said wrongly.

The others are py3-validate-email (PyPI) and deep-email-validator (npm), installed into a temporary folder, which only
know ports 25 and 53: everything runs in a network namespace of its own (bench/peer_namespace.py). bench/peers.md says
what is compared, and what is unfair about it. Needs npm, Node 20, unshare and ip.

    python bench/peers.py [--rows 2000] [--domains 400] [--hosts 30] [--sample 100] [--rtt 50] [--grey 60]
                          [--cap 600] [--seed 5]
"""

import argparse
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from bench.peer_answers import OF_VERDICT, Answer, Said, Standing, standing  # noqa: E402
from bench.peer_namespace import enter, expect_host, settle  # noqa: E402
from bench.peer_tables import (  # noqa: E402
    Run,
    answers_by_standing,
    false_invalid_by_personality,
    mistakes,
    speed,
    table,
    with_care,
)
from bench.world_lists import addresses as friendly_addresses  # noqa: E402
from verifier.core.reasons import Verdict  # noqa: E402
from verifier.world import World  # noqa: E402
from verifier.world.geography import host, host_name  # noqa: E402
from verifier.world.process import WorldProcess  # noqa: E402
from verifier.world.zone import IDENTITY  # noqa: E402

PYTHON_PACKAGES = ("py3-validate-email==1.0.5.post2", "dnspython==2.9.2", "filelock==3.32.7", "idna==3.20")
NODE_PACKAGES = ("deep-email-validator@0.1.27", "disposable-email-domains@1.0.62", "mailcheck@1.1.1")
POOLS = (20, 100)
_RUNS = ROOT / "bench" / "peer_runs"
_SENDER = f"probe@{IDENTITY}"


def install(folder: Path) -> None:
    """The other programs, in pinned versions; no script of theirs is run."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"]
    target = ["--only-binary=:all:", "--no-cache-dir", "--target", str(folder / "python")]
    subprocess.run([*pip, *target, *PYTHON_PACKAGES], check=True)
    node = folder / "node"
    node.mkdir()
    npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--cache", str(folder / "npm")]
    subprocess.run([*npm, "--prefix", str(node), *NODE_PACKAGES], check=True, stdout=subprocess.DEVNULL)


def mixed_addresses(world: World, size: int) -> list[str]:
    """The first `size` different addresses of the world's own list: every personality, without the cells' dirt."""
    found: dict[str, str] = {}
    for row in world.rows(2 * size):
        if row.address is not None:
            found.setdefault(row.address.lower(), row.address)
    return list(islice(found.values(), size))


def ours(world: World, addresses: Sequence[str], *options: str) -> Run:
    """`verifier clean`, the whole command, start-up included."""
    with tempfile.TemporaryDirectory(prefix="verifier-peers-") as name, _served(world) as running:
        folder = Path(name)
        (folder / "list.csv").write_text("\n".join(("email", *addresses, "")), encoding="utf-8")
        settings = {"PYTHONPATH": str(ROOT), "VERIFIER_DATA_DIR": str(folder / "data"), **running.environment}
        command = [sys.executable, "-m", "verifier", "clean", "list.csv", *options]
        begun = time.monotonic()
        done = subprocess.run(command, cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True)
        seconds = time.monotonic() - begun
        if done.returncode:
            raise SystemExit(done.stderr)
        with (folder / "list.clean.csv").open(newline="", encoding="utf-8") as file:
            answers = [
                Said(OF_VERDICT[Verdict(row["ev_verdict"])], row["ev_reason"], row["ev_smtp"])
                for row in csv.DictReader(file)
            ]
        return Run(" ".join(("verifier clean", *options)), answers, seconds, running.report())


def theirs(
    world: World, addresses: Sequence[str], name: str, command: Sequence[str], settings: dict[str, str], cap: float
) -> Run:
    """Another program in a process of its own, ended when `cap` seconds are over."""
    answers = [Said(Answer.UNREACHED)] * len(addresses)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said, _served(world) as running:
        begun = time.monotonic()
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=said, env={**os.environ, **settings}, text=True, encoding="utf-8"
        )
        try:
            child.communicate("\n".join((*addresses, "")), timeout=cap)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        else:
            if child.returncode:
                raise SystemExit(f"peers: {name} ended with {child.returncode}")
        seconds = time.monotonic() - begun
        said.seek(0)
        for line in said.read().splitlines():
            entry = json.loads(line)
            answers[entry["place"]] = Said(Answer(entry["answer"]), entry["kind"], entry["text"])
        return Run(name, answers, seconds, running.report())


def _served(world: World) -> WorldProcess:
    """A world that nobody has been to yet: greylisting hosts and hourly limits remember."""
    return WorldProcess(world, port=25, dns_port=53)


def python_peer(world: World, addresses: Sequence[str], folder: Path, pool: int, cap: float) -> Run:
    command = [sys.executable, str(_RUNS / "py3_validate_email.py"), str(pool), IDENTITY, _SENDER]
    settings = {"PYTHONPATH": str(folder / "python"), "PY3VE_IGNORE_UPDATER": "1"}
    return theirs(world, addresses, f"py3-validate-email, {_at_once(pool)}", command, settings, cap)


def node_peer(world: World, addresses: Sequence[str], folder: Path, pool: int, cap: float) -> Run:
    command = ["node", str(_RUNS / "deep_email_validator.cjs"), str(pool), _SENDER]
    settings = {"PEER_FOLDER": str(folder / "node")}
    return theirs(world, addresses, f"deep-email-validator, {_at_once(pool)}", command, settings, cap)


def _at_once(pool: int) -> str:
    return "one at a time" if pool == 1 else f"{pool} at once"


def compare(title: str, world: World, addresses: list[str], given: argparse.Namespace, folder: Path) -> None:
    """All programs with one list, one after another, and the tables."""
    domains = [_domain(address) for address in addresses]
    print(f"\n## {title}: {len(addresses):,} addresses at {len(set(domains)):,} domains", flush=True)
    true = [standing(address, world.truth(address)) for address in addresses]
    table(("truth", "addresses"), ((place.value, true.count(place)) for place in Standing))

    def others(pool: int, asked: Sequence[str] = addresses) -> list[Run]:
        return [peer(world, asked, folder, pool, given.cap) for peer in (python_peer, node_peer)]

    mine = [ours(world, addresses, "--max-wait", "0"), ours(world, addresses)]
    few, many = (others(pool) for pool in POOLS)
    speed((*mine, *few, *many, *others(1, addresses[: given.sample])))
    mistakes((*mine, *few, *map(with_care, few), *many), true)
    shown = (mine[0], *few)
    answers_by_standing((*shown, mine[1]), true)
    sites = map(world.site, domains)
    false_invalid_by_personality(shown, true, [site.personality.name if site else "none" for site in sites])


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--domains", type=int, default=400)
    parser.add_argument("--hosts", type=int, default=30, help="of each kind")
    parser.add_argument("--sample", type=int, default=100, help="addresses, from the first, that are asked one by one")
    parser.add_argument("--grey", type=float, default=60.0, help="seconds that greylisting hosts let a stranger wait")
    parser.add_argument("--rtt", type=float, default=50.0, help="milliseconds")
    parser.add_argument(
        "--cap", type=float, default=600.0, help="seconds after which a run of another program is ended"
    )
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args(arguments)


def inside(folder: Path, outside: str, given: argparse.Namespace) -> None:
    """The bench itself, in its own network."""
    settle(folder, outside)
    world = World(given.seed, hosts=given.hosts, domains=given.domains, rtt=given.rtt / 1000, grey_delay=given.grey)
    machine = host("postfix", 0)
    with _served(world):
        expect_host(host_name(machine), machine.address)
    compare("Friendly hosts", world, list(friendly_addresses(world, given.rows, given.domains)), given, folder)
    compare("One address a domain", world, list(friendly_addresses(world, given.rows, given.rows)), given, folder)
    compare("Everything", world, mixed_addresses(world, given.rows), given, folder)


def main() -> None:
    if sys.argv[1:2] == ["--inside"]:
        inside(Path(sys.argv[2]), sys.argv[3], options(sys.argv[4:]))
        return
    options(sys.argv[1:])
    absent = [tool for tool in ("npm", "node", "unshare", "ip", "mount") if shutil.which(tool) is None]
    if absent:
        raise SystemExit(f"peers: {', '.join(absent)} must be installed first (Debian: npm nodejs util-linux iproute2)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the folder goes, and with unshare what it started
    with tempfile.TemporaryDirectory(prefix="verifier-peers-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        install(folder)
        sys.exit(enter(Path(__file__).resolve(), folder, sys.argv[1:]))


if __name__ == "__main__":
    main()
