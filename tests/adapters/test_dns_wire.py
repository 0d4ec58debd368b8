"""The fast reading of a reply against dnspython's, over messages of every kind and over damaged ones."""

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
from hypothesis import given
from hypothesis import strategies as st

from verifier.adapters.dns_wire import (
    Again,
    Alias,
    answers_question,
    query,
    question_of,
    read_exactly,
    read_plain,
    read_reply,
)
from verifier.core.dns import Answer, DnsStatus, RecordType

_LABEL = st.text("abcXYZ019-_", min_size=1, max_size=12) | st.just("a" * 63)
_ODD_LABEL = st.binary(min_size=1, max_size=5).map(lambda octets: "".join(f"\\{octet:03d}" for octet in octets))
_NAME = st.lists(_LABEL | _ODD_LABEL, min_size=1, max_size=3).map(lambda labels: ".".join(labels) + ".example.")
_TTL = st.integers(0, 2**31 - 1)
_QUESTION = "question.example."


@st.composite
def _records(draw: st.DrawFn, owner: str) -> dns.rrset.RRset:
    kind = draw(st.sampled_from(["MX", "MX", "A", "A", "CNAME", "TXT", "AAAA", "NS"]))
    data = {
        "MX": st.builds("{} {}".format, st.integers(0, 65535), _NAME | st.just(".")),
        "A": st.ip_addresses(v=4).map(str),
        "AAAA": st.ip_addresses(v=6).map(str),
        "CNAME": _NAME,
        "NS": _NAME,
        "TXT": st.just('"text"'),
    }[kind]
    several = draw(st.lists(data, min_size=1, max_size=1 if kind == "CNAME" else 4))
    return dns.rrset.from_text(owner, draw(_TTL), "IN", kind, *several)


@st.composite
def _replies(draw: st.DrawFn) -> tuple[dns.message.Message, bytes, RecordType]:
    record_type = draw(st.sampled_from([RecordType.MX, RecordType.A]))
    message = dns.message.make_query(_QUESTION, str(record_type), use_edns=draw(st.booleans()), id=4711)
    message = dns.message.make_response(message)
    message.set_rcode(draw(st.sampled_from([dns.rcode.NOERROR] * 6 + [dns.rcode.NXDOMAIN, dns.rcode.SERVFAIL])))
    if draw(st.booleans()):
        message.flags |= dns.flags.AA
    owners = st.just(_QUESTION) | _NAME
    message.answer = draw(st.lists(owners.flatmap(_records), max_size=3))
    message.authority = draw(st.lists(owners.flatmap(_records), max_size=1))
    message.additional = draw(st.lists(owners.flatmap(_records), max_size=2))
    return message, question_of(_QUESTION, record_type), record_type


@given(_replies())
def test_the_fast_reading_is_dnspythons(reply: tuple[dns.message.Message, bytes, RecordType]) -> None:
    """Where `read_plain` reads a well-formed reply at all, it reads what dnspython reads."""
    message, question, record_type = reply
    wire = message.to_wire(max_size=65535)
    plain = read_plain(wire, question, record_type, "s")
    assert plain is None or plain == read_exactly(wire, record_type, "s")


@given(_replies(), st.data())
def test_damage_is_never_an_exception_nor_a_second_opinion(
    reply: tuple[dns.message.Message, bytes, RecordType], data: st.DataObject
) -> None:
    """Of a damaged reply both readings give a value; where both give an answer, it is the same."""
    message, question, record_type = reply
    wire = message.to_wire(max_size=65535)
    damaged = bytearray(wire)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(2, len(wire) - 1))] = data.draw(st.integers(0, 255))
    broken = bytes(damaged[: data.draw(st.integers(12, len(wire)))])
    exact = read_exactly(broken, record_type, "s")
    assert isinstance(exact, Answer | Alias | Again)
    if answers_question(broken, question) and not broken[2] & 0x02:
        plain = read_plain(broken, question, record_type, "s")
        if plain is not None and isinstance(exact, Answer) and exact.status is not DnsStatus.BROKEN:
            assert exact == plain


@given(st.binary(max_size=80), st.booleans())
def test_noise_is_never_an_exception(noise: bytes, dressed: bool) -> None:
    """Octets of any kind either do not answer the question or are read to a value."""
    question = question_of(_QUESTION, RecordType.MX)
    wire = b"\x12\x67\x80\x00\x00\x01" + noise[:6].ljust(6, b"\x00") + question + noise[6:] if dressed else noise
    if answers_question(wire, question):
        assert isinstance(read_reply(wire, question, RecordType.MX, "s"), Answer | Alias | Again)
    else:
        assert not dressed


@given(st.lists(st.text("abcXYZ019-_", min_size=1, max_size=63), min_size=1, max_size=4).map(".".join))
def test_questions_are_those_of_dnspython(name: str) -> None:
    """A query written by hand is, octet for octet, what dnspython would send for the lower-case name."""
    if len(name) > 253:
        return
    expected = dns.message.make_query(name.lower(), "MX", use_edns=0, payload=1232, id=4711)
    assert expected.to_wire() == query(4711, question_of(name, RecordType.MX), edns=True)


def test_the_fast_road_is_taken() -> None:
    """A plain MX reply, as any resolver sends it, is read without dnspython."""
    message = dns.message.make_response(dns.message.make_query(_QUESTION, "MX"))
    message.answer = [dns.rrset.from_text(_QUESTION, 60, "IN", "MX", "10 MX1.question.example.")]
    reading = read_plain(message.to_wire(), question_of(_QUESTION, RecordType.MX), RecordType.MX, "s")
    assert Answer(DnsStatus.OK, ((10, "mx1.question.example"),), 60, "s") == reading
