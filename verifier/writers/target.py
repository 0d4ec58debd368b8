"""Where a list is written: a file that appears whole or not at all, or standard output; gzipped where its name says so.

The rows go to `.NAME.partial` beside the output, which is renamed once all of it is on the disk. A run that was killed
leaves only that file, and the next one overwrites it.
"""

import gzip
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO

from verifier.core.faults import InputError, OperatorError

STDOUT = "-"


class Target:
    """One output. Raises OperatorError where it exists and `force` is not set, or is held."""

    def __init__(self, path: str | Path, *, force: bool = False, stdout: BinaryIO | None = None) -> None:
        self._path: Path | None = None
        if str(path) == STDOUT:
            self._file: IO[bytes] = stdout or sys.stdout.buffer
        else:
            self._path = Path(path)
            there = os.access(self._path, os.F_OK)  # where one may not look, being told comes with writing
            if there and self._path.is_dir():
                raise OperatorError(f"{self._path} is a folder: name a file for the output.")
            self._partial = self._path.with_name(f".{self._path.name}.partial")
            if there and not (force and self._path.is_file()):
                raise OperatorError(f"{self._path} exists: name another output, or overwrite it with --force.")
            self._file = _held(self._partial)
        self._gzip: gzip.GzipFile | None = None
        if str(path).lower().endswith(".gz"):
            self._gzip = gzip.GzipFile("", "wb", 6, self._file, mtime=0)
        self._open = True

    def write(self, content: bytes) -> None:
        """Adds content; raises OperatorError where the disk takes no more."""
        try:
            (self._gzip or self._file).write(content)
        except OSError as error:
            raise self._unwritten(error) from None

    def commit(self) -> None:
        """Makes the output appear, complete and on the disk."""
        if not self._open:
            return
        try:
            if self._gzip is not None:
                self._gzip.close()
            self._file.flush()
            if self._path is None:
                self._open = False
                return
            os.fsync(self._file.fileno())
            self._partial.replace(self._path)
            self._open = False
            self._file.close()
            _sync_folder(self._path.parent)
        except OSError as error:
            raise self._unwritten(error) from None

    def _unwritten(self, error: OSError) -> Exception:
        """What to raise: a closed pipe is the reader's own affair."""
        if self._path is None:
            return error
        return OperatorError(f"{self._path} cannot be written: {error.strerror or error}.")

    def abort(self) -> None:
        """Leaves nothing behind."""
        if not self._open:
            return
        self._open = False
        if self._path is None:
            return
        self._partial.unlink(missing_ok=True)
        for file in (self._gzip, self._file):
            if file is not None:
                with suppress(OSError):
                    file.close()


def default_output(source: str | Path, suffix: str | None = None) -> Path:
    """`INPUT.clean.EXT` beside the input; `suffix` (such as ".xlsx") where the format is another.

    Raises InputError for what cannot be a file by its name: `.` and `/`.
    """
    path = Path(source)
    if not path.name:
        raise InputError(f"{path} is a folder, not a list.")
    name, packed = (path.name[:-3], path.name[-3:]) if path.name.lower().endswith(".gz") else (path.name, "")
    own = Path(name).suffix
    stem = name.removesuffix(own)
    return path.with_name(f"{stem}.clean{suffix or own}{packed}")


def _held(partial: Path) -> IO[bytes]:
    """The file, emptied, and locked against another run that writes to the same output."""
    try:
        file = os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666), "r+b", 1 << 20)
    except OSError as error:
        raise OperatorError(f"{partial.parent} cannot be written to: {error.strerror or error}.") from None
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise OperatorError(f"Another run is writing {partial.name[1:].removesuffix('.partial')}.") from None
    file.truncate()
    return file


def _sync_folder(folder: Path) -> None:
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
