"""The real command line as a child process, with a home, a data folder and settings of its own."""

import csv
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 120.0


class Finished(NamedTuple):
    """How a command ended: exit code, both streams, and the seconds it took."""

    code: int
    out: str
    err: str
    seconds: float


class Running:
    """A command that was started; as a context it is killed at the end where it still runs."""

    def __init__(self, module: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._started = time.monotonic()
        self._err = (folder / f".stderr-{self._started}").open("w+b")
        self._out = (folder / f".stdout-{self._started}").open("w+b")
        self._child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,
        )

    @property
    def seconds(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self._started

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    @property
    def pid(self) -> int:
        return self._child.pid

    def said(self) -> str:
        """What it has written to stderr so far."""
        return os.pread(self._err.fileno(), 1 << 24, 0).decode()

    def told(self) -> str:
        """What it has written to stdout so far."""
        return os.pread(self._out.fileno(), 1 << 24, 0).decode()

    def wait_until_said(self, words: str, patience: float = _PATIENCE) -> float:
        """Seconds from its start until `words` stood on stderr; fails where it ends without them."""
        while words not in self.said():
            ended = not self.running
            assert words in self.said() or not ended, f"ended without saying {words!r}: {self.said()}"
            assert self.seconds < patience, f"{words!r} was not said in {patience} s: {self.said()}"
            time.sleep(0.02)
        return self.seconds

    def send(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def wait(self, stdin: bytes = b"") -> Finished:
        """How it ended, after it was given its input."""
        try:
            self._child.communicate(stdin, timeout=_PATIENCE)
            return Finished(self._child.returncode, _content(self._out), _content(self._err), self.seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {_PATIENCE} s: {self.said()}") from None
        finally:
            self.kill()

    def kill(self) -> None:
        """kill -9; nothing where it has ended."""
        if self._out.closed:
            return
        if self.running:
            self._child.kill()
        self._child.communicate()
        self._out.close()
        self._err.close()

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Command:
    """`verifier` as somebody runs it who works in `folder`: nothing of this machine's settings or data reaches it.
    `module` is what is run in its place.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None, *, module: str = "verifier") -> None:
        self._module = module
        self.folder = folder
        self.data_dir = folder / "data"
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error",
            "TMPDIR": str(folder),
            "VERIFIER_DATA_DIR": str(self.data_dir),
            **(environment or {}),
        }

    def start(self, *arguments: str | Path, **settings: str) -> Running:
        """Begins a command; `settings` go over the environment."""
        return Running(
            self._module, [str(argument) for argument in arguments], self.folder, self.environment | settings
        )

    def run(self, *arguments: str | Path, stdin: bytes = b"", **settings: str) -> Finished:
        """Runs a command to its end."""
        return self.start(*arguments, **settings).wait(stdin)

    def write(self, name: str, content: str | bytes) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def names(self) -> set[str]:
        """The files that a person sees in the folder, and the partial ones."""
        found = {path.name for path in self.folder.iterdir() if path.is_file()}
        return {name for name in found if not name.startswith((".stdout-", ".stderr-"))}


def rows_of(content: str, separator: str = ",") -> list[dict[str, str]]:
    """The rows of a CSV text by their headings."""
    return list(csv.DictReader(io.StringIO(content.removeprefix("\ufeff"), newline=""), delimiter=separator))


def _content(file: io.BufferedRandom) -> str:
    file.seek(0)
    return file.read().decode()
