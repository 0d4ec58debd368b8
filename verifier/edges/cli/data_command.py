"""`verifier data`: what the lists are, how old, and from where; refresh them; put a domain above them."""

import os
from datetime import date
from pathlib import Path

import click
from rich import box
from rich.table import Table
from rich.text import Text

from verifier.adapters.data_files import ALLOW, DENY, OPT_OUT, data_headers, load_reference_data, shipped_folder
from verifier.adapters.list_packages import INDEX_PACKAGES, fetch_lists
from verifier.adapters.operator_lists import (
    allow_domain,
    deny_domain,
    lift_harvest_guard,
    opt_out_domain,
    refresh_disposable,
)
from verifier.adapters.system_clock import SystemClock
from verifier.config import find_settings_file, load_settings
from verifier.edges.cli.terminal import remarks, results

_STALE_AFTER = 30  # days: new throw-away domains appear every day
_remove = click.option("--remove", is_flag=True, help="Take it off the list again.")
_HEADINGS = ("file", "rows", "date", "age", "licence", "origin", "what")


@click.group("data", invoke_without_command=True)
@click.pass_context
def data_command(context: click.Context) -> None:
    """Show every list with its age, rows and licence; refresh them; allow or deny a domain above them."""
    if context.invoked_subcommand is None:
        _show(_data_dir(), SystemClock().now().date())


@data_command.command("refresh")
def refresh_command() -> None:
    """Add what the newest list packages know to the disposable domains."""
    data_dir = _data_dir()
    remarks().print(f"Asking the package index for {' and '.join(INDEX_PACKAGES)} …")
    done = refresh_disposable(data_dir, fetch_lists(), load_reference_data(data_dir), SystemClock().now().date())
    click.echo(f"{done.after} disposable domains, {done.after - done.before} of them new ({', '.join(done.sources)}).")


@data_command.command("allow")
@click.argument("domain")
@_remove
def allow_command(domain: str, remove: bool) -> None:
    """Never call DOMAIN, or what lies under it, disposable."""
    name = allow_domain(_data_dir(), domain, remove=remove)
    click.echo(f"{name} is no longer on your allow list." if remove else f"{name} is never disposable now.")


@data_command.command("deny")
@click.argument("domain")
@_remove
def deny_command(domain: str, remove: bool) -> None:
    """Always call DOMAIN, and what lies under it, disposable."""
    name = deny_domain(_data_dir(), domain, remove=remove)
    click.echo(f"{name} is no longer on your deny list." if remove else f"{name} is always disposable now.")


@data_command.command("opt-out")
@click.argument("domain")
@_remove
def opt_out_command(domain: str, remove: bool) -> None:
    """Never probe DOMAIN, what lies under it, or a domain whose mail exchange it is."""
    name = opt_out_domain(_data_dir(), domain, remove=remove)
    click.echo(f"{name} is no longer on your opt-out list." if remove else f"{name} is never probed now.")


@data_command.command("lift")
@click.argument("domain")
@click.argument("list_name", metavar="LIST")
@click.option("--remove", is_flag=True, help="Guard it again.")
def lift_command(domain: str, list_name: str, remove: bool) -> None:
    """Let the list whose file is called LIST pass the harvest guard at DOMAIN."""
    name = lift_harvest_guard(_data_dir(), domain, list_name, SystemClock().now(), remove=remove)
    says = "guards {} again at {}." if remove else "lets {} pass at {} now."
    click.echo(f"The harvest guard {says.format(list_name, name)}")


def _data_dir() -> Path:
    return load_settings(os.environ, find_settings_file(Path.cwd())).data_dir


def _show(data_dir: Path, today: date) -> None:
    rows = _lines(data_dir, today)
    console = results()
    if console.is_terminal:
        table = Table(box=box.SIMPLE_HEAD)
        for heading in _HEADINGS:
            table.add_column(heading, justify="right" if heading in ("rows", "age") else "left", overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
    else:
        for row in rows:
            click.echo("\t".join(row))
    _, header = data_headers(data_dir)["disposable_domains.txt"]
    if (today - header.date).days > _STALE_AFTER:
        remarks().print("The disposable domains are old: `verifier data refresh` adds the new ones.")


def _lines(data_dir: Path, today: date) -> list[tuple[str, ...]]:
    shipped = shipped_folder()
    lines: list[tuple[str, ...]] = []
    for name, (path, header) in data_headers(data_dir).items():
        age = f"{max(0, (today - header.date).days)} d"
        origin = "shipped" if path.parent == shipped else "refreshed"
        lines.append((name, str(header.rows), str(header.date), age, header.licence, origin, header.what))
    known = load_reference_data(data_dir)
    for name, listed, what in (
        (ALLOW, known.allowed, "domains that you allow"),
        (DENY, known.denied, "domains that you deny"),
        (OPT_OUT, known.own_opt_outs, "domains and exchanges that you leave alone"),
    ):
        if len(listed):
            lines.append((name, str(len(listed)), "", "", "", "yours", what))
    return lines
