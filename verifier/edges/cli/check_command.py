"""`verifier check`: addresses now, with the evidence."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from itertools import islice
from typing import Any

import click
import msgspec
from rich import box
from rich.table import Table
from rich.text import Text

from verifier.adapters.folder_lock import FolderBusy
from verifier.adapters.prober_socket import ask_prober, socket_path
from verifier.adapters.system_clock import SystemClock
from verifier.config import Settings
from verifier.core.address import Address, parse_address
from verifier.core.knowledge import Knowledge
from verifier.core.reasons import MEANINGS, Reason, StageName, Verdict
from verifier.core.record import to_record
from verifier.edges.cli.address_texts import AddressText, address_lines
from verifier.edges.cli.event_loop import run_async
from verifier.edges.cli.session import probing, read_settings, say
from verifier.edges.cli.stages_option import stages_option
from verifier.edges.cli.terminal import results
from verifier.service.asking import Asking
from verifier.wiring import Verifier, open_judging

_CHUNK = 500
_FEW = 20
_STYLES = {
    Verdict.DELIVERABLE: "green",
    Verdict.UNDELIVERABLE: "red",
    Verdict.RISKY: "yellow",
    Verdict.UNKNOWN: "cyan",
}

Record = Mapping[str, Any]
Show = Callable[[list[Record]], None]


@click.command("check")
@click.argument("addresses", type=AddressText(), nargs=-1, metavar="ADDRESS…")
@click.option("--json", "as_json", is_flag=True, help="One JSON record a line.")
@click.option("--transcript", is_flag=True, help="Show the SMTP conversation that led to the verdict.")
@stages_option
def check_command(addresses: tuple[str, ...], as_json: bool, transcript: bool, stages: tuple[StageName, ...]) -> None:
    """Verify addresses now; without ADDRESS they are read from stdin, one a line."""
    settings = read_settings()
    texts = list(addresses) if addresses else address_lines()
    show = _print_json if as_json else _print_table
    if StageName.MX not in stages:
        _check_by_lists(settings, iter(texts), stages, show)
        return
    try:
        run_async(_check(settings, iter(texts), stages, transcript, show))
    except FolderBusy as busy:
        if transcript:
            raise
        say(f"{busy.holder.command if busy.holder else 'Another process'} holds the data folder: it is asked instead.")
        run_async(_ask_holder(settings, iter(texts), stages, show))


def _check_by_lists(settings: Settings, texts: Iterator[str], stages: tuple[StageName, ...], show: Show) -> None:
    """Nobody is asked, so no lock is needed."""
    judging, _ = open_judging(settings, SystemClock())
    while chunk := list(islice(texts, _CHUNK)):
        judged = judging.judge([parse_address(text) for text in chunk], Knowledge.of({}), stages)
        show([to_record(assessment) for assessment in judged])


async def _check(
    settings: Settings, texts: Iterator[str], stages: tuple[StageName, ...], transcript: bool, show: Show
) -> None:
    async with probing(settings, "verifier check") as verifier:
        while chunk := list(islice(texts, _CHUNK)):
            await _check_chunk(verifier, chunk, stages, transcript, show)


async def _check_chunk(
    verifier: Verifier, chunk: list[str], stages: tuple[StageName, ...], transcript: bool, show: Show
) -> None:
    asking = Asking(stages=stages, interactive=len(chunk) <= _FEW, keep_transcript=transcript)
    if not transcript:
        show([to_record(assessment) for assessment in await verifier.verification.assess(chunk, asking)])
        return
    parsed = [parse_address(text) for text in chunk]
    knowledge = await verifier.verification.gather(parsed, asking)
    for address, assessment in zip(parsed, verifier.verification.judging.judge(parsed, knowledge, stages), strict=True):
        show([to_record(assessment)])
        key = verifier.verification.judging.key_of(address) if isinstance(address, Address) else ""
        lines = knowledge.transcripts.get(key, ("(no conversation: the mailbox was not asked just now)",))
        say("\n".join(f"    {line}" for line in lines) + "\n")


async def _ask_holder(settings: Settings, texts: Iterator[str], stages: tuple[StageName, ...], show: Show) -> None:
    path = socket_path(settings.data_dir)
    while chunk := list(islice(texts, _CHUNK)):
        request = {"op": "assess", "emails": chunk, "stages": [stage.value for stage in stages]}
        async with aclosing(ask_prober(path, request)) as records:
            show([record async for record in records])


def _print_json(records: list[Record]) -> None:
    for record in records:
        click.echo(msgspec.json.encode(record))


def _print_table(records: list[Record]) -> None:
    console = results()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    longest = max((len(str(record["email"])) for record in records), default=0)
    table.add_column("address", overflow="fold", min_width=min(longest, console.width // 3))
    for heading in ("verdict", "why", "evidence"):
        table.add_column(heading, overflow="fold")
    for record in records:
        verdict, reason = Verdict(record["verdict"]), Reason(record["reason"])
        why = Text(MEANINGS[reason].sentence)
        if record["did_you_mean"]:
            why.append(f" Did you mean {record['did_you_mean']}?", style="bold")
        if record["retry_after"]:
            why.append(f" Ask again after {record['retry_after']}.")
        table.add_row(
            Text(str(record["email"])), Text(f"{verdict}\n{reason}", style=_STYLES[verdict]), why, _evidence(record)
        )
    console.print(table)


def _evidence(record: Record) -> Text:
    """What was seen: the reply, the host, the flags that are set, and since when it is known."""
    smtp, flags = record["smtp"], [name for name, value in record["flags"].items() if value]
    lines = []
    if smtp:
        lines.append(f"{smtp['code']} {smtp['enhanced'] or ''} {smtp['text']}".replace("  ", " "))
    if record["mx_host"]:
        provider = f" ({record['provider']})" if record["provider"] else ""
        lines.append(f"{record['mx_host']}{provider}")
    if flags:
        lines.append(", ".join(flags))
    if record["source"] == "cache":
        lines.append(f"seen {record['checked_at']}")
    return Text("\n".join(lines), style="dim")
