"""The name server says what the world's zone holds; dnspython is the judge."""

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.world import PERSONALITIES, Honesty, RunningWorld, World
from verifier.world.dns_wire import answer, parse
from verifier.world.zone import IDENTITY


def resolver_of(running: RunningWorld, lifetime: float = 5.0) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = running.name_server.address[1]
    resolver.lifetime = lifetime
    return resolver


async def mx_of(running: RunningWorld, domain: str) -> list[tuple[int, str]]:
    found = await resolver_of(running).resolve(domain, "MX")
    return sorted((record.preference, record.exchange.to_text(omit_final_dot=True)) for record in found)


async def status_of(running: RunningWorld, name: str, rtype: str = "MX") -> str:
    try:
        await resolver_of(running, 0.3 if ".silent." in name else 5.0).resolve(name, rtype)
    except dns.resolver.NXDOMAIN:
        return "nxdomain"
    except dns.resolver.NoAnswer:
        return "nodata"
    except dns.resolver.NoNameservers as error:
        return str(error.kwargs["errors"][0][3])
    except dns.exception.Timeout:
        return "timeout"
    return "ok"


@pytest.mark.parametrize("personality", [p.name for p in PERSONALITIES.values() if p.exchanges and p.route == "mx"])
async def test_mx_and_addresses_lead_to_the_hosts(running: RunningWorld, personality: str) -> None:
    """MX sets carry their preferences, and each exchange has its host's address, and no IPv6."""
    domain = running.world.domain(personality, 53)
    site = running.world.site(domain)
    expected = sorted((exchange.preference, exchange.name) for exchange in site.exchanges)
    assert expected == await mx_of(running, domain)
    for exchange in site.exchanges:
        found = await resolver_of(running).resolve(exchange.name, "A")
        assert [exchange.host.address] == [record.address for record in found]
        assert await status_of(running, exchange.name, "AAAA") == "nodata"


@pytest.mark.parametrize(
    ("personality", "expected"),
    [
        ("nxdomain", "nxdomain"),
        ("nodata", "nodata"),
        ("implicit", "nodata"),
        ("servfail", "SERVFAIL"),
        ("refused", "REFUSED"),
        ("silent", "timeout"),
        ("typo", "nxdomain"),
    ],
)
async def test_answers_without_mx(running: RunningWorld, personality: str, expected: str) -> None:
    """Each way of having no MX is told apart."""
    assert expected == await status_of(running, running.world.domain(personality))


async def test_special_mx_sets(running: RunningWorld) -> None:
    """Null MX, one that is mixed with others, an address as a name, an exchange that does not exist."""
    domain = running.world.domain
    assert [(p, name.rstrip(".") if name != "@" else "") for p, name in await mx_of(running, domain("null-mx"))] == [
        (0, "")
    ]
    assert len(await mx_of(running, domain("mixed-null"))) == 3
    assert await mx_of(running, domain("literal")) == [(10, "10.0.0.1")]
    dangling = await mx_of(running, domain("dangling"))
    assert [await status_of(running, name, "A") for _, name in dangling] == ["nxdomain"] * 2
    partial = await mx_of(running, domain("partial"))
    assert [await status_of(running, name, "A") for _, name in partial] == ["nxdomain", "ok", "ok"]
    ((_, unanswered),) = await mx_of(running, domain("unanswered"))
    assert await status_of(running, unanswered, "A") == "SERVFAIL"


async def test_an_implicit_mx_has_an_address(running: RunningWorld) -> None:
    """No MX, but the domain's own address is a mail host."""
    domain = running.world.domain("implicit")
    found = await resolver_of(running).resolve(domain, "A")
    assert [running.world.site(domain).exchanges[0].host.address] == [record.address for record in found]


async def test_aliases(running: RunningWorld) -> None:
    """A domain that is a CNAME, and an exchange that is one, lead to the same hosts in the end."""
    domain = running.world.domain("alias")
    found = await resolver_of(running).resolve(domain, "MX")
    assert f"route.{domain}." == found.canonical_name.to_text()
    exchanges = await mx_of(running, running.world.domain("exchange-alias"))
    address = await resolver_of(running).resolve(exchanges[0][1], "A")
    assert exchanges[0][1] == "alias." + address.canonical_name.to_text(omit_final_dot=True)


async def test_a_large_set_comes_over_tcp(running: RunningWorld) -> None:
    """The datagram is truncated and empty; the stream brings all forty-two."""
    domain = running.world.domain("many")
    query = dns.message.make_query(domain, "MX", use_edns=True)
    port = running.name_server.address[1]
    short = await dns.asyncquery.udp(query, "127.0.0.1", port=port, timeout=1)
    assert (bool(short.flags & dns.flags.TC), len(short.answer)) == (True, 0)
    assert len(await mx_of(running, domain)) == 42


async def test_private_exchanges(running: RunningWorld) -> None:
    """Every address there is one that must not be contacted; v4-mapped ones too."""
    seen = set()
    for number in range(40):
        for _, name in await mx_of(running, running.world.domain("private", number)):
            for rtype in ("A", "AAAA"):
                if await status_of(running, name, rtype) == "ok":
                    seen |= {record.address for record in await resolver_of(running).resolve(name, rtype)}
    assert not [address for address in seen if address.startswith("127.")]
    assert {"10.1.2.3", "169.254.169.254", "::ffff:10.0.0.1"} <= seen


async def test_negative_answers_carry_an_soa(running: RunningWorld) -> None:
    """So that they can be kept as long as RFC 2308 says."""
    for domain in (running.world.domain("nxdomain"), running.world.domain("nodata")):
        query = dns.message.make_query(domain, "MX")
        reply = await dns.asyncquery.udp(query, "127.0.0.1", port=running.name_server.address[1], timeout=1)
        (soa,) = reply.authority
        assert (soa.ttl, soa[0].minimum, soa.name.to_text()) == (300, 300, "example.")


async def test_the_prober_has_an_identity(running: RunningWorld) -> None:
    """Address, PTR, SPF and MX of the name that the settings give it agree; block lists know the test entry only."""
    resolver = resolver_of(running)
    assert [r.address for r in await resolver.resolve(IDENTITY, "A")] == ["127.0.0.1"]
    assert [r.target.to_text(omit_final_dot=True) for r in await resolver.resolve_address("127.0.0.1")] == [IDENTITY]
    assert await status_of(running, IDENTITY, "TXT") == "ok"
    assert await status_of(running, "2.0.0.127.zen.spamhaus.org", "A") == "ok"
    assert await status_of(running, "1.0.0.127.zen.spamhaus.org", "A") == "nxdomain"


async def test_canaries(running: RunningWorld) -> None:
    """Well-known domains resolve, and no name below or beside them that was made up."""
    for domain in ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "gmx.de", "mail.ru", "qq.com", "proton.me"):
        assert await status_of(running, domain) == "ok"
        assert await status_of(running, f"jkesvora48tnl.{domain}", "A") == "nxdomain"
    for name in (
        "jkesvora48tnl.com",
        "jkesvora48tnl.example",
        "jkesvora48tnl.postfix.example",
        "jkesvora48tnl.invalid",
    ):
        assert await status_of(running, name) == "nxdomain"


async def test_a_resolver_with_a_search_page() -> None:
    """Names that do not exist lead somewhere; those that do, to where they should."""
    async with World(7, hosts=1, honesty=Honesty.SEARCH_PAGE).serve() as running:
        for rtype in ("A", "MX"):
            assert await status_of(running, "jkesvora48tnl.invalid", rtype) == "ok"
        assert [e.name for e in running.world.site("gmail.com").exchanges] == [
            n for _, n in await mx_of(running, "gmail.com")
        ]


async def test_a_resolver_for_which_nothing_exists() -> None:
    """NXDOMAIN for everything."""
    async with World(7, hosts=1, honesty=Honesty.NXDOMAIN).serve() as running:
        assert await status_of(running, "gmail.com") == "nxdomain"


async def test_questions_are_counted(running: RunningWorld) -> None:
    """By name and type, so that a resolver's kindness can be judged."""
    await mx_of(running, "gmail.com")
    await mx_of(running, "GMAIL.com")
    assert dict(running.name_server.asked) == {("gmail.com", "MX"): 2}


@given(st.binary(max_size=80))
def test_no_octets_disturb_it(octets: bytes) -> None:
    """Whatever comes, the answer is a DNS message or none."""
    reply = answer(World(7), octets, parse(octets), datagram=True, bodies={})
    if reply is not None:
        assert octets[:2] == reply[:2]


NAMES = st.one_of(
    st.builds(lambda p, n: World(7).domain(p, n), st.sampled_from(sorted(PERSONALITIES)), st.integers(0, 500)),
    st.sampled_from(["mx0.postfix.hosts.example", "alias.mx1.exim.hosts.example", "private3.hosts.example", IDENTITY]),
)


@given(NAMES, st.sampled_from(["MX", "A", "AAAA", "TXT", "PTR", "CNAME", "ANY", "SOA"]), st.booleans())
def test_the_octets_are_what_dnspython_would_write(name: str, rtype: str, edns: bool) -> None:
    """Every answer built by hand parses, and says again the same when dnspython has written it."""
    query = dns.message.make_query(name, rtype, use_edns=edns)
    octets = query.to_wire()
    reply = answer(World(7), octets, parse(octets), datagram=False, bodies={})
    if reply is None:
        assert ".silent.example" in name
        return
    message = dns.message.from_wire(reply)
    assert query.is_response(message)
    assert message == dns.message.from_wire(message.to_wire())
