"""A disk that is full: what cannot be kept is refused, lists pause with a clear state, and go on once there is room."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.service import NOBODY, Service
from bench.world_lists import list_text
from verifier.world import World
from verifier.world.process import WorldProcess

MEGABYTE = 1 << 20
ROWS = 2000
FAR = World(17, hosts=10, domains=150, rtt=0.2)
"""Far enough off that the disk is full while most rows are still to be asked about."""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of twenty megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Takes all the room that is left."""
    filler = folder / "filler"
    with filler.open("wb", 0) as file:
        for size in (MEGABYTE, 1 << 16, 1 << 12, 1 << 9, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    free = os.statvfs(folder)
    assert free.f_bavail == 0
    return filler


def until(known: Callable[[], Any], holds: Callable[[Any], bool], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not holds(found := known()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_a_list_pauses_and_goes_on(small: Path) -> None:
    """`paused` with the code `disk_full` and a sentence; with room it is completed, every row with its verdict, without
    being asked; the service never stops, and says of everything else that the disk is full.
    """
    text = list_text(FAR, ROWS, 150).encode()
    with WorldProcess(FAR) as running, Service(small, running.environment) as service:
        _, made = service.ask("POST", "/v1/lists?start=true&name=a.csv&max_wait_s=0", text, Content_Type="text/csv")
        path = f"/v1/lists/{made['id']}"
        until(lambda: running.report().total.recipients, lambda asked: asked > ROWS // 10)
        filler = fill(small)
        paused = until(lambda: service.ask("GET", path)[1], lambda known: known["status"] not in ("running",))
        assert (paused["status"], paused["code"]) == ("paused", "disk_full")
        assert paused["error"]
        status, rows = service.ask("GET", f"{path}/results?limit=5")
        assert (status, rows["code"]) == (503, "disk_full"), rows  # SQLite writes beside a file to read it
        status, refused = service.ask("POST", "/v1/lists?name=b.csv", text, Content_Type="text/csv")
        assert (status, refused["code"]) == (503, "disk_full"), refused
        assert "room" in refused["detail"]
        filler.unlink()
        known = until(lambda: service.ask("GET", path)[1], lambda known: known["status"] == "completed", 120.0)
        assert known["counts"]["rows"] == ROWS
        assert known["counts"]["by_reason"].get("not_probed", 0) == 0
        assert service.ask("POST", "/v1/lists?name=b.csv", text, Content_Type="text/csv")[0] == 202


def test_an_upload_that_is_larger_than_the_disk(small: Path) -> None:
    """Refused with a sentence; nothing of it stays."""
    with Service(small, NOBODY) as service:
        status, refused = service.ask(
            "POST", "/v1/lists?name=a.csv", b"a@b.example\n" * (3 * MEGABYTE), Content_Type="text/csv"
        )
        assert (status, refused["code"]) == (503, "disk_full"), refused
        root = service.data_dir / "list-jobs"
        assert [path.name for path in root.iterdir() if path.name != "spool.part"] == []
        status, made = service.ask(
            "POST", "/v1/lists?name=a.csv&stages=syntax", b"a@b.example\n" * 1000, Content_Type="text/csv"
        )
        assert (status, made["status"]) == (202, "ready")


def test_rows_that_have_no_room_fail_with_a_sentence(small: Path) -> None:
    """An upload that fits, and its rows do not: the list has failed for that reason, and nothing of it stays."""
    content = b"email,note\n" + b"".join(
        b"user%d@shop.example,%s\n" % (n, os.urandom(200).hex().encode()) for n in range(30_000)
    )
    with Service(small, NOBODY) as service:
        _, made = service.ask("POST", "/v1/lists?name=a.csv&stages=syntax", content, Content_Type="text/csv")
        path = f"/v1/lists/{made['id']}"
        known = until(lambda: service.ask("GET", path)[1], lambda known: known["status"] not in ("uploaded", "parsing"))
        assert (known["status"], known["code"]) == ("failed", "disk_full")
        assert [path.name for path in (service.data_dir / "list-jobs").iterdir() if path.name != "spool.part"] == []
