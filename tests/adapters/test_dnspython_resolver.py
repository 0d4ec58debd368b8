"""What the resolver does about servers that misbehave: silent, lying about ids, refusing, broken, truncating, old."""

import asyncio
from pathlib import Path

import dns.flags
import dns.message
import pytest

from tests.support.nsd import free_port
from tests.support.scripted_dns import reply_to, scripted_dns
from verifier.adapters.dnspython_resolver import DnspythonResolver, system_nameservers
from verifier.adapters.system_clock import SystemClock
from verifier.core.setting_values import Nameserver
from verifier.ports import Answer, DnsStatus, RecordType

_MX = "one.example. 300 IN MX 10 mx1.example."
_GOOD = ((10, "mx1.example"),)


async def _lookup(
    *servers: Nameserver, name: str = "one.example", timeout: float = 0.5, try_timeout: float = 0.1
) -> Answer:
    resolver = DnspythonResolver(SystemClock(), servers, timeout=timeout, try_timeout=try_timeout)
    try:
        return await resolver.lookup(name, RecordType.MX)
    finally:
        await resolver.close()


def _good(query: dns.message.Message, tcp: bool) -> list[bytes]:
    return [reply_to(query, _MX).to_wire()]


def _silent(query: dns.message.Message, tcp: bool) -> list[bytes]:
    return []


def _rcode(rcode: str) -> "object":
    return lambda query, tcp: [reply_to(query, rcode=rcode).to_wire()]


async def test_silence_is_a_timeout_and_the_question_is_repeated() -> None:
    """A lost datagram is asked again; a server that never answers is TIMEOUT, within the time for all tries."""
    async with scripted_dns(_silent) as (server, log):
        answer = await _lookup(server, timeout=0.35)
    assert (answer.status, len(log.queries)) == (DnsStatus.TIMEOUT, 4)


async def test_a_lost_datagram_costs_only_time() -> None:
    """The second try finds what the first lost."""
    seen: list[bool] = []

    def second_time(query: dns.message.Message, tcp: bool) -> list[bytes]:
        seen.append(tcp)
        return _good(query, tcp) if len(seen) > 1 else []

    async with scripted_dns(second_time) as (server, _):
        assert (await _lookup(server)).records == _GOOD


@pytest.mark.parametrize(
    ("rcode", "status"),
    [
        ("SERVFAIL", DnsStatus.SERVFAIL),
        ("REFUSED", DnsStatus.REFUSED),
        ("NOTAUTH", DnsStatus.BROKEN),
        ("YXDOMAIN", DnsStatus.BROKEN),
        ("NOTIMP", DnsStatus.BROKEN),
    ],
)
async def test_a_failure_says_nothing_and_the_next_server_is_asked(rcode: str, status: DnsStatus) -> None:
    """Alone, the failure is the answer; beside a server that knows, it is not."""
    async with scripted_dns(_rcode(rcode)) as (bad, _), scripted_dns(_good) as (good, _):  # type: ignore[arg-type]
        alone = await _lookup(bad)
        beside = await _lookup(bad, good)
    assert (status, str(bad)) == (alone.status, alone.server)
    assert (_GOOD, str(good)) == (beside.records, beside.server)


async def test_the_most_telling_failure_is_the_answer() -> None:
    """SERVFAIL says more than a time-out, whichever came first."""
    async with scripted_dns(_rcode("SERVFAIL")) as (bad, _), scripted_dns(_silent) as (mute, _):  # type: ignore[arg-type]
        assert DnsStatus.SERVFAIL is (await _lookup(bad, mute)).status
        assert DnsStatus.SERVFAIL is (await _lookup(mute, bad)).status


async def test_nobody_there_is_noticed_at_once() -> None:
    """A port that nobody listens on is no reason to wait: the next server is asked, or it is a TIMEOUT."""
    nobody = Nameserver("127.0.0.1", free_port())
    async with asyncio.timeout(2), scripted_dns(_good) as (good, _):
        beside = await _lookup(nobody, good, timeout=30, try_timeout=20)
        alone = await _lookup(nobody, timeout=30, try_timeout=20)
    assert (beside.records, alone.status) == (_GOOD, DnsStatus.TIMEOUT)


async def test_forged_replies_are_ignored() -> None:
    """A reply with another id, to another question, or that is no reply at all, is not ours; the right one still is."""

    def forgeries(query: dns.message.Message, tcp: bool) -> list[bytes]:
        wrong_id = reply_to(query, "one.example. 300 IN MX 10 evil.example.")
        wrong_id.id = query.id ^ 1
        other = dns.message.make_query("two.example", "MX")
        other.id = query.id
        wrong_question = reply_to(other, "two.example. 300 IN MX 10 evil.example.")
        no_reply = reply_to(query, "one.example. 300 IN MX 10 evil.example.")
        no_reply.flags &= ~dns.flags.QR
        forged = [message.to_wire() for message in (wrong_id, wrong_question, no_reply)]
        return [b"", b"\x00", *forged, *_good(query, tcp)]

    async with scripted_dns(forgeries) as (server, _):
        assert (await _lookup(server)).records == _GOOD


async def test_a_reply_from_another_address_is_ignored() -> None:
    """Only the server that was asked may answer."""
    async with scripted_dns(_good) as (stranger, _):
        loop = asyncio.get_running_loop()

        class Diverting(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                reply = reply_to(dns.message.from_wire(data), _MX).to_wire()
                other.sendto(reply, addr)

        other, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", 0))
        asked, _ = await loop.create_datagram_endpoint(Diverting, ("127.0.0.1", 0))
        port = asked.get_extra_info("sockname")[1]
        answer = await _lookup(Nameserver("127.0.0.1", port), timeout=0.2)
        asked.close()
        other.close()
    assert DnsStatus.TIMEOUT is answer.status
    assert str(stranger) != answer.server


async def test_what_cannot_be_read_is_broken() -> None:
    """Garbage after a right question, or an answer cut short anywhere, is BROKEN and never an error."""
    cuts = (13, 30, 35, 45)

    for cut in cuts:

        def short(query: dns.message.Message, tcp: bool, cut: int = cut) -> list[bytes]:
            wire = _good(query, tcp)[0]
            return [wire[:29] + b"\xff" * 9 if cut == 13 else wire[:cut]]

        async with scripted_dns(short) as (server, _):
            assert DnsStatus.BROKEN is (await _lookup(server)).status, cut


async def test_a_referral_is_no_denial() -> None:
    """NS records without a SOA only say whom else to ask (RFC 2308 §2.2): nothing is known of the name."""
    authority = "example. 300 IN NS ns.example."
    async with scripted_dns(lambda query, tcp: [reply_to(query, authority=authority).to_wire()]) as (server, _):
        assert DnsStatus.BROKEN is (await _lookup(server)).status


async def test_an_empty_answer_without_soa_is_nodata_without_ttl() -> None:
    """RFC 2308 §5: a negative answer without a SOA has no lifetime of its own."""
    async with scripted_dns(lambda query, tcp: [reply_to(query).to_wire()]) as (server, _):
        assert Answer(DnsStatus.NODATA, ttl=0, server=str(server)) == await _lookup(server)


async def test_truncation_goes_to_tcp_whatever_was_in_the_datagram() -> None:
    """A datagram with the TC bit is not read; a server that refuses TCP is then no answer."""

    def truncating(query: dns.message.Message, tcp: bool) -> list[bytes]:
        if tcp:
            return [reply_to(query, "one.example. 300 IN MX 20 whole.example.").to_wire()]
        part = reply_to(query, _MX)
        part.flags |= dns.flags.TC
        return [part.to_wire()]

    async with scripted_dns(truncating) as (server, _):
        assert (await _lookup(server)).records == ((20, "whole.example"),)


async def test_tcp_that_hangs_up_or_answers_another_is_no_answer() -> None:
    """What goes wrong on the second road is as silence on the first."""

    def hanging_up(query: dns.message.Message, tcp: bool) -> list[bytes]:
        part = reply_to(query)
        part.flags |= dns.flags.TC
        return [] if tcp else [part.to_wire()]

    def for_another(query: dns.message.Message, tcp: bool) -> list[bytes]:
        part = reply_to(query, _MX)
        part.flags |= dns.flags.TC
        wire = part.to_wire()
        return [bytes((wire[0] ^ 1,)) + wire[1:]] if tcp else [wire]

    for script in (hanging_up, for_another):
        async with scripted_dns(script) as (server, _):
            assert DnsStatus.TIMEOUT is (await _lookup(server)).status


async def test_a_server_without_edns_is_asked_without() -> None:
    """FORMERR on a question with an OPT record is repeated without one (RFC 6891 §6.2.2)."""

    def old(query: dns.message.Message, tcp: bool) -> list[bytes]:
        return [reply_to(query, rcode="FORMERR").to_wire()] if query.edns >= 0 else _good(query, tcp)

    async with scripted_dns(old) as (server, log):
        assert (await _lookup(server)).records == _GOOD
    assert [query.payload for query in log.queries] == [1232, 0]


async def test_ids_and_ports_are_hard_to_guess() -> None:
    """Over many questions the ids differ and several source ports are used (RFC 5452)."""
    async with scripted_dns(_good) as (server, log):
        resolver = DnspythonResolver(SystemClock(), [server])
        await asyncio.gather(*(resolver.lookup("one.example", RecordType.MX) for _ in range(200)))
        await resolver.close()
    assert len({query.id for query in log.queries}) > 150
    assert len(log.ports) > 4


async def test_no_more_questions_at_once_than_allowed() -> None:
    """`in_flight` bounds what is on the wire."""
    waiting = 0
    most = 0

    async with scripted_dns(_silent) as (server, log):
        resolver = DnspythonResolver(SystemClock(), [server], timeout=0.2, try_timeout=0.2, in_flight=5)
        questions = [asyncio.create_task(resolver.lookup(f"d{n}.example", RecordType.MX)) for n in range(12)]
        while len(log.queries) < 5:
            await asyncio.sleep(0.01)
        waiting, most = len(questions), len(log.queries)
        await asyncio.gather(*questions)
        await resolver.close()
    assert (waiting, most, len(log.queries)) == (12, 5, 12)


async def test_a_server_that_keeps_silent_is_asked_last() -> None:
    """After three silences in a row the other server is asked first: a dead one must not slow every question."""
    async with scripted_dns(_silent) as (mute, log), scripted_dns(_good) as (good, _):
        resolver = DnspythonResolver(SystemClock(), [mute, good], timeout=1, try_timeout=0.02)
        for _ in range(10):
            assert (await resolver.lookup("one.example", RecordType.MX)).records == _GOOD
        await resolver.close()
    assert len(log.queries) == 3


async def test_a_cancelled_question_leaves_nothing_behind() -> None:
    """Who stops waiting frees his place: the next question is answered with one place in flight."""
    answering = False

    def later(query: dns.message.Message, tcp: bool) -> list[bytes]:
        return _good(query, tcp) if answering else []

    async with scripted_dns(later) as (server, log):
        resolver = DnspythonResolver(SystemClock(), [server], timeout=30, try_timeout=20, in_flight=1)
        first = asyncio.create_task(resolver.lookup("one.example", RecordType.MX))
        while not log.queries:
            await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        answering = True
        assert (await resolver.lookup("one.example", RecordType.MX)).records == _GOOD
        await resolver.close()


async def test_closing_ends_what_waits() -> None:
    """`close` makes open questions a TIMEOUT; asking after it is our own fault and says so."""
    async with scripted_dns(_silent) as (server, log):
        resolver = DnspythonResolver(SystemClock(), [server], timeout=30, try_timeout=20)
        question = asyncio.create_task(resolver.lookup("one.example", RecordType.MX))
        while not log.queries:
            await asyncio.sleep(0.01)
        await resolver.close()
        assert DnsStatus.TIMEOUT is (await question).status
        with pytest.raises(RuntimeError):
            await resolver.lookup("one.example", RecordType.MX)


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "a..example", ".".join(["a" * 60] * 5), "é.example", ""])
async def test_a_name_that_fits_no_message_is_broken(name: str) -> None:
    """Never an exception, and nothing is sent (the root alone is a name, and is asked)."""
    async with scripted_dns(_silent) as (server, log):
        answer = await _lookup(server, name=name, timeout=0.05)
    expected = (DnsStatus.TIMEOUT, True) if name == "" else (DnsStatus.BROKEN, False)
    assert expected == (answer.status, bool(log.queries))


def test_identity_names_the_servers() -> None:
    """Facts of one resolver are told from those of another by the servers in their order."""
    servers = (Nameserver("192.0.2.53"), Nameserver("::1", 5353))
    assert DnspythonResolver(SystemClock(), servers).identity == "192.0.2.53,[::1]:5353"


def test_the_system_names_at_least_one_server() -> None:
    """Where the system names none, it is the loopback address, as for the C library."""
    assert system_nameservers()
    assert Path("/etc/resolv.conf").exists() or system_nameservers() == (Nameserver("127.0.0.1"),)
