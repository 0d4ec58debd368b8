"""JSON lines: an object or an address as a JSON string on every line, in two passes.

Law: what the writer gives back of a row has every key and value of its object; a line that is neither object nor string
is kept as text in the e-mail column.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from verifier.core.faults import InputError
from verifier.core.table import ABSENT, MOST_COLUMNS, NULL, JsonText, Layout, TableKind, chosen_columns
from verifier.readers.columns import named_columns
from verifier.readers.encodings import head_encoding
from verifier.readers.list_table import ListTable
from verifier.readers.source import ListSource, line_blocks

STRING_KEY = "email"
_SAMPLE = 1000
_Object = dict[str, str]
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_string = msgspec.json.Decoder(str).decode


def open_jsonl(source: ListSource, wanted: Sequence[str] = ()) -> ListTable:
    """Reads the whole list once. Raises InputError with one sentence where it is none, or lacks a key."""
    digest = hashlib.sha256()
    keys: dict[str, None] = {}
    sample: list[_Object] = []
    rows = broken = 0
    for line in _lines(source):
        digest.update(line)
        members = _members(line)
        rows += 1
        broken += members is None
        if members:
            if len(sample) < _SAMPLE:
                sample.append(_cells(line) or {})
            if not members.keys() <= keys.keys():
                keys.update(dict.fromkeys(members))
            if len(keys) > MOST_COLUMNS:
                raise InputError(f"{source.name} has more than {MOST_COLUMNS:,} different keys: it is not a list.")
    if not keys:
        raise InputError(f"{source.name} is {'not JSON lines: no line of it is an object' if broken else 'empty'}.")
    header = tuple(keys)
    looked_at = [[cells.get(key, "") for key in header] for cells in sample]
    columns = chosen_columns(wanted, header, len(header)) if wanted else named_columns(header, looked_at)
    if not columns:
        raise InputError(f"{source.name} has no key with e-mail addresses: name it with --column.")
    layout = Layout(
        kind=TableKind.JSONL,
        encoding="utf-8",
        bom=False,
        separator=",",
        line_ending="\n",
        has_header=True,
        header=header,
        width=len(header),
        rows=rows,
        email_columns=columns,
    )

    def chunks(size: int) -> Iterator[list[list[str]]]:
        lines = _lines(source)
        while chunk := [_row(line, layout) for line in islice(lines, size)]:
            yield chunk

    return ListTable(source, layout, digest.hexdigest(), chunks)


def preview_rows(source: ListSource, count: int) -> tuple[tuple[str, ...], list[list[str]]]:
    """The keys and the first rows of the first `count` lines."""
    found = [_cells(line) or {} for line in islice(_lines(source), count)]
    header = tuple(dict.fromkeys(key for cells in found for key in cells))
    return header, [[cells.get(key, "") for key in header] for cells in found]


def _row(line: bytes, layout: Layout) -> list[str]:
    cells = _cells(line)
    if cells is None:
        cells = {layout.header[layout.email_columns[0]]: line.decode("utf-8", "replace")}
    return [cells.get(key, ABSENT) for key in layout.header]


def _members(line: bytes) -> dict[str, msgspec.Raw] | None:
    """The object of a line, {} for a blank one; None if it is neither object nor string."""
    try:
        if line.startswith(b'"'):
            _decode_string(line)
            return {STRING_KEY: msgspec.Raw(line)}
        return _decode_object(line) if line else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _cells(line: bytes) -> _Object | None:
    """The same with the values as cells."""
    members = _members(line)
    try:
        return None if members is None else {key: _cell(bytes(value)) for key, value in members.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _cell(value: bytes) -> str:
    if value == b"null":
        return NULL
    return _decode_string(value) if value.startswith(b'"') else JsonText(value.decode())


def _lines(source: ListSource) -> Iterator[bytes]:
    """Every line without its end and outer blanks, as UTF-8."""
    with source.open() as peeked:
        encoding = head_encoding(peeked.read(1 << 16), source.name)
    with source.open() as stream:
        if encoding.ascii_compatible:
            stream.read(3 if encoding.bom else 0)
            for block in line_blocks(stream, source.name):
                yield from map(bytes.strip, block.splitlines())
        else:
            with io.TextIOWrapper(stream, encoding.codec) as text:
                try:
                    yield from (line.strip().encode() for line in text)
                except UnicodeError:
                    raise InputError(f"{source.name} is not valid {encoding.codec.upper()} text.") from None
