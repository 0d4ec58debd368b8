"""`verifier explain`: what an SMTP reply or a bounce text says, by which rule, and what to do about it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from verifier.adapters.reply_rule_file import shipped_rules
from verifier.adapters.unrecognised_log import UnrecognisedLog
from verifier.config import find_settings_file, load_settings
from verifier.core.bounce_text import reply_from_text, stage_from_text
from verifier.core.faults import InputError
from verifier.core.reasons import MEANINGS, verdict_of
from verifier.core.replies import Reading, Reply, SmtpStage, mask
from verifier.core.reply_rules import DEFAULT_RULES, Rules
from verifier.core.verdict import reason_of_reply

_STAGE_NAMES = {stage.value: stage for stage in SmtpStage} | {
    "helo": SmtpStage.EHLO,
    "lhlo": SmtpStage.EHLO,
    "conn": SmtpStage.BANNER,
    "connect": SmtpStage.BANNER,
    "auth": SmtpStage.MAIL,
    "rset": SmtpStage.BANNER,
    "noop": SmtpStage.BANNER,
    "quit": SmtpStage.BANNER,
}
_SHOWN = 160


class _Question(msgspec.Struct, frozen=True):
    reply: str
    mx: str | None = None
    stage: str | None = None


@click.command("explain")
@click.argument("reply", required=False)
@click.option("--mx", metavar="HOST", help="The mail host that said it: some words mean different things elsewhere.")
@click.option(
    "--stage",
    type=click.Choice(["banner", "ehlo", "mail", "rcpt", "data"]),
    help="The command that it answered, where the text does not say (default: rcpt).",
)
@click.option("--jsonl", is_flag=True, help='Read {"reply", "mx", "stage"} a line from stdin, write a JSON line each.')
@click.option("--unrecognised", is_flag=True, help="List the replies that no rule knew.")
def explain_command(reply: str | None, mx: str | None, stage: str | None, jsonl: bool, unrecognised: bool) -> None:
    """Say what an SMTP reply or a bounce text means (REPLY, or else standard input)."""
    if sum((reply is not None, jsonl, unrecognised)) > 1:
        raise click.UsageError("Give a REPLY, --jsonl or --unrecognised, not several of them.")
    if unrecognised:
        _list_unrecognised()
        return
    rules = shipped_rules()
    if jsonl:
        for question in _questions():
            click.echo(_answer(rules, question))
        return
    if reply is None:
        if sys.stdin.isatty():
            raise click.UsageError("Give the reply to explain, in quotes.")
        reply = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not reply.strip():
        raise InputError("There is no text to explain.")
    _explain(rules, _Question(reply, mx, stage))


def _list_unrecognised() -> None:
    settings = load_settings(os.environ, find_settings_file(Path.cwd()))
    entries = UnrecognisedLog(settings.data_dir).counts()
    for entry in entries:
        spoken = " ".join(part for part in (str(entry.code), entry.enhanced, entry.text) if part)
        click.echo(f"{entry.count}\t{entry.stage}\t{entry.mx or '-'}\t{spoken}")
    if not entries:
        click.echo("No unrecognised replies so far.", err=True)


def _questions() -> Iterator[_Question]:
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            question = msgspec.json.decode(line, type=_Question)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f'Line {number} is no {{"reply", "mx", "stage"}} object: {error}.') from error
        if question.stage and question.stage.lower() not in _STAGE_NAMES:
            raise InputError(f"Line {number} names a stage that SMTP does not have: {question.stage!r}.")
        yield question


def _answer(rules: Rules, question: _Question) -> str:
    reply, _, reading = _read(rules, question)
    reason = reason_of_reply(reading.reply_class, reply.code)
    answer = {"class": reading.reply_class, "verdict": verdict_of(reason), "reason": reason, "rule": reading.rule}
    return msgspec.json.encode(answer).decode()


def _read(rules: Rules, question: _Question) -> tuple[Reply, SmtpStage, Reading]:
    """What the text itself says of its stage is surer than what was said about it."""
    reply = reply_from_text(question.reply)
    stage = stage_from_text(question.reply) or _STAGE_NAMES[(question.stage or "rcpt").lower()]
    return reply, stage, rules.classify(reply, stage, question.mx or None)


def _explain(rules: Rules, question: _Question) -> None:
    reply, stage, reading = _read(rules, question)
    reason = reason_of_reply(reading.reply_class, reply.code)
    verdict = verdict_of(reason)
    rows = [
        ("class", reading.reply_class.value),
        ("verdict", verdict.value),
        ("reason", f"{reason.value}: {MEANINGS[reason].sentence}"),
        ("read as", f"a reply to {stage.value}: {reply.code} {reply.enhanced or '(no enhanced code)'} {_words(reply)}"),
        ("rule", reading.rule),
        *_about_rule(rules, reading),
    ]
    if reading.retry_after_s is not None:
        rows.append(("ask again", f"after {reading.retry_after_s} s"))
    if reading.ambiguous:
        rows.append(("but", "the text alone does not decide; a probe compares it with the answer to a random name"))
    for name, value in rows:
        click.echo(f"{name:<10} {value}")


def _words(reply: Reply) -> str:
    """What the rules saw of the text: masked, cut short."""
    words = mask(reply.text)
    return words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"


def _about_rule(rules: Rules, reading: Reading) -> list[tuple[str, str]]:
    if reading.rule in DEFAULT_RULES:
        return [("source", "RFC 5321 §4.2.1: only the stage and the number spoke")]
    rule = next(rule for rule in rules.rules if rule.id == reading.rule)
    rows = [("source", rule.source)]
    if rule.reply_class is not reading.reply_class:
        rows.append(
            ("advice", "The words speak of the mailbox, the numbers do not confirm it: leave it and ask again.")
        )
    elif rule.advice is not None:
        rows.append(("advice", rule.advice))
    return rows
