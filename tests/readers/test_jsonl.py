"""JSON lines: every line is a row, and what is no string keeps its JSON text."""

import io
from pathlib import Path

from verifier.core.table import ABSENT, NULL, JsonText, TableKind
from verifier.readers.tables import open_table


def rows_of(path: Path, content: bytes) -> tuple[tuple[str, ...], tuple[int, ...], list[list[str]]]:
    path.write_bytes(content)
    with open_table(path) as table:
        assert TableKind.JSONL is table.layout.kind
        return table.layout.header, table.layout.email_columns, [row for chunk in table.chunks(2) for row in chunk]


def test_objects_become_rows_under_the_keys_of_all(tmp_path: Path) -> None:
    """Keys come in the order in which they are first met; a missing one is ABSENT, one of null NULL, and neither has a
    text that could be taken for an address.
    """
    content = b'{"n":1.50,"email":"a@x.test"}\n{"email":"b@x.test","o":{"a":[1, null]}}\r\n\n{"email":null}'
    header, columns, rows = rows_of(tmp_path / "list.jsonl", content)
    expected = [
        [JsonText("1.50"), "a@x.test", ABSENT],
        [ABSENT, "b@x.test", JsonText('{"a":[1, null]}')],
        [ABSENT, ABSENT, ABSENT],
        [ABSENT, NULL, ABSENT],
    ]
    assert (("n", "email", "o"), (1,), expected) == (header, columns, rows)
    assert rows[3][1] is NULL and rows[2][1] is ABSENT
    assert [[type(cell) for cell in row] for row in expected] == [[type(cell) for cell in row] for row in rows]


def test_strings_and_broken_lines_are_rows_of_the_email_column(tmp_path: Path) -> None:
    """A line that is no object costs no row."""
    content = b'{"name":"Ann","mail":"a@x.test"}\n{"name": broken\n[1]\n'
    assert rows_of(tmp_path / "list.ndjson", content)[2] == [
        ["Ann", "a@x.test"],
        [ABSENT, '{"name": broken'],
        [ABSENT, "[1]"],
    ]
    assert rows_of(tmp_path / "list.jsonl", b'"a@x.test"\n"b@x.test"\n')[2] == [["a@x.test"], ["b@x.test"]]


def test_a_line_nested_deeper_than_the_parser_goes_is_kept_as_text(tmp_path: Path) -> None:
    """Brackets without end are one more line that is no object, not the end of the run."""
    deep = '{"mail":' + "[" * 100_000 + "]" * 100_000 + "}"
    content = f'{{"mail":"a@x.test"}}\n{deep}\n'.encode()
    assert [["a@x.test"], [deep]] == rows_of(tmp_path / "list.jsonl", content)[2]


def test_json_lines_are_recognised_without_a_name(tmp_path: Path) -> None:
    """Standard input has no extension: an opening brace tells."""
    with open_table("-", stdin=io.BytesIO(b'{"email":"a@x.test"}\n')) as table:
        assert TableKind.JSONL is table.layout.kind


def test_other_encodings(tmp_path: Path) -> None:
    """A byte order mark is no part of the first object; UTF-16 is read too."""
    text = '{"email":"ä@x.test"}\n'
    for encoding in ("utf-8-sig", "utf-16"):
        assert rows_of(tmp_path / "list.jsonl", text.encode(encoding))[2] == [["ä@x.test"]]
