"""The two streams of a command: results on stdout, everything said to a person on stderr.

Colour only on a terminal, and never where NO_COLOR is set (rich sees to both).
"""

from rich.console import Console

_WIDTH_OFF_TERMINAL = 120


def results() -> Console:
    """stdout."""
    return _console(stderr=False)


def remarks() -> Console:
    """stderr."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        return Console(stderr=stderr, highlight=False, width=_WIDTH_OFF_TERMINAL, no_color=True)
    return console
