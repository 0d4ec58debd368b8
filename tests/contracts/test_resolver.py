"""The contract of the Resolver port, held by the adapter on either event loop (asking NSD) and by the tests' fake."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
import uvloop

from tests.support.nsd import nsd
from tests.support.zone_resolver import ZoneResolver
from verifier.adapters.dnspython_resolver import DnspythonResolver
from verifier.adapters.system_clock import SystemClock
from verifier.core.setting_values import Nameserver
from verifier.ports import Answer, DnsStatus, RecordType, Resolver

_SOA = "@ 900 SOA ns.example. hostmaster.example. 1 3600 900 604800 600\n@ NS ns.example.\n"
ZONES = {
    "example": "$TTL 3600\n"
    + _SOA
    + """
ns A 127.0.0.1
one MX 20 MX2
one MX 10 mx1
mx1 300 A 192.0.2.1
mx1 300 A 192.0.2.2
mx2 AAAA 2001:db8::2
null MX 0 .
alias 60 CNAME one
alias2 CNAME alias
lost 120 CNAME nowhere
away CNAME one.other.
mute CNAME mx1
out CNAME one.elsewhere.
loop CNAME pool
pool CNAME loop
*.wild MX 5 mx1
text TXT "v=spf1 " "-all"
xn--bcher-kva MX 10 mx1
"""
    + "".join(f"many MX {i} a-rather-long-name-of-an-exchange-{i}.many\n" for i in range(1, 151)),
    "other": "$TTL 1800\n" + _SOA + "one MX 10 mx1.example.\n",
    "2.0.192.in-addr.arpa": "$TTL 3600\n" + _SOA + "1 PTR MX1.example.\n",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with nsd(tmp_path_factory.mktemp("nsd"), ZONES) as port:
        yield port


Ask = Callable[[str, RecordType], Answer]


@pytest.fixture(params=["asyncio", "uvloop", "fake"])
def ask(request: pytest.FixtureRequest, port: int) -> Iterator[Ask]:
    loops = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop, "fake": asyncio.new_event_loop}
    with asyncio.Runner(loop_factory=loops[request.param]) as runner:
        resolver: Resolver = (
            ZoneResolver(ZONES)
            if request.param == "fake"
            else DnspythonResolver(SystemClock(), [Nameserver("127.0.0.1", port)])
        )

        async def lookup(name: str, record_type: RecordType) -> Answer:
            return await resolver.lookup(name, record_type)

        yield lambda name, record_type: runner.run(lookup(name, record_type))
        runner.run(resolver.close())


def test_mx_records_are_lower_case_without_the_last_dot(ask: Ask) -> None:
    """MX gives (preference, exchange), lower case, no last dot, with the TTL of the set."""
    answer = ask("one.example", RecordType.MX)
    assert tuple(sorted(answer.records)) == ((10, "mx1.example"), (20, "mx2.example"))
    assert (answer.status, answer.ttl) == (DnsStatus.OK, 3600)


def test_names_are_asked_without_regard_to_case(ask: Ask) -> None:
    """ONE.Example is one.example (RFC 4343)."""
    assert ask("one.example", RecordType.MX).records == ask("ONE.Example", RecordType.MX).records


def test_a_null_mx_is_an_empty_name(ask: Ask) -> None:
    """`MX 0 .` is (0, "")."""
    assert ask("null.example", RecordType.MX).records == ((0, ""),)


def test_addresses(ask: Ask) -> None:
    """A and AAAA give (0, address)."""
    assert {(0, "192.0.2.1"), (0, "192.0.2.2")} == set(ask("mx1.example", RecordType.A).records)
    assert ask("mx2.example", RecordType.AAAA).records == ((0, "2001:db8::2"),)


def test_text_is_joined(ask: Ask) -> None:
    """The strings of one TXT record are one text (RFC 7208 §3.3)."""
    assert ask("text.example", RecordType.TXT).records == ((0, "v=spf1 -all"),)


def test_ptr_takes_an_address_or_a_reverse_name(ask: Ask) -> None:
    """Both ways of writing the question give the same host name."""
    assert ask("192.0.2.1", RecordType.PTR).records == ((0, "mx1.example"),)
    assert ask("1.2.0.192.in-addr.arpa", RecordType.PTR).records == ((0, "mx1.example"),)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("nowhere.example", DnsStatus.NXDOMAIN),
        ("mx1.example", DnsStatus.NODATA),
        ("one.elsewhere", DnsStatus.REFUSED),
        ("out.example", DnsStatus.REFUSED),
        ("lost.example", DnsStatus.NXDOMAIN),
        ("mute.example", DnsStatus.NODATA),
        ("loop.example", DnsStatus.BROKEN),
    ],
)
def test_what_is_not_an_answer_is_told_apart(ask: Ask, name: str, status: DnsStatus) -> None:
    """No such name, no such record, a refusal and a loop of aliases are four things, also at an alias's end."""
    answer = ask(name, RecordType.MX)
    assert (status, ()) == (answer.status, answer.records)


def test_negative_answers_carry_the_least_of_soa_ttl_and_minimum(ask: Ask) -> None:
    """RFC 2308 §5: min(SOA TTL, SOA minimum), for NXDOMAIN and NODATA alike; an alias's TTL bounds it too."""
    assert ask("nowhere.example", RecordType.MX).ttl == 600
    assert ask("mx1.example", RecordType.MX).ttl == 600
    assert ask("lost.example", RecordType.MX).ttl == 120


@pytest.mark.parametrize(("name", "ttl"), [("alias.example", 60), ("alias2.example", 60), ("away.example", 1800)])
def test_aliases_are_followed_with_the_least_ttl(ask: Ask, name: str, ttl: int) -> None:
    """A chain is followed within the answer and, where the server cuts it, by asking again."""
    answer = ask(name, RecordType.MX)
    assert (DnsStatus.OK, True, ttl) == (answer.status, (10, "mx1.example") in answer.records, answer.ttl)


def test_a_truncated_answer_comes_whole(ask: Ask) -> None:
    """What does not fit into a datagram is asked for over TCP."""
    assert len(ask("many.example", RecordType.MX).records) == 150


def test_wildcards_and_idn(ask: Ask) -> None:
    """A wildcard answers for what is below it; A-labels are names like others."""
    assert ask("x.wild.example", RecordType.MX).records == ((5, "mx1.example"),)
    assert ask("xn--bcher-kva.example", RecordType.MX).records == ((10, "mx1.example"),)
