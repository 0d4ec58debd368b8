"""Bytes from a mail host, put together to whole replies (RFC 5321 §4.2.1).

Law: whatever a host sends, no more than a bounded amount of it is held, and a reply is given out only when it is whole.
"""

import re

from msgspec import Struct

_MAX_LINE = 8 * 1024
_MAX_LINES = 256
_MAX_REPLY = 64 * 1024
"""Characters of a whole reply: a hundred times what RFC 5321 §4.5.3.1.5 grants a line."""
_REPLY_LINE = re.compile(r"[2-5][0-9][0-9](?:[ -]|$)")


class Broken(Struct, frozen=True):
    """What came is no SMTP reply; `line` is as much of it as is worth showing."""

    detail: str
    line: str = ""


class ReplyLines:
    """Feed it what came; `take` gives the lines of the next whole reply."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._begin = 0
        """Where in the buffer the next line begins."""
        self._lines: list[str] = []
        self._taken = 0

    @property
    def pending(self) -> bool:
        """Something came that is not a whole reply yet."""
        return len(self._buffer) > self._begin or bool(self._lines)

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def take(self) -> list[str] | Broken | None:
        """The next reply's lines without their ends; None when it is not whole yet."""
        while (end := self._buffer.find(b"\n", self._begin)) >= 0:
            line = self._buffer[self._begin : end].rstrip(b"\r").decode("utf-8", "replace")
            self._begin = end + 1
            self._taken += len(line)
            fault = self._fault(line)
            line = line.replace("\x00", "")
            if fault:
                return Broken(fault, line[:_MAX_LINE])
            self._lines.append(line)
            if line[3:4] != "-":
                lines, self._lines, self._taken = self._lines, [], 0
                return lines
        del self._buffer[: self._begin]
        self._begin = 0
        if len(self._buffer) > _MAX_LINE:
            return Broken("a line without end")
        return None

    def _fault(self, line: str) -> str:
        if len(line) > _MAX_LINE or len(self._lines) >= _MAX_LINES or self._taken > _MAX_REPLY:
            return "a reply that is too long"
        if not _REPLY_LINE.match(line):
            return "a line that is no SMTP reply"
        if self._lines and line[:3] != self._lines[0][:3]:
            return "a reply whose lines have different codes"
        return ""
