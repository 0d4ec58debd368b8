"""What DNS says of every name: the world's one zone, as values. Pure."""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from msgspec import Struct

from verifier.world.chance import draw
from verifier.world.geography import Site
from verifier.world.personalities import PERSONALITIES, PROVIDER_EXCHANGES, Route
from verifier.world.truth import Honesty
from verifier.world.world import World

IDENTITY = "probe.verifier.example"
"""The prober's own name here: address, PTR and SPF agree."""
SEARCH_PAGE = IPv4Address("127.255.255.1")
"""Where a lying resolver leads to; nothing listens there."""
NEGATIVE_TTL = 300

FORBIDDEN = (
    "10.1.2.3",
    "192.168.1.25",
    "172.16.0.9",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.5",
    "192.0.2.1",
    "::1",
    "::ffff:10.0.0.1",
    "fc00::25",
    "fe80::25",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
    "2001:db8::25",
)
"""Addresses that no prober may contact (RFC 1918, 3927, 4193, 5737, 6598 and what wraps them)."""


class Fault(NamedTuple):
    """An answer that is none: `rcode` alone, or silence where it is None."""

    rcode: int | None


class Name(Struct, frozen=True):
    """One name with all its records; a name without any is NODATA for every type.

    `mx`: (preference, exchange), "" for the null MX. `alias`: this name is a CNAME, and the records are the target's.
    `truncated`: never whole in a datagram.
    """

    mx: tuple[tuple[int, str], ...] = ()
    a: tuple[IPv4Address, ...] = ()
    aaaa: tuple[IPv6Address, ...] = ()
    txt: tuple[str, ...] = ()
    ptr: str = ""
    alias: str = ""
    truncated: bool = False
    ttl: int = 300


NXDOMAIN = 3
_NOTHING = Name()
_MISSING = Fault(NXDOMAIN)
_FIXED: dict[Route, Name | Fault] = {
    Route.NXDOMAIN: _MISSING,
    Route.SERVFAIL: Fault(2),
    Route.REFUSED: Fault(5),
    Route.SILENT: Fault(None),
    Route.NODATA: Name(txt=("nothing to see here",)),
    Route.NULL_MX: Name(mx=((0, ""),)),
    Route.LITERAL: Name(mx=((10, "10.0.0.1"),)),
    Route.UNANSWERED: Name(mx=((10, "unanswered.hosts.example"),)),
}
_TTLS = (300, 900, 3600, 86400)
_MANY = 40
_REVERSE = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(.+)")
_EXISTING = frozenset({"example", "hosts.example", "verifier.example", *(f"{name}.example" for name in PERSONALITIES)})


def look_up(world: World, name: str) -> Name | Fault:
    """What the resolver says of a name (lower-case A-labels, no last dot), as honest as the world's network is."""
    if world.honesty is Honesty.NXDOMAIN:
        return _MISSING
    found = _truth(world, name)
    if found == _MISSING and world.honesty is Honesty.SEARCH_PAGE:
        return Name(mx=((0, "search.hosts.example"),), a=(SEARCH_PAGE,))
    return found


def _truth(world: World, name: str) -> Name | Fault:
    place = world.site(name)
    if place is not None:
        return _domain(world, place)
    target = name.removeprefix("route.")
    if target != name:
        place = world.site(target)
        return _mx_set(world, place) if place and place.personality.route is Route.ALIAS else _MISSING
    if name.endswith((".hosts.example", ".com", ".net", ".de", ".ru", ".fr", ".ch", ".it")):
        return _machine(world, name)
    return _service(name)


def _domain(world: World, place: Site) -> Name | Fault:
    route = place.personality.route
    if route in _FIXED:
        return _FIXED[route]
    match route:
        case Route.DANGLING:
            return Name(mx=((10, f"mx.{place.domain}"), (20, f"mx2.{place.domain}")), ttl=_ttl(world, place.domain))
        case Route.PRIVATE:
            first = draw(world.seed, "private", place.domain)
            names = (f"private{(first + step) % len(FORBIDDEN)}.hosts.example" for step in range(2))
            return Name(mx=tuple((10 * step, exchange) for step, exchange in enumerate(names, 1)))
        case Route.IMPLICIT:
            host = place.exchanges[0].host
            return Name(a=(IPv4Address(host.address),)) if host else _NOTHING
        case Route.ALIAS:
            chain = _mx_set(world, place)
            return Name(mx=chain.mx, alias=f"route.{place.domain}", ttl=chain.ttl)
    return _mx_set(world, place)


def _mx_set(world: World, place: Site) -> Name:
    records = tuple((exchange.preference, exchange.name) for exchange in place.exchanges)
    truncated = False
    match place.personality.route:
        case Route.EXCHANGE_ALIAS:
            records = tuple((preference, f"alias.{exchange}") for preference, exchange in records)
        case Route.PARTIAL:
            records = ((5, f"mx.{place.domain}"), *records)
        case Route.MIXED_NULL:
            records = ((0, ""), *records)
        case Route.MANY:
            records = (*records, *((100 + n, f"mx{n}.backup-of-{place.domain}") for n in range(_MANY)))
            truncated = True
    web = (SEARCH_PAGE,) if place.domain in PROVIDER_EXCHANGES or place.personality.domains else ()
    return Name(mx=records, a=web, truncated=truncated, ttl=_ttl(world, place.domain))


def _machine(world: World, name: str) -> Name | Fault:
    if name == "unanswered.hosts.example":
        return Fault(2)
    if name == "search.hosts.example" and world.honesty is Honesty.SEARCH_PAGE:
        return Name(a=(SEARCH_PAGE,))
    number = name.removeprefix("private").removesuffix(".hosts.example")
    if number.isdecimal() and int(number) < len(FORBIDDEN):
        text = FORBIDDEN[int(number)]
        return Name(aaaa=(IPv6Address(text),)) if ":" in text else Name(a=(IPv4Address(text),))
    target = name.removeprefix("alias.")
    host = world.host_named(target)
    if host is None:
        return _MISSING
    return Name(a=(IPv4Address(host.address),), alias="" if target == name else target)


def _service(name: str) -> Name | Fault:
    """The prober's own names, reverse names, and the test entry that every DNS block list has (RFC 5782 §5)."""
    if name == IDENTITY:
        return Name(mx=((10, IDENTITY),), a=(IPv4Address("127.0.0.1"),), txt=("v=spf1 ip4:127.0.0.0/8 -all",))
    if name in _EXISTING or name == "":
        return _NOTHING
    found = _REVERSE.fullmatch(name)
    if found:
        *octets, zone = found.groups()
        if zone == "in-addr.arpa":
            return Name(ptr=IDENTITY) if octets[3] == "127" else _MISSING
        if octets == ["2", "0", "0", "127"]:
            return Name(a=(IPv4Address("127.0.0.2"),), txt=("test entry",))
    return _MISSING


def _ttl(world: World, domain: str) -> int:
    return _TTLS[draw(world.seed, "ttl", domain) % len(_TTLS)]
