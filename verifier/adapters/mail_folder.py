"""A mailbox of this machine: an mbox file (RFC 4155), gzipped or not, or a Maildir; its messages, one after the other.

Law: nothing in it is changed; what is larger than a report can be is passed over.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from verifier.adapters.log_files import lines_of
from verifier.core.faults import InputError

_BEGINS = re.compile(rb"From \S+ +[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d")
_QUOTED = re.compile(rb">+From ")
_PARTS = ("cur", "new")


def is_mail_folder(path: Path) -> bool:
    """It is the one or the other. Raises InputError where it cannot be read, or is another folder."""
    if path.is_dir():
        if not any((path / part).is_dir() for part in _PARTS):
            raise InputError(f"{path} is a folder, and no Maildir: name files.")
        return True
    return _BEGINS.match(next(lines_of(path), b"")) is not None


class MailFolder:
    """What is at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def messages(self, largest: int) -> Iterator[bytes]:
        """Every message of at most `largest` bytes, oldest first. Raises InputError where one cannot be read."""
        return self._of_maildir(largest) if self._path.is_dir() else self._of_mbox(largest)

    def _of_maildir(self, largest: int) -> Iterator[bytes]:
        try:
            files = sorted((file for part in _PARTS for file in (self._path / part).glob("*")), key=lambda f: f.name)
            for file in files:
                if file.is_file() and file.stat().st_size <= largest:
                    yield file.read_bytes()
        except OSError as error:
            raise InputError(f"{error.filename} cannot be read: {error.strerror}.") from None

    def _of_mbox(self, largest: int) -> Iterator[bytes]:
        """What begins with `From ` behind a blank line is the next message; such a line of its own is quoted by a >."""
        message, size, blank = list[bytes](), 0, True
        for line in lines_of(self._path):
            if blank and _BEGINS.match(line):
                if message and size <= largest:
                    yield b"".join(message)
                message, size = [], 0
            else:
                size += len(line)
                if size <= largest:
                    message.append(line[1:] if _QUOTED.match(line) else line)
            blank = not line.strip()
        if message and size <= largest:
            yield b"".join(message)
