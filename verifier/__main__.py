"""Entry point of the console script and of `python -m verifier`."""

import gc
import sys

from verifier.edges.cli.root import run

YOUNG = 50_000
"""New objects between two looks for cycles. Lists are rows by the thousand, none in a cycle, most gone before a look
could pay: at Python's own 700 the looks take a fifth of the time of `verifier clean` (bench/README.md)."""


def main() -> None:
    """Runs the command line that this process was called with, and exits with its code."""
    gc.set_threshold(YOUNG)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
