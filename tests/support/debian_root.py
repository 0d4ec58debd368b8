"""A Debian package in a root folder of its own: its daemons run under chroot, with users, configuration and spool that
this system never sees.

Nothing is installed and no user is made: /etc/passwd is the folder's. What it takes is root (chroot, set-uid) and the
packages that tools/unpack-debian has unpacked.
"""

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
UNPACKED = PROJECT / ".cache" / "debian"
_USERS = {
    "root": 0,
    "mail": 8,
    "postfix": 901,
    "Debian-exim": 902,
    "opensmtpd": 903,
    "opensmtpq": 904,
    "postgrey": 905,
    "postdrop": 906,
    "nobody": 65534,
}
_DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9)}
_READY_WITHIN = 20.0
_GONE_WITHIN = 10.0


class DebianRoot:
    """One copy (hard links) of an unpacked package; `close` ends what was started in it and removes it."""

    def __init__(self, package: str) -> None:
        assert os.geteuid() == 0, "mail servers change their user: these tests have to run as root"
        source = UNPACKED / package
        assert (source / ".unpacked").exists(), f"{package} is absent: tools/unpack-debian {package}"
        self._parent = Path(tempfile.mkdtemp(prefix=".run-", dir=UNPACKED))
        self.path = self._parent / package
        subprocess.run(["cp", "-al", str(source), str(self.path)], check=True)
        self._children: list[subprocess.Popen[bytes]] = []
        self._furnish()

    def write(self, path: str, content: str) -> None:
        """A file, readable by all its users."""
        file = self.folder(str(Path(path).parent)) / Path(path).name
        file.unlink(missing_ok=True)  # it may be a link into the unpacked package
        file.write_text(content, encoding="utf-8")
        file.chmod(0o644)

    def folder(self, path: str, user: str | None = None, mode: int = 0o755) -> Path:
        """A folder that is there afterwards, with this owner and mode where a user is given."""
        folder = self.path / path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        if user is not None:
            os.chown(folder, _USERS[user], _USERS[user])
            folder.chmod(mode)
        return folder

    def text(self, path: str) -> str:
        """A file's content; nothing where it is absent."""
        file = self.path / path.lstrip("/")
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def start(self, *command: str, output: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a daemon that stays in the foreground; what it says goes to the file `output`."""
        with (self.path / output.lstrip("/")).open("ab") as file:
            child = subprocess.Popen(
                ["/usr/sbin/chroot", str(self.path), *command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC", **(environment or {})},
                start_new_session=True,
            )
        self._children.append(child)

    def wait_until_listening(self, places: Sequence[tuple[str, int]], log: str) -> None:
        """Until every (address, port) accepts connections; AssertionError with the log's text where one does not."""
        deadline = time.monotonic() + _READY_WITHIN
        for address, port in places:
            while True:
                with contextlib.suppress(OSError), socket.create_connection((address, port), 1.0):
                    break
                ended = [child.args for child in self._children if child.poll() is not None]
                assert not ended, f"{ended} ended: {self.text(log)}"
                assert time.monotonic() < deadline, f"nobody listens at {address}:{port}: {self.text(log)}"
                time.sleep(0.05)

    def close(self) -> None:
        """`close_daemons`; then the folder goes."""
        self.close_daemons()
        shutil.rmtree(self._parent)

    def close_daemons(self) -> None:
        """SIGTERM, patience, SIGKILL to each daemon's own process group."""
        for child in reversed(self._children):
            child.terminate()
        for child in reversed(self._children):
            try:
                child.wait(_GONE_WITHIN)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        self._children.clear()

    def _furnish(self) -> None:
        for name in ("tmp", "var/tmp"):
            self.folder(name, "root", 0o1777)
        for name in ("dev", "run", "etc", "var/log", "var/spool", "var/mail"):
            self.folder(name)
        if not (self.path / "var/run").exists():
            (self.path / "var/run").symlink_to("/run")
        for name, (major, minor) in _DEVICES.items():
            file = self.path / "dev" / name
            os.mknod(file, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
            file.chmod(0o666)
        self.write("etc/passwd", "".join(f"{name}:x:{n}:{n}::/:/bin/false\n" for name, n in _USERS.items()))
        self.write("etc/group", "".join(f"{name}:x:{n}:\n" for name, n in _USERS.items()))
        self.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
        self.write("etc/hosts", "127.0.0.1 localhost\n")
        self.write("etc/resolv.conf", "nameserver 127.0.0.1\n")


@contextlib.contextmanager
def debian_root(package: str) -> Iterator[DebianRoot]:
    """A root that lives as long as the context."""
    root = DebianRoot(package)
    try:
        yield root
    finally:
        root.close()
