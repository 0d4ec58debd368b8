"""Mail hosts in memory, and the dialer that reaches them: time is the fake clock's, nothing is real."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.clock import FakeClock
from verifier.ports import Connection, DialFailure

CLOSE = "CLOSE"
RESET = "RESET"
SILENCE = "SILENCE"
DEFAULT_EHLO = ("PIPELINING", "SMTPUTF8")


@dataclass
class Visit:
    """What one connection saw."""

    opened: float
    commands: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    transaction: list[str] = field(default_factory=list)
    transactions: int = 0
    rejects: int = 0
    most_in_transaction: int = 0
    groups: list[int] = field(default_factory=list)
    closed: bool = False


Says = str | Callable[["Visit", str], str]


@dataclass
class Host:
    """A host as a table: what it says at each stage. `CLOSE`, `RESET` and `SILENCE` stand for those; `a|b` says a,
    then does b; `5~text` says text after 5 seconds.
    """

    dial: DialFailure | None = None
    banner: Says = "220 mx.example ESMTP"
    ehlo: Says = "250 mx.example"
    extensions: Sequence[str] = DEFAULT_EHLO
    starttls: Says = "220 go ahead"
    tls: Exception | None = None
    mail: Says = "250 OK"
    rset: Says = "250 OK"
    rcpt: Says = "250 OK"
    visits: list[Visit] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0

    @property
    def asked(self) -> list[str]:
        """Every recipient that was named, in order, over all connections."""
        return [path for visit in self.visits for path in visit.recipients]


class MemoryConnection:
    """One connection to a host in memory."""

    def __init__(self, host: Host, clock: FakeClock) -> None:
        self._host = host
        self._clock = clock
        self._visit = Visit(clock.monotonic())
        self._due: list[tuple[float, str]] = []
        self._unread = b""
        self._gone = False
        self._gone_silent = False
        self.secure = False
        host.visits.append(self._visit)
        host.open_now += 1
        host.most_open = max(host.most_open, host.open_now)
        self._say(host.banner, "")

    def send(self, data: bytes) -> None:
        assert not self._visit.closed
        if self._gone:
            return
        self._unread += data
        *lines, self._unread = self._unread.split(b"\r\n")
        self._visit.groups.append(sum(line.startswith(b"RCPT") for line in lines))
        for line in lines:
            self._command(line.decode())

    async def receive(self, timeout: float) -> bytes:
        assert timeout > 0
        if not self._due:
            if self._gone:
                return b""
            await self._clock.sleep(timeout)
            raise TimeoutError
        when, what = self._due[0]
        wait = when - self._clock.monotonic()
        if wait > timeout:
            await self._clock.sleep(timeout)
            raise TimeoutError
        if wait > 0:
            await self._clock.sleep(wait)
        else:
            await asyncio.sleep(0)
        said = ""
        while self._due and self._due[0][0] <= self._clock.monotonic():
            what = self._due[0][1]
            if what in (CLOSE, RESET):
                break
            said += self._due.pop(0)[1]
        if said:
            return said.encode()
        if what == RESET:
            raise ConnectionResetError("reset by peer")
        return b""

    async def start_tls(self, server_name: str, timeout: float) -> None:
        await asyncio.sleep(0)
        if self._host.tls is not None:
            if isinstance(self._host.tls, TimeoutError):
                await self._clock.sleep(timeout)
            raise self._host.tls
        self.secure = True

    def close(self) -> None:
        if not self._visit.closed:
            self._visit.closed = True
            self._host.open_now -= 1

    def _command(self, line: str) -> None:
        host, visit = self._host, self._visit
        visit.commands.append(line)
        verb, _, rest = line.partition(" ")
        match verb:
            case "EHLO":
                extensions = [e for e in host.extensions if not (self.secure and e == "STARTTLS")]
                self._say(host.ehlo, line, extensions)
            case "HELO":
                self._say("250 mx.example", line)
            case "STARTTLS":
                self._say(host.starttls, line)
            case "RSET":
                self._say(host.rset, line)
            case "MAIL":
                visit.transactions += 1
                visit.transaction = []
                self._say(host.mail, line)
            case "RCPT":
                path = rest.removeprefix("TO:<").partition(">")[0]
                visit.recipients.append(path)
                visit.transaction.append(path)
                visit.most_in_transaction = max(visit.most_in_transaction, len(visit.transaction))
                self._say(host.rcpt, path)
            case "QUIT":
                self._gone = True
            case _:
                raise AssertionError(f"a probe never says {line!r}")

    def _say(self, says: Says, about: str, extensions: Sequence[str] = ()) -> None:
        if self._gone:
            return
        text = says if isinstance(says, str) else says(self._visit, about)
        for part in text.split("|"):
            delay, _, words = part.rpartition("~")
            when = max(self._clock.monotonic(), *(due for due, _ in self._due[-1:]), 0.0) + float(delay or 0)
            if words in (CLOSE, RESET):
                self._due.append((when, words))
                self._gone = True
            elif words == SILENCE:
                self._gone_silent = True
            elif not self._gone_silent:
                lines = [words, *(f"{words[:3]} {extension}" for extension in extensions if words[:1] == "2")]
                lines = [f"{line[:3]}-{line[4:]}" for line in lines[:-1]] + lines[-1:]
                self._visit.replies.append(words)
                self._visit.rejects += about != "" and words[:1] in "45"
                self._due.append((when, "".join(f"{line}\r\n" for line in lines)))


class MemoryDialer:
    """Reaches hosts by address; every other address is unreachable."""

    def __init__(self, hosts: dict[str, Host], clock: FakeClock) -> None:
        self.hosts = hosts
        self._clock = clock
        self.dialled: list[tuple[str, str]] = []
        self.open_now = 0
        self.most_open = 0

    async def dial(self, address: str, *, pin: str, timeout: float) -> Connection | DialFailure:
        self.dialled.append((address, pin))
        await asyncio.sleep(0)
        host = self.hosts.get(address)
        if host is None:
            return DialFailure.UNREACHABLE
        if host.dial is not None:
            if host.dial is DialFailure.TIMEOUT:
                await self._clock.sleep(timeout)
            return host.dial
        return MemoryConnection(host, self._clock)


def mailboxes(known: Sequence[str], *, otherwise: str = "550 5.1.1 User unknown") -> Says:
    """Accepts these local parts, and postmaster."""
    accepted = {*known, "postmaster"}
    return lambda _, path: "250 2.1.5 OK" if path.rpartition("@")[0] in accepted else otherwise
