"""Debian's NSD on a free loopback port, serving zones given as text, for tests and benchmarks."""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_CONFIGURATION = """\
server:
  server-count: 1
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  pidfile: ""
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  logfile: "{folder}/nsd.log"
  database: ""
  rrl-ratelimit: 0
  round-robin: no
  hide-version: yes
remote-control:
  control-enable: no
"""
_ZONE = """\
zone:
  name: "{name}"
  zonefile: "{file}"
"""
_READY_WITHIN = 20.0
_QUESTION = b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x01"


def nsd_program() -> str:
    """The path of nsd; Debian keeps it where users do not look. AssertionError if it is not installed."""
    found = shutil.which("nsd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert found is not None, "nsd is not installed: tools/need-debian nsd"
    return found


@contextlib.contextmanager
def nsd(folder: Path, zones: Mapping[str, str], prefix: Sequence[str] = ()) -> Iterator[int]:
    """Serves `zones` (name to zone file text) and gives the port; `prefix` goes before the command (say taskset)."""
    port = free_port()
    parts = [_CONFIGURATION.format(port=port, folder=folder)]
    for number, (name, text) in enumerate(zones.items()):
        file = folder / f"{number}.zone"
        file.write_text(text, encoding="ascii")
        parts.append(_ZONE.format(name=name, file=file))
    configuration = folder / "nsd.conf"
    configuration.write_text("".join(parts), encoding="ascii")
    process = subprocess.Popen(
        [*prefix, nsd_program(), "-d", "-c", str(configuration)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_ready(port, process, folder / "nsd.log")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def free_port() -> int:
    """A loopback port that is free for UDP and TCP right now, and is no port that connections go out from."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            port = random.randrange(10_000, 32_000)
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
                return port


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.05)
        probe.connect(("127.0.0.1", port))
        while time.monotonic() < deadline:
            assert process.poll() is None, f"nsd stopped: {log.read_text() if log.exists() else 'no log'}"
            try:
                probe.send(_QUESTION)
                probe.recv(512)
            except ConnectionRefusedError:
                time.sleep(0.02)
            except TimeoutError:
                pass
            else:
                return
    raise AssertionError(f"nsd did not answer within {_READY_WITHIN} s")
