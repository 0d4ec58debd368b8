"""`verifier serve` of this checkout as a process: started, asked, measured, killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NOBODY = {"VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1", "VERIFIER_SMTP_PORT": "2525"}
"""Settings of a service that reaches nobody."""
_PATIENCE = 60.0


class Service:
    """`with Service(folder, environment) as service`: listens once this returns; its data is in `folder`/data."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port: int = listener.getsockname()[1]
        self.data_dir = folder / "data"
        self.log = folder / "service.log"
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "VERIFIER_DATA_DIR": str(self.data_dir),
            "VERIFIER_HTTP_PORT": str(self.port),
            **environment,
        }
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    @property
    def worker(self) -> int | None:
        """The process that works on rows, the youngest where one relieves another; None where there is none yet."""
        return max(self.workers, default=None)

    @property
    def workers(self) -> list[int]:
        """All of them that there are just now."""
        return [child for child in children(self.pid) if b"list_worker" in _command(child)]

    def begin(self) -> None:
        """Starts it, without waiting until it listens."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "verifier", "serve"],
                cwd=self.log.parent,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_listening(self) -> None:
        """Raises AssertionError where it ends before, or never does."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            assert self._child is not None and self._child.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < deadline, "the service does not listen"
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)

    def kill(self) -> None:
        """kill -9."""
        assert self._child is not None
        self._child.kill()
        self._child.wait()

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self._child is not None
        self._child.send_signal(signal.SIGTERM)
        return self._child.wait(_PATIENCE)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def read(self, path: str) -> bytes:
        """The body of an answer."""
        with urllib.request.urlopen(self.url + path, timeout=_PATIENCE) as response:
            content: bytes = response.read()
        return content

    def __enter__(self) -> "Service":
        self.begin()
        self.wait_until_listening()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None and self._child.poll() is None:
            self.kill()


def children(process: int) -> list[int]:
    """The processes that it, or any of its threads, has started, and that have not ended."""
    found = list[int]()
    for thread in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):  # it has ended meanwhile
            found += map(int, (thread / "children").read_text().split())
    return found


def _command(process: int) -> bytes:
    """Its command line; b"" where it has ended meanwhile."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


class MemoryWatch:
    """`with MemoryWatch(service) as memory`: the most megabytes that it and any of its workers have ever held (VmHWM).

    `together` is the most that all of them held at one moment, of ten a second; `workers` are all that there have been.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.service = self.worker = self.together = 0.0
        self.workers: set[int] = set()

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.1):
            try:
                workers = self._service.workers
                self.workers.update(workers)
                now = [resident_megabytes(process) for process in (self._service.pid, *workers)]
                service, *theirs = (peak_megabytes(process) for process in (self._service.pid, *workers))
            except (OSError, StopIteration):  # one has ended meanwhile
                continue
            self.service = max(self.service, service)
            self.worker = max(self.worker, *theirs, 0.0)
            self.together = max(self.together, sum(now))


def resident_megabytes(process: int) -> float:
    """The memory that a process holds now (VmRSS)."""
    return _status(process, "VmRSS")


def peak_megabytes(process: int) -> float:
    """The most memory that a process has held so far (VmHWM)."""
    return _status(process, "VmHWM")


def _status(process: int, name: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1]) / 1024


def cpu_seconds(process: int) -> float:
    """Processor time that it has used, its ended children included."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
