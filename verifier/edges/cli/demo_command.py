"""`verifier demo`: the whole of it on a mail world in a box, with nothing but loopback."""

import csv
import socket
import sys
import tempfile
from pathlib import Path

import click
import platformdirs
from rich.text import Text

from verifier.adapters.data_files import shipped_folder
from verifier.config import load_settings
from verifier.core.reasons import Verdict
from verifier.edges.cli.clean_command import clean_list
from verifier.edges.cli.event_loop import run_async
from verifier.edges.cli.list_run import Wish
from verifier.edges.cli.serve_command import serve_until_stopped
from verifier.edges.cli.terminal import remarks
from verifier.service.probing import Timeouts
from verifier.world import World
from verifier.world.process import WorldProcess

SEED = 2026
"""The world that data/sample_list.csv was written in."""
_PATIENCE = Timeouts(connect=2.0, banner=3.0, command=2.5, recipient=3.5)
_ROUND_TRIP = 0.02
_LOOPBACK = "127.0.0.1"
_USUAL_PORT = 8080


@click.command("demo")
@click.option("--once", is_flag=True, help="Exit when the list is clean.")
def demo_command(once: bool) -> None:
    """Clean a sample list of 2,000 rows on a small internet of mail that runs on this machine alone."""
    console = remarks()
    folder = Path(platformdirs.user_cache_dir("verifier-demo", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    sample, output, report = (
        shipped_folder() / "sample_list.csv",
        folder / "sample_list.clean.csv",
        folder / "report.html",
    )
    world = World(SEED, rtt=_ROUND_TRIP)
    console.print(
        Text(f"A mail world on loopback: {world.domains} domains, real SMTP and DNS, nothing leaves this machine.")
    )
    with tempfile.TemporaryDirectory(prefix="verifier-demo-") as data_dir, WorldProcess(world) as running:
        environment = running.environment | {"VERIFIER_DATA_DIR": data_dir}
        wish = Wish(source=str(sample), output=str(output), report=report, force=True, timeouts=_PATIENCE)
        clean_list(load_settings(environment, None), wish)
        _compare(world, output)
        if once:
            return
        console.print(Text("\nThe world stays up. To look around in it, in another terminal:\n", style="bold"))
        environment["VERIFIER_HTTP_PORT"] = str(_free_port())
        for name, value in environment.items():
            console.print(Text(f"  export {name}={value}"), soft_wrap=True)
        console.print(Text(f"  {sys.argv[0]} check jane@gmail.com nobody.here@gmail.com\n"), soft_wrap=True)
        run_async(serve_until_stopped(load_settings(environment, None), _PATIENCE))


def _compare(world: World, output: Path) -> None:
    """Hold every row against what is true in the world, and say what came of it."""
    with output.open(newline="", encoding="utf-8-sig") as file:
        found = list(csv.DictReader(file))
    decidable = right = lost = 0
    for row, given in zip(world.rows(len(found)), found, strict=True):
        truth = row.truth(world)
        if given["email"] != row.email:
            lost += 1
        decidable += truth.decidable
        right += truth.decidable and given["ev_reason"] in truth.reasons
        if truth.exists and given["ev_verdict"] == Verdict.UNDELIVERABLE and not truth.decidable:
            lost += 1
    console = remarks()
    style = "bold green" if right == decidable and not lost else "bold red"
    console.print(
        Text(
            f"Held against the world's truth: {right:,} of {decidable:,} rows that can be decided are right.",
            style=style,
        )
    )


def _free_port() -> int:
    """The usual port of the service, or another where that is taken."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_LOOPBACK, _USUAL_PORT))
        except OSError:
            listener.bind((_LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port
