"""`verifier feedback`: what became of mail that was sent, from a message, from logs and exports, from a mailbox.

Works beside a service that runs: what is told is kept at once, and done by the service a few seconds later.
"""

import asyncio
import ssl
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, ClassVar
from urllib.parse import unquote, urlsplit

import click
from msgspec import Struct

from verifier.adapters.data_files import load_providers, shipped_folder
from verifier.adapters.folder_lock import FolderBusy
from verifier.adapters.imaplib_mailbox import ImaplibMailbox
from verifier.adapters.log_files import lines_of, oldest_first
from verifier.adapters.mail_folder import MailFolder, is_mail_folder
from verifier.adapters.poplib_mailbox import PoplibMailbox
from verifier.adapters.secret_file import load_secret
from verifier.adapters.system_clock import SystemClock, local_zone
from verifier.config import Settings
from verifier.core.faults import InputError, ServiceUnavailable
from verifier.core.feedback.exports import WORDS, export_events, shape_of
from verifier.core.feedback.hook import LARGEST_BODY, Refusal
from verifier.core.feedback.journal_lines import plain_lines
from verifier.core.feedback.log_lines import LogTime, Relays
from verifier.core.feedback.reports import read_report
from verifier.core.feedback.sources import SOURCES
from verifier.core.mail_events import MailEvent
from verifier.core.unsubscribe_token import Leaving, leaving_of, make_unsubscribe_token
from verifier.edges.cli.event_loop import run_async
from verifier.edges.cli.exit_codes import ExitCode
from verifier.edges.cli.session import SERVE, address_or_fault, probing, read_settings, report_fault, say
from verifier.edges.http.site import public_url_of
from verifier.feedback_wiring import open_events, open_feedback_alone, open_keeping
from verifier.readers.tables import open_table
from verifier.service.importing import LOGS, Take, is_foreign_log, log_events, log_of, take_all
from verifier.service.keeping import Receipt

_LOOKED_AT = 50_000
"""Lines: a log that other programs write to as well may begin with many of theirs."""
_FIRST = 100
"""Lines by which a log is told from an export."""
_ROWS = 2000
_SHOWN_WORDS = 5

EXPORT = "export"


class TryAgain(ServiceUnavailable):
    """What a mail server takes for a reason to run the command again (EX_TEMPFAIL), and not to lose the message."""

    exit_code: ClassVar[int] = ExitCode.TRY_AGAIN


class Wishes(Struct, frozen=True):
    """The options of an import."""

    kind: str | None
    sender: str | None
    smarthosts: tuple[str, ...]
    source: str
    word: str | None
    column: str | None
    password_file: IO[str] | None


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
@click.argument("inputs", nargs=-1, required=True, metavar="FILE|URL…")
@click.option("--format", "kind", type=click.Choice([*LOGS, EXPORT]), help="Told by the first lines if not given.")
@click.option("--sender", help="Whose mail it was.")
@click.option("--smarthost", "smarthosts", multiple=True, metavar="HOST", help="Takes mail for others; repeatable.")
@click.option("--source", default=EXPORT, help="Whose export it is: mailjet, brevo, mailchimp, …")
@click.option("--event", "word", type=click.Choice(WORDS), help="What happened to all, where no column says it.")
@click.option("--column", help="The column of an export's addresses, by heading or number; guessed if not given.")
@click.option("--password-file", type=click.File(), help="The mailbox's password, in its first line; else asked for.")
def import_command(inputs: tuple[str, ...], **options: Any) -> None:
    """Take in the past; twice makes no difference.

    FILE is a mail log of Postfix or Exim (rotated and gzipped ones too), or what a sending service exports: bounced,
    unsubscribed, cleaned contacts, or a list of events; or a mailbox of bounces (mbox, Maildir). URL is one elsewhere:
    imaps://USER@HOST/FOLDER or pop3s://USER@HOST; nothing in it is changed.
    """
    run_async(_import(read_settings(), inputs, Wishes(**options)))


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
        if not all(map(SOURCES[source].takes, lines)):
            raise InputError(f"That is not {SOURCES[source].secret}: every message of {source} would be refused.")
    run_async(_set_secret(read_settings(), source, lines))


@feedback_command.command("link")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS…]")
@click.option("--sender", help="Whose mail ends by it; else everybody's.")
@click.option("--topic", help="What the mail is about that ends; else all of it.")
def link_command(addresses: tuple[str, ...], sender: str | None, topic: str | None) -> None:
    """Print a link that unsubscribes each ADDRESS by one click (RFC 8058), a line each; or those of standard input."""
    settings = read_settings()
    secret = load_secret(settings.data_dir, settings.secret_key, SystemClock())
    public_url = public_url_of(settings)
    for text in addresses or (line.strip() for line in sys.stdin if line.strip()):
        leaving = Leaving(address_or_fault(text).normalized, sender, topic)
        click.echo(f"{public_url}/unsubscribe/{make_unsubscribe_token(secret, leaving)}")


async def _take_message(settings: Settings, raw: bytes, sender: str | None) -> None:
    try:
        outcome = read_report(raw, SystemClock().now(), _opener(settings))
        if isinstance(outcome, Refusal):
            raise InputError(outcome.sentence)
        async with _taking(settings) as take:
            _tell(await take_all(outcome.events, take, sender, _silently))
    except ServiceUnavailable as fault:
        raise TryAgain(str(fault)) from None


async def _import(settings: Settings, inputs: Sequence[str], wishes: Wishes) -> None:
    mailboxes = [_mailbox(url, wishes) for url in inputs if "://" in url]
    given = oldest_first([Path(name) for name in inputs if "://" not in name])
    folders = [path for path in given if wishes.kind is None and is_mail_folder(path)]
    files = [path for path in given if path not in folders]
    kinds = dict.fromkeys(files, wishes.kind) if wishes.kind else _kinds_of(files)
    async with _taking(settings) as take:
        for mailbox in (*mailboxes, *map(MailFolder, folders)):
            _tell(await _take_mailbox(settings, mailbox, take, wishes.sender))
        for kind in LOGS:
            if logs := [path for path in files if kinds[path] == kind]:
                await _take_logs(logs, kind, take, wishes)
        for path in files:
            if kinds[path] == EXPORT:
                _tell(await _take_export(path, take, wishes))


async def _take_logs(files: Sequence[Path], kind: str, take: Take, wishes: Wishes) -> None:
    times = LogTime(SystemClock().now(), local_zone())
    providers = load_providers(shipped_folder())
    relays = Relays(lambda host: providers.of_exchange(host) is not None, wishes.smarthosts)
    lines = partial(_all_lines, files)
    receipt = await take_all(log_events(lines, kind, times, relays), take, wishes.sender, _progress())
    if relays.smarthosts:
        say(f"Taken for smarthosts, whose acceptance proves nothing: {', '.join(sorted(relays.smarthosts))}.")
    _tell(receipt)


async def _take_export(path: Path, take: Take, wishes: Wishes) -> Receipt:
    with closing(open_table(path, [wishes.column] if wishes.column else ())) as table:
        layout = table.layout
        shape = shape_of(layout.header if layout.has_header else (), layout.email_columns[0], wishes.word or "")
        at = _written_at(path)
        rows, left_out = chain.from_iterable(table.chunks(_ROWS)), Counter[str]()
        events = export_events(rows, shape, wishes.source, at, left_out)
        receipt = await take_all(events, take, wishes.sender, _silently)
    if left_out:
        words = ", ".join(repr(word) for word, _ in left_out.most_common(_SHOWN_WORDS))
        say(f"{left_out.total():,} rows were left out, for nothing is known here of {words}.")
        if not receipt.new + receipt.repeated:
            say("If all rows of the file are of one kind, --event says which.")
    return receipt


async def _take_mailbox(
    settings: Settings, mailbox: ImaplibMailbox | PoplibMailbox | MailFolder, take: Take, sender: str | None
) -> Receipt:
    """What is no report is passed over: replies of people come to such mailboxes too."""
    now, others, recipient_of = SystemClock().now(), 0, _opener(settings)
    events: list[MailEvent] = []
    messages = mailbox.messages(LARGEST_BODY)
    while (raw := await asyncio.to_thread(next, messages, None)) is not None:
        outcome = read_report(raw, now, recipient_of)
        if isinstance(outcome, Refusal):
            others += 1
        else:
            events += outcome.events
    if others:
        say(f"{others:,} messages are neither bounces nor abuse reports, and were passed over.")
    return await take_all(events, take, sender, _silently)


def _opener(settings: Settings) -> Callable[[str], str]:
    """Whose mail an unsubscribe link stood in."""
    secret = load_secret(settings.data_dir, settings.secret_key, SystemClock())

    def recipient_of(token: str) -> str:
        leaving = leaving_of(secret, token)
        return "" if leaving is None else leaving.email

    return recipient_of


def _mailbox(url: str, wishes: Wishes) -> ImaplibMailbox | PoplibMailbox:
    parts = urlsplit(url)
    if parts.scheme not in ("imaps", "pop3s") or not parts.hostname or not parts.username or parts.password:
        raise InputError(
            "A mailbox is imaps://USER@HOST/FOLDER or pop3s://USER@HOST (an @ in USER is %40), without the password."
        )
    if wishes.password_file is not None:
        password = wishes.password_file.readline().rstrip("\r\n")
    else:
        password = click.prompt(f"Password of {parts.username} at {parts.hostname}", hide_input=True, err=True)
    user, trust = unquote(parts.username), ssl.create_default_context()
    if parts.scheme == "pop3s":
        return PoplibMailbox(parts.hostname, user, password, port=parts.port or 995, trust=trust)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    return ImaplibMailbox(parts.hostname, user, password, folder=folder, port=parts.port or 993, trust=trust)


def _written_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _all_lines(files: Sequence[Path]) -> Iterator[bytes]:
    return plain_lines(chain.from_iterable(lines_of(path) for path in files))


@asynccontextmanager
async def _taking(settings: Settings) -> AsyncIterator[Take]:
    """What takes events: this process where it can hold the folder. Else they are kept beside whoever does, for bounces
    come many at once: a service does what they change within seconds, and after anything else the next such command.
    """
    try:
        async with (
            probing(settings, "verifier feedback") as verifier,
            open_feedback_alone(verifier, report_fault=report_fault) as service,
        ):
            yield service.feedback.keep
            await service.feedback.catch_up()
    except FolderBusy as busy:
        async with open_keeping(settings) as keeping:
            yield keeping.keep
        if busy.holder is None or busy.holder.command != SERVE:
            say("Kept; what it changes is done by the next `verifier feedback`, or by `verifier serve`.")


def _kinds_of(files: Sequence[Path]) -> dict[Path, str]:
    """The kind of log that each one's first lines are of, an export where they are of none; a log in which no mail
    server has written yet goes with the others. Raises InputError for a foreign log.
    """
    found = {path: next(filter(None, map(log_of, islice(_all_lines([path]), _LOOKED_AT))), None) for path in files}
    logs = [kind for kind in found.values() if kind is not None]
    return {path: kind or _kind_of_others(path, logs) for path, kind in found.items()}


def _kind_of_others(path: Path, logs: Sequence[str]) -> str:
    lines = list(islice(_all_lines([path]), _FIRST))
    if logs and (not lines or is_foreign_log(lines)):
        return logs[0]
    if is_foreign_log(lines):
        raise InputError(
            f"{path.name} is a log, but none of Postfix or Exim: nothing of it is read. A mail server of another"
            " kind tells of its bounces by mail: `verifier feedback` takes them."
        )
    return EXPORT


async def _set_secret(settings: Settings, source: str, secrets: Sequence[str]) -> None:
    async with open_events(settings) as store:
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
