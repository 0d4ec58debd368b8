"""Dialogues: each transcript in tests/dialogues is a conversation that the session machine must hold word for word.

`S:` the server says (`\\r\\n` within: more in the same segment), `C:` the client must say, in this order. `#: offer
[reset] PATH…` hands recipients over, `#: tls` completes the handshake, `#: close` and `#: timeout` end the connection.
`#: answered PATH CLASS`, `#: unanswered PATH…` and `#: ended STAGE WHAT` must be the next events; at the end none
may be left.
"""

from collections import deque
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.adapters.reply_rule_file import shipped_rules
from verifier.core.dialogue import Session
from verifier.core.dialogue_events import Answered, Ended, Event, Identity, Recipient, TlsWanted, Unanswered
from verifier.core.evidence import Obstacle

IDENTITY = Identity("probe.example.org", "probe@example.org")
TRANSCRIPTS = sorted((Path(__file__).parent.parent / "dialogues").glob("*.txt"))


class Play:
    """One transcript on the stage."""

    def __init__(self, options: str) -> None:
        words = options.split()
        self.session = Session(
            IDENTITY,
            shipped_rules(),
            next((w for w in words if "." in w), "mx.example"),
            starttls="starttls" in words,
            tls_allowed="clear" not in words,
        )
        self.events: deque[Event] = deque()
        self.said: deque[str] = deque()

    def server_says(self, text: str) -> None:
        self.take(self.session.feed(text.replace("\\r\\n", "\r\n").encode() + b"\r\n"))

    def take(self, events: list[Event]) -> None:
        self.events.extend(events)
        self.listen()

    def listen(self) -> None:
        self.said.extend(self.session.outgoing().decode().split("\r\n")[:-1])

    def next_event(self) -> Event:
        assert self.events, "an event was expected, none came"
        return self.events.popleft()

    def direct(self, directive: str) -> None:
        verb, *words = directive.split()
        match verb:
            case "offer":
                paths = [w for w in words if w != "reset"]
                recipients = [Recipient(p, p.rpartition("@")[2], smtputf8=not p.isascii()) for p in paths]
                self.session.offer(recipients, reset="reset" in words)
                self.listen()
            case "tls":
                assert isinstance(self.next_event(), TlsWanted)
                self.take(self.session.tls_started())
            case "close":
                self.take(self.session.feed(b""))
            case "timeout":
                self.take(self.session.lost(Obstacle.TIMEOUT, "no answer"))
            case "answered":
                event = self.next_event()
                assert isinstance(event, Answered)
                assert words == [event.recipient.path, event.reading.reply_class.value]
            case "unanswered":
                event = self.next_event()
                assert isinstance(event, Unanswered)
                assert words == [r.path for r in event.recipients]
            case "ended":
                event = self.next_event()
                assert isinstance(event, Ended)
                what = event.reading.reply_class if event.reading else event.obstacle
                assert what is not None
                assert words == [event.stage.value, what.value]
            case "ready":
                assert self.session.ready
            case _:
                pytest.fail(f"unknown directive {verb}")


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    """The machine says what the transcript's client says, and sees what it states."""
    lines = path.read_text(encoding="utf-8").splitlines()
    options = next((line[8:] for line in lines if line.startswith("#: with ")), "")
    play = Play(options)
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "S:":
            assert not play.said, f"the server's {rest!r} came while the client still wanted to say {play.said}"
            play.server_says(rest)
        elif kind == "C:":
            assert play.said, f"the client should have said {rest!r}"
            assert rest == play.said.popleft()
        elif kind == "#:" and not rest.startswith("with "):
            play.direct(rest)
    assert not play.events
    assert not play.said
    assert not any(command.upper().startswith(("DATA", "VRFY", "EXPN")) for command in play.said)


_SERVER_LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"220 mx ESMTP\r\n",
                b"250-mx\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n",
                b"250 OK\r\n",
                b"550 5.1.1 <x@a.example>: User unknown\r\n",
                b"450 4.2.0 Greylisted\r\n",
                b"421 4.7.0 closing\r\n",
                b"530 5.7.0 Must issue a STARTTLS command first\r\n",
                b"554 go away\r\n",
                b"250-half",
                b"garbage\r\n",
            ]
        ),
        st.binary(max_size=40),
    ),
    max_size=60,
)


@given(_SERVER_LINES, st.lists(st.integers(1, 5), max_size=12))
def test_everybody_is_answered_or_handed_back_exactly_once(server: list[bytes], groups: list[int]) -> None:
    """Whatever a server sends, each recipient comes back once, answered or unanswered, and DATA is never said."""
    session = Session(IDENTITY, shipped_rules(), "mx.example")
    offered: list[Recipient] = []
    returned: list[Recipient] = []
    said = b""

    def take(events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Answered):
                returned.append(event.recipient)
            elif isinstance(event, Unanswered):
                returned.extend(event.recipients)
            elif isinstance(event, TlsWanted):
                take(session.tls_started())

    pending = deque(groups)
    for data in [*server, b""]:
        take(session.feed(data))
        if session.ready and pending:
            group = [Recipient(f"u{len(offered) + n}@a.example", "a.example") for n in range(pending.popleft())]
            offered += group
            session.offer(group, reset=False)
        said += session.outgoing()
    if not session.over:
        take(session.lost(Obstacle.CONNECTION_LOST, "end"))
    assert sorted(map(id, offered)) == sorted(map(id, returned))
    assert b"DATA" not in said
