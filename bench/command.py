"""`verifier clean` of this checkout as a process, in a world."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def begin_clean(
    folder: Path, environment: Mapping[str, str], *options: str, before: Sequence[str] = ()
) -> "subprocess.Popen[bytes]":
    """Begins `verifier clean list.csv` in a folder, with a data folder there; `before` stands before the command."""
    settings = {"PYTHONPATH": str(ROOT), "VERIFIER_DATA_DIR": str(folder / "data"), **environment}
    return subprocess.Popen(
        [*before, sys.executable, "-m", "verifier", "clean", "list.csv", "--force", *options],
        cwd=folder,
        env={**os.environ, **settings},
        stderr=(folder / "stderr.log").open("ab"),
    )


def clean(folder: Path, environment: Mapping[str, str], *options: str) -> float:
    """The seconds that it takes, start-up included. AssertionError where it fails."""
    begun = time.monotonic()
    assert begin_clean(folder, environment, *options).wait() == 0, (folder / "stderr.log").read_text()
    return time.monotonic() - begun
