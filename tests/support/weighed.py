"""`python -m tests.support.weighed …`: the command line, which says at the end how much memory it held (Linux)."""

import sys
from pathlib import Path

from verifier.__main__ import main

HELD = "held at most:"


def peak() -> int:
    """Bytes of memory that this process had resident at most."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024


if __name__ == "__main__":
    try:
        main()
    finally:
        print(f"\n{HELD} {peak()}", file=sys.stderr)
