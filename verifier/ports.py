"""What the services need of the world, as protocols: adapters and fakes pass the one contract suite of their port."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from math import inf
from typing import Protocol

from msgspec import Struct

from verifier.core.api_keys import ApiKey
from verifier.core.dns import Answer as Answer
from verifier.core.dns import DnsStatus as DnsStatus
from verifier.core.dns import RecordType as RecordType
from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts
from verifier.core.harvest import Tally
from verifier.core.measures import Measure
from verifier.core.sharing import Rate
from verifier.core.table import Layout


class Clock(Protocol):
    """Time and chance. Tests inject a clock that they move by hand."""

    def now(self) -> datetime: ...  # tz-aware, UTC
    def monotonic(self) -> float: ...  # seconds
    async def sleep(self, seconds: float) -> None: ...
    def random(self) -> float: ...  # uniform in [0, 1)
    def token(self, length: int) -> str: ...  # lower-case letters and digits, unguessable


class Resolver(Protocol):
    """Asks name servers. Never raises for what a server said or did not say: that is an Answer.

    For PTR `name` may be the IP address itself.
    """

    @property
    def identity(
        self,
    ) -> str: ...  # the name servers asked, as one stable text: facts of another resolver are not reused

    async def lookup(self, name: str, record_type: RecordType) -> Answer: ...
    async def close(self) -> None: ...


class DialFailure(StrEnum):
    """Why no connection came about; none says anything about a mailbox."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    FORBIDDEN = "forbidden"
    PROXY = "proxy"


class Connection(Protocol):
    """One open connection to a mail host: bytes only, no meaning.

    `receive` returns what came, b"" when the peer closed; raises TimeoutError after `timeout` seconds and
    ConnectionError when the connection broke. `send` does not wait for the peer. `start_tls` takes any certificate
    (opportunistic TLS, RFC 7435) and raises ConnectionError or TimeoutError when the handshake fails.
    """

    def send(self, data: bytes) -> None: ...
    async def receive(self, timeout: float) -> bytes: ...
    async def start_tls(self, server_name: str, timeout: float) -> None: ...
    def close(self) -> None: ...


class MailDialer(Protocol):
    """Opens connections to mail hosts, to the checked address itself and to nothing that is forbidden.

    `pin` names the pacing group: the same group always leaves by the same source address. Waits at most `timeout`
    seconds.
    """

    async def dial(self, address: str, *, pin: str, timeout: float) -> "Connection | DialFailure": ...


class FactStore(Protocol):
    """Remembers what was seen of domains and mailboxes. May forget at any time, must never invent.

    Mailboxes are keyed by text that the caller has hashed (`service/verify.py`); findings are added, never replaced,
    and `mailboxes` gives those that are still retained. Values older than their retention are not returned.
    """

    async def domains(self, names: Sequence[str]) -> Mapping[str, DomainFacts]: ...
    async def remember_domains(self, facts: Sequence[DomainFacts]) -> None: ...
    async def mailboxes(self, keys: Sequence[str]) -> Mapping[str, tuple[Finding, ...]]: ...
    async def remember_mailboxes(self, findings: Sequence[tuple[str, Finding]]) -> None: ...
    async def forget(self, key: str) -> None: ...


class Glance(Protocol):
    """What of a FactStore can be said at once, by a store that holds things in memory.

    `at_hand` gives a domain's facts and the findings of a mailbox as the store's own methods would at `now`, or None
    where it would have to look further.
    """

    def at_hand(self, domain: str, key: str, now: datetime) -> tuple[DomainFacts, tuple[Finding, ...]] | None: ...


class TallyStore(Protocol):
    """Remembers for a day who asked for which names of which domains. May forget at any time, must never invent.

    What is remembered of a client and a domain is taken into what is known already. `forget` erases a mailbox (keyed as
    in FactStore) from every tally of its domain.
    """

    async def tallies(self, client: str, domains: Sequence[str]) -> Mapping[str, Tally]: ...
    async def remember(self, client: str, tallies: Mapping[str, Tally]) -> None: ...
    async def forget(self, domain: str, key: str) -> None: ...


class SingleFlight(Protocol):
    """One holder a key over all processes that share a store: `claim` is False where another works on it already."""

    async def claim(self, key: str, seconds: float) -> bool: ...
    async def release(self, key: str) -> None: ...


class Lease(Struct, eq=False):
    """The right to one session of a pacing group, until it is released, or until `ends` (seconds of the clock), which
    its pacer moves on as long as it knows that the right holds.
    """

    group: str
    limit: int
    name: str = ""
    ends: float = inf


class Standing(Struct, frozen=True):
    """How a pacing group stands with everybody who asks it.

    `pause`: seconds to wait before what was asked for may go. `contended`: another process waits for a session of the
    group and has fewer than its part. `refusal`: what stands for every mailbox, for another `refused_for` seconds.
    """

    pause: float = 0.0
    contended: bool = False
    refusal: Finding | None = None
    refused_for: float = 0.0


class Pacer(Protocol):
    """Never more than a group's sessions at a time and its rates, over all processes that share the pacer.

    `acquire` gives a lease, or the seconds after which to ask again. `take` counts `count` (at most a burst) of what
    `rate` limits; for connections the back-off counts too, and the refusals of `group` and of `scope`. `back_off` asks
    for a pause before the group's next connection that doubles each time, from its beginning `after_answers`. `trip`
    leaves a scope, be it a group or another name, alone.
    """

    async def acquire(self, group: str, limit: int) -> Lease | float: ...
    async def release(self, lease: Lease) -> None: ...
    async def take(self, group: str, rate: Rate, count: int = 1, *, scope: str = "") -> Standing: ...
    async def back_off(self, group: str, *, after_answers: bool) -> None: ...
    async def trip(self, scope: str, refusal: Finding, seconds: float) -> None: ...


class ListReader(Protocol):
    """A list that was read through once: its layout is known, `digest` names its content (hexadecimal).

    `chunks` gives all data rows in order, at most `size` at a time, as raw cells (ragged rows stay ragged, a blank line
    is an empty list); it may be called again, and raises InputError when the file has changed meanwhile.
    """

    @property
    def layout(self) -> Layout: ...
    @property
    def digest(self) -> str: ...
    def chunks(self, size: int) -> Iterator[list[list[str]]]: ...
    def close(self) -> None: ...


class ListWriter(Protocol):
    """Writes the rows of a list with our cells; nothing is to be seen at the output's name before `commit`.

    `ours` has a row's cells in the order of `Layout.our_names`. Without `commit`, `abort` leaves nothing behind; after
    it, `abort` does nothing.
    """

    def write_rows(self, rows: Sequence[Sequence[str]], ours: Sequence[Sequence[str]]) -> None: ...
    def commit(self) -> None: ...
    def abort(self) -> None: ...


class Journal(Protocol):
    """What a run has learned so far, kept for the case that it is killed.

    Law: once `record` has returned, kill -9 of the process loses nothing of it. Mailboxes are keyed as in FactStore.
    `load` gives pages of (findings, facts), as they were recorded; `known` what was recorded of these mailboxes and,
    merged, of these domains. `finish` deletes the journal, `close` keeps it.
    """

    def load(self) -> AsyncIterator[tuple[Sequence[tuple[str, Finding]], Sequence[DomainFacts]]]: ...
    async def known(
        self, keys: Collection[str], domains: Collection[str]
    ) -> tuple[Mapping[str, tuple[Finding, ...]], Mapping[str, DomainFacts]]: ...
    async def record(self, findings: Sequence[tuple[str, Finding]], facts: Sequence[DomainFacts]) -> None: ...
    async def finish(self) -> None: ...
    async def close(self) -> None: ...


class KeyStore(Protocol):
    """API keys: who may ask. Must not lose what it was given, and never holds a token, only digests.

    `revoke` is False where no such key holds any more. Several processes may use one store: what one does, the others
    see. Raises ServiceUnavailable where it cannot be read or written.
    """

    async def add(self, key: ApiKey) -> None: ...
    async def by_digest(self, digest: str) -> ApiKey | None: ...
    async def keys(self) -> Sequence[ApiKey]: ...  # oldest first, revoked ones too
    async def revoke(self, key_id: str, at: datetime) -> bool: ...


class LoginStore(Protocol):
    """One-time links and sessions of people, by the digests of their tokens; each belongs to a key of the KeyStore.

    `redeem` gives the link's key once, then never again, and None after its end; `session` the key of an open session;
    either gives None where the key is revoked or has expired. `close_session` ends one at once.
    """

    async def invite(self, digest: str, key_id: str, until: datetime) -> None: ...
    async def redeem(self, digest: str, now: datetime) -> ApiKey | None: ...
    async def open_session(self, digest: str, key_id: str, until: datetime) -> None: ...
    async def session(self, digest: str, now: datetime) -> ApiKey | None: ...
    async def close_session(self, digest: str) -> None: ...


class UsageStore(Protocol):
    """How many answers a key got on a day, over restarts.

    `use_up_to` says that `owner` (a list) has given a key `total` answers by now: what was counted of these before is
    not counted again, whichever day that was; gives what is new.
    """

    async def used(self, key_id: str, day: date) -> int: ...
    async def use(self, key_id: str, day: date, count: int) -> None: ...
    async def use_up_to(self, key_id: str, day: date, owner: str, total: int) -> int: ...


class Meter(Protocol):
    """Is told what happens; the table of what can be told is `core/measures.py`. Costs little and never fails.

    `labels` are the values of the measure's labels, in their order; `watch` has `read` called when somebody looks.
    """

    def count(self, measure: Measure, *labels: str, by: int = 1) -> None: ...
    def observe(self, measure: Measure, seconds: float, *labels: str) -> None: ...
    def watch(self, measure: Measure, read: Callable[[], float]) -> None: ...
