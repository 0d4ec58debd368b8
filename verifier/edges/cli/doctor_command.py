"""`verifier doctor`: examines this host and says, of each thing, how it is and what to do about it."""

import tempfile
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from verifier.adapters.dnspython_resolver import DnspythonResolver
from verifier.adapters.system_clock import SystemClock
from verifier.config import Settings
from verifier.core.diagnosis import Check, Health, usable
from verifier.edges.cli.event_loop import run_async
from verifier.edges.cli.exit_codes import ExitCode
from verifier.edges.cli.session import address_or_fault, read_settings, say
from verifier.edges.cli.terminal import results
from verifier.edges.host_examination import examine_host
from verifier.service.sender_domain import examine_sender
from verifier.wiring import open_verifier

_MARKS = {Health.OK: ("✓", "green"), Health.WARNING: ("!", "yellow"), Health.PROBLEM: ("✗", "red")}


@click.command("doctor")
@click.option("--sender", metavar="DOMAIN", help="Look at the domain of a From line instead: SPF, DKIM, DMARC, MX.")
@click.option("--selector", default="", help="The DKIM selector that its mail is signed by.")
def doctor_command(sender: str | None, selector: str) -> ExitCode:
    """Examine this host: port 25, HELO, PTR, SPF, block lists, DNS, Redis, storage, age of the data.

    Ends with 69 when something is out of reach that the commands cannot do without; a closed port 25 is not: all but
    the mailboxes is checked without it.
    """
    settings = read_settings()
    console = results()
    if sender is not None:
        domain = address_or_fault(f"a@{sender}").domain
        for check in run_async(_examine_sender(settings, domain, selector)):
            _print(console, check)
        return ExitCode.DONE
    checks = run_async(_examine(settings))
    for check in checks:
        _print(console, check)
    _print_verdict(console, checks)
    return ExitCode.DONE if usable(checks) else ExitCode.UNAVAILABLE


async def _examine(settings: Settings) -> tuple[Check, ...]:
    """On a folder of its own, so that whoever works in the user's goes on."""
    with tempfile.TemporaryDirectory(prefix="verifier-doctor-") as own_folder:
        apart = msgspec.structs.replace(settings, data_dir=Path(own_folder), redis_url="", database_url="")
        async with open_verifier(apart, warn=say, report_fault=_raise) as verifier:
            return await examine_host(verifier, settings)


async def _examine_sender(settings: Settings, domain: str, selector: str) -> tuple[Check, ...]:
    resolver = DnspythonResolver(SystemClock(), settings.dns_nameservers)
    try:
        return await examine_sender(resolver, domain, selector)
    finally:
        await resolver.close()


def _raise(fault: BaseException) -> None:
    raise fault


def _print(console: Console, check: Check) -> None:
    """Whole lines off a terminal, indented paragraphs on one."""
    mark, style = _MARKS[check.health]
    console.print(Text.assemble((f"{mark} {check.name}: ", f"bold {style}"), check.seen), soft_wrap=True)
    if not check.advice:
        return
    if console.is_terminal:
        console.print(Padding(Text(f"→ {check.advice}"), (0, 0, 0, 2)))
    else:
        console.print(Text(f"  → {check.advice}"), soft_wrap=True)


def _print_verdict(console: Console, checks: tuple[Check, ...]) -> None:
    open_points = sum(check.health is not Health.OK for check in checks)
    if not usable(checks):
        line = Text("\nNot ready: put right what is out of reach first.", style="bold red")
    elif open_points:
        line = Text(f"\nUsable; {open_points} of {len(checks)} points above want attention.", style="bold yellow")
    else:
        line = Text("\nAll is well.", style="bold green")
    console.print(line)
