"""What a mail server's own log says of who came and how they behaved."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Session:
    """One connection, as its server saw it."""

    asked: list[str] = field(default_factory=list)
    rejected: int = 0
    guarded: list[str] = field(default_factory=list)
    """Who was refused because there were too many bad ones before."""
    left: bool = False
    """The client went while the server slept over its errors: it may have answered one or two more, to nobody."""


@dataclass
class Seen:
    """Everything that one listener's log tells of a time."""

    sessions: list[Session] = field(default_factory=list)
    most_open: int = 0
    complaints: list[str] = field(default_factory=list)
    """Lines in which the server loses its patience, or sees more than it was to see: DATA, a broken protocol."""

    @property
    def asked(self) -> Counter[str]:
        """How often each recipient was named."""
        return Counter(path for session in self.sessions for path in session.asked)

    @property
    def answered(self) -> Counter[str]:
        """How often each recipient was named, the times not counted when the guard spoke in the server's place."""
        return self.asked - Counter(path for session in self.sessions for path in session.guarded)

    @property
    def unheard(self) -> set[str]:
        """Whose answer nobody may have heard: the last few of a session that the client left."""
        return {path for session in self.sessions if session.left for path in session.asked[-3:]}

    @property
    def rejects(self) -> list[int]:
        """Rejected recipients by connection, of those that named any."""
        return [session.rejected for session in self.sessions if session.asked]


class _Reading:
    """Sessions that begin and end as the log goes on."""

    def __init__(self) -> None:
        self.seen = Seen()
        self._open: dict[str, Session] = {}
        self._open_now = 0

    def begin(self, key: str) -> Session:
        session = self._open[key] = Session()
        self.seen.sessions.append(session)
        self._open_now += 1
        self.seen.most_open = max(self.seen.most_open, self._open_now)
        return session

    def of(self, key: str) -> Session:
        return self._open.get(key) or self.begin(key)

    def ask(self, key: str, path: str) -> None:
        self.of(key).asked.append(path)

    def end(self, key: str) -> None:
        if self._open.pop(key, None) is not None:
            self._open_now -= 1


_POSTFIX = re.compile(r"\S+ +\d+ \S+ \S+ (?P<name>[\w-]+)/smtpd\[(?P<pid>\d+)\]: (?P<text>.*)")
_POSTFIX_TO = re.compile(r" to=<([^>]*)>")
_POSTFIX_COMPLAINTS = (
    " too many errors",
    "improper command",
    " data=",
    "timeout after",
    "warning:",
    "fatal:",
    "panic:",
)


def read_postfix(log: str, name: str) -> Seen:
    """The visits to the service with this syslog name."""
    reading = _Reading()
    for line in log.splitlines():
        found = _POSTFIX.match(line)
        if found is None or found["name"] != name:
            continue
        pid, text = found["pid"], found["text"]
        if text.startswith("connect from"):
            reading.begin(pid)
        elif text.startswith("disconnect from"):
            reading.end(pid)
        elif text.startswith("lost connection after RCPT"):
            reading.of(pid).left = True
        elif ": info: RCPT from" in text and (to := _POSTFIX_TO.search(text)):
            reading.ask(pid, to[1])
        elif ": reject: RCPT from" in text:
            reading.of(pid).rejected += 1
        if any(words in text for words in _POSTFIX_COMPLAINTS):
            reading.seen.complaints.append(text)
    return reading.seen


_EXIM = re.compile(r"\S+ \S+ \[(?P<pid>\d+)\] (?P<text>.*)")
_EXIM_TO = re.compile(r"^RCPT <(.*)>$")
_EXIM_REFUSED = re.compile(r"rejected RCPT <([^>]*)>: (.*)")
_EXIM_PEER = re.compile(r"^SMTP connection from .*?(\[[^]]+\]:\d+)")
_EXIM_QUIT = re.compile(r"^QUIT from (\S+)$")
_EXIM_COMPLAINTS = ("Too many", "DATA", "protocol error", "synchronization", "dropped", "too many unrecognized")


def read_exim(log: str) -> Seen:
    """The visits to an Exim. A process of its own asks for each, which goes on for a while after it has logged the end:
    who is there is counted from line to line. It says goodbye first and logs the end thereafter, when the client may
    be there again: a QUIT, which is logged before it is answered, ends a visit as well.
    """
    visits, dialogue = _Reading(), _Reading()
    for line in log.splitlines():
        found = _EXIM.match(line)
        if found is None:
            continue
        pid, text = found["pid"], found["text"]
        if left := _EXIM_QUIT.match(text):
            visits.end(left[1])
        elif peer := _EXIM_PEER.match(text):
            visits.begin(peer[1]) if "connection count" in text else visits.end(peer[1])
        elif to := _EXIM_TO.match(text):
            dialogue.ask(pid, to[1])
        elif refused := _EXIM_REFUSED.search(text):
            dialogue.of(pid).rejected += 1
            if refused[2].startswith("Rejected for too many bad recipients"):
                dialogue.of(pid).guarded.append(refused[1])
        if any(words in text for words in _EXIM_COMPLAINTS):
            dialogue.seen.complaints.append(text)
    dialogue.seen.most_open = visits.seen.most_open
    return dialogue.seen


_OPENSMTPD_EVENT = re.compile(r"(?P<id>[0-9a-f]{16}) smtp (?P<text>.*)")
_OPENSMTPD_TRACE = re.compile(r"smtp: (?P<pointer>0x[0-9a-f]+): (?P<text>.*)")
_OPENSMTPD_TO = re.compile(r"^<<< RCPT TO:<([^>]*)>", re.IGNORECASE)


def read_opensmtpd(log: str) -> Seen:
    """The visits to an OpenSMTPD: it counts connections by id, and the dialogue's lines by an address in memory."""
    events, dialogue = _Reading(), _Reading()
    for line in log.splitlines():
        if event := _OPENSMTPD_EVENT.match(line):
            if event["text"].startswith("connected"):
                events.begin(event["id"])
            elif event["text"].startswith("disconnected"):
                events.end(event["id"])
        elif trace := _OPENSMTPD_TRACE.match(line):
            pointer, text = trace["pointer"], trace["text"]
            if text.startswith("connected to listener"):
                dialogue.begin(pointer)
            elif to := _OPENSMTPD_TO.match(text):
                dialogue.ask(pointer, to[1])
            elif text.startswith(">>> 5"):
                dialogue.of(pointer).rejected += 1
            if text.startswith((">>> 421", ">>> 500", ">>> 503", "<<< DATA")):
                dialogue.seen.complaints.append(text)
    dialogue.seen.most_open = events.seen.most_open
    return dialogue.seen


Reader = Callable[[str], Seen]
