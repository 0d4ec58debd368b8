"""What a command's exit code says (docs/contract.md §3, sysexits(3))."""

from enum import IntEnum

import click

from verifier.core.faults import OperatorError


class ExitCode(IntEnum):
    """Every code that a command may end with."""

    DONE = 0
    BLOCK = 1
    HOLD = 2
    USAGE = 64
    INPUT = 65
    UNAVAILABLE = 69
    FAULT = 70
    TRY_AGAIN = 75
    INTERRUPTED = 130
    TERMINATED = 143


class Terminated(BaseException):
    """SIGTERM came: unwinds like KeyboardInterrupt, so that journals are closed and temporary files removed."""


def exit_code_of(error: BaseException) -> ExitCode:
    """The code for whatever ended a command; what is nobody else's fault is ours."""
    match error:
        case OperatorError():
            return ExitCode(error.exit_code)
        case click.ClickException():
            return ExitCode.USAGE
        case KeyboardInterrupt() | click.Abort():
            return ExitCode.INTERRUPTED
        case Terminated():
            return ExitCode.TERMINATED
        case _:
            return ExitCode.FAULT
