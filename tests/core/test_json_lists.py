"""A list as JSON, read piece by piece: the same as reading it whole, and what is wrong is said with its place."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.json_lists import MOST_ELEMENT, JsonFault, JsonList, Taken
from verifier.core.list_orders import as_lines

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
EMAILS = st.fixed_dictionaries({"emails": st.lists(st.text(), min_size=1)})
ROWS = st.fixed_dictionaries({"rows": st.lists(st.dictionaries(st.text(), SCALARS), min_size=1)})
OTHERS = st.dictionaries(
    st.text().filter(lambda name: name not in ("emails", "rows")), SCALARS | st.lists(st.text(), max_size=3), max_size=5
)
BLANKS = st.sampled_from([b"", b" ", b"\r\n\t "])
MARKS = st.sampled_from([b"", BOM_UTF8])


def read(text: bytes, cuts: list[int]) -> tuple[bytes, Taken]:
    reading, lines, before = JsonList(), b"", 0
    for cut in [*sorted(cut % (len(text) + 1) for cut in cuts), len(text)]:
        lines += reading.feed(text[before:cut])
        before = cut
    return lines, reading.end()


def written(members: dict[str, Any], blank: bytes) -> bytes:
    """The object with blanks wherever they may stand between members and elements."""

    def value(content: Any) -> bytes:
        if isinstance(content, list):
            return b"[" + blank + (blank + b"," + blank).join(map(msgspec.json.encode, content)) + blank + b"]"
        return msgspec.json.encode(content)

    parts = (msgspec.json.encode(name) + blank + b":" + blank + value(each) for name, each in members.items())
    return blank + b"{" + blank + (blank + b"," + blank).join(parts) + blank + b"}" + blank


@given(EMAILS | ROWS, OTHERS, OTHERS, BLANKS, MARKS, st.lists(st.integers(0, 10_000), max_size=30))
def test_it_is_read_as_if_it_were_read_whole(
    rows: dict[str, Any], before: dict[str, Any], after: dict[str, Any], blank: bytes, mark: bytes, cuts: list[int]
) -> None:
    """Wherever the text is cut and wherever blanks stand, behind a byte order mark or none: the rows as lines, all
    other members beside them.
    """
    ((kind, given_rows),) = rows.items()
    beside = before | after
    lines, taken = read(mark + written({**before, **rows, **after}, blank), cuts)
    assert lines == b"".join(as_lines(given_rows))
    assert (taken.kind, taken.count, taken.members) == (kind, len(given_rows), beside)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\emailsrow1tn ').map(str.encode), st.integers(1, 9))
def test_whatever_comes_is_read_or_refused(text: bytes, size: int) -> None:
    """Nothing else is raised; and what is taken is what a whole reading would take."""
    reading, lines = JsonList(), b""
    try:
        for start in range(0, len(text), size):
            lines += reading.feed(text[start : start + size])
        taken = reading.end()
    except JsonFault:
        return
    assert taken.count == lines.count(b"\n") == len(msgspec.json.decode(text)[taken.kind])


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (b"", None),
        (BOM_UTF8, None),
        (BOM_UTF8 * 2 + b'{"emails":["a"]}', None),
        (BOM_UTF8[:2] + b'{"emails":["a"]}', None),
        (b" " + BOM_UTF8 + b'{"emails":["a"]}', None),
        (b"[]", None),
        (b'"a"', None),
        (b"{", None),
        (b'{"emails":["a"]', None),
        (b'{"emails":["a"]} x', None),
        (b'{"emails":["a" "b"]}', None),
        (b'{"emails":["a"],}', None),
        (b'{,"emails":["a"]}', None),
        (b'{"emails":["\xff"]}', None),
        (b'{"emails":["\\ud800"]}', None),
        (b'{"name":tru, "emails":["a"]}', None),
        (b'{"rows":[{"a":1,}]}', None),
        (b"{}", "/emails"),
        (b'{"emails":null}', "/emails"),
        (b'{"emails":[]}', "/emails"),
        (b'{"emails":{"a":1}}', "/emails"),
        (b'{"emails":["a"],"emails":["a"]}', "/emails"),
        (b'{"emails":["a"],"rows":[{"a":1}]}', "/rows"),
        (b'{"emails":["a",1]}', "/emails/1"),
        (b'{"emails":["a","b\n"]}', "/emails/1"),
        (b'{"emails":["a",]}', "/emails/1"),
        (b'{"rows":[{"a":1},{"a":[1]}]}', "/rows/1"),
        (b'{"rows":["a"]}', "/rows/0"),
        (b'{"name":{},"emails":["a"]}', "/name"),
        (b'{"list":["a@b.example"]}', "/emails"),
        (b'{"name":1,"name":2,"emails":["a"]}', "/name"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: bytes, pointer: str | None) -> None:
    """A pointer where a field is wrong, none where the text is no JSON."""
    for size in (1, len(text) or 1):
        with pytest.raises(JsonFault) as caught:
            read(text, list(range(0, len(text), size)))
        assert caught.value.pointer == pointer, (size, str(caught.value))


def endless(opening: bytes, piece: bytes) -> Iterator[bytes]:
    yield opening
    while True:
        yield piece


@pytest.mark.parametrize(
    ("opening", "piece"),
    [
        (b'{"emails":["', b"a" * 10_000),
        (b'{"rows":[{"a":1', b' ,"b":2' * 2_000),
        (b'{"name":"', b"a" * 10_000),
        (b'{"', b"a" * 10_000),
        (b'{"emails":[', b" " * 10_000),
    ],
)
def test_memory_is_bounded(opening: bytes, piece: bytes) -> None:
    """One value that never ends is refused at its limit."""
    reading, size = JsonList(), 0
    with pytest.raises(JsonFault, match="one value"):
        for each in endless(opening, piece):
            reading.feed(each)
            size += len(each)
    assert size < MOST_ELEMENT + 20_000


def test_there_are_not_many_other_members() -> None:
    """A list is described by a few words."""
    with pytest.raises(JsonFault, match="too many members"):
        read(msgspec.json.encode({f"a{n}": n for n in range(60)}), [])
