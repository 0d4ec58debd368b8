"""The command line's root: lists commands without importing them, and turns whatever ends one into its exit code."""

import importlib
import importlib.util
import io
import os
import signal
import sys
import tempfile
import traceback
from errno import EDQUOT, ENOSPC
from types import FrameType
from typing import NoReturn

import click

import verifier
from verifier.core.faults import DiskFull, OperatorError, ServiceUnavailable
from verifier.edges.cli.exit_codes import ExitCode, Terminated, exit_code_of

_SUMMARIES = {
    "check": "Verify addresses now and show the evidence.",
    "clean": "Clean a list: the same file back, a verdict on every row.",
    "gate": "Decide whether mail may go to addresses; 0 allow, 1 block, 2 hold.",
    "suppress": "Keep the list of whom not to mail.",
    "serve": "Serve HTTP: real-time checks and the documentation.",
    "keys": "Make, list and revoke API keys; invite people.",
    "explain": "Say what an SMTP reply or a bounce text means.",
    "config": "Show the effective settings and where each comes from.",
    "doctor": "Examine this host: port 25, DNS, identity, storage.",
    "demo": "Clean a sample list on a mail world in a box.",
    "data": "Refresh the domain lists, or show how old they are.",
    "world": "Run the mail world in a box by itself.",
    "feedback": "Take in bounces, abuse reports, mail logs: what became of mail.",
    "forget": "Erase everything that is known of an address.",
}


class LazyCommands(click.Group):
    """A group whose commands live in `verifier.edges.cli.<name>_command` as `<name>_command`, imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in _SUMMARIES if _exists(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _SUMMARIES or not _exists(cmd_name):
            return None
        module = importlib.import_module(_module(cmd_name))
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command; a reader that went away ends it quietly (click would exit with 1, which means `block`)."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _discard_stdout()
            return ExitCode.DONE

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _SUMMARIES[name]) for name in self.list_commands(ctx)])


@click.group(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings come from VERIFIER_… variables and verifier.toml: see `verifier config`.",
)
@click.version_option(verifier.__version__, prog_name="verifier")
def root() -> None:
    """Cleans e-mail lists honestly: every verdict with its evidence, and "unknown" where nothing was proved."""


def run(arguments: list[str]) -> int:
    """Runs one command line and gives its exit code; never raises but for what Python itself cannot survive."""
    signal.signal(signal.SIGTERM, _terminate)
    _write_whatever_comes()
    try:
        outcome = root.main(args=arguments, prog_name="verifier", standalone_mode=False)
        print(end="", flush=True)
    except BrokenPipeError:
        _discard_stdout()
        return ExitCode.DONE
    except BaseException as error:  # noqa: BLE001 - the one place where everything that is left ends
        ended_by = _named(error)
        _say(ended_by)
        return exit_code_of(ended_by)
    return outcome if isinstance(outcome, int) else ExitCode.DONE


def _write_whatever_comes() -> None:
    """What the terminal's encoding cannot say, such as our dash on an ISO-8859-1 one, is shown as `?`: a decision must
    not fail for want of a letter.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def _named(error: BaseException) -> BaseException:
    """The error, under the operator's name for it: results that go to a full disk fail wherever they are written, and
    files of another user wherever they are needed.
    """
    if isinstance(error, PermissionError) and error.filename:
        return ServiceUnavailable(f"{error.filename} is not this user's to use: run the command as whoever owns it.")
    if not isinstance(error, OSError) or error.errno not in (ENOSPC, EDQUOT):
        return error
    _discard_stdout()
    where = f" of {error.filename}" if error.filename else ""
    return DiskFull(f"The disk{where} is full: make room, and run the command again.")


def _say(error: BaseException) -> None:
    """One sentence on stderr for people; for a fault of ours the details behind it."""
    match error:
        case click.UsageError():
            error.show()
        case click.ClickException():
            click.echo(f"Error: {error.format_message()}", err=True)
        case OperatorError():
            click.echo(f"Error: {error}", err=True)
        case KeyboardInterrupt() | click.Abort() | Terminated():
            click.echo("Interrupted.", err=True)
        case _:
            _apologise(error)


def _apologise(error: BaseException) -> None:
    """The details go into a file of their own: they help whoever mends it and frighten everybody else."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="verifier-fault-", suffix=".log", encoding="utf-8", delete=False
    ) as log:
        log.write("".join(traceback.format_exception(error)))
    click.echo(
        f"Sorry, that is a fault of this program, not of your input or settings ({type(error).__name__}); "
        f"the details are in {log.name}.",
        err=True,
    )


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _discard_stdout() -> None:
    """Nobody takes it any more (`| head`, a full disk), and Python must not complain of it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _module(name: str) -> str:
    return f"verifier.edges.cli.{name}_command"


def _exists(name: str) -> bool:
    return importlib.util.find_spec(_module(name)) is not None
