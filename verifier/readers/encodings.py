"""Which encoding a list is in: by its byte order mark, by what it cannot be, and last by what it looks like.

Law: what is valid UTF-8 from beginning to end is UTF-8. A file that mixes UTF-8 with single bytes of Windows-1252 (two
exports pasted together) is read as UTF-8, the strays as Windows-1252: no byte is lost or doubled.
"""

import codecs
import re

import charset_normalizer
from msgspec import Struct

from verifier.core.faults import InputError

STRAYS = "verifier.cp1252-strays"
"""The error handler that reads what is not UTF-8 as Windows-1252."""

SAMPLE = 1 << 16
_ENOUGH = 10_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = [
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874"),
    *("mac_roman", "cp850", "cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
_DOUBLE_BYTE = frozenset({"cp932", "euc_jp", "gb18030", "big5", "cp949"})
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))
_HIGH_CELL = re.compile(rb"[^,;\t|\r\n]*[\x80-\xff][^,;\t|\r\n]*")
_LATIN = "A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽžŸ"
_NOT_WESTERN = re.compile(
    rf"[^\x00-\x7f{_LATIN}\u00a0’‘“”–—…•€«»°·ºª´¨§®©™¡¿£&±²³½¼¾]"
    rf"|(?<=[{_LATIN}])[“”•€«»¡¿£±²³½¼¾§®¨](?=[{_LATIN}])"
    r"|(?<=[a-zà-öø-ÿ])[À-ÖØ-ÞŒŠŽŸ]"
    r"|[À-ÖØ-öø-ÿŒœŠšŽžŸ]{4}"
)


class Encoding(Struct, frozen=True):
    """A codec's name, how it reads what is not valid in it, and whether the file begins with a byte order mark."""

    codec: str
    errors: str = "strict"
    bom: bool = False

    @property
    def ascii_compatible(self) -> bool:
        """Separators, quotes and line ends are single bytes that mean nothing else."""
        return not self.codec.startswith(("utf-16", "utf-32")) and self.codec not in _DOUBLE_BYTE


def head_encoding(head: bytes, name: str) -> Encoding:
    """What the first bytes say; UTF-8 where they leave it open. Raises InputError where they are no text."""
    for mark, codec in _BOMS:
        if head.startswith(mark):
            return Encoding(codec, bom=True)
    if b"\0" in head:
        return _unmarked_utf16(head, name)
    if len(head.translate(None, _CONTROLS)) < len(head) * 0.9:
        raise InputError(f"{name} is a binary file, not a list: save the table as XLSX or CSV.")
    return Encoding("utf-8")


def _unmarked_utf16(head: bytes, name: str) -> Encoding:
    """UTF-16 without a mark: where nearly every other byte is NUL."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    for codec, nuls, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if nuls > 0.7 * (len(head) // 2) and not others:
            return Encoding(codec)
    raise InputError(f"{name} is a binary file, not a list: it has NUL bytes.")


class Utf8Watch:
    """Sees all of an ASCII-compatible file, block by block cut at line ends, and then says what it is."""

    def __init__(self, supposed: Encoding, name: str) -> None:
        self._supposed = supposed
        self._name = name
        self._valid = 0
        self._strays = 0
        self._sample: list[bytes] = []
        self._sampled = 0

    def see(self, block: bytes) -> None:
        """Takes the next block; raises InputError for a NUL byte."""
        if b"\0" in block:
            raise InputError(f"{self._name} is a binary file, not a list: it has NUL bytes.")
        if block.isascii() or self._strays > _ENOUGH:
            return
        try:
            block.decode()
            self._valid += 1
        except UnicodeDecodeError:
            text = block.decode("utf-8", "replace")
            strays = text.count("\ufffd")
            self._strays += strays
            self._valid += sum(1 for character in text if character > "\x7f") - strays
            if self._sampled < SAMPLE:
                cells = b"\n".join(_HIGH_CELL.findall(block))[: SAMPLE - self._sampled]
                self._sample.append(cells)
                self._sampled += len(cells) + 1

    def encoding(self) -> Encoding:
        """The encoding of what was seen."""
        if not self._strays:
            return self._supposed
        if self._supposed.bom or self._valid > self._strays:
            return Encoding("utf-8-sig" if self._supposed.bom else "utf-8", STRAYS, self._supposed.bom)
        return legacy_encoding(b"\n".join(self._sample))


def legacy_encoding(sample: bytes) -> Encoding:
    """The likeliest 8-bit or double-byte encoding of cells that are not UTF-8.

    Windows-1252 where it makes Latin words of them, or nothing better is known; else what charset-normalizer says.
    """
    western = _decoded(sample, "cp1252")
    if western is not None and not _NOT_WESTERN.search(western):
        return Encoding("cp1252", STRAYS)
    best = charset_normalizer.from_bytes(sample, cp_isolation=_CANDIDATES, preemptive_behaviour=False).best()
    if best is not None:
        return Encoding(best.encoding, STRAYS)
    return Encoding("cp1252", STRAYS)


def _decoded(sample: bytes, codec: str) -> str | None:
    try:
        return sample.decode(codec)
    except UnicodeDecodeError:
        return None


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.start + 1]
    return _decoded(stray, "cp1252") or stray.decode("latin-1"), error.start + 1


codecs.register_error(STRAYS, _as_cp1252)
