"""Socketmap, as transcripts and as properties."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.socketmap import (
    NOT_FOUND,
    Lookup,
    SocketmapFault,
    SocketmapReader,
    socketmap_found,
)

TRANSCRIPT = b"28:marketing jane@there.example,"
ASKED = Lookup("marketing", "jane@there.example")


@given(st.lists(st.integers(0, 2 * len(TRANSCRIPT)), max_size=8))
def test_it_does_not_matter_how_the_bytes_arrive(cuts: list[int]) -> None:
    """Two lookups cut anywhere are the same two lookups."""
    stream, reader = TRANSCRIPT * 2, SocketmapReader()
    edges = [0, *sorted(cuts), len(stream)]
    found = [each for start, end in itertools.pairwise(edges) for each in reader.feed(stream[start:end])]
    assert [ASKED, ASKED] == found
    assert not reader.pending


@pytest.mark.parametrize("text", ["x", "12x:", "999999:", "10001:", "4:a bc;", "3:abc,", ":", "-1:,", "٣:abc,"])
def test_what_is_no_lookup_is_refused(text: str) -> None:
    """A length that is none or too long, an end that is none, a name without a key."""
    with pytest.raises(SocketmapFault):
        SocketmapReader().feed(text.encode())


def test_answers_are_netstrings() -> None:
    """Each is as long as it says, and of one line."""
    assert b"9:NOTFOUND ," == NOT_FOUND
    assert b"24:OK error:5.1.1 gate: x?y," == socketmap_found("error:5.1.1 gate: x\ny")


@given(st.binary(max_size=200))
def test_bytes_of_no_kind_break_it(data: bytes) -> None:
    """Whatever comes is read, awaited or refused; what is read can be answered."""
    try:
        found = SocketmapReader().feed(data)
    except SocketmapFault:
        return
    assert len(found) <= len(data) // 4
