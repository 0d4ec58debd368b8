"""Files of lines: plain or gzipped (rotated logs), told by their content, oldest first, and never read whole."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from verifier.core.faults import InputError

_GZIP = b"\x1f\x8b"
_LONGEST_LINE = 64 * 1024


def oldest_first(paths: Sequence[Path]) -> list[Path]:
    """By when each was last written to: rotated logs have names that sort the other way."""
    try:
        return sorted(paths, key=lambda path: (path.stat().st_mtime, path.name))
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}.") from None


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of one file; what is longer than a log line can be is cut. Raises InputError for a broken file."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            if packed:
                with gzip.open(raw) as unpacked:
                    yield from _lines(unpacked)
            else:
                yield from _lines(raw)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read to its end: {why}.") from None


def _lines(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while line := file.readline(_LONGEST_LINE):
        yield line
