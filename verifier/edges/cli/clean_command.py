"""`verifier clean`: a list in, the same list back, with a verdict on every row."""

import os
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import click
from msgspec import structs

import verifier
from verifier.adapters.system_clock import SystemClock
from verifier.config import Settings
from verifier.core.faults import OperatorError
from verifier.core.keep import parse_keep
from verifier.core.only import parse_only
from verifier.core.reasons import StageName
from verifier.core.setting_values import duration
from verifier.core.summary import Run, Summary
from verifier.core.table import TableKind
from verifier.edges.cli.clean_progress import CleanProgress
from verifier.edges.cli.event_loop import Interrupts, run_async
from verifier.edges.cli.list_run import ListRun, Wish
from verifier.edges.cli.session import read_settings, say
from verifier.edges.cli.stages_option import stages_option
from verifier.edges.cli.summary_table import print_summary
from verifier.edges.cli.terminal import remarks
from verifier.readers.source import STDIN
from verifier.readers.tables import open_table
from verifier.service.asking import COMMAND_LINE
from verifier.service.cleaning import Job
from verifier.service.harvest_guard import Client
from verifier.writers.open_writer import open_writer
from verifier.writers.report import write_report
from verifier.writers.sentences import language_of
from verifier.writers.target import STDOUT, default_output


class Duration(click.ParamType[timedelta]):
    """`20m`, `310s`, `1h`, or 0."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        text = str(value).strip()
        if text == "0":
            return timedelta(0)
        try:
            return duration(text)
        except ValueError as error:
            self.fail(f"It {error}.", param, ctx)


@click.command("clean")
@click.argument("source", metavar="INPUT")
@click.option("-o", "--output", metavar="OUTPUT", help="Where to write; - is stdout.  [default: INPUT.clean.EXT]")
@click.option("--column", "columns", multiple=True, metavar="NAME|N", help="An e-mail column; may be repeated.")
@click.option("--keep", metavar="WHAT", help="Keep only these rows: sendable, or verdicts such as deliverable,risky.")
@click.option("--only", metavar="unknown,stale", help="Verify only these rows of a list that was cleaned before.")
@click.option("--format", "kind", type=click.Choice([kind.value for kind in TableKind]), help="Another output format.")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.html", help="A page to pass on."
)
@stages_option
@click.option(
    "--max-wait", type=Duration(), default="20m", show_default=True, help="How long greylisted rows are waited for."
)
@click.option("--restart", is_flag=True, help="Forget what an interrupted run of this list had learned.")
@click.option("--force", is_flag=True, help="Overwrite OUTPUT.")
def clean_command(
    source: str,
    output: str | None,
    columns: tuple[str, ...],
    keep: str | None,
    only: str | None,
    kind: str | None,
    report: Path | None,
    stages: tuple[StageName, ...],
    max_wait: timedelta,
    restart: bool,
    force: bool,
) -> None:
    """Clean a list: the same file back, a verdict on every row.

    INPUT is CSV, TSV, TXT, XLSX or JSONL, gzipped or not; - is stdin. A run that was interrupted goes on where it was
    when it is started again.
    """
    wish = Wish(
        source=source,
        output=output,
        columns=columns,
        keep=parse_keep(keep) if keep is not None else None,
        only=only,
        kind=TableKind(kind) if kind is not None else None,
        report=report,
        stages=stages,
        max_wait=max_wait,
        restart=restart,
        force=force,
    )
    clean_list(read_settings(), wish)


def clean_list(settings: Settings, wish: Wish) -> Summary:
    """The whole of `verifier clean`; also what the demo does. What it came to is told on stderr."""
    clock = SystemClock()
    started = clock.monotonic()
    language = language_of(os.environ)
    output = _output(wish)
    name = "stdin" if wish.source == STDIN else Path(wish.source).name
    _require_place(wish, output)
    with ExitStack() as stack:
        table = stack.enter_context(open_table(wish.source, wish.columns))
        selection = parse_only(wish.only, table.layout, clock.now()) if wish.only is not None else None
        job = Job(table.digest, wish.stages, wish.max_wait, selection, Client(COMMAND_LINE.key, name))
        writer = open_writer(output, table.layout, wish.kind, force=wish.force)
        stack.callback(writer.abort)
        progress = stack.enter_context(CleanProgress(table.layout.rows, language))
        interrupts = Interrupts()
        run_of_list = ListRun(settings, wish, job, table, writer, progress, interrupts, clock)
        summary, kept = run_async(run_of_list.work(), interrupts)
        writer.commit()
        duration_s = clock.monotonic() - started
    shown = None if output == STDOUT else str(output)
    page = str(wish.report) if wish.report is not None else None
    run = Run(name, clock.now(), duration_s, wish.stages, verifier.__version__, shown, page)
    try:
        if wish.report is not None:
            write_report(wish.report, summary, run, language)
    except OperatorError:
        run = structs.replace(run, report=None)
        raise
    finally:
        print_summary(remarks(), summary, run, language)
    if summary.submitted and not kept:
        say("Warning: --keep kept no row at all.")
    return summary


def _require_place(wish: Wish, output: str | Path) -> None:
    """Hours of asking shall not end with a page that has nowhere to go, nor with a list that it overwrote, or that was
    overwritten by those of its rows that were kept.
    """
    if wish.keep is not None and wish.source != STDIN and Path(output).resolve() == Path(wish.source).resolve():
        raise OperatorError(
            f"What --keep leaves out would be lost, for {output} is the list itself: name another output."
        )
    report = wish.report
    if report is None:
        return
    if not os.access(report.absolute().parent, os.W_OK):
        raise OperatorError(f"The report cannot be written to {report}: its folder is not there, or not yours.")
    if report.resolve() in (Path(wish.source).resolve(), Path(output).resolve()):
        raise OperatorError(f"The report would overwrite the list {report}: name another file.")
    if report.exists() and not wish.force:
        raise OperatorError(f"{report} exists: name another report, or overwrite it with --force.")


def _output(wish: Wish) -> str | Path:
    if wish.output is not None:
        return wish.output
    if wish.source == STDIN:
        return STDOUT
    return default_output(wish.source, f".{wish.kind.value}" if wish.kind is not None else None)
