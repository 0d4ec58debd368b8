"""Entry point of the console script and of `python -m verifier`."""

import sys

from verifier.edges.cli.root import run


def main() -> None:
    """Runs the command line that this process was called with, and exits with its code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
