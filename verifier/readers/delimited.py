"""Separated text: CSV, TSV, semicolons, pipes, one address a line; in two passes, never whole in memory.

The first pass counts on the bytes (`measure`), reads the rows only where a quote stands wrong, and sees whether the
supposed encoding holds to the end; the second gives the rows.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice

from msgspec import Struct, structs

from verifier.core.faults import InputError
from verifier.core.table import MOST_COLUMNS, Layout, TableKind, chosen_columns, made_up_names
from verifier.readers.columns import Columns, guess_columns
from verifier.readers.encodings import Encoding, Utf8Watch, head_encoding
from verifier.readers.list_table import ListTable
from verifier.readers.measure import Measure, measure
from verifier.readers.records import LONGEST_RECORD, plain_lines, records
from verifier.readers.separators import NONE, guess_line_ending, guess_separator, head_rows, stated_separator
from verifier.readers.source import BLOCK, ListSource, line_blocks

_HEAD = 1 << 18
_CSV_FIELD_LIMIT = 1 << 17
_ONE_CELL = "\x1f"
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r)")


class Dialect(Struct, frozen=True):
    """How the bytes become rows: `regular` where a strict csv.reader takes all of them; `stated` where the first line
    names the separator and is no row.
    """

    encoding: Encoding
    separator: str
    line_ending: str
    regular: bool = False
    stated: bool = False


class Head(Struct, frozen=True):
    """What the first 256 KiB say."""

    dialect: Dialect
    rows: list[list[str]]
    columns: Columns
    whole: bool


def read_head(source: ListSource, separator: str | None = None) -> Head:
    """Looks at the beginning only. Raises InputError where it is empty or no text."""
    with source.open() as stream:
        head = stream.read(_HEAD)
    if not head:
        raise InputError(f"{source.name} is empty.")
    encoding = head_encoding(head, source.name)
    whole = len(head) < _HEAD
    if encoding.ascii_compatible:
        watch = Utf8Watch(encoding, source.name)
        watch.see(head if whole else head[: head.rfind(b"\n") + 1])
        encoding = watch.encoding()
    text = head.decode(encoding.codec, "replace")
    if not text.strip("\r\n\t ,;|"):
        raise InputError(f"{source.name} is empty.")
    if not whole:
        text = text[: max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1] or text
    stated = stated_separator(text) if separator is None else None
    if separator is None:
        separator = stated or guess_separator(text, source.suffix)
    rows = head_rows(text, separator)[int(stated is not None) :]
    if not rows:
        raise InputError(f"{source.name} is empty.")
    dialect = Dialect(encoding, separator, guess_line_ending(text), stated=stated is not None)
    return Head(dialect, rows, guess_columns(rows), whole)


def open_delimited(source: ListSource, wanted: Sequence[str] = (), separator: str | None = None) -> ListTable:
    """Reads the whole list once; `separator` None is guessed.

    Raises InputError with one sentence where it is no list, has no rows, or lacks a column.
    """
    head = read_head(source, separator)
    dialect, total, digest = _first_pass(source, head.dialect)
    with _opened_rows(source, dialect) as opened:
        first = next(islice(opened, max(0, head.columns.headings_row - 1), None), [])
    layout = _layout(source.name, head.columns, first, total, wanted, dialect)

    def chunks(size: int) -> Iterator[list[list[str]]]:
        with _opened_rows(source, dialect) as rows:
            if layout.has_header:
                next(rows, None)
            while chunk := list(islice(rows, size)):
                yield chunk

    return ListTable(source, layout, digest, chunks)


def _layout(
    name: str, guess: Columns, first: list[str], total: Measure, wanted: Sequence[str], dialect: Dialect
) -> Layout:
    if total.width > MOST_COLUMNS:
        raise InputError(f"{name} has a row of {total.width:,} cells: a list has at most {MOST_COLUMNS:,}.")
    named = guess.has_header or guess.headings_row > 0
    columns = chosen_columns(wanted, first if named else None, total.width) if wanted else guess.email
    if not columns:
        raise InputError(f"{name} has no column of e-mail addresses: name it with --column.")
    if total.rows == guess.has_header:
        raise InputError(f"{name} has a heading line but no rows.")
    padding = [""] * (total.width - len(first))
    return Layout(
        kind=TableKind.CSV,
        encoding=dialect.encoding.codec,
        bom=dialect.encoding.bom,
        separator=dialect.separator or ",",
        line_ending=dialect.line_ending,
        has_header=guess.has_header,
        header=(*first, *padding) if named else made_up_names(total.width, columns),
        width=total.width,
        rows=total.rows - guess.has_header,
        email_columns=columns,
        separator_line=dialect.stated,
        headings_row=guess.headings_row,
    )


def _first_pass(source: ListSource, supposed: Dialect) -> tuple[Dialect, Measure, str]:
    """All bytes once: the encoding that holds to the end, the size of the list, the hash of its content."""
    digest = hashlib.sha256()
    watch = Utf8Watch(supposed.encoding, source.name)
    total, gauge = Measure(), _Gauge(supposed)
    with source.open() as stream:
        if supposed.encoding.ascii_compatible:
            for block in line_blocks(stream, source.name):
                digest.update(block)
                watch.see(block)
                gauge.take(block)
        else:
            while piece := stream.read(BLOCK):
                digest.update(piece)
    dialect = structs.replace(supposed, encoding=watch.encoding())
    if not dialect.encoding.ascii_compatible:
        gauge = _Gauge(supposed)
        for block in _utf8_blocks(source, dialect.encoding):
            gauge.take(block)
    if gauge.regular and gauge.done and gauge.total.longest < _CSV_FIELD_LIMIT and dialect.separator != NONE:
        return structs.replace(dialect, regular=True), gauge.total, digest.hexdigest()
    with _opened_rows(source, dialect) as rows:
        for row in rows:
            total.rows += 1
            total.width = max(total.width, len(row))
    return dialect, total, digest.hexdigest()


class _Gauge:
    """Measures block after block as long as the quotes stand right."""

    def __init__(self, dialect: Dialect) -> None:
        self._separator = dialect.separator or _ONE_CELL
        self._skips_line = dialect.stated
        self._rest = b""
        self.total = Measure()
        self.regular = True

    @property
    def done(self) -> bool:
        """No quoted cell was left open at the end."""
        return not self._rest

    def take(self, block: bytes) -> None:
        """Counts the block's rows."""
        if not self.regular:
            return
        if self._skips_line:
            block, self._skips_line = _LINE.sub(b"", block, count=1), False
        block = self._rest + block
        used = measure(block, self._separator, self.total)
        self._rest = b"" if used is None else block[used:]
        self.regular = used is not None and len(self._rest) <= LONGEST_RECORD


def _utf8_blocks(source: ListSource, encoding: Encoding) -> Iterator[bytes]:
    """The text as UTF-8, in blocks cut at line ends."""
    pieces = (text.encode("utf-8", "surrogatepass") for text in _texts(source, encoding))
    with io.BufferedReader(_Joined(pieces), BLOCK) as stream:
        yield from line_blocks(stream, source.name)


class _Joined(io.RawIOBase):
    """Pieces of bytes as one stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = next(self._pieces, b"")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _texts(source: ListSource, encoding: Encoding) -> Iterator[str]:
    """The decoded text in pieces; raises InputError where it is not valid in a Unicode encoding."""
    with source.open() as stream, io.TextIOWrapper(stream, encoding.codec, encoding.errors, newline="") as text:
        try:
            while piece := text.read(BLOCK):
                if "\0" in piece:
                    raise InputError(f"{source.name} is a binary file, not a list: it has NUL characters.")
                yield piece
        except UnicodeDecodeError:
            raise InputError(f"{source.name} is not valid {encoding.codec.upper()} text.") from None


@contextmanager
def _opened_rows(source: ListSource, dialect: Dialect) -> Iterator[Iterator[list[str]]]:
    """All rows, the heading too."""
    if dialect.regular:
        codec, errors = dialect.encoding.codec, dialect.encoding.errors
        with source.open() as stream, io.TextIOWrapper(stream, codec, errors, newline="") as text:
            yield islice(csv.reader(text, delimiter=dialect.separator, strict=True), int(dialect.stated), None)
    else:
        texts = _texts(source, dialect.encoding)
        rows = chain.from_iterable(records(texts, dialect.separator) if dialect.separator else plain_lines(texts))
        yield islice(rows, int(dialect.stated), None)
