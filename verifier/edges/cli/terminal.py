"""The two streams of a command: results on stdout, everything said to a person on stderr.

Colour only on a terminal, and never where NO_COLOR is set (rich sees to both).
"""

from typing import NoReturn

from rich.console import Console

_WIDTH_OFF_TERMINAL = 120


def results() -> Console:
    """stdout."""
    return _console(stderr=False)


def remarks() -> Console:
    """stderr."""
    return _console(stderr=True)


class _Console(Console):
    """rich's own ends with SystemExit(1) where the reader went away; 1 is the gate's `block` here."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def _console(*, stderr: bool) -> Console:
    console = _Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        return _Console(stderr=stderr, highlight=False, width=_WIDTH_OFF_TERMINAL, no_color=True)
    return console
