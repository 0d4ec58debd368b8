"""What the doctor tries on this machine: a folder, its databases, Redis."""

import sqlite3
from pathlib import Path

from tests.support.redis_server import free_port
from verifier.adapters.host_probes import folder_fault, redis_fault


def test_a_good_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    """A data folder that does not exist yet is made; the trial leaves nothing behind."""
    folder = tmp_path / "a" / "b"
    assert folder_fault(folder) is None
    assert list(folder.iterdir()) == []


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    """One half sentence, no traceback."""
    (tmp_path / "file").write_text("")
    assert folder_fault(tmp_path / "file") == "File exists"


def test_a_damaged_database_is_told_by_its_name(tmp_path: Path) -> None:
    """A sound one passes, a damaged one is named."""
    connection = sqlite3.connect(tmp_path / "facts.sqlite")
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    assert folder_fault(tmp_path) is None
    (tmp_path / "jobs.sqlite").write_bytes(b"no database at all" * 100)
    assert folder_fault(tmp_path) == "jobs.sqlite: file is not a database"


async def test_an_absent_redis_is_told() -> None:
    """Nobody listens: said at once."""
    fault = await redis_fault(f"redis://127.0.0.1:{free_port()}/0")
    assert fault is not None
    assert "connecting to 127.0.0.1" in fault
    assert await redis_fault("http://127.0.0.1/") is not None
