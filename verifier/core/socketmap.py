"""Postfix's and Sendmail's socketmap without the wire: a netstring `NAME KEY` in, a netstring with the finding out.

socketmap_table(5): `OK data`, `NOTFOUND `, `TEMP reason`, `TIMEOUT reason`, `PERM reason`. NAME is whatever stands
after the last colon in main.cf; here it is the context, as in `policy_context`.
Law: cut anywhere, the same bytes give the same lookups; no more is held than one lookup may be long.
"""

from msgspec import Struct

from verifier.core.policy_protocol import plain

MOST_BYTES = 10_000
_LONGEST_LENGTH = len(str(MOST_BYTES))


class SocketmapFault(Exception):
    """What came is no socketmap lookup: a sentence, without anything of its content."""


class Lookup(Struct, frozen=True):
    """One lookup: the map's name and the key."""

    name: str
    key: str


class SocketmapReader:
    """Feed it what came; it gives the lookups that are whole."""

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def pending(self) -> bool:
        """Something came that is not a whole lookup yet."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Lookup]:
        """Raises SocketmapFault where it is none or too long; nothing can be read after that."""
        self._buffer += data
        found = []
        while (lookup := self._take()) is not None:
            found.append(lookup)
        return found

    def _take(self) -> Lookup | None:
        digits, colon, rest = self._buffer.partition(b":")
        if not digits.isdigit() or len(digits) > _LONGEST_LENGTH:
            if not self._buffer:
                return None
            raise SocketmapFault("a netstring begins with its length")
        length = int(digits)
        if length > MOST_BYTES:
            raise SocketmapFault(f"a lookup is at most {MOST_BYTES} bytes long")
        if not colon or len(rest) <= length:
            return None
        if rest[length : length + 1] != b",":
            raise SocketmapFault("a netstring ends with a comma")
        name, space, key = rest[:length].decode("utf-8", "replace").partition(" ")
        if not space:
            raise SocketmapFault("a lookup is a map's name, a space and a key")
        self._buffer = rest[length + 1 :]
        return Lookup(name, key)


def socketmap_found(value: str) -> bytes:
    """The answer that has a value."""
    content = plain(f"OK {value}").encode()
    return b"%d:%s," % (len(content), content)


NOT_FOUND = b"9:NOTFOUND ,"
