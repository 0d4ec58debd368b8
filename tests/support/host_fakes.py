"""A host whose surroundings are a table: name servers, mail hosts, and what they answer."""

from collections.abc import Mapping, Sequence

from verifier.core.lists import DomainList
from verifier.ports import Answer, DialFailure, DnsStatus, RecordType

OUR_ADDRESS = "198.41.0.4"
FOREIGN = DomainList(frozenset({"gmail.com"}))
CANARIES = ("one.test", "two.test", "three.test")
Records = Mapping[tuple[str, RecordType], Sequence[tuple[int, str]]]
HEALTHY: dict[tuple[str, RecordType], Sequence[tuple[int, str]]] = {
    **{(name, RecordType.MX): [(10, f"mx.{name}")] for name in CANARIES},
    **{(f"mx.{name}", RecordType.A): [(0, f"9.9.9.{at}")] for at, name in enumerate(CANARIES)},
    ("mail.sender.org", RecordType.A): [(0, OUR_ADDRESS)],
    ("4.0.41.198.in-addr.arpa", RecordType.PTR): [(0, "mail.sender.org")],
    ("sender.org", RecordType.MX): [(10, "mail.sender.org")],
    ("sender.org", RecordType.TXT): [(0, "some other text"), (0, "v=spf1 mx -all")],
}


class FakeResolver:
    """Answers from a table; what is not in it does not exist."""

    identity = "192.0.2.53"

    def __init__(self, records: Records, failure: DnsStatus | None = None) -> None:
        self.records = records
        self.failure = failure
        self.asked: list[str] = []

    async def lookup(self, name: str, record_type: RecordType) -> Answer:
        self.asked.append(name)
        if self.failure is not None:
            return Answer(self.failure)
        found = tuple(self.records.get((name, record_type), ()))
        return Answer(DnsStatus.OK, found) if found else Answer(DnsStatus.NXDOMAIN)

    async def close(self) -> None: ...


class FakeConnection:
    """Greets, answers EHLO, and remembers what it heard; text comes in pieces of seven bytes."""

    def __init__(self, banner: str, ehlo: str) -> None:
        self.heard = b""
        self._ehlo = ehlo
        self._coming = banner.encode()

    def send(self, data: bytes) -> None:
        self.heard += data
        if data.startswith(b"EHLO"):
            self._coming += self._ehlo.encode()

    async def receive(self, timeout: float) -> bytes:
        piece, self._coming = self._coming[:7], self._coming[7:]
        return piece

    async def start_tls(self, server_name: str, timeout: float) -> None: ...
    def close(self) -> None: ...


class FakeDialer:
    """Every mail host greets by its own name and by our address, unless told otherwise."""

    def __init__(self, banner: str = "220 {host} ESMTP\r\n", failure: DialFailure | None = None) -> None:
        self._banner = banner
        self._failure = failure
        self.connections: list[FakeConnection] = []

    async def dial(self, address: str, *, pin: str, timeout: float) -> FakeConnection | DialFailure:
        if self._failure is not None:
            return self._failure
        host = f"mx.{pin}"
        ehlo = f"250-{host} at your service, [{OUR_ADDRESS}]\r\n250-SIZE 1\r\n250 PIPELINING\r\n"
        self.connections.append(FakeConnection(self._banner.format(host=host), ehlo))
        return self.connections[-1]
