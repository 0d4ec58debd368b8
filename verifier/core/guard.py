"""Which addresses must not be contacted: a domain's owner chooses where its MX points, and we shall not be sent home.

The ranges are those of the IANA special-purpose address registries (RFC 6890) and of the IPv6 unicast allocation
(RFC 4291: what is not 2000::/3 is not the Internet). Addresses that carry an IPv4 address inside are judged by it too.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from msgspec import Struct

Network = IPv4Network | IPv6Network

_RANGES_V4 = (
    ("0.0.0.0/32", "unspecified"),
    ("0.0.0.0/8", "reserved"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
)
_RANGES_V6 = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("64:ff9b:1::/48", "local NAT64"),
    ("2001:2::/48", "benchmarking"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "unique local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
_FORBIDDEN_V4 = tuple((IPv4Network(cidr), reason) for cidr, reason in _RANGES_V4)
_FORBIDDEN_V6 = tuple((IPv6Network(cidr), reason) for cidr, reason in _RANGES_V6)
_GLOBAL_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_TEREDO = IPv6Network("2001::/32")
_PROTOCOL_ASSIGNMENTS = IPv6Network("2001::/23")


class Guard(Struct, frozen=True):
    """What may not be contacted besides the special ranges (`own`: our own addresses), and what may all the same."""

    own: frozenset[str] = frozenset()
    allowed: tuple[Network, ...] = ()

    def reason(self, address: str) -> str | None:
        """As `forbidden`."""
        return forbidden(address, self.own, self.allowed)


def forbidden(address: str, own: frozenset[str], allowed: tuple[Network, ...]) -> str | None:
    """Why the address must not be contacted, in a word or two; None where it may be.

    `own` holds addresses as `str(ip_address(...))` writes them. An address within `allowed` itself always passes; one
    that only carries an allowed IPv4 address inside does not pass for that.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "not an address"
    if any(parsed in network for network in allowed):
        return None
    if isinstance(parsed, IPv4Address):
        return _forbidden_v4(parsed, own)
    return _forbidden_v6(parsed, own)


def _forbidden_v4(address: IPv4Address, own: frozenset[str]) -> str | None:
    if str(address) in own:
        return "our own"
    return next((reason for network, reason in _FORBIDDEN_V4 if address in network), None)


def _forbidden_v6(address: IPv6Address, own: frozenset[str]) -> str | None:
    if address.scope_id is not None:
        return "link-local"
    if str(address) in own:
        return "our own"
    for network, reason in _FORBIDDEN_V6:
        if address in network:
            return reason
    for carrier, inner in _inside(address):
        reason_inside = _forbidden_v4(inner, own)
        if reason_inside is not None:
            return f"{reason_inside} inside {carrier}"
    if address in _NAT64 or address in _TEREDO:
        return None
    if address not in _GLOBAL_V6 or address in _PROTOCOL_ASSIGNMENTS:
        return "reserved"
    return None


def _inside(address: IPv6Address) -> tuple[tuple[str, IPv4Address], ...]:
    """The IPv4 addresses that an IPv6 address leads to (RFC 6052, 3056, 4380), with the name of the way."""
    if address in _NAT64:
        return (("NAT64", IPv4Address(int(address) & 0xFFFFFFFF)),)
    if address.sixtofour is not None:
        return (("6to4", address.sixtofour),)
    if address.teredo is not None:
        server, client = address.teredo
        return (("Teredo", server), ("Teredo", client))
    return ()
