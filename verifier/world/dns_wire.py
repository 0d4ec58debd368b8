"""DNS messages as octets, built by hand because a list asks for thousands of names a second (RFC 1035 §4, RFC 6891)."""

import struct
from functools import lru_cache
from typing import NamedTuple

from verifier.world.world import World
from verifier.world.zone import NEGATIVE_TTL, Fault, Name, look_up

A, CNAME, SOA, PTR, MX, TXT, AAAA, OPT, ANY = 1, 5, 6, 12, 15, 16, 28, 41, 255
TYPE_NAMES = {A: "A", CNAME: "CNAME", SOA: "SOA", PTR: "PTR", MX: "MX", TXT: "TXT", AAAA: "AAAA", ANY: "ANY"}
_HEADER = struct.Struct("!6H")
_FIXED = struct.Struct("!HHIH")
_QUESTION_END = struct.Struct("!HH")
_POINTER_TO_QUESTION = b"\xc0\x0c"
_OPT_RECORD = b"\x00" + _FIXED.pack(OPT, 1232, 0, 0)
_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
_FORMERR = 1


class Question(NamedTuple):
    """One question: the name in lower case, its octets as asked, the type, and what the asker can take."""

    name: str
    wire_name: bytes
    rtype: int
    rclass: int
    edns: bool
    limit: int


class Body(NamedTuple):
    """An answer without its header and question; compression pointers count from the message's start."""

    rcode: int | None
    answers: int
    authorities: int
    octets: bytes
    truncated: bool


def parse(message: bytes) -> Question | None:
    """The question of a query, None where the octets are no query with exactly one question."""
    if len(message) < 17:
        return None
    _, flags, questions, _, _, additional = _HEADER.unpack_from(message)
    if flags & _RESPONSE or questions != 1:
        return None
    at = 12
    labels = []
    while at < len(message) and (length := message[at]):
        if length > 63:
            return None
        labels.append(message[at + 1 : at + 1 + length])
        at += 1 + length
    if at + 5 > len(message):
        return None
    rtype, rclass = _QUESTION_END.unpack_from(message, at + 1)
    end = at + 5
    edns = bool(additional) and message[end : end + 3] == b"\x00\x00\x29" and len(message) >= end + 11
    limit = max(512, int.from_bytes(message[end + 3 : end + 5], "big")) if edns else 512
    name = b".".join(labels).decode("ascii", "backslashreplace").lower()
    return Question(name, message[12 : at + 1], rtype, rclass, edns, limit)


def answer(
    world: World,
    message: bytes,
    question: Question | None,
    *,
    datagram: bool,
    bodies: dict[tuple[str, int], Body],
) -> bytes | None:
    """The response to a query that was parsed to `question`, None where the world says nothing.

    `bodies` keeps what was built before.
    """
    if question is None:
        if len(message) < 12 or message[2] & 0x80:
            return None
        return message[:2] + _HEADER.pack(0, _RESPONSE | _FORMERR, 0, 0, 0, 0)[2:]
    key = (question.name, question.rtype)
    body = bodies.get(key)
    if body is None:
        body = bodies[key] = build(look_up(world, question.name), question)
    if body.rcode is None:
        return None
    flags = _RESPONSE | _AUTHORITATIVE | _RECURSION_AVAILABLE | body.rcode
    flags |= int.from_bytes(message[2:4], "big") & _RECURSION_DESIRED
    asked = question.wire_name + _QUESTION_END.pack(question.rtype, question.rclass)
    extra = _OPT_RECORD if question.edns else b""
    if datagram and (body.truncated or 12 + len(asked) + len(body.octets) + len(extra) > min(question.limit, 1232)):
        return message[:2] + _HEADER.pack(0, flags | _TRUNCATED, 1, 0, 0, len(extra) and 1)[2:] + asked + extra
    header = _HEADER.pack(0, flags, 1, body.answers, body.authorities, len(extra) and 1)
    return message[:2] + header[2:] + asked + body.octets + extra


def build(found: Name | Fault, question: Question) -> Body:
    """The body that says what the zone knows about the question."""
    if isinstance(found, Fault):
        authority = _soa(question) if found.rcode == 3 else b""
        return Body(found.rcode, 0, bool(authority) and 1, authority, False)
    owner, chain = _POINTER_TO_QUESTION, b""
    records: list[bytes] = []
    if found.alias:
        target = encode_name(found.alias)
        chain = _record(owner, CNAME, found.ttl, target)
        owner = target
    wanted = TYPE_NAMES if question.rtype == ANY else (question.rtype,)
    for rtype in wanted:
        records.extend(_record(owner, rtype, found.ttl, data) for data in _values(found, rtype))
    count = len(records) + bool(chain)
    if not records:
        return Body(0, count, 1, chain + _soa(question), False)
    return Body(0, count, 0, chain + b"".join(records), found.truncated and question.rtype == MX)


@lru_cache(maxsize=4096)
def encode_name(name: str) -> bytes:
    """A domain name (A-labels, no last dot) as octets, uncompressed; "" is the root."""
    labels = name.encode("ascii").split(b".") if name else []
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\x00"


def _values(found: Name, rtype: int) -> list[bytes]:
    if rtype == MX:
        return [preference.to_bytes(2, "big") + encode_name(exchange) for preference, exchange in found.mx]
    if rtype == A:
        return [address.packed for address in found.a]
    if rtype == AAAA:
        return [address.packed for address in found.aaaa]
    if rtype == TXT:
        return [bytes((len(text),)) + text.encode("ascii") for text in found.txt]
    if rtype == PTR and found.ptr:
        return [encode_name(found.ptr)]
    return []


def _record(owner: bytes, rtype: int, ttl: int, data: bytes) -> bytes:
    return owner + _FIXED.pack(rtype, 1, ttl, len(data)) + data


def _soa(question: Question) -> bytes:
    """The zone's SOA under the name's last label, so that a negative answer can be kept (RFC 2308 §5)."""
    last = question.name.rpartition(".")[2]
    at = 12 + len(question.wire_name) - len(last) - 2
    owner = (0xC000 | at).to_bytes(2, "big") if last else b"\x00"
    names = encode_name("ns.hosts.example") + encode_name("hostmaster.hosts.example")
    return _record(owner, SOA, NEGATIVE_TTL, names + struct.pack("!5I", 1, 3600, 600, 86400, NEGATIVE_TTL))
