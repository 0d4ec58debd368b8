"""Folders of lists: whole or not there, and nothing from outside becomes a path."""

import errno
import os
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from verifier.adapters.list_folder import ListFolder
from verifier.core.faults import DiskFull, ServiceUnavailable
from verifier.core.list_faults import UnknownList, UploadBroken, UploadTooLarge

ID = "a1b2c3d4e5f6a7b8c9d0e1f2g3"


async def pieces(*chunks: bytes, then: BaseException | None = None) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if then is not None:
        raise then


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


async def test_an_upload_is_kept_whole(tmp_path: Path) -> None:
    """Its bytes, size and hash; for its owner's eyes only."""
    folder = ListFolder(tmp_path / "lists")
    content = [os.urandom(700_000) for _ in range(4)]
    received = await folder.receive(ID, ".csv.gz", pieces(*content), 3_000_000)
    path = folder.upload_path(ID, ".csv.gz")
    assert path.read_bytes() == b"".join(content)
    assert (received.size, received.sha256) == (2_800_000, sha256(b"".join(content)).hexdigest())
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert list(await folder.ids()) == [ID]
    await folder.parsed(ID, ".csv.gz")
    assert names(tmp_path / "lists") == [ID]
    await folder.remove(ID)
    await folder.remove(ID)
    assert names(tmp_path / "lists") == []


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ConnectionResetError("peer"), UploadBroken),
        (OSError(errno.ENOSPC, "No space left on device"), DiskFull),
        (OSError(errno.EACCES, "Permission denied"), ServiceUnavailable),
        (RuntimeError("the edge's own"), RuntimeError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
async def test_half_an_upload_is_nothing(tmp_path: Path, raised: BaseException, expected: type[BaseException]) -> None:
    """Whatever ends it before its end, nothing is left behind."""
    folder = ListFolder(tmp_path / "lists")
    with pytest.raises(expected):
        await folder.receive(ID, ".csv", pieces(b"x" * 2_000_000, then=raised), 3_000_000)
    assert names(tmp_path / "lists") == []


async def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device's own answer, where the bytes are written: nothing is left, and the sentence says what to do."""
    real = os.open

    def full(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if Path(path).name == "upload":
            return real("/dev/full", os.O_WRONLY)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", full)
    folder = ListFolder(tmp_path / "lists")
    with pytest.raises(DiskFull, match="Make room"):
        await folder.receive(ID, "", pieces(b"x" * 2_000_000), 3_000_000)
    assert names(tmp_path / "lists") == []


async def test_a_workbook_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    """What there is of it behind an offset; nothing before it is begun, and nothing once it is discarded."""
    folder, name = ListFolder(tmp_path), f"{ID}.xlsx"
    (tmp_path / ID).mkdir()
    assert await folder.piece(ID, name, 0) == b""
    with folder.workbook(ID, name) as file:
        file.write(b"x" * 100_000)
        file.flush()
        assert await folder.piece(ID, name, 40_000) == b"x" * 60_000
        assert await folder.piece(ID, name, 100_000) == b""
        file.write(b"end")
    assert await folder.piece(ID, name, 100_000) == b"end"
    await folder.discard(ID, name)
    assert (await folder.piece(ID, name, 0), names(tmp_path / ID)) == (b"", [])


async def test_a_workbook_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """A list that is not there any more; a disk that is full."""
    folder, name = ListFolder(tmp_path), f"{ID}.xlsx"
    with pytest.raises(ServiceUnavailable, match="cannot be made"), folder.workbook(ID, name):
        pass
    (tmp_path / ID).mkdir()
    (tmp_path / ID / name).symlink_to("/dev/full")
    with pytest.raises(DiskFull, match="take the list as CSV"), folder.workbook(ID, name) as file:
        file.write(b"x" * 100_000)


@pytest.mark.parametrize("chunks", [[b"12345", b"67890", b"1"], [b"x" * 11]])
async def test_an_upload_has_a_size(tmp_path: Path, chunks: Sequence[bytes]) -> None:
    """The cap is the cap, in one piece or in many."""
    folder = ListFolder(tmp_path)
    with pytest.raises(UploadTooLarge, match="VERIFIER_LISTS_MAX_UPLOAD"):
        await folder.receive(ID, "", pieces(*chunks), 10)
    assert names(tmp_path) == []
    await folder.receive(ID, "", pieces(b"1234567890"), 10)


async def test_an_empty_upload_is_none(tmp_path: Path) -> None:
    """It would be a list of nobody."""
    with pytest.raises(UploadBroken, match="empty"):
        await ListFolder(tmp_path).receive(ID, "", pieces(), 10)
    assert names(tmp_path) == []


async def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    """Half an upload is no list; other files are not ours to delete."""
    (tmp_path / f"{ID}.part").mkdir()
    (tmp_path / f"{ID}.part" / "upload.csv").write_bytes(b"half")
    (tmp_path / "README").write_text("not ours")
    (tmp_path / ("b" * 20)).mkdir()
    assert list(await ListFolder(tmp_path).ids()) == ["b" * 20]
    assert len(names(tmp_path)) == 4
    await ListFolder(tmp_path).sweep()
    assert names(tmp_path) == ["README", "b" * 20]
    await ListFolder(tmp_path / "nowhere").sweep()
    assert list(await ListFolder(tmp_path / "nowhere").ids()) == []


@pytest.mark.parametrize("list_id", ["", "..", "../../etc/passwd", "a" * 15, "A" * 20, "a" * 65, f"{ID}/x", f"{ID}\n"])
async def test_what_is_no_id_is_no_path(tmp_path: Path, list_id: str) -> None:
    """It is simply unknown."""
    with pytest.raises(UnknownList):
        ListFolder(tmp_path).path(list_id)


async def test_suffixes_and_workbooks_are_of_known_form(tmp_path: Path) -> None:
    """An unknown suffix is none; a workbook is named by us."""
    folder = ListFolder(tmp_path)
    await folder.receive(ID, ".csv/../../x", pieces(b"a"), 10)
    assert names(tmp_path) == [ID, f"{ID}/upload"]
    with pytest.raises(UnknownList):
        await folder.piece(ID, "../upload", 0)
    book = "c" * 26 + ".xlsx"
    folder.workbook_path(ID, book).write_bytes(b"x" * 1_500_000)
    assert [len(await folder.piece(ID, book, offset)) for offset in (0, 1 << 20, 1_500_000)] == [1 << 20, 451_424, 0]
    await folder.discard(ID, book)
    assert names(tmp_path) == [ID, f"{ID}/upload"]
