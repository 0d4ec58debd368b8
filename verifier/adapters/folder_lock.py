"""One prober a data folder: an advisory lock that the kernel takes back when its holder dies, however it dies.

The lock is flock(2) on `prober.lock`; what is written in the file only says who holds it, for people. A child process
that inherits the descriptor would hold the lock on; descriptors are not inheritable by default (PEP 446).
"""

import fcntl
import os
from datetime import datetime
from pathlib import Path

import msgspec

from verifier.core.faults import ServiceUnavailable
from verifier.ports import Clock

_FILE = "prober.lock"


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock. `command` is the command's name without its arguments: those may hold addresses."""

    pid: int
    command: str
    started: datetime


class FolderBusy(ServiceUnavailable):
    """Another process probes with this data folder; `holder` is None where it did not say who it is."""

    def __init__(self, folder: Path, holder: Holder | None) -> None:
        self.holder = holder
        who = (
            f"`{holder.command}` (pid {holder.pid}, since {holder.started:%Y-%m-%d %H:%M:%S} UTC)"
            if holder is not None
            else "another process"
        )
        super().__init__(f"{who} already probes with the data folder {folder}: wait for it, or stop it.")


class FolderLock:
    """Held from `acquire` until `release`, or until this process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, folder: Path, command: str, clock: Clock) -> "FolderLock":
        """Raises FolderBusy where another process holds the folder, ServiceUnavailable where it cannot be written."""
        path = folder / _FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ServiceUnavailable(
                f"The data folder {folder} cannot be used: {error.strerror or error}. VERIFIER_DATA_DIR names another."
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(descriptor)
            os.close(descriptor)
            raise FolderBusy(folder, holder) from None
        except OSError as error:
            os.close(descriptor)
            raise ServiceUnavailable(f"{path} cannot be locked: {error.strerror or error}.") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, msgspec.json.encode(Holder(os.getpid(), command, clock.now())), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Gives the folder back; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)


def _read(descriptor: int) -> Holder | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, 4096, 0), type=Holder)
    except msgspec.MsgspecError:  # it holds the lock and has not yet written its name
        return None
