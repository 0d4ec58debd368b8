"""Resolver over UDP and TCP, messages read by dnspython (RFC 1035, 2308, 5452, 6891).

Each name server is asked in turn until one says something about the name. SERVFAIL, REFUSED, an unreadable reply and
silence say nothing: the next server is asked, and if none knows, the most telling failure is the answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import dns.exception
import dns.resolver
from msgspec.structs import replace

from verifier.adapters.dns_channel import Chance, ServerWires
from verifier.adapters.dns_window import QueryWindow
from verifier.adapters.dns_wire import MOST_ALIASES, Again, Alias, Reading, question_of, read_exactly, read_reply
from verifier.core.setting_values import Nameserver
from verifier.ports import Answer, Clock, DnsStatus, RecordType

_TROUBLES_BEFORE_BENCH = 3
_BENCH_SECONDS = 30.0
_LEAST_TRY = 0.01
_SAYS_SOMETHING = frozenset({DnsStatus.OK, DnsStatus.NODATA, DnsStatus.NXDOMAIN})
_TELLING = (DnsStatus.TIMEOUT, DnsStatus.BROKEN, DnsStatus.REFUSED, DnsStatus.SERVFAIL)


def system_nameservers() -> tuple[Nameserver, ...]:
    """The name servers of this machine (resolv.conf or its kin), the loopback address where none is named."""
    try:
        system = dns.resolver.Resolver(configure=True)
    except (dns.exception.DNSException, OSError):
        return (Nameserver("127.0.0.1"),)
    return tuple(Nameserver(str(host), system.port) for host in system.nameservers)


class DnspythonResolver:
    """Asks `nameservers`, or the system's where there are none.

    One try takes at most `try_timeout` seconds, one question with all its tries and aliases at most `timeout`; at most
    `in_flight` questions are on the wire at a time. `take_turn` is awaited before a reply is read: hundreds come
    together. Belongs to the event loop that first uses it.
    """

    def __init__(
        self,
        clock: Clock,
        nameservers: Sequence[Nameserver] = (),
        *,
        timeout: float = 5.0,
        try_timeout: float = 2.0,
        in_flight: int = 256,
        take_turn: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        chance = Chance(clock)
        self._servers = [_Server(server, chance, take_turn) for server in nameservers or system_nameservers()]
        self._timeout = timeout
        self._try_timeout = try_timeout
        self._window = QueryWindow(in_flight, min(in_flight, 16))
        self._closed = False

    @property
    def identity(self) -> str:
        return ",".join(server.name for server in self._servers)

    async def lookup(self, name: str, record_type: RecordType) -> Answer:
        """The port's `lookup`; for PTR `name` may be an IP address. A name that fits no DNS message is BROKEN."""
        if self._closed:
            raise RuntimeError("the resolver is closed")
        await self._window.enter()
        troubled = False
        try:
            answer = await self._follow(name, record_type)
            troubled = answer.status in (DnsStatus.TIMEOUT, DnsStatus.REFUSED)
            return answer
        finally:
            self._window.leave(troubled)

    async def close(self) -> None:
        self._closed = True
        for server in self._servers:
            server.wires.close()

    async def _follow(self, name: str, record_type: RecordType) -> Answer:
        """Asks along the chain of aliases, where a server does not know it to its end."""
        deadline = asyncio.get_running_loop().time() + self._timeout
        hops = 0
        chain_ttl: int | None = None
        while True:
            try:
                question = question_of(name, record_type)
            except ValueError:
                return Answer(DnsStatus.BROKEN)
            reading = await self._ask_servers(question, record_type, deadline)
            if isinstance(reading, Answer):
                return reading if chain_ttl is None else replace(reading, ttl=min(reading.ttl, chain_ttl))
            hops += reading.hops
            if hops > MOST_ALIASES:
                return Answer(DnsStatus.BROKEN, server=self._servers[0].name)
            chain_ttl = reading.ttl if chain_ttl is None else min(chain_ttl, reading.ttl)
            name = reading.target

    async def _ask_servers(self, question: bytes, record_type: RecordType, deadline: float) -> Answer | Alias:
        loop = asyncio.get_running_loop()
        failure = Answer(DnsStatus.TIMEOUT, server=self._servers[0].name)
        candidates = sorted(self._servers, key=lambda server: server.benched_until > loop.time())
        while candidates:
            for server in tuple(candidates):
                remaining = deadline - loop.time()
                if remaining < _LEAST_TRY:
                    return failure
                try:
                    reading = await server.ask(question, record_type, min(self._try_timeout, remaining))
                except TimeoutError:
                    server.mark(well=False)
                    continue
                except OSError:
                    server.mark(well=False)
                    candidates.remove(server)
                    continue
                server.mark(well=True)
                if isinstance(reading, Alias) or reading.status in _SAYS_SOMETHING:
                    return reading
                candidates.remove(server)
                if _TELLING.index(reading.status) >= _TELLING.index(failure.status):
                    failure = reading
        return failure


class _Server:
    """One name server: how to reach it, and whether it has been silent lately."""

    def __init__(
        self, server: Nameserver, chance: Chance, take_turn: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.name = str(server)
        self._take_turn = take_turn
        self.wires = ServerWires(server, chance)
        self.benched_until = 0.0
        self._troubles = 0

    def mark(self, well: bool) -> None:
        """After three silences in a row the others are asked first, for half a minute."""
        self._troubles = 0 if well else self._troubles + 1
        if well:
            self.benched_until = 0.0
        elif self._troubles >= _TROUBLES_BEFORE_BENCH:
            self.benched_until = asyncio.get_running_loop().time() + _BENCH_SECONDS

    async def ask(self, question: bytes, record_type: RecordType, timeout: float) -> Answer | Alias:
        """One question, over TCP where it was truncated, without EDNS where that is not understood.

        Raises TimeoutError after `timeout` seconds of silence on either road, and OSError.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        edns = True
        tcp = False
        while True:
            remaining = deadline - asyncio.get_running_loop().time()
            reading: Reading
            if tcp:
                wire = await self.wires.ask_tcp(question, edns, remaining)
                reading = read_exactly(wire, record_type, self.name)
            else:
                wire = await self.wires.ask_udp(question, edns, remaining)
                if self._take_turn is not None:
                    await self._take_turn()
                reading = read_reply(wire, question, record_type, self.name)
            if reading is Again.OVER_TCP and not tcp:
                tcp = True
            elif reading is Again.WITHOUT_EDNS and edns:
                edns = False
            elif isinstance(reading, Again):
                return Answer(DnsStatus.BROKEN, server=self.name)
            else:
                return reading
