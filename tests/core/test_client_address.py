"""Whose request it is, behind proxies."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.client_address import UNKNOWN, client_network

_PUBLIC = st.ip_addresses(v=4).filter(lambda address: address.is_global)


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("9.9.9.9", "", "9.9.9.9"),
        ("9.9.9.9", "8.8.8.8", "9.9.9.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "8.8.8.8", "8.8.8.8"),
        ("127.0.0.1", "1.1.1.1, 8.8.8.8", "8.8.8.8"),
        ("172.18.0.2", "1.1.1.1, 8.8.8.8, 10.0.0.7", "8.8.8.8"),
        ("127.0.0.1", "8.8.8.8, nonsense", "127.0.0.1"),
        ("127.0.0.1", "10.0.0.9", "10.0.0.9"),
        ("2606:4700::1:2:3:4", "", "2606:4700::/64"),
        ("::1", "[2606:4700:0:0:1::9]", "2606:4700::/64"),
        ("::ffff:127.0.0.1", "::ffff:8.8.8.8", "8.8.8.8"),
        ("fe80::1%eth0", "", "fe80::/64"),
        (None, "8.8.8.8", UNKNOWN),
        ("", "", UNKNOWN),
    ],
)
def test_the_client_is_whom_the_own_proxy_saw(peer: str | None, forwarded: str, network: str) -> None:
    """From the right, past own proxies; a household's IPv6 addresses are one client."""
    assert client_network(peer, forwarded) == network


@given(_PUBLIC, st.text(max_size=200))
def test_nobody_chooses_who_he_is(real: object, written: str) -> None:
    """Whatever a client writes into the header, the proxy's own entry counts; and without a proxy, none."""
    assert client_network("127.0.0.1", f"{written},{real}") == str(real)
    assert client_network(str(real), written) == str(real)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_may_stand_there(peer: str, forwarded: str) -> None:
    """Nothing is raised, and the answer is short: an address, a network, or that it is not known."""
    network = client_network(peer, forwarded)
    assert network == UNKNOWN or ip_address(network.partition("/")[0])
