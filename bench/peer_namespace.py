"""A network of the bench's own: only loopback in it, with resolver settings that nobody else sees.

`enter` starts a program again in new network, mount and process namespaces (util-linux' unshare); `settle` makes them
habitable from inside. Nothing of the host is changed, and with the program's end everything in there ends, however it
ends: the kernel kills what a process namespace still holds when its first process is gone.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_FILES = {
    "resolv.conf": "nameserver 127.0.0.1\n",
    "nsswitch.conf": "hosts: files dns\n",  # others might ask a daemon of the host's over a socket of the file system
    "hosts": "127.0.0.1 localhost\n",
}


def enter(program: Path, folder: Path, arguments: Sequence[str]) -> int:
    """Runs a Python program in there and waits for it: PROGRAM --inside FOLDER NETWORK ARGUMENT…; its exit status.

    `folder`: where the resolver's files may be written, and whatever the program makes in its temporary folder.
    """
    for name, text in _FILES.items():
        (folder / name).write_text(text, encoding="ascii")
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid():
        command.append("--map-root-user")  # the ports below 1024 are free to whoever owns the namespace
    inside = [sys.executable, str(program), "--inside", str(folder), _network(), *arguments]
    settings = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.run([*command, "--propagation", "private", *inside], env=settings).returncode


def settle(folder: Path, outside: str) -> None:
    """Brings loopback up and puts the resolver's files in place, as `enter` wrote them.

    `outside`: the network that must not be touched. Raises SystemExit where this still is that network.
    """
    if _network() == outside:
        raise SystemExit("peers: this must run in a network namespace of its own")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name in _FILES:
        subprocess.run(["mount", "--bind", str(folder / name), f"/etc/{name}"], check=True)


def expect_host(name: str, address: str) -> None:
    """Raises SystemExit unless the system's resolver leads to the world: else nothing could be believed."""
    found = {entry[4][0] for entry in socket.getaddrinfo(name, 25, socket.AF_INET, socket.SOCK_STREAM)}
    if found != {address}:
        raise SystemExit(f"peers: {name} should be {address} and is {', '.join(map(str, found))}")


def _network() -> str:
    return str(Path("/proc/self/ns/net").readlink())
