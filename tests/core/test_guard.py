"""No probe goes where a hostile MX record could send it."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from verifier.core.guard import Guard, forbidden

_NOBODY: frozenset[str] = frozenset()
_V4 = st.ip_addresses(v=4).map(lambda address: IPv4Address(int(address)))
_V6 = st.ip_addresses(v=6).map(lambda address: IPv6Address(int(address)))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "reserved"),
        ("10.255.255.255", "private"),
        ("100.64.0.0", "carrier-grade NAT"),
        ("100.127.255.255", "carrier-grade NAT"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("169.254.169.254", "link-local"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.8", "reserved"),
        ("192.0.2.1", "documentation"),
        ("192.168.1.1", "private"),
        ("198.18.0.1", "benchmarking"),
        ("198.51.100.7", "documentation"),
        ("203.0.113.7", "documentation"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::127.0.0.1", "reserved"),
        ("::ffff:8.8.8.8", "IPv4-mapped"),
        ("::ffff:127.0.0.1", "IPv4-mapped"),
        ("64:ff9b::10.0.0.1", "private inside NAT64"),
        ("64:ff9b::a9fe:a9fe", "link-local inside NAT64"),
        ("64:ff9b:1::1", "local NAT64"),
        ("64:ff9b:1:ffff::8.8.8.8", "local NAT64"),
        ("100::1", "reserved"),
        ("2001:2::1", "benchmarking"),
        ("2001:10::1", "reserved"),
        ("2001:db8::1", "documentation"),
        ("3fff:1::1", "documentation"),
        ("2002:7f00:1::1", "loopback inside 6to4"),
        ("2002:c0a8:101::1", "private inside 6to4"),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", "private inside Teredo"),
        ("2001:0:a00:1:8000:63bf:3fff:fdd2", "private inside Teredo"),
        ("5f00::1", "reserved"),
        ("fc00::1", "unique local"),
        ("fdff::1", "unique local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("2a00::1%eth0", "link-local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
        ("", "not an address"),
        ("localhost", "not an address"),
        ("010.0.0.1", "not an address"),
        ("127.1", "not an address"),
        ("8.8.8.8:25", "not an address"),
    ],
)
def test_special_addresses_are_forbidden(address: str, reason: str) -> None:
    """Every special range, at its edges, and every way to hide an IPv4 address in an IPv6 one."""
    assert forbidden(address, _NOBODY, ()) == reason


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2a00:1450:4013::1b",
        "2620:fe::fe",
        "2606:4700::1111",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ],
)
def test_the_internet_is_open(address: str) -> None:
    """Public addresses pass, those just outside a special range too, and carried ones where the inner one is public."""
    assert forbidden(address, _NOBODY, ()) is None


@given(_V4)
@example(IPv4Address("8.8.8.8"))
def test_carried_addresses_are_judged_as_their_own(inner: IPv4Address) -> None:
    """What is forbidden in IPv4 is forbidden inside NAT64, 6to4 and Teredo; IPv4-mapped ones never pass."""
    number = int(inner)
    alone = forbidden(str(inner), _NOBODY, ()) is None
    nat64 = IPv6Address(int(IPv6Address("64:ff9b::")) | number)
    sixtofour = IPv6Address(int(IPv6Address("2002::1")) | number << 80)
    teredo = IPv6Address(int(IPv6Address("2001:0:4136:e378::")) | (number ^ 0xFFFFFFFF))
    mapped = IPv6Address(int(IPv6Address("::ffff:0:0")) | number)
    assert [forbidden(str(a), _NOBODY, ()) is None for a in (nat64, sixtofour, teredo)] == [alone] * 3
    assert forbidden(str(mapped), _NOBODY, ()) == "IPv4-mapped"


@given(_V4 | _V6)
def test_what_the_standard_library_calls_private_never_passes(address: IPv4Address | IPv6Address) -> None:
    """The guard is at least as strict as `ipaddress` about what is not for the Internet."""
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_private:
        carries = isinstance(address, IPv6Address) and (address.teredo is not None or address.sixtofour is not None)
        assert carries or forbidden(str(address), _NOBODY, ()) is not None


@given(_V4 | _V6, st.integers(0, 32))
def test_allowed_networks_pass(address: IPv4Address | IPv6Address, prefix: int) -> None:
    """Whatever lies in a listed network may be contacted, even our own address."""
    network = ip_network(f"{address}/{prefix}", strict=False)
    assert forbidden(str(address), frozenset({str(address)}), (network,)) is None


@given(_V4 | _V6)
def test_our_own_addresses_are_forbidden(address: IPv4Address | IPv6Address) -> None:
    """No address of ours is contacted, however public it is, nor through NAT64."""
    own = frozenset({str(address)})
    assert forbidden(str(address), own, ()) is not None
    if isinstance(address, IPv4Address):
        assert forbidden(str(IPv6Address(int(IPv6Address("64:ff9b::")) | int(address))), own, ()) is not None


def test_an_allowed_ipv4_network_does_not_open_its_ipv6_disguises() -> None:
    """Only the address itself is compared with the listed networks."""
    guard = Guard(allowed=(ip_network("127.0.0.0/8"),))
    reasons = [guard.reason(a) for a in ("127.0.0.2", "::ffff:127.0.0.2", "64:ff9b::127.0.0.2")]
    assert reasons == [None, "IPv4-mapped", "loopback inside NAT64"]


@given(st.text(max_size=30))
def test_any_text_gets_an_answer(text: str) -> None:
    """A text that is no address is forbidden, and nothing is ever raised."""
    try:
        ip_address(text)
    except ValueError:
        assert forbidden(text, _NOBODY, ()) == "not an address"
