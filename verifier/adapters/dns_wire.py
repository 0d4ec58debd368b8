"""DNS messages as bytes: questions built by hand, replies read exactly (RFC 1035, RFC 2308, RFC 6891).

`read_reply` is dnspython's reading of a reply. Most replies are plain (no error, no alias, every answer of the type
that was asked for), and those `read_plain` reads in a fraction of the time; it returns None for whatever it does not
know for certain. Law, held by a property test: where both return an Answer, it is the same.
"""

import re
import socket
import struct
from enum import Enum, auto

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset
from msgspec import Struct

from verifier.core.dns import Answer, DnsStatus, RecordType

EDNS_PAYLOAD = 1232
MOST_ALIASES = 8
_HEADER = 12
_TYPE_NUMBERS = {
    RecordType.A: 1,
    RecordType.PTR: 12,
    RecordType.MX: 15,
    RecordType.TXT: 16,
    RecordType.AAAA: 28,
}
_PLAIN_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII | re.IGNORECASE)
_PLAIN_OCTETS = b"abcdefghijklmnopqrstuvwxyz0123456789_-"
_RECORD = struct.Struct("!HHIH")
_OPT = b"\x00" + struct.pack("!HHIH", 41, EDNS_PAYLOAD, 0, 0)
_OWNER_IS_QUESTION = b"\xc0\x0c"
_FAILURES = {dns.rcode.SERVFAIL: DnsStatus.SERVFAIL, dns.rcode.REFUSED: DnsStatus.REFUSED}
_MAY_LACK_QUESTION = frozenset({dns.rcode.FORMERR, dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED})
_EDNS_UNKNOWN = frozenset({dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS})


class Alias(Struct, frozen=True):
    """The reply ends in an alias whose target has to be asked for; `ttl` and `hops` are those of the chain so far."""

    target: str
    ttl: int
    hops: int


class Again(Enum):
    """The reply asks for the same question in another way."""

    OVER_TCP = auto()
    WITHOUT_EDNS = auto()


Reading = Answer | Alias | Again


def question_of(name: str, record_type: RecordType) -> bytes:
    """The question section, lower case; for PTR `name` may also be an IP address. ValueError if DNS cannot hold it."""
    if record_type is RecordType.PTR:
        name = _reverse_name(name)
    return _encode_name(name) + struct.pack("!HH", _TYPE_NUMBERS[record_type], 1)


def query(message_id: int, question: bytes, edns: bool) -> bytes:
    """One recursive query."""
    header = struct.pack("!6H", message_id, 0x0100, 1, 0, 0, 1 if edns else 0)
    return header + question + _OPT if edns else header + question


def answers_question(wire: bytes, question: bytes) -> bool:
    """The message is a reply to this very question (its id is the caller's to compare)."""
    if len(wire) < _HEADER or wire[2] & 0xF8 != 0x80:
        return False
    questions = wire[4] << 8 | wire[5]
    if questions == 1:
        return wire[_HEADER : _HEADER + len(question)].lower() == question
    return questions == 0 and wire[3] & 0x0F in _MAY_LACK_QUESTION


def read_reply(wire: bytes, question: bytes, record_type: RecordType, server: str) -> Reading:
    """What a reply to `question` says; BROKEN where it cannot be read, or says nothing about the name."""
    if wire[2] & 0x02:
        return Again.OVER_TCP
    plain = read_plain(wire, question, record_type, server)
    return read_exactly(wire, record_type, server) if plain is None else plain


def read_exactly(wire: bytes, record_type: RecordType, server: str) -> Reading:
    """dnspython's reading of an untruncated reply."""
    try:
        message = dns.message.from_wire(wire)
        rcode = message.rcode()
        if rcode in _EDNS_UNKNOWN:
            return Again.WITHOUT_EDNS
        if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) or not isinstance(message, dns.message.QueryMessage):
            return Answer(_FAILURES.get(rcode, DnsStatus.BROKEN), server=server)
        chain = message.resolve_chaining()
    except dns.exception.DNSException:
        return Answer(DnsStatus.BROKEN, server=server)
    if len(chain.cnames) > MOST_ALIASES:
        return Answer(DnsStatus.BROKEN, server=server)
    if chain.answer is not None:
        return Answer(DnsStatus.OK, _records(chain.answer, record_type), chain.minimum_ttl, server)
    vouched = _negative_is_vouched(message, chain.canonical_name)
    ttl = chain.minimum_ttl if vouched else 0
    if rcode == dns.rcode.NXDOMAIN:
        return Answer(DnsStatus.NXDOMAIN, ttl=ttl, server=server)
    if chain.cnames and not vouched:
        return Alias(_text(chain.canonical_name), min(alias.ttl for alias in chain.cnames), len(chain.cnames))
    if not vouched and _is_referral(message):
        return Answer(DnsStatus.BROKEN, server=server)
    return Answer(DnsStatus.NODATA, ttl=ttl, server=server)


def read_plain(wire: bytes, question: bytes, record_type: RecordType, server: str) -> Answer | None:
    """The answer of a plain MX or A reply; None for every other reply, whatever is the matter with it."""
    if wire[2] & 0xFA != 0x80 or wire[3] & 0x0F or wire[4:6] != b"\x00\x01":
        return None
    count = wire[6] << 8 | wire[7]
    if not count or record_type not in (RecordType.MX, RecordType.A):
        return None
    number = _TYPE_NUMBERS[record_type]
    least_ttl = 0x7FFFFFFF
    position = _HEADER + len(question)
    records: list[tuple[int, str]] = []
    for _ in range(count):
        if wire[position : position + 2] != _OWNER_IS_QUESTION or position + 12 > len(wire):
            return None
        kind, kind_class, ttl, length = _RECORD.unpack_from(wire, position + 2)
        start = position + 12
        position = start + length
        if kind != number or kind_class != 1 or ttl > 0x7FFFFFFF or position > len(wire):
            return None
        record = _exchange(wire, start, position) if record_type is RecordType.MX else _address(wire, start, position)
        if record is None:
            return None
        least_ttl = min(least_ttl, ttl)
        records.append(record)
    return Answer(DnsStatus.OK, tuple(dict.fromkeys(records)), least_ttl, server)


def _exchange(wire: bytes, start: int, end: int) -> tuple[int, str] | None:
    if end - start < 3:
        return None
    name = _plain_name(wire, start + 2, end)
    return None if name is None else (wire[start] << 8 | wire[start + 1], name)


def _address(wire: bytes, start: int, end: int) -> tuple[int, str] | None:
    return (0, socket.inet_ntoa(wire[start:end])) if end - start == 4 else None


def _plain_name(wire: bytes, position: int, end: int) -> str | None:
    """The compressed name that fills wire[position:end], if its letters are plain; pointers may only lead backwards."""
    labels: list[bytes] = []
    size = 0
    limit = position
    jumped = False
    while position < len(wire):
        length = wire[position]
        if length == 0:
            if not jumped and position + 1 != end:
                return None
            return b".".join(labels).decode("ascii").lower() if size < 255 else None
        if length < 0x40:
            label = wire[position + 1 : position + 1 + length]
            if len(label) != length or label.lower().strip(_PLAIN_OCTETS):
                return None
            labels.append(label)
            size += length + 1
            position += length + 1
        elif length >= 0xC0 and position + 1 < len(wire):
            if not jumped and position + 2 != end:
                return None
            target = (length & 0x3F) << 8 | wire[position + 1]
            if target >= limit:
                return None
            position = limit = target
            jumped = True
        else:
            return None
    return None


def _records(rrset: dns.rrset.RRset, record_type: RecordType) -> tuple[tuple[int, str], ...]:
    match record_type:
        case RecordType.MX:
            return tuple(dict.fromkeys((record.preference, _text(record.exchange)) for record in rrset))
        case RecordType.A | RecordType.AAAA:
            return tuple((0, record.address) for record in rrset)
        case RecordType.PTR:
            return tuple((0, _text(record.target)) for record in rrset)
        case RecordType.TXT:
            return tuple((0, b"".join(record.strings).decode("utf-8", "replace")) for record in rrset)


def _text(name: dns.name.Name) -> str:
    """Lower case, without the last dot; "" for the root."""
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


def _negative_is_vouched(message: dns.message.QueryMessage, name: dns.name.Name) -> bool:
    """A SOA of the name's zone came with the negative answer (RFC 2308 §3)."""
    return any(rrset.rdtype == dns.rdatatype.SOA and name.is_subdomain(rrset.name) for rrset in message.authority)


def _is_referral(message: dns.message.QueryMessage) -> bool:
    """The server only said whom else to ask (RFC 2308 §2.2, "referral"): not that there are no such records."""
    named = any(rrset.rdtype == dns.rdatatype.NS for rrset in message.authority)
    return named and not message.flags & dns.flags.AA


def _encode_name(name: str) -> bytes:
    if len(name) <= 253 and _PLAIN_NAME.fullmatch(name):
        labels = name.lower().rstrip(".").encode("ascii").split(b".")
        return b"".join(bytes((len(label),)) + label for label in labels) + b"\x00"
    if not name.isascii():
        raise ValueError(f"{name!r} is no DNS name")
    try:
        return dns.name.from_text(name).to_digestable()
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(f"{name!r} is no DNS name") from error


def _reverse_name(text: str) -> str:
    try:
        return dns.reversename.from_address(text).to_text()
    except (dns.exception.DNSException, ValueError):
        return text
