"""Where everything is: from a name or a number to the host, its address and the domains that it serves. Pure."""

import re
from ipaddress import IPv4Address

import idna
from msgspec import Struct

from verifier.world.chance import draw
from verifier.world.host_kinds import HOST_KINDS
from verifier.world.personalities import PERSONALITIES, PROVIDER_EXCHANGES, Personality

_WORDS = """
acme bluebird cedar delta evergreen fjord granite harbor ivory jasmine kestrel lumen meadow nordwind orchard
pioneer quartz riverside summit tulip union vertex willow xenon yonder zenith atlas beacon cobalt dynamo ember
falcon glacier horizon indigo juniper krone laurel magnet nova olive prisma quercus raven saffron tundra ultra
vista wander yellow münchen françois łódź smørrebrød açaí москва δέλτα 東京
"""
WORDS = tuple(_WORDS.split())
HOSTS_MAX = 1_200
"""Hosts of one kind at most: each has a /24 of its own, as machines of different owners have."""
_FIRST = 256
_NUMBERED = re.compile(r"(\D+?)(\d{0,9})")
_OWN_HOST = re.compile(r"mx(\d{1,4})\.([a-z-]+)\.hosts\.example")
_IMITATED = (
    (".mail.protection.outlook.com", "exchange"),
    (".olc.protection.outlook.com", "outlook"),
    ("aspmx.l.google.com", "gmail"),
    ("gmail-smtp-in.l.google.com", "gmail"),
    ("smtp.google.com", "gmail"),
    (".am0.yahoodns.net", "yahoo"),
    (".mail.icloud.com", "icloud"),
)
_KIND_NUMBERS = {name: number for number, name in enumerate(HOST_KINDS)}
_PROVIDER_HOSTS = frozenset(name for names in PROVIDER_EXCHANGES.values() for name in names)
_FIRST_WORDS = {name: 7 * number % len(WORDS) for number, name in enumerate(PERSONALITIES)}
_BY_DOMAIN = {domain: p for p in PERSONALITIES.values() for domain in p.domains}


class Host(Struct, frozen=True):
    """One machine: its kind, its number among its kind, and its loopback address."""

    kind: str
    number: int
    address: str


class Exchange(Struct, frozen=True):
    """One MX record: preference, name, and the host that the name leads to, None where it leads nowhere."""

    preference: int
    name: str
    host: Host | None


class Site(Struct, frozen=True):
    """One domain (A-label) with its personality and its exchanges."""

    domain: str
    personality: Personality
    exchanges: tuple[Exchange, ...] = ()

    @property
    def kind(self) -> str | None:
        """The kind of the host that speaks for its mailboxes: the best one that listens."""
        kinds = [exchange.host.kind for exchange in self.exchanges if exchange.host is not None]
        return next((kind for kind in kinds if HOST_KINDS[kind].listens), kinds[0] if kinds else None)


def host(kind: str, number: int) -> Host:
    """The `number`-th host of a kind."""
    place = _FIRST + _KIND_NUMBERS[kind] * HOSTS_MAX + number
    return Host(kind, number, str(IPv4Address((127 << 24) | (place << 8) | 1)))


def host_name(machine: Host) -> str:
    """What a host calls itself."""
    return f"mx{machine.number}.{machine.kind}.hosts.example"


def host_named(seed: int, hosts: int, name: str) -> Host | None:
    """The host that an exchange's name leads to, None where there is no such name."""
    own = _OWN_HOST.fullmatch(name)
    if own:
        kind, number = own[2], int(own[1])
        return host(kind, number) if kind in HOST_KINDS and number < hosts else None
    for suffix, kind in _IMITATED:
        if name == suffix or name.endswith(suffix if suffix[0] == "." else "." + suffix):
            return host(kind, draw(seed, "imitated", name) % hosts)
    if name in _PROVIDER_HOSTS:
        return host("provider", draw(seed, "imitated", name) % hosts)
    return None


def label(number: int) -> str:
    """The `number`-th name that a company may have, as people write it."""
    turn, place = divmod(number, len(WORDS))
    return WORDS[place] + (str(turn) if turn else "")


def domain_name(personality: str, number: int) -> str:
    """The `number`-th domain of a personality, as people write it (a U-label where it has one)."""
    fixed = PERSONALITIES[personality].domains
    if fixed:
        return fixed[number % len(fixed)]
    return f"{label(number + _FIRST_WORDS[personality])}.{personality}.example"


def a_label(domain: str) -> str:
    """A domain as DNS knows it: lower-case A-labels. Text that is no domain comes back as it was, in lower case."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return domain.lower()


def site(seed: int, hosts: int, domain: str) -> Site | None:
    """What is known of a domain (A-label), None where the world has no such domain."""
    personality = _personality(domain)
    if personality is None:
        return None
    names = _exchange_names(seed, hosts, domain, personality)
    preferences = [preference for preference, _ in personality.exchanges]
    if domain in PROVIDER_EXCHANGES:
        preferences = [10 * (place + 1) for place in range(len(names))]
    return Site(
        domain,
        personality,
        tuple(Exchange(p, n, host_named(seed, hosts, n)) for p, n in zip(preferences, names, strict=False)),
    )


def _personality(domain: str) -> Personality | None:
    if domain in _BY_DOMAIN:
        return _BY_DOMAIN[domain]
    if domain in PROVIDER_EXCHANGES:
        exchange = PROVIDER_EXCHANGES[domain][0]
        return PERSONALITIES["exchange" if exchange.endswith(".outlook.com") else "provider"]
    labels = domain.split(".")
    if len(labels) != 3 or labels[2] != "example":
        return None
    personality = PERSONALITIES.get(labels[1])
    return personality if personality and not personality.domains and _is_company(labels[0]) else None


def _is_company(text: str) -> bool:
    if text.startswith("xn--"):
        try:
            text = idna.decode(text)
        except idna.IDNAError:
            return False
    found = _NUMBERED.fullmatch(text)
    return found is not None and found[1] in WORDS and not found[2].startswith("0")


def _exchange_names(seed: int, hosts: int, domain: str, personality: Personality) -> tuple[str, ...]:
    if domain in PROVIDER_EXCHANGES:
        return PROVIDER_EXCHANGES[domain]
    dashed = domain.replace(".", "-")
    match personality.name:
        case "exchange":
            return (f"{dashed}.mail.protection.outlook.com",)
        case "outlook":
            return (f"{dashed}.olc.protection.outlook.com",)
        case "workspace":
            return ("aspmx.l.google.com", *(f"alt{n}.aspmx.l.google.com" for n in (1, 2, 3)))
        case "yahoo":
            return tuple(f"mta{n}.am0.yahoodns.net" for n in (5, 6, 7))
    first = draw(seed, "host", domain) % hosts
    return tuple(
        f"mx{(first + place) % hosts}.{kind}.hosts.example" for place, (_, kind) in enumerate(personality.exchanges)
    )
