"""What the hosts really saw: politeness is judged by the servers, not by the prober's own counters."""

from collections import Counter, deque
from typing import IO, NamedTuple

import msgspec
from msgspec import Struct

from verifier.world.people import ALWAYS, mailbox_name, plausible

ENTRIES_MAX = 20_000
_RECIPIENTS_MAX = 200_000


class Entry(NamedTuple):
    """One moment of one connection: seconds of the loop's clock, and what was said by whom.

    `command` is the client's line ("" for the greeting), `reply` the host's answer, "" where it gave none.
    """

    at: float
    host: str
    connection: int
    command: str
    reply: str


class HostSummary(Struct):
    """The counts of one host, or of all together.

    `rejects_max`: the most refusals that one connection met. `repeats`: recipients named more often than once.
    `controls`: recipients that no person has, by domain. `early`: connections that spoke before the banner.
    `unasked_pipelining`: connections that sent ahead where it was not offered. `hung_up`: closed by the host.
    """

    connections: int = 0
    sessions_max: int = 0
    recipients: int = 0
    accepted: int = 0
    rejected: int = 0
    deferred: int = 0
    rejects_max: int = 0
    transaction_max: int = 0
    mails: int = 0
    data: int = 0
    tls: int = 0
    early: int = 0
    unasked_pipelining: int = 0
    hung_up: int = 0
    repeats: int = 0
    controls: dict[str, int] = {}
    first_at: float | None = None
    last_at: float | None = None


class HostLog:
    """What one host saw, counted as it happens."""

    def __init__(self, address: str, kind: str, world_log: "WorldLog") -> None:
        self.address = address
        self.kind = kind
        self.summary = HostSummary()
        self.recipients: Counter[str] = Counter()
        self._log = world_log
        self._open = 0

    @property
    def sessions(self) -> int:
        """Connections open now."""
        return self._open

    def opened(self, at: float) -> int:
        """A connection came; its number at this host, from 1."""
        self._open += 1
        seen = self.summary
        seen.connections += 1
        seen.sessions_max = max(seen.sessions_max, self._open)
        if seen.first_at is None:
            seen.first_at = at
        seen.last_at = at
        return seen.connections

    def closed(self, rejects: int) -> None:
        """A connection ended after so many refusals."""
        self._open -= 1
        self.summary.rejects_max = max(self.summary.rejects_max, rejects)

    def recipient(self, local: str, domain: str, code: str, rank: int) -> None:
        """A recipient was named, the `rank`-th of its transaction, and answered with a code."""
        seen = self.summary
        seen.recipients += 1
        if code == "2":
            seen.accepted += 1
        elif code == "5":
            seen.rejected += 1
        else:
            seen.deferred += 1
        if rank > seen.transaction_max:
            seen.transaction_max = rank
        address = f"{local}@{domain}"
        if len(self.recipients) < _RECIPIENTS_MAX:
            self.recipients[address] += 1
            seen.repeats += self.recipients[address] > 1
        name = mailbox_name(local)
        if name not in ALWAYS and not plausible(name):
            seen.controls[domain] = seen.controls.get(domain, 0) + 1

    def heard(self, at: float, connection: int, command: str, reply: str) -> None:
        """A command and its answer."""
        self.summary.last_at = at
        self._log.write(Entry(at, self.address, connection, command, reply))


class WorldLog:
    """What all hosts saw: the last `ENTRIES_MAX` entries are kept; with a file, every one goes there as a JSON line."""

    def __init__(self, sink: IO[bytes] | None = None) -> None:
        self.hosts: dict[str, HostLog] = {}
        self.entries: deque[Entry] = deque(maxlen=ENTRIES_MAX)
        self._sink = sink

    def host(self, address: str, kind: str) -> HostLog:
        """The log of the host at an address, made when first asked for."""
        if address not in self.hosts:
            self.hosts[address] = HostLog(address, kind, self)
        return self.hosts[address]

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)
        if self._sink is not None:
            self._sink.write(msgspec.json.encode(entry._asdict()) + b"\n")

    def summary(self) -> dict[str, HostSummary]:
        """By address, every host that anybody came to."""
        return {address: log.summary for address, log in self.hosts.items() if log.summary.connections}

    def by_kind(self) -> dict[str, HostSummary]:
        """The same by kind of host: counts added up, maxima taken of one host."""
        kinds: dict[str, HostSummary] = {}
        for log in self.hosts.values():
            if log.summary.connections:
                _add(kinds.setdefault(log.kind, HostSummary()), log.summary)
        return kinds

    def total(self) -> HostSummary:
        """All hosts together."""
        total = HostSummary()
        for summary in self.summary().values():
            _add(total, summary)
        return total


def _add(total: HostSummary, one: HostSummary) -> None:
    for name in HostSummary.__struct_fields__:
        mine, theirs = getattr(total, name), getattr(one, name)
        if name.endswith("_max"):
            setattr(total, name, max(mine, theirs))
        elif isinstance(theirs, dict):
            for domain, count in theirs.items():
                mine[domain] = mine.get(domain, 0) + count
        elif name in ("first_at", "last_at"):
            moments = [moment for moment in (mine, theirs) if moment is not None]
            setattr(total, name, (min if name == "first_at" else max)(moments, default=None))
        else:
            setattr(total, name, mine + theirs)
