"""Whose request it is, where proxies stand in between: a pure reading of X-Forwarded-For.

Law: an address that a stranger wrote into the header himself is never believed. Each proxy adds at the right end whom
it was asked by; so from the right, past the own proxies (loopback and private addresses), the first public address is
what an own proxy saw. A peer that is public is no proxy of ours, and its header is not read.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_MOST_HOPS = 10
_IPV6_PREFIX = 64
UNKNOWN = "unknown"


def client_network(peer: str | None, forwarded: str) -> str:
    """The IPv4 address, or the IPv6 /64 (what one household gets), that a request came from.

    `peer` is the other end of the connection, `forwarded` the X-Forwarded-For header.
    """
    nearest = _parsed(peer or "")
    if nearest is None:
        return UNKNOWN
    hops = forwarded.rsplit(",", _MOST_HOPS)[-_MOST_HOPS:] if forwarded else []
    while hops and nearest.is_private:
        hop = _parsed(hops.pop())
        if hop is None:
            break
        nearest = hop
    if isinstance(nearest, IPv6Address):
        return str(ip_network((nearest, _IPV6_PREFIX), strict=False))
    return str(nearest)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
