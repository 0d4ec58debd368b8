"""`verifier gate`: the decision before mail goes out, as an exit code; and what was decided of late."""

from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from datetime import timedelta

import click
import msgspec
from rich import box
from rich.table import Table
from rich.text import Text

from verifier.adapters.folder_lock import FolderBusy
from verifier.adapters.gate_policy_files import load_policies
from verifier.adapters.prober_socket import ask_prober, socket_path
from verifier.adapters.system_clock import SystemClock
from verifier.config import Settings
from verifier.core.decisions import Tallied
from verifier.core.faults import OperatorError
from verifier.core.gate import worst
from verifier.core.gate_record import GateRecord, gate_record
from verifier.core.gate_rules import ROWS
from verifier.core.gate_words import GateDecision, GateQuestion, MessageClass
from verifier.edges.cli.address_texts import AddressText
from verifier.edges.cli.durations import Duration
from verifier.edges.cli.event_loop import run_async
from verifier.edges.cli.exit_codes import ExitCode
from verifier.edges.cli.session import probing, read_settings, report_fault, say
from verifier.edges.cli.terminal import results
from verifier.feedback_wiring import open_events
from verifier.gate_wiring import ASK, COMMAND_SECONDS, open_decisions, open_gate

REPORT = "report"
_CODES = {
    GateDecision.ALLOW: ExitCode.DONE,
    GateDecision.BLOCK: ExitCode.BLOCK,
    GateDecision.HOLD: ExitCode.HOLD,
}
_STYLES = {GateDecision.ALLOW: "green", GateDecision.BLOCK: "red", GateDecision.HOLD: "yellow"}
_ENDS = ("delivered", "hard", "soft", "complained")
_SENTENCES = {row.rule.value: row.sentence for row in ROWS}


@click.command("gate")
@click.argument("addresses", type=AddressText(), nargs=-1, required=True, metavar="ADDRESS… | report")
@click.option(
    "--class",
    "message_class",
    type=click.Choice([each.value for each in MessageClass]),
    default=MessageClass.MARKETING.value,
    show_default=True,
    help="What kind of mail it is.",
)
@click.option("--policy", help="strict, balanced, lenient, or one of your own; else the sender's.")
@click.option("--sender", help="Whose suppressions, caps and quota hold.")
@click.option("--topic", help="What the mail is about, for suppressions of one topic.")
@click.option("--json", "as_json", is_flag=True, help="One JSON record a line.")
@click.option("--since", type=Duration(), default="7d", show_default=True, help="For the report: how far back.")
def gate_command(
    addresses: tuple[str, ...],
    message_class: str,
    policy: str | None,
    sender: str | None,
    topic: str | None,
    as_json: bool,
    since: timedelta,
) -> int:
    """Decide whether mail may go to each ADDRESS, from what is known; `gate report` counts what was decided,
    and what became of those mails.

    Ends with 0 for allow, 1 for block, 2 for hold; of several addresses the worst. Any other code is no decision.
    """
    settings = read_settings()
    if addresses == (REPORT,):
        run_async(_report(settings, since, as_json))
        return ExitCode.DONE
    known = load_policies(settings.data_dir)
    if policy is not None and policy not in known:
        raise OperatorError(f"There is no policy {policy}: known are {', '.join(known)}.")
    questions = [
        GateQuestion(email, MessageClass(message_class), policy, sender, topic=topic, surface="cli")
        for email in addresses
    ]
    return run_async(_decide(settings, questions, as_json))


async def _decide(settings: Settings, questions: Sequence[GateQuestion], as_json: bool) -> int:
    try:
        async with (
            probing(settings, "verifier gate") as verifier,
            open_gate(verifier, report_fault=report_fault, warn=say) as service,
        ):
            answers = await service.gate.decide(questions, deadline_seconds=COMMAND_SECONDS)
            records = [gate_record(answer) for answer in answers]
            _show(records, as_json)
    except FolderBusy:
        records = await _ask_holder(settings, questions)
        _show(records, as_json)
    return _CODES[worst([GateDecision(record.decision) for record in records])]


async def _ask_holder(settings: Settings, questions: Sequence[GateQuestion]) -> list[GateRecord]:
    request = {"op": ASK, "emails": [], "questions": msgspec.to_builtins(questions)}
    async with aclosing(ask_prober(socket_path(settings.data_dir), request)) as records:
        return [msgspec.convert(record, GateRecord) async for record in records]


def _show(records: Sequence[GateRecord], as_json: bool) -> None:
    """At once, before what lacks is verified behind it."""
    if as_json:
        for record in records:
            click.echo(msgspec.json.encode(record))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("address", "decision", "rule", "why"):
        table.add_column(heading, overflow="fold")
    for record in records:
        why = _SENTENCES[record.rule]
        if record.until is not None:
            why += f" Ask again after {record.until}."
        style = _STYLES[GateDecision(record.decision)]
        table.add_row(Text(record.email), Text(record.decision, style=style), record.rule, Text(why))
    results().print(table)


async def _report(settings: Settings, since: timedelta, as_json: bool) -> None:
    start = SystemClock().now() - since
    async with open_decisions(settings) as log, open_events(settings) as events:
        tally = await log.tally(start, await events.became(start))
    if as_json:
        for each in tally:
            click.echo(msgspec.json.encode(each))
        return
    totals = Counter[str]()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in (
        "surface",
        "class",
        "policy",
        "rule",
        "decision",
        "mails",
        "degraded",
        "delivered",
        "hard",
        "soft",
        "complained",
    ):
        table.add_column(heading, overflow="fold")
    for each in tally:
        totals[_said(each)] += each.count
        style = _STYLES[each.decision]
        table.add_row(
            each.surface,
            each.message_class,
            each.policy,
            each.rule,
            Text(_said(each), style=style),
            f"{each.count:,}",
            f"{each.degraded:,}",
        )
    results().print(table)
    _show_ends(tally)
    say(", ".join(f"{count:,} {said}" for said, count in totals.most_common()) or "Nothing was decided.")


def _show_ends(tally: Sequence[Tallied]) -> None:
    """What became of the mails, by rule, where anybody has told."""
    ends: dict[tuple[str, str], Counter[str]] = {}
    for each in tally:
        ends.setdefault((each.rule, _said(each)), Counter()).update(
            mails=each.count, delivered=each.delivered, hard=each.hard, soft=each.soft, complained=each.complained
        )
    if not any(counts[name] for counts in ends.values() for name in _ENDS):
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="What became of them", title_justify="left")
    for heading in ("rule", "", "mails", "delivered", "hard bounces", "soft bounces", "complaints"):
        table.add_column(heading, overflow="fold")
    for (rule, said), counts in ends.items():
        table.add_row(rule, said, *(f"{counts[name]:,}" for name in ("mails", *_ENDS)))
    results().print(table)


def _said(each: Tallied) -> str:
    """In observe mode the mail went out all the same."""
    return f"would have been {_PAST[each.decision]}" if each.observed else _PAST[each.decision]


_PAST = {GateDecision.ALLOW: "allowed", GateDecision.HOLD: "held", GateDecision.BLOCK: "blocked"}
