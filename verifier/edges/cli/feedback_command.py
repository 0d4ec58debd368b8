"""`verifier feedback`: what became of mail that was sent, from a message, from logs and exports, from a mailbox.

Works beside a service that runs: what is told is kept at once, and done by the service a few seconds later.
"""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path

import click

from verifier.adapters.data_files import load_providers, shipped_folder
from verifier.adapters.folder_lock import FolderBusy
from verifier.adapters.log_files import lines_of, oldest_first
from verifier.adapters.system_clock import SystemClock
from verifier.config import Settings
from verifier.core.faults import InputError
from verifier.core.feedback.hook import LARGEST_BODY, Refusal
from verifier.core.feedback.log_lines import LogTime, Relays
from verifier.core.feedback.reports import read_report
from verifier.core.feedback.sources import SOURCES
from verifier.edges.cli.event_loop import run_async
from verifier.edges.cli.session import SERVE, probing, read_settings, report_fault, say
from verifier.feedback_wiring import open_feedback_alone, open_keeping, open_secrets
from verifier.service.importing import LOGS, Take, log_events, take_all
from verifier.service.keeping import Receipt

_LOOKED_AT = 200
_SIGNS = {"postfix": (b" postfix/", b" postfix-"), "exim": (b" <= ", b" => ", b" Completed")}


@click.group("feedback", invoke_without_command=True)
@click.option("--sender", help="Whose mail it was.")
@click.pass_context
def feedback_command(context: click.Context, sender: str | None) -> None:
    """Take in a bounce (DSN) or an abuse report (ARF) from standard input, or, by its commands, the past."""
    if context.invoked_subcommand is None:
        if sys.stdin.isatty():
            raise click.UsageError("Pipe a bounce message in, or see `verifier feedback --help`.")
        run_async(_take_message(read_settings(), sys.stdin.buffer.read(LARGEST_BODY + 1), sender))


@feedback_command.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "kind", type=click.Choice(LOGS), help="Told by the first lines where it is not given.")
@click.option("--sender", help="Whose mail it was.")
@click.option("--smarthost", "smarthosts", multiple=True, metavar="HOST", help="Takes mail for others; repeatable.")
def import_command(files: tuple[Path, ...], kind: str | None, sender: str | None, smarthosts: tuple[str, ...]) -> None:
    """Take in mail logs of Postfix or Exim, rotated and gzipped ones too; twice makes no difference."""
    run_async(_import(read_settings(), oldest_first(files), kind, sender, smarthosts))


@feedback_command.command("secret")
@click.argument("source", type=click.Choice([name for name, source in SOURCES.items() if source.secret]))
@click.option("--remove", is_flag=True, help="Forget it: the source's messages are refused from then on.")
def secret_command(source: str, remove: bool) -> None:
    """Set the secret (or public key) that SOURCE signs with, from standard input: one a line while it changes."""
    lines: list[str] = []
    if not remove:
        if sys.stdin.isatty():
            lines = [click.prompt(SOURCES[source].secret, hide_input=True)]
        else:
            lines = _secrets(sys.stdin.read(LARGEST_BODY))
        if not lines:
            raise InputError("There is no secret on standard input.")
    run_async(_set_secret(read_settings(), source, lines))


async def _take_message(settings: Settings, raw: bytes, sender: str | None) -> None:
    outcome = read_report(raw, SystemClock().now())
    if isinstance(outcome, Refusal):
        raise InputError(outcome.sentence)
    async with _taking(settings) as take:
        _tell(await take_all(outcome.events, take, sender, _silently))


async def _import(
    settings: Settings, files: Sequence[Path], kind: str | None, sender: str | None, smarthosts: Sequence[str]
) -> None:
    clock = SystemClock()
    now = clock.now()
    zone = now.astimezone().tzinfo
    assert zone is not None
    providers = load_providers(shipped_folder())
    relays = Relays(lambda host: providers.of_exchange(host) is not None, smarthosts)
    events = log_events(
        lambda: chain.from_iterable(lines_of(path) for path in files),
        kind or _kind_of(files),
        LogTime(now, zone),
        relays,
    )
    async with _taking(settings) as take:
        receipt = await take_all(events, take, sender, _progress())
    if relays.smarthosts:
        say(f"Taken for smarthosts, whose acceptance proves nothing: {', '.join(sorted(relays.smarthosts))}.")
    _tell(receipt)


@asynccontextmanager
async def _taking(settings: Settings) -> AsyncIterator[Take]:
    """What takes events: this process where it can hold the folder, else the service that does."""
    try:
        async with (
            probing(settings, "verifier feedback") as verifier,
            open_feedback_alone(verifier, report_fault=report_fault) as service,
        ):
            yield service.feedback.keep
            await service.feedback.catch_up()
    except FolderBusy as busy:
        if busy.holder is None or busy.holder.command != SERVE:
            raise
        async with open_keeping(settings) as keeping:
            yield keeping.keep


def _kind_of(files: Sequence[Path]) -> str:
    """The kind of log that the first lines are of. Raises InputError."""
    for path in files:
        for _, line in zip(range(_LOOKED_AT), lines_of(path), strict=False):
            for kind, signs in _SIGNS.items():
                if any(sign in line for sign in signs):
                    return kind
    raise InputError("These are neither logs of Postfix nor of Exim, as far as their first lines tell: say --format.")


async def _set_secret(settings: Settings, source: str, secrets: Sequence[str]) -> None:
    async with open_secrets(settings) as store:
        await store.put_secrets(source, secrets, SystemClock().now())
    say(f"{source} is {'known by its signature now' if secrets else 'not known by its signature any more'}.")


def _secrets(text: str) -> list[str]:
    """One a line; a PEM key is one, over several lines."""
    if "-----BEGIN" in text:
        return [text.strip()]
    return [line.strip() for line in text.splitlines() if line.strip()]


def _progress() -> Callable[[int], None]:
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        if sys.stderr.isatty() and done - told >= 20_000:
            told = done
            say(f"{done:,} events …")

    return tell


def _silently(_done: int) -> None:
    pass


def _tell(receipt: Receipt) -> None:
    click.echo(f"{receipt.new:,} new, {receipt.repeated:,} known before, {receipt.ignored:,} of no address")
