"""A list that comes as JSON, read piece by piece: `{"emails": ["…", …], …}` or `{"rows": [{…}, …], …}`.

Law: however the text is cut into pieces, the same lines come out, and what is held in memory is one piece and the
element that it breaks off in. The members beside the rows may stand before them or behind.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

import msgspec
from msgspec import Struct

from verifier.core.list_orders import as_lines

Cells = dict[str, str | int | float | bool | None]
MOST_ELEMENT = 1 << 18
"""Bytes of one address, or of one row."""
_MOST_MEMBERS = 50
_SHOWN = 40
_STRING = rb'"(?:[^"\\\x00-\x1f]++|\\.)*+"'
_OBJECT = rb"\{(?:[^{}\[\]\"]++|" + _STRING + rb")*+\}"
_ARRAY = rb"\[(?:[^{}\[\]\"]++|" + _STRING + rb")*+\]"
_SCALAR = rb"(?:" + _STRING + rb"|[-+.0-9A-Za-z]++(?=[\s,}]))"
_BLANK = re.compile(rb"[ \t\r\n]*+")
_KEY = re.compile(rb"(" + _STRING + rb")[ \t\r\n]*+:")
_MEMBER = re.compile(rb"(" + _SCALAR + rb"|" + _ARRAY + rb")[ \t\r\n]*+([,}])")
_ELEMENT = re.compile(rb"[ \t\r\n]*+(" + _STRING + rb"|" + _OBJECT + rb")[ \t\r\n]*+([,\]])", re.DOTALL)
_WHOLE = re.compile(rb"(?:" + _STRING + rb"|" + _OBJECT + rb")[ \t\r\n]*+", re.DOTALL)
_BEGUN = {
    "emails": re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\.)*+', re.DOTALL),
    "rows": re.compile(rb"\{(?:[^{}\[\]\"]++|" + _STRING + rb")*+", re.DOTALL),
}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "emails": msgspec.json.Decoder(list[str]),
    "rows": msgspec.json.Decoder(list[Cells]),
}
_OPENING = {"emails": b'"', "rows": b"{"}
_PLACE = re.compile(r" - at `\$\[(\d+)\](.*)`$")


class JsonFault(ValueError):
    """The text cannot be read on: why. `pointer` (RFC 6901) is where; None where the text is no JSON at all."""

    def __init__(self, sentence: str, pointer: str | None = None) -> None:
        super().__init__(sentence)
        self.pointer = pointer


class _At(Enum):
    MARK = auto()
    """A byte order mark may stand before the text, as Windows' programs write it, and is nothing (RFC 8259 §8.1)."""
    START = auto()
    KEY = auto()
    VALUE = auto()
    ELEMENT = auto()
    BEHIND = auto()
    """The list has ended, its member's comma or the closing brace comes."""
    END = auto()


class Taken(Struct):
    """What was read so far beside the rows: which of both members holds them, how many they are, all others."""

    kind: str = ""
    count: int = 0
    members: dict[str, Any] = {}


class JsonList:
    """`feed` gives the rows of a piece as JSON lines; `end` what else was said. Both raise JsonFault."""

    def __init__(self) -> None:
        self.taken = Taken(members={})
        self._at = _At.MARK
        self._key = ""
        self._text = bytearray()
        self._place = 0

    def feed(self, piece: bytes) -> bytes:
        """The lines of the rows that this piece ends; b"" where it ends none."""
        self._text += piece
        lines: list[bytes] = []
        while self._step(lines):
            pass
        del self._text[: self._place]
        self._place = 0
        if len(self._text) > MOST_ELEMENT:
            raise JsonFault(f"more than {MOST_ELEMENT:,} bytes are one value: a row is shorter", self._pointer())
        return b"".join(lines)

    def end(self) -> Taken:
        """Everything was fed."""
        if self._at is not _At.END:
            raise JsonFault("it ends in the middle")
        if not self.taken.kind:
            others = ", ".join(name[:_SHOWN] for name in self.taken.members)
            beside = f": there is only {others}" if others else ""
            raise JsonFault(f"either emails or rows are needed{beside}", "/emails")
        if not self.taken.count:
            raise JsonFault("is empty: send at least one", f"/{self.taken.kind}")
        return self.taken

    def _step(self, lines: list[bytes]) -> bool:
        """Reads one thing; whether there may be more of it at hand."""
        if self._at is _At.ELEMENT:
            return self._elements(lines)
        if self._at is _At.MARK:
            return self._mark()
        blank = _BLANK.match(self._text, self._place)
        assert blank is not None
        self._place = blank.end()
        if self._place >= len(self._text):
            return False
        match self._at:
            case _At.START:
                self._expect(b"{", "an object with emails or rows")
                self._at = _At.KEY
            case _At.KEY:
                return self._member_key()
            case _At.VALUE:
                return self._value()
            case _At.BEHIND:
                closed = self._expect(b",}", "a comma or the end of the object") == b"}"
                self._at = _At.END if closed else _At.KEY
            case _:
                raise JsonFault("something follows behind its end")
        return True

    def _mark(self) -> bool:
        if len(self._text) < len(BOM_UTF8) and BOM_UTF8.startswith(self._text):
            return False
        self._place += len(BOM_UTF8) if self._text.startswith(BOM_UTF8) else 0
        self._at = _At.START
        return True

    def _member_key(self) -> bool:
        if self._text.startswith(b"}", self._place) and not self.taken.kind and not self.taken.members:
            self._place += 1
            self._at = _At.END
            return True
        self._peek(b'"', "the name of a member")
        found = _KEY.match(self._text, self._place)
        if found is None:
            return False
        self._key = _scalar(bytes(found[1]))
        if self._key in self.taken.members or (self.taken.kind and self._key == self.taken.kind):
            raise JsonFault("is given twice", f"/{self._key}")
        if len(self.taken.members) >= _MOST_MEMBERS:
            raise JsonFault("there are too many members", f"/{self._key}")
        self._place = found.end()
        self._at = _At.VALUE
        return True

    def _value(self) -> bool:
        if self._key in _DECODERS and not self._text.startswith(b"n", self._place):
            if self.taken.kind:
                raise JsonFault("either emails or rows are needed, not both", f"/{self._key}")
            self._peek(b"[", "an array", f"/{self._key}")
            self._place += 1
            self.taken.kind = self._key
            self._at = _At.ELEMENT
            return True
        self._peek(b'"-0123456789tfn[', "a text, a number, true, false, null or an array", f"/{self._key}")
        found = _MEMBER.match(self._text, self._place)
        if found is None:
            return False
        value = _scalar(bytes(found[1]))
        if self._key not in _DECODERS:
            self.taken.members[self._key] = value
        self._place = found.end()
        self._at = _At.END if found[2] == b"}" else _At.KEY
        return True

    def _elements(self, lines: list[bytes]) -> bool:
        """All elements that are whole, at one go."""
        found: list[bytes] = []
        text, place = self._text, self._place
        while (element := _ELEMENT.match(text, place)) is not None:
            place = element.end()
            found.append(bytes(element[1]))
            if element[2] == b"]":
                self._at = _At.BEHIND
                break
        self._place = place
        if found:
            lines.extend(as_lines(self._decoded(found)))
            self.taken.count += len(found)
        if self._at is _At.BEHIND:
            return True
        return self._unfinished()

    def _unfinished(self) -> bool:
        """What begins here is an element that goes on in the next piece, or the end of a list of none."""
        blank = _BLANK.match(self._text, self._place)
        assert blank is not None
        if blank.end() >= len(self._text):
            return False
        if not self.taken.count and self._text.startswith(b"]", blank.end()):
            self._place = blank.end() + 1
            self._at = _At.BEHIND
            return True
        opening = _OPENING[self.taken.kind]
        if not self._text.startswith(opening, blank.end()):
            wanted = "a text" if self.taken.kind == "emails" else "an object of texts and numbers"
            raise JsonFault(f"must be {wanted}", self._pointer())
        self._require_hope(blank.end())
        return False

    def _require_hope(self, place: int) -> None:
        """What begins at `place` may become an element. Raises JsonFault where nothing that follows can mend it."""
        whole = _WHOLE.match(self._text, place)
        if whole is not None and whole.end() < len(self._text):
            raise JsonFault("a comma or the end of the array is missing", None)
        begun = _BEGUN[self.taken.kind].match(self._text, place)
        assert begun is not None
        stuck = bytes(self._text[begun.end() : begun.end() + 1])
        if whole is None and stuck not in b'"\\':
            what = "a text without control characters" if self.taken.kind == "emails" else "a row of plain cells"
            raise JsonFault(f"must be {what}", self._pointer())

    def _decoded(self, elements: Sequence[bytes]) -> list[Any]:
        try:
            decoded: list[Any] = _DECODERS[self.taken.kind].decode(b"[" + b",".join(elements) + b"]")
        except msgspec.ValidationError as error:
            place = _PLACE.search(str(error))
            number = self.taken.count + (int(place[1]) if place else 0)
            raise JsonFault(_PLACE.sub("", str(error)), f"/{self.taken.kind}/{number}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise JsonFault(str(error)) from None
        return decoded

    def _pointer(self) -> str | None:
        return f"/{self.taken.kind}/{self.taken.count}" if self._at is _At.ELEMENT else None

    def _peek(self, expected: bytes, what: str, pointer: str | None = None) -> bytes:
        character = bytes(self._text[self._place : self._place + 1])
        if character not in expected:
            raise JsonFault(f"must be {what}" if pointer else f"{what} is missing", pointer)
        return character

    def _expect(self, expected: bytes, what: str) -> bytes:
        character = self._peek(expected, what)
        self._place += 1
        return character


def _scalar(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JsonFault(str(error)) from None
