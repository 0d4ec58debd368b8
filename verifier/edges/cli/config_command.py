"""`verifier config`: the effective settings, each with its origin; secrets masked."""

import os
from pathlib import Path

import click
from rich import box
from rich.table import Table
from rich.text import Text

from verifier.config import SETTINGS, Origin, Settings, find_settings_file, load_settings, shown_value
from verifier.edges.cli.terminal import remarks, results


@click.command("config")
def config_command() -> None:
    """Show the effective settings and where each comes from.

    The environment (VERIFIER_…) overrules verifier.toml (in this folder, else in your configuration folder), which
    overrules the defaults. Passwords and keys are not shown.
    """
    settings = load_settings(os.environ, find_settings_file(Path.cwd()))
    console = results()
    if console.is_terminal:
        console.print(_table(settings))
    else:
        for setting in SETTINGS:
            click.echo(f"{setting.variable}\t{shown_value(settings, setting.name)}\t{settings.origins[setting.name]}")
    for warning in settings.warnings:
        remarks().print(Text(f"Warning: {warning}", style="yellow"), soft_wrap=True)


def _table(settings: Settings) -> Table:
    table = Table(box=box.SIMPLE_HEAD, caption=f"file: {settings.file}" if settings.file else "no verifier.toml found")
    for heading in ("setting", "value", "origin", "meaning"):
        table.add_column(heading, overflow="fold")
    for setting in SETTINGS:
        origin = settings.origins[setting.name]
        style = "dim" if origin is Origin.DEFAULT else "bold"
        value = Text(shown_value(settings, setting.name), style=style)
        table.add_row(setting.variable, value, Text(str(origin), style=style), Text(setting.meaning, style="dim"))
    return table
