"""`verifier world`: the mail world in a box by itself, its list, and what is true of it."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from verifier.core.faults import ServiceUnavailable
from verifier.core.reasons import verdict_of
from verifier.world import Egress, Honesty, RunningWorld, World
from verifier.world.sample import write_list


def _world_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that make the world what it is: the same for all three commands, or they would not agree."""
    options: tuple[Callable[[Callable[..., None]], Callable[..., None]], ...] = (
        click.option("--seed", type=int, default=1, show_default=True, help="Which world."),
        click.option("--domains", type=click.IntRange(1), default=400, show_default=True, help="Domains in the list."),
        click.option("--hosts", type=click.IntRange(1, 700), default=12, show_default=True, help="Hosts of a kind."),
        click.option(
            "--unknown-rate",
            type=click.FloatRange(0, 1),
            default=0.1,
            show_default=True,
            help="Part of the plausible names that nobody has.",
        ),
        click.option(
            "--egress",
            type=click.Choice([e.value for e in Egress]),
            default="open",
            show_default=True,
            help="What becomes of connections to port 25.",
        ),
        click.option(
            "--resolver",
            "honesty",
            type=click.Choice([h.value for h in Honesty]),
            default="honest",
            show_default=True,
            help="What the resolver does to names that do not exist.",
        ),
    )
    for option in options:
        command = option(command)
    return command


@click.group("world")
def world_command() -> None:
    """A small internet of mail on loopback, with ground truth."""


@world_command.command("serve")
@_world_options
@click.option("--rtt", type=click.FloatRange(0), default=0.0, help="Round trip in milliseconds.")
@click.option("--grey-delay", type=click.FloatRange(0), default=3.0, show_default=True, help="Seconds of greylisting.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="SMTP port; 0 takes a free one.")
@click.option("--dns-port", type=click.IntRange(0, 65535), default=0, help="DNS port; 0 takes a free one.")
@click.option("--log", "log_file", type=click.Path(dir_okay=False), help="Write all that the hosts saw, as JSONL.")
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path), help="Written once it serves.")
def serve(rtt: float, port: int, dns_port: int, log_file: str | None, ready_file: Path | None, **options: Any) -> None:
    """Serve the world and print the settings with which to use it, until interrupted."""
    running = World(rtt=rtt / 1000, **options).serve(port=port, dns_port=dns_port, log_file=log_file)
    try:
        asyncio.run(_serve(running, ready_file))
    except OSError as error:
        raise ServiceUnavailable(f"The world cannot be served: {error}.") from None


@world_command.command("list")
@_world_options
@click.option("--size", type=click.IntRange(0), default=2000, show_default=True, help="Rows.")
def write_sample(size: int, **options: Any) -> None:
    """Write a list that looks like a customer's, as CSV."""
    for line in write_list(World(**options), size):
        click.echo(line.encode(), nl=False)


@world_command.command("truth")
@_world_options
@click.option("--size", type=click.IntRange(0), default=2000, show_default=True, help="Rows.")
@click.option("--unwaited", is_flag=True, help="Greylisted rows were not asked again.")
def write_truth(size: int, unwaited: bool, **options: Any) -> None:
    """Write the verdicts that are right for each row of the list, as JSONL."""
    world = World(**options)
    for row in world.rows(size):
        truth = row.truth(world, waited=not unwaited)
        line = {
            "row": row.number,
            "email": row.email,
            "verdicts": [{"verdict": verdict_of(reason), "reason": reason} for reason in truth.reasons],
            "decidable": truth.decidable,
            "exists": truth.exists,
        }
        click.echo(msgspec.json.encode(line))


async def _serve(running: RunningWorld, ready_file: Path | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with running:
        lines = "".join(f"{name}={value}\n" for name, value in running.environment.items())
        click.echo(lines, nl=False)
        if ready_file is not None:
            draft = ready_file.with_name(ready_file.name + ".new")
            draft.write_text(lines)
            draft.replace(ready_file)
        await stopped.wait()
