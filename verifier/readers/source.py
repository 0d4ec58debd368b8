"""Where the bytes of a list come from: a file, standard input, either of them gzipped.

Law: what is unpacked is bounded: a gzip stream that grows beyond what lists do is refused while it is read, and no line
longer than LONGEST_LINE is ever held.
"""

import gzip
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from verifier.core.faults import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIN = "-"
BLOCK = 1 << 20
LONGEST_LINE = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_FREE_GROWTH = 64 << 20
_MOST_GROWTH = 250
_LARGEST_UNPACKED = 64 << 30


class ListSource:
    """One input that can be read several times; standard input and pipes are spooled to a temporary file first.

    `name` is what people are told, `suffix` the lower-case extension without `.gz`, "" for those two.
    Raises InputError where there is no such file or it cannot be read.
    """

    def __init__(self, path: str | Path, *, name: str | None = None, stdin: BinaryIO | None = None) -> None:
        self._spool: tempfile._TemporaryFileWrapper[bytes] | None = None
        if str(path) == STDIN:
            self.name, self.suffix = name or "standard input", ""
            self._spool = _spooled(stdin or sys.stdin.buffer)
            self.path = Path(self._spool.name)
        elif _is_pipe(Path(path)):
            self.name, self.suffix = name or str(path), ""
            with Path(path).open("rb") as pipe:
                self._spool = _spooled(pipe)
            self.path = Path(self._spool.name)
        else:
            self.path = Path(path)
            self.name = name or self.path.name
            suffixes = [suffix.lower() for suffix in self.path.suffixes]
            if suffixes and suffixes[-1] == ".gz":
                suffixes.pop()
            self.suffix = suffixes[-1] if suffixes else ""
        try:
            with self.path.open("rb") as file:
                self.gzipped = file.read(2) == _GZIP_MAGIC
        except OSError as error:
            raise InputError(f"{self.name} cannot be read: {error.strerror or error}.") from None
        if self.gzipped:
            try:
                self._refuse_bombs()
            except InputError:
                self.close()
                raise

    @classmethod
    def temporary(cls, name: str) -> "ListSource":
        """An empty file to be filled by its path, gone when it is closed."""
        return cls(STDIN, name=name, stdin=io.BytesIO())

    def open(self) -> BinaryIO:
        """The content from its beginning, unpacked."""
        try:
            raw = self.path.open("rb")
        except OSError as error:
            raise InputError(f"{self.name} cannot be read: {error.strerror or error}.") from None
        return io.BufferedReader(_Unpacked(raw, self.name), BLOCK) if self.gzipped else raw

    def _refuse_bombs(self) -> None:
        """Unpacks the beginning and throws it away: that takes less than a second, reading it as rows minutes."""
        unpacked = 0
        with self.open() as stream:
            while unpacked <= _FREE_GROWTH and (piece := stream.read(BLOCK)):
                unpacked += len(piece)

    def stamp(self) -> tuple[int, int]:
        """Size and time of the last change: equal as long as nobody has written to the file."""
        status = self.path.stat()
        return status.st_size, status.st_mtime_ns

    def close(self) -> None:
        """Removes what was spooled."""
        if self._spool is not None:
            self._spool.close()


def _spooled(stream: BinaryIO) -> "tempfile._TemporaryFileWrapper[bytes]":
    """What can be read once as a file that can be read again; it is gone when it is closed."""
    spool = tempfile.NamedTemporaryFile(prefix="verifier-stdin-")  # noqa: SIM115 closed by ListSource.close()
    shutil.copyfileobj(stream, spool, BLOCK)
    spool.flush()
    return spool


class _Unpacked(io.RawIOBase):
    """A gzip stream with bounds on its growth."""

    def __init__(self, raw: BinaryIO, name: str) -> None:
        self._raw = raw
        self._name = name
        self._gzip = gzip.GzipFile(fileobj=raw)
        self._unpacked = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        try:
            size = self._gzip.readinto(view)
        except (OSError, EOFError, zlib.error):
            raise InputError(f"{self._name} is a damaged gzip file.") from None
        self._unpacked += size
        growth = self._unpacked / max(1, self._raw.tell())
        if self._unpacked > _LARGEST_UNPACKED or (self._unpacked > _FREE_GROWTH and growth > _MOST_GROWTH):
            raise InputError(f"{self._name} unpacks to {growth:.0f} times its size: that is no list.")
        return size

    def close(self) -> None:
        if not self.closed:
            self._gzip.close()
            self._raw.close()
        super().close()


def _is_pipe(path: Path) -> bool:
    """False where the path may not be looked at: opening it says why."""
    return os.access(path, os.F_OK) and path.is_fifo()


def line_blocks(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """The stream in blocks of about BLOCK bytes, cut behind line ends (LF, CRLF or CR) of an ASCII-compatible encoding.

    Raises InputError for a line of more than LONGEST_LINE bytes, unless it ends in the block that it began in.
    """
    rest = b""
    while piece := stream.read(BLOCK):
        block = rest + piece
        cut = block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, len(block) - 1) + 1
        if cut:
            yield block[:cut]
        rest = block[cut:]
        if len(rest) > LONGEST_LINE:
            raise InputError(f"{name} has a line of more than 1 MiB: it is not a list of rows.")
    if rest:
        yield rest
