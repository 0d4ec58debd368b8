"""What a list came to, as tables on stderr that somebody who never heard of SMTP understands."""

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from verifier.core.keep import HELD_UNTIL_ASKED_AGAIN
from verifier.core.reasons import Verdict, verdict_of
from verifier.core.summary import SENDERS_LIMIT, Bucket, NoticeKind, Run, Summary
from verifier.writers.sentences import Language, Phrases

_STYLES = {
    Verdict.DELIVERABLE: "green",
    Verdict.UNDELIVERABLE: "red",
    Verdict.RISKY: "yellow",
    Verdict.UNKNOWN: "cyan",
}
_BUCKETS_SAID = (Bucket.PROVED_BAD, Bucket.PROVED_GOOD, Bucket.NO_FAULT_FOUND, Bucket.RISKY)


def print_summary(console: Console, summary: Summary, run: Run, language: Language) -> None:
    """Prints the whole summary: counts, verdicts with their reasons, projection, warnings, and what to do next."""
    phrases = Phrases(language)
    rate = phrases.counted("row", round(summary.submitted / run.duration_s)) if run.duration_s else "–"
    rows = phrases.counted("row", summary.submitted)
    done = phrases("summary.done", list=run.list_name, rows=rows, duration=phrases.duration(run.duration_s), rate=rate)
    console.print(Text(f"\n{done}", style="bold"))
    console.print(Padding(_counts(summary, phrases), (0, 0, 0, 2)))
    if summary.unique:
        console.print(_verdicts(summary, phrases))
        _print_buckets(console, summary, phrases)
        _print_projection(console, summary, phrases)
    _print_notices(console, summary, phrases)
    _print_next(console, summary, run, phrases)


def _counts(summary: Summary, phrases: Phrases) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    table.add_column()
    table.add_row(phrases.number(summary.submitted), phrases("summary.submitted"))
    if summary.blank:
        table.add_row(phrases.number(summary.blank), phrases("summary.blank"))
    if summary.duplicates:
        table.add_row(phrases.number(summary.duplicates), phrases("summary.duplicates"))
    table.add_row(phrases.number(summary.unique), phrases("summary.unique"))
    return table


def _verdicts(summary: Summary, phrases: Phrases) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    table.add_column(phrases("summary.verdict"), overflow="fold")
    table.add_column(phrases("summary.addresses"), justify="right", no_wrap=True)
    table.add_column(phrases("summary.share"), justify="right", no_wrap=True)
    table.add_column(phrases("summary.meaning"), overflow="fold")
    reasons = summary.by_reason()
    for verdict, count in summary.by_verdict().items():
        if not count:
            continue
        share = phrases.share(count / summary.unique)
        meaning = phrases(f"verdict.{verdict}.meaning")
        style = f"bold {_STYLES[verdict]}"
        table.add_row(Text(phrases(f"verdict.{verdict}")), phrases.number(count), share, Text(meaning), style=style)
        for reason, part in reasons.items():
            if verdict_of(reason) is verdict:
                share = phrases.share(part / summary.unique)
                table.add_row(f"  {reason}", phrases.number(part), share, Text(phrases.reason(reason)))
    return table


def _print_buckets(console: Console, summary: Summary, phrases: Phrases) -> None:
    """The reading for a host that cannot ask mailboxes."""
    if not summary.mailboxes_out_of_reach:
        return
    buckets = summary.by_bucket()
    said = [*_BUCKETS_SAID, *([Bucket.UNANSWERED] if buckets[Bucket.UNANSWERED] else [])]
    line = " · ".join(f"{phrases(f'bucket.{bucket}')} {phrases.number(buckets[bucket])}" for bucket in said)
    console.print(Padding(Text(line, style="bold"), (0, 0, 1, 1)))


def _print_projection(console: Console, summary: Summary, phrases: Phrases) -> None:
    before = phrases.share(summary.bounce_rate_before)
    after = phrases.share(summary.bounce_rate_after) if summary.sendable else "–"
    line = Text.assemble(
        (phrases("summary.bounces") + phrases("colon"), "bold"),
        phrases("summary.bounces_line", before=before, after=after),
    )
    console.print(Padding(line, (0, 0, 0, 1)))
    flags = summary.by_flag()
    if flags:
        noted = " · ".join(f"{phrases(f'flag.{name}')} {phrases.number(count)}" for name, count in flags.items())
        console.print(
            Padding(Text.assemble((phrases("summary.flags") + phrases("colon"), "bold"), noted), (0, 0, 0, 1))
        )


def _print_notices(console: Console, summary: Summary, phrases: Phrases) -> None:
    for notice in summary.notices():
        addresses = phrases.counted("address", notice.count)
        if notice.until is not None:
            text = phrases("notice.greylisted_until", addresses=addresses, until=phrases.moment(notice.until))
        else:
            text = phrases(f"notice.{notice.kind}", addresses=addresses)
        console.print(Padding(Text(f"! {text}", style="yellow"), (1, 0, 0, 1)))
        if notice.kind in (NoticeKind.EGRESS_BLOCKED, NoticeKind.EGRESS_INTERCEPTED):
            console.print(Text(f"   {phrases('port25.ways')}{phrases('colon')}"))
            for number, way in enumerate(("host", "proxy", "history"), start=1):
                console.print(Padding(Text(f"{number}. {phrases(f'port25.{way}')}"), (0, 0, 0, 5)))


def _print_next(console: Console, summary: Summary, run: Run, phrases: Phrases) -> None:
    sentences = []
    if summary.sendable:
        sentences.append(phrases("summary.sendable", addresses=phrases.counted("address", summary.sendable)))
        if summary.bounce_rate_after > SENDERS_LIMIT:
            sentences.append(phrases("summary.caution"))
    elif summary.unique:
        sentences.append(phrases("summary.nothing_sendable"))
    again = sum(count for reason, count in summary.by_reason().items() if reason in HELD_UNTIL_ASKED_AGAIN)
    if again:
        sentences.append(phrases("summary.again", addresses=phrases.counted("address", again)))
    if run.output is not None:
        sentences.append(phrases("summary.output", output=run.output))
    if run.report is not None:
        sentences.append(phrases("summary.report", report=run.report))
    if sentences:
        console.print(Text(f"\n {phrases('summary.next')}", style="bold"))
    bullets = Table.grid(padding=(0, 1))
    for sentence in sentences:
        bullets.add_row("•", Text(sentence))
    console.print(Padding(bullets, (0, 0, 0, 2)))
