"""One prober a data folder, whatever becomes of the one before."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.clock import START, FakeClock
from verifier.adapters.folder_lock import FolderBusy, FolderLock, Holder
from verifier.core.faults import ServiceUnavailable

CHILD = """
import sys
from pathlib import Path
from verifier.adapters.folder_lock import FolderLock
from verifier.adapters.system_clock import SystemClock
lock = FolderLock.acquire(Path(sys.argv[1]), "serve", SystemClock())
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    """The sentence names command, pid and start time, and its exit code is 69."""
    lock = FolderLock.acquire(tmp_path, "serve", FakeClock())
    with pytest.raises(FolderBusy) as busy:
        FolderLock.acquire(tmp_path, "clean", FakeClock())
    assert busy.value.holder == Holder(os.getpid(), "serve", START)
    assert str(busy.value) == (
        f"`serve` (pid {os.getpid()}, since 2026-11-22 10:00:00 UTC) already probes with the data folder {tmp_path}: "
        "wait for it, or stop it."
    )
    assert busy.value.exit_code == 69
    lock.release()


def test_a_release_gives_the_folder_back(tmp_path: Path) -> None:
    """Released, even twice, the next one gets it; other folders were never concerned."""
    first = FolderLock.acquire(tmp_path / "new" / "folder", "serve", FakeClock())
    other = FolderLock.acquire(tmp_path / "other", "serve", FakeClock())
    first.release()
    first.release()
    second = FolderLock.acquire(tmp_path / "new" / "folder", "clean", FakeClock())
    with pytest.raises(FolderBusy, match="`clean`"):
        FolderLock.acquire(tmp_path / "new" / "folder", "serve", FakeClock())
    second.release()
    other.release()


def test_a_holder_without_a_name_is_still_a_holder(tmp_path: Path) -> None:
    """Between taking the lock and writing its name a holder is `another process`."""
    lock = FolderLock.acquire(tmp_path, "serve", FakeClock())
    (tmp_path / "prober.lock").write_bytes(b"")
    with pytest.raises(FolderBusy, match=r"^another process already probes"):
        FolderLock.acquire(tmp_path, "clean", FakeClock())
    lock.release()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A file where the folder should be: one sentence, exit 69."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceUnavailable, match="cannot be used"):
        FolderLock.acquire(tmp_path / "file", "serve", FakeClock())


async def test_kill_9_releases_it(tmp_path: Path) -> None:
    """The kernel takes the lock back from a process that was killed."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(tmp_path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"held\n"
    with pytest.raises(FolderBusy) as busy:
        FolderLock.acquire(tmp_path, "clean", FakeClock())
    assert busy.value.holder is not None
    assert busy.value.holder.pid == child.pid
    assert abs((datetime.now(UTC) - busy.value.holder.started).total_seconds()) < 60
    child.send_signal(signal.SIGKILL)
    await child.wait()
    FolderLock.acquire(tmp_path, "clean", FakeClock()).release()
