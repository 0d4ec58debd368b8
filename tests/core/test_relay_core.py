"""The relay without the wire: commands, and messages on their way through."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from verifier.core.message_stream import MessageStream
from verifier.core.relay_commands import Command, Envelope, Refused, parse_command, parse_mail, parse_rcpt
from verifier.core.unsubscribe_header import MOST_HEAD, head_is_whole, unsubscribe_lines

MOST = 1000


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"EHLO app.example\r\n", Command("EHLO", "app.example")),
        (b"quit", Command("QUIT", "")),
        (b"mail FROM:<a@b>  SIZE=3 \n", Command("MAIL", "FROM:<a@b>  SIZE=3")),
        ("RCPT TO:<zoë@x>\r\n".encode(), Command("RCPT", "TO:<zoë@x>")),
    ],
)
def test_a_command_is_read(line: bytes, command: Command) -> None:
    """Verb and argument, whatever the line's end."""
    assert command == parse_command(line)


@pytest.mark.parametrize("line", [b"RCPT TO:<a@b>\rDATA\r\n", b"NOOP \x00", b"NOOP \xff\xfe", b"NOOP \x7f"])
def test_what_could_be_read_as_two_commands_is_refused(line: bytes) -> None:
    """Control characters, and bytes that are no text, never reach the other server."""
    with pytest.raises(Refused, match=r"^500 5\.5\.2"):
        parse_command(line)


@pytest.mark.parametrize(
    ("argument", "envelope"),
    [
        ("FROM:<>", Envelope("", {})),
        ("from: <a@b> size=12 body=8BITMIME", Envelope("a@b", {"SIZE": "12", "BODY": "8BITMIME"})),
        ('FROM:<"a b>"@x> AUTH=<>', Envelope('"a b>"@x', {"AUTH": "<>"})),
        ("FROM:<zoë@x> SMTPUTF8", Envelope("zoë@x", {"SMTPUTF8": ""})),
    ],
)
def test_a_reverse_path_is_read(argument: str, envelope: Envelope) -> None:
    """With its parameters by name."""
    assert envelope == parse_mail(argument, MOST)


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ("TO:<a@b>", "501"),
        ("FROM:a@b", "501"),
        ("FROM:<a@b", "501"),
        ("FROM:<@relay:a@b>", "553"),
        ("FROM:<a@b> RET=HDRS", "555"),
        ("FROM:<a@b> SIZE", "501"),
        ("FROM:<a@b> SIZE=x", "501"),
        ("FROM:<a@b> SIZE=1001", "552"),
        ("FROM:<a@b> BODY=BINARYMIME", "501"),
        ("FROM:<zoë@x>", "553"),
    ],
)
def test_a_reverse_path_that_cannot_be_is_refused(argument: str, code: str) -> None:
    """With the code that says whose fault it is."""
    with pytest.raises(Refused, match=f"^{code} "):
        parse_mail(argument, MOST)


@pytest.mark.parametrize(
    ("argument", "utf8", "found"),
    [
        ("TO:<jane@x.example>", False, "jane@x.example"),
        ("TO:<zoë@x.example>", True, "zoë@x.example"),
        ("TO:<postmaster>", False, "postmaster"),
        ("TO:<zoë@x.example>", False, "553"),
        ("TO:<>", False, "501"),
        ("TO:<a@b> NOTIFY=NEVER", False, "555"),
    ],
)
def test_a_forward_path_is_read_or_refused(argument: str, utf8: bool, found: str) -> None:
    """No parameter is known: none was offered."""
    if found.isdigit():
        with pytest.raises(Refused, match=f"^{found} "):
            parse_rcpt(argument, utf8=utf8)
    else:
        assert found == parse_rcpt(argument, utf8=utf8).address


def test_the_announced_size_is_a_number() -> None:
    """Nothing said is nothing."""
    assert (12, 0) == (parse_mail("FROM:<> SIZE=12", MOST).size, parse_mail("FROM:<>", MOST).size)


def passed(stream: bytes, cuts: list[int]) -> tuple[bytes, bool, bool, bytes]:
    """What comes out of a stream that is cut there: the message, whether it is done, bare, and what is left."""
    message, out = MessageStream(), b""
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in itertools.pairwise(edges):
        if message.done:
            return out, True, message.bare, message.rest + stream[start:]
        out += message.feed(stream[start:end])
    return out, message.done, message.bare, message.rest


_PIECES = st.lists(st.sampled_from([b"\r\n", b".", b"\r", b"\n", b"a", b"\r\n.\r\n", b".."]), max_size=12)


@given(_PIECES, st.lists(st.integers(0, 30), max_size=8))
@example([b".", b"\r\n"], [1, 2])
def test_it_does_not_matter_how_a_message_arrives(pieces: list[bytes], cuts: list[int]) -> None:
    """Cut anywhere: the same bytes go out, the same lines are found bare, the same is left over."""
    stream = b"".join(pieces)
    assert passed(stream, []) == passed(stream, cuts)


@given(_PIECES)
def test_a_message_ends_where_a_plain_reading_ends_it(pieces: list[bytes]) -> None:
    """At the first line that is a single dot, lines being ended by CR LF and by nothing else."""
    stream = b"".join(pieces)
    out, done, bare, rest = passed(stream, [])
    end = (b"\r\n" + stream).find(b"\r\n.\r\n")
    assert done == (end >= 0)
    if done:
        assert (stream[: end + 3], stream[end + 3 :]) == (out, rest)
        assert bare == (b"\r" in out.replace(b"\r\n", b"") or b"\n" in out.replace(b"\r\n", b""))
    else:
        assert stream.startswith(out) and len(stream) - len(out) <= 4


def test_what_was_passed_on_is_counted() -> None:
    """In octets of the message."""
    message = MessageStream()
    message.feed(b"a" * 100 + b"\r\n.\r\n")
    assert 105 == message.size


LINK = "https://gate.example/unsubscribe/abc"
WRITTEN = f"List-Unsubscribe: <{LINK}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode()


@pytest.mark.parametrize(
    ("begun", "lines"),
    [
        (b"Subject: x\r\n\r\nhello\r\nList-Unsubscribe: in the body\r\n", WRITTEN),
        (b"Subject: x\r\n\r\n", WRITTEN),
        (b"Subject: x\r\nlist-unsubscribe : <mailto:a@b>\r\n\r\n", b""),
        (b"DKIM-Signature: v=1\r\nSubject: x\r\n\r\n", b""),
        (b"Subject: about\r\n DKIM-Signature: folded, no header\r\n\r\n", WRITTEN),
        (b"\r\nno head\r\n\r\n", b""),
        (b"Subject: no end", b""),
    ],
)
def test_the_unsubscribe_header_is_written_where_nobody_else_speaks(begun: bytes, lines: bytes) -> None:
    """Not over the sender's own, nor over a signature, nor where there is no head."""
    assert lines == unsubscribe_lines(begun, LINK)


def test_a_head_is_waited_for_but_not_for_ever() -> None:
    """Until its empty line, or until it is too long to be one."""
    assert [False, True, True, True] == [
        head_is_whole(begun) for begun in (b"Subject: x\r\n", b"a: b\r\n\r\n", b"\r\n", b"x" * (MOST_HEAD + 1))
    ]
