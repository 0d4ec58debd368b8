"""Bytes from a mail host become whole replies, however they are cut; what is no reply says so."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from verifier.adapters.reply_rule_file import shipped_rules
from verifier.core.dialogue import Session
from verifier.core.dialogue_events import Answered, Ended, Identity, Recipient, Unanswered
from verifier.core.reply_lines import Broken, ReplyLines

_PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"220 mx ESMTP\r\n",
                b"250-mx\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n",
                b"250-mx\r\n250 STARTTLS\r\n",
                b"250 2.1.5 OK\r\n",
                b"250 OK\n",
                b"550 5.1.1 <x@a.example>: User unknown\r\n",
                b"452 4.5.3 Too many recipients\r\n",
                b"421 4.7.0 closing\r\n",
                b"250-\xff\xc3\x28\x00\r\n",
                b"099 what\r\n",
                b"25O OK\r\n",
                b"354 go\r\n",
                b"\r",
                b"\n",
                b"\x00",
            ]
        ),
        st.binary(max_size=12),
    ),
    max_size=24,
)


def taken(pieces: list[bytes]) -> list[list[str] | Broken]:
    """Every reply that comes out, to the first that is none."""
    heard = ReplyLines()
    found: list[list[str] | Broken] = []
    for piece in pieces:
        heard.feed(piece)
        while (lines := heard.take()) is not None:
            found.append(lines)
            if isinstance(lines, Broken):
                return found
    return found


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream in segments that end at `places`."""
    ends = sorted({place % (len(stream) + 1) for place in places} | {0, len(stream)})
    return [stream[start:end] for start, end in itertools.pairwise(ends) if start < end]


@given(_PIECES, st.lists(st.integers(0, 10_000), max_size=30))
@example([b"250-a\r\n250 b\r\n550 5.1.1 no\r\n"], list(range(40)))
def test_segments_make_no_difference(pieces: list[bytes], places: list[int]) -> None:
    """Any stream, cut in any way, gives the replies that it gives in one piece, and never raises."""
    stream = b"".join(pieces)
    assert taken(cut(stream, places)) == taken([stream])


@given(_PIECES, st.lists(st.integers(0, 10_000), max_size=30))
@example([b"250 OK\r\n" * 4 + b"550 5.1.1 User unknown\r\n" + b"250 OK\r\n"], list(range(80)))
@example([b"250 OK\r\n" * 2 + b"421 4.7.0 closing\r\n"], [11])
def test_a_pipelined_groups_answers_are_the_same_however_they_are_cut(pieces: list[bytes], places: list[int]) -> None:
    """MAIL and five RCPT are on the wire: until they are answered, segments change no event. What comes behind the
    last answer is told from an answer only where it comes with it.
    """
    replies = taken([b"".join(pieces)])[:6]
    lines = [line for reply in replies for line in ([reply.line] if isinstance(reply, Broken) else reply)]
    stream = b"".join(line.encode() + b"\r\n" for line in lines)
    assert events_of(cut(stream, places)) == events_of([stream])


def events_of(segments: list[bytes]) -> list[tuple[object, ...]]:
    """What a session with five recipients on the wire makes of the segments and the end behind them."""
    session = Session(Identity("probe.example.org", "probe@example.org"), shipped_rules(), "mx.example")
    session.feed(b"220 mx ESMTP\r\n")
    session.outgoing()
    session.feed(b"250-mx\r\n250 PIPELINING\r\n")
    session.offer([Recipient(f"u{number}@a.example", "a.example") for number in range(5)], reset=False)
    session.outgoing()
    events = []
    for segment in [*segments, b""]:
        if not session.over:
            events += session.feed(segment)
            session.outgoing()
    found: list[tuple[object, ...]] = []
    for event in events:
        if isinstance(event, Answered):
            found.append((event.recipient.path, event.reply, event.reading))
        elif isinstance(event, Unanswered):
            found.append(tuple(recipient.path for recipient in event.recipients))
        elif isinstance(event, Ended):
            found.append((event.stage, event.reply, event.obstacle, event.detail))
    return found


@pytest.mark.parametrize(
    "line",
    [
        b"099 OK",
        b"650 OK",
        b"25O OK",
        b"2500 OK",
        b"25",
        b"",
        b"OK",
        b" 250 OK",
        b"2\x0050 OK",
        b"250\x00OK",
        b"\xff\xfe",
    ],
)
def test_what_is_no_reply(line: bytes) -> None:
    """A code is three digits from 200 to 599, then a space, a hyphen or nothing; no octet is overlooked in it."""
    (found,) = taken([line + b"\r\n"])
    assert isinstance(found, Broken)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"250 O\x00K\r\n", "250 OK"),
        (b"250 OK\n", "250 OK"),
        (b"250\r\n", "250"),
        (b"250 gr\xfc\xdfe\r\n", "250 gr\ufffd\ufffde"),
    ],
)
def test_what_is_forgiven(line: bytes, text: str) -> None:
    """NUL octets and other character sets in the text, LF for CRLF, and a code without a text."""
    assert taken([line]) == [[text]]


@pytest.mark.parametrize(
    "reply",
    [
        b"250 " + b"x" * 9000 + b"\r\n",
        b"250 " + b"x" * 9000,
        b"250-x\r\n" * 300,
        (b"250-" + b"x" * 1000 + b"\r\n") * 70,
    ],
    ids=["a long line", "a line without end", "many lines", "much in all"],
)
def test_what_is_too_much(reply: bytes) -> None:
    """No host makes us hold more than 64 KB of one reply, nor wait for its end."""
    (found,) = taken([reply])
    assert isinstance(found, Broken)
    assert len(found.line) <= 8192
