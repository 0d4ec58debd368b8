"""One DNS question and what came of it, as values (RFC 1035, RFC 2308)."""

from enum import StrEnum

from msgspec import Struct


class RecordType(StrEnum):
    """What is asked of a name."""

    MX = "MX"
    A = "A"
    AAAA = "AAAA"
    TXT = "TXT"
    PTR = "PTR"


class DnsStatus(StrEnum):
    """How one DNS question ended. The last four say nothing about the name."""

    OK = "ok"
    NODATA = "nodata"
    NXDOMAIN = "nxdomain"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    BROKEN = "broken"


class Answer(Struct, frozen=True):
    """The answer to one DNS question, CNAMEs followed and truncation retried over TCP.

    `records`: for MX (preference, lower-case exchange without the last dot, "" for the null MX), for the others
    (0, text). `ttl` in seconds: the smallest of the chain, or for a negative answer min(SOA TTL, SOA minimum)
    (RFC 2308 §5), 0 where no SOA came. `server` is the name server that answered last.
    """

    status: DnsStatus
    records: tuple[tuple[int, str], ...] = ()
    ttl: int = 0
    server: str = ""
