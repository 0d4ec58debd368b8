"""`verifier suppress`: whom not to mail; works beside a service that runs, which knows it a second later."""

from datetime import timedelta
from typing import IO

import click
from rich import box
from rich.table import Table
from rich.text import Text

from verifier.adapters.system_clock import SystemClock
from verifier.config import Settings
from verifier.core.faults import InputError
from verifier.core.gate_words import MessageClass
from verifier.core.suppressions import SuppressionKind
from verifier.edges.cli.durations import Duration
from verifier.edges.cli.event_loop import run_async
from verifier.edges.cli.session import read_settings, say
from verifier.edges.cli.terminal import results
from verifier.edges.suppression_files import take_in, write_out
from verifier.gate_ports import SuppressionWish
from verifier.gate_wiring import open_suppressions, prepare_memory
from verifier.service.suppressing import MANUAL, Scope

_KINDS = click.Choice([kind.value for kind in SuppressionKind])
_CLASSES = click.Choice([each.value for each in MessageClass])
_SHOWN_FAULTS = 5
_ADDRESS = "An address, @domain, or the SHA-256 of an address in lower case."


@click.group("suppress")
def suppress_command() -> None:
    """Keep the list of whom not to mail, and of whom to mail whatever else is known."""


@suppress_command.command("add")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS…")
@click.option("--kind", type=_KINDS, default="manual_block", show_default=True, help="Why they are not mailed.")
@click.option("--sender", help="For this sender's mail alone.")
@click.option("--class", "message_class", type=_CLASSES, help="For mail of this class alone.")
@click.option("--topic", help="For mail about this alone.")
@click.option("--expires", type=Duration(), help="How long it holds, such as 90d; else until it is removed.")
@click.option("--source", default=MANUAL, show_default=True, help="Who told us.")
def add_command(
    addresses: tuple[str, ...],
    kind: str,
    sender: str | None,
    message_class: str | None,
    topic: str | None,
    expires: timedelta | None,
    source: str,
) -> None:
    """Suppress each ADDRESS: an address, @domain, or the SHA-256 of an address in lower case."""
    scope = Scope(sender, message_class, topic)
    run_async(_add(read_settings(), addresses, SuppressionKind(kind), scope, expires, source))


@suppress_command.command("remove")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS…")
@click.option("--kind", "kinds", type=_KINDS, multiple=True, help="Entries of this kind alone; repeatable.")
@click.option("--sender", help="Entries of this sender alone.")
def remove_command(addresses: tuple[str, ...], kinds: tuple[str, ...], sender: str | None) -> None:
    """End what stands under exactly each ADDRESS."""
    run_async(_remove(read_settings(), addresses, [SuppressionKind(kind) for kind in kinds], sender))


@suppress_command.command("list")
@click.argument("address", required=False)
@click.option("--kind", type=_KINDS, help="Entries of this kind alone.")
@click.option("--sender", help="Entries of this sender alone.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many at most.")
def list_command(address: str | None, kind: str | None, sender: str | None, limit: int) -> None:
    """Show suppressions, or those that concern ADDRESS."""
    run_async(_list(read_settings(), address, SuppressionKind(kind) if kind else None, sender, limit))


@suppress_command.command("import")
@click.argument("source", metavar="FILE")
@click.option("--kind", type=_KINDS, default="manual_block", show_default=True, help="Where the file does not say it.")
@click.option("--column", help="The column of addresses, by heading or number; else it is found.")
@click.option("--sender", help="For this sender's mail alone, where the file does not say it.")
@click.option("--source", "told_by", default="import", show_default=True, help="Who told us.")
def import_command(source: str, kind: str, column: str | None, sender: str | None, told_by: str) -> None:
    """Suppress every row of FILE (CSV with or without heading, TSV, TXT, XLSX, JSONL; - is stdin).

    Addresses, @domains or SHA-256 digests; an export of ours comes back as it was. Safe to repeat: a row that is there
    is renewed.
    """
    run_async(_import(read_settings(), source, SuppressionKind(kind), column, sender, told_by))


@suppress_command.command("export")
@click.option(
    "-o",
    "--output",
    type=click.File("w", encoding="utf-8", lazy=False),
    default="-",
    show_default=True,
    help="The file; - is stdout.",
)
@click.option("--kind", type=_KINDS, help="Entries of this kind alone.")
@click.option("--sender", help="Entries of this sender alone.")
@click.option("--hashed", is_flag=True, help="SHA-256 digests in place of addresses.")
@click.option("--addresses", "bare", is_flag=True, help="One column without heading, as sending services import it.")
def export_command(output: IO[str], kind: str | None, sender: str | None, hashed: bool, bare: bool) -> None:
    """Write all suppressions whose address is known as CSV."""
    run_async(_export(read_settings(), output, SuppressionKind(kind) if kind else None, sender, hashed, bare))


async def _add(
    settings: Settings,
    addresses: tuple[str, ...],
    kind: SuppressionKind,
    scope: Scope,
    expires: timedelta | None,
    source: str,
) -> None:
    until = None if expires is None else SystemClock().now() + expires
    async with open_suppressions(settings) as suppressing:
        entries = [suppressing.entry(text, kind, scope, source=source, expires=until) for text in addresses]
        added = await suppressing.add(entries)
    say(f"{added} added.")


async def _remove(
    settings: Settings, addresses: tuple[str, ...], kinds: list[SuppressionKind], sender: str | None
) -> None:
    async with open_suppressions(settings) as suppressing:
        removed = await suppressing.lift(addresses, kinds or list(SuppressionKind), sender=sender)
    if not removed:
        raise InputError("Nothing stands under that: `verifier suppress list ADDRESS` shows what concerns an address.")
    say(f"{removed} removed.")


async def _list(
    settings: Settings, address: str | None, kind: SuppressionKind | None, sender: str | None, limit: int
) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("address", "kind", "sender", "class", "topic", "since", "until", "source"):
        table.add_column(heading, overflow="fold")
    async with open_suppressions(settings) as suppressing:
        keys = None if address is None else suppressing.keys_of(address)
        page = await suppressing.page(SuppressionWish(kind, sender, keys, limit=limit))
    for _, entry in page:
        table.add_row(
            Text(entry.address or "(hash)"),
            entry.kind,
            Text(entry.sender or "all"),
            entry.message_class or "all",
            Text(entry.topic or "all"),
            f"{entry.at:%Y-%m-%d}",
            "" if entry.expires is None else f"{entry.expires:%Y-%m-%d}",
            Text(entry.source),
        )
    results().print(table)
    if len(page) == limit:
        say(f"The first {limit} are shown: --limit shows more, `verifier suppress export` writes all.")


async def _import(
    settings: Settings, source: str, kind: SuppressionKind, column: str | None, sender: str | None, told_by: str
) -> None:
    async with open_suppressions(settings) as suppressing:
        read, added, faults = await take_in(suppressing, source, kind, column, sender, told_by)
    await prepare_memory(settings)
    for fault in faults[:_SHOWN_FAULTS]:
        say(f"Left out, {fault}")
    if len(faults) > _SHOWN_FAULTS:
        say(f"… and {len(faults) - _SHOWN_FAULTS:,} more.")
    say(f"{read:,} rows, {added:,} added, {len(faults):,} left out.")
    if faults and len(faults) == read:
        raise InputError("Nothing of the file was taken.")


async def _export(
    settings: Settings, file: IO[str], kind: SuppressionKind | None, sender: str | None, hashed: bool, bare: bool
) -> None:
    async with open_suppressions(settings) as suppressing:
        written, unnamed = await write_out(suppressing, file, kind, sender, hashed, bare)
    say(f"{written:,} written." + (f" Of {unnamed:,} only a hash is known: they stay here." if unnamed else ""))
