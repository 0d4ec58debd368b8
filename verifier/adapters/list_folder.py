"""Uploads: a folder for each list, named by its id alone; for its owner's eyes only (0700, files 0600).

Law: a list's folder is there with the whole upload in it, or is not there. An upload is written to `ID.part`, which is
renamed once everything is on the disk; what a killed process left half-way is deleted by `sweep`.
"""

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterable, Collection, Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import IO, BinaryIO

from verifier.core.faults import DiskFull, ServiceUnavailable
from verifier.core.list_faults import UnknownList, UploadBroken, UploadTooLarge
from verifier.core.setting_values import size_text
from verifier.list_ports import Received

_PART, _GONE = ".part", ".gone"
_GATHERED = 1 << 20
_PIECE = 1 << 20
_ID = re.compile(r"[a-z0-9]{16,64}", re.ASCII).fullmatch
_SUFFIX = re.compile(r"(?:\.(?:csv|tsv|txt|xlsx|xlsm|jsonl|ndjson|json))?(?:\.gz)?", re.ASCII).fullmatch
_WORKBOOK = re.compile(r"[a-z0-9]{16,64}\.xlsx", re.ASCII).fullmatch


class ListFolder:
    """The folders under `root`. Nothing that comes from outside becomes a path: ids and suffixes are of known form."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def spool(self) -> Path:
        """A folder for what is only there while it is worked on; the next process sweeps it."""
        return self._root / f"spool{_PART}"

    def path(self, list_id: str) -> Path:
        """A list's folder. Raises UnknownList for what is no id."""
        if not _ID(list_id):
            raise UnknownList
        return self._root / list_id

    def upload_path(self, list_id: str, suffix: str) -> Path:
        """Where a list's upload is."""
        return self.path(list_id) / f"upload{suffix}"

    def workbook_path(self, list_id: str, name: str) -> Path:
        """Where a workbook that is being downloaded is. Raises UnknownList for a name that is none of ours."""
        if not _WORKBOOK(name):
            raise UnknownList
        return self.path(list_id) / name

    async def receive(self, list_id: str, suffix: str, chunks: AsyncIterable[bytes], limit: int) -> Received:
        """Keeps the upload, or leaves nothing behind."""
        part = self.path(list_id).with_name(list_id + _PART)
        upload = _Upload(part / f"upload{known_suffix(suffix)}", limit)
        try:
            await asyncio.to_thread(upload.begin)
            async for chunk in chunks:
                if upload.gather(chunk):
                    await asyncio.to_thread(upload.flush)
            await asyncio.to_thread(upload.end, self.path(list_id))
        except OSError as error:
            await asyncio.to_thread(upload.abandon)
            if isinstance(error, ConnectionError):
                raise UploadBroken("The upload broke off: send it again.") from None
            raise _unwritten(error) from None
        except BaseException:
            await asyncio.shield(asyncio.to_thread(upload.abandon))
            raise
        return Received(upload.size, upload.digest)

    async def parsed(self, list_id: str, suffix: str) -> None:
        """The rows are kept elsewhere: the upload itself goes."""
        await asyncio.to_thread(self.upload_path(list_id, known_suffix(suffix)).unlink, missing_ok=True)

    async def remove(self, list_id: str) -> None:
        """Deletes the list's folder; nothing where there is none."""
        await asyncio.to_thread(_remove, self.path(list_id))

    async def ids(self) -> Collection[str]:
        """The lists that have a folder."""
        return await asyncio.to_thread(self._ids)

    async def sweep(self) -> None:
        """Deletes what a killed process left half-way; for whoever has just begun, before anything comes in."""
        await asyncio.to_thread(self._sweep)

    @contextmanager
    def workbook(self, list_id: str, name: str) -> Iterator[BinaryIO]:
        """A file that a workbook is written to. Raises ServiceUnavailable where it cannot be."""
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with os.fdopen(os.open(self.workbook_path(list_id, name), flags, 0o600), "wb") as file:
                yield file
        except OSError as error:
            if error.errno in (ENOSPC, EDQUOT):
                raise DiskFull(
                    "The disk is full: no workbook can be made. Make room, or take the list as CSV."
                ) from None
            raise ServiceUnavailable(f"The workbook cannot be made: {error.strerror or error}.") from None

    async def piece(self, list_id: str, name: str, offset: int) -> bytes:
        """What there is of a workbook behind `offset`, whole or still being written; b"" where that is nothing."""
        return await asyncio.to_thread(_piece, self.workbook_path(list_id, name), offset)

    async def discard(self, list_id: str, name: str) -> None:
        """Deletes a workbook."""
        await asyncio.to_thread(self.workbook_path(list_id, name).unlink, missing_ok=True)

    def _ids(self) -> list[str]:
        return [path.name for path in self._folders() if _ID(path.name)]

    def _sweep(self) -> None:
        for path in self._folders():
            if path.name.endswith((_PART, _GONE)):
                shutil.rmtree(path, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return list(self._root.iterdir()) if self._root.is_dir() else []


def known_suffix(suffix: str) -> str:
    """The suffix, "" where it is none of a list's."""
    return suffix.lower() if _SUFFIX(suffix.lower()) else ""


class _Upload:
    """One upload while it comes in."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._hash = hashlib.sha256()
        self._gathered: list[bytes] = []
        self._waiting = 0
        self._file: IO[bytes] | None = None
        self.size = 0

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def begin(self) -> None:
        self._path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.parent.mkdir(mode=0o700)
        self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", 0)

    def gather(self, chunk: bytes) -> bool:
        """Takes some more; True where it is time to write. Raises UploadTooLarge."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise UploadTooLarge(
                f"The upload is larger than {size_text(self._limit)}: split it, or raise VERIFIER_LISTS_MAX_UPLOAD."
            )
        self._gathered.append(bytes(chunk))
        self._waiting += len(chunk)
        return self._waiting >= _GATHERED

    def flush(self) -> None:
        assert self._file is not None
        gathered, self._gathered, self._waiting = b"".join(self._gathered), [], 0
        self._hash.update(gathered)
        view = memoryview(gathered)
        while view:
            view = view[self._file.write(view) or 0 :]

    def end(self, folder: Path) -> None:
        assert self._file is not None
        if not self.size:
            raise UploadBroken("The upload is empty: send a list.")
        self.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.parent.rename(folder)

    def abandon(self) -> None:
        if self._file is not None:
            self._file.close()
        shutil.rmtree(self._path.parent, ignore_errors=True)


def _remove(folder: Path) -> None:
    """At one stroke: what somebody still writes into the folder finds no way there."""
    gone = folder.with_name(folder.name + _GONE)
    with suppress(FileNotFoundError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _piece(path: Path, offset: int) -> bytes:
    with suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(offset)
        return file.read(_PIECE)
    return b""


def _unwritten(error: OSError) -> ServiceUnavailable:
    if error.errno in (ENOSPC, EDQUOT):
        return DiskFull("The disk is full: the upload was not kept. Make room, then send it again.")
    return ServiceUnavailable(f"The upload cannot be kept: {error.strerror or error}.")
