"""From DNS answers to a mail route: where a domain's mail goes, and how long DNS vouches for that.

Law: a permanent status comes only from answers that say so. Where any question that could have found a host failed for
the moment, the route is TEMP_ERROR. (RFC 5321 §5.1, RFC 7505, RFC 2308; docs/architecture.md, Freshness.)
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from verifier.core.dns import Answer, DnsStatus
from verifier.core.facts import MailHost, MailRoute, RouteStatus
from verifier.core.guard import Guard

MOST_HOSTS = 3
MOST_ADDRESSES = 2
MOST_EXCHANGES_ASKED = 24
_SHORTEST = timedelta(minutes=5)
_LONGEST = timedelta(days=1)
_LONGEST_NEGATIVE = timedelta(hours=3)
_SHORTEST_NEGATIVE = timedelta(seconds=30)
_FIRST_FAILURE = timedelta(seconds=30)
_LONGEST_FAILURE = timedelta(minutes=5)
_FAILURE_WORDS = {
    DnsStatus.SERVFAIL: "SERVFAIL from",
    DnsStatus.REFUSED: "the question was refused by",
    DnsStatus.TIMEOUT: "no answer from",
    DnsStatus.BROKEN: "an unusable answer from",
}


class Exchange(Struct, frozen=True):
    """One MX record: `name` as in `Answer`, lower preference first."""

    preference: int
    name: str


class HostAddresses(Struct, frozen=True):
    """What DNS says of one host: `addresses` that may be contacted, IPv4 first, and otherwise why there are none.

    `failed` means that a question failed for the moment, so that an empty `addresses` proves nothing; `refused` that
    there are addresses and none may be contacted; `words` says what was seen, for people.
    """

    name: str
    addresses: tuple[str, ...]
    expires_at: datetime
    failed: bool = False
    refused: bool = False
    words: str = ""


def exchanges(mx: Answer, key: float) -> tuple[Exchange, ...]:
    """The exchanges in the order of asking: by preference, equal ones shuffled by `key`.

    A null MX among others drops out; a name that comes twice keeps its better preference. Empty where the answer holds
    a null MX only, or nothing.
    """
    best: dict[str, int] = {}
    for preference, name in mx.records:
        if name:
            best[name] = min(preference, best.get(name, preference))
    found = [Exchange(preference, name) for name, preference in best.items()]
    if len(set(best.values())) < len(found):
        found.sort(key=lambda exchange: _lot(exchange.name, key))
    return tuple(sorted(found, key=lambda exchange: exchange.preference))


def is_host_name(name: str) -> bool:
    """A name that may be looked up as a mail host: no IP literal, no single label, nothing under localhost."""
    labels = name.strip(".[]").split(".")
    return len(labels) > 1 and labels[-1] != "localhost" and not labels[-1].isdigit()


def exchanges_to_ask(ordered: tuple[Exchange, ...], known: Mapping[str, HostAddresses]) -> tuple[str, ...]:
    """The next exchanges whose addresses are needed: as many as are missing to MOST_HOSTS; () when it is enough."""
    usable = sum(1 for exchange in ordered if exchange.name in known and known[exchange.name].addresses)
    wanted = min(MOST_HOSTS - usable, MOST_EXCHANGES_ASKED - len(known))
    unknown = [e.name for e in ordered if e.name not in known and is_host_name(e.name)]
    return tuple(unknown[: max(wanted, 0)])


def needs_ipv6(a: Answer, guard: Guard) -> bool:
    """IPv6 is asked for only where IPv4 gives nothing that may be contacted, and the name may exist."""
    if a.status is DnsStatus.OK:
        return all(guard.reason(address) is not None for _, address in a.records)
    return a.status is not DnsStatus.NXDOMAIN


def host_addresses(name: str, answers: tuple[Answer, ...], guard: Guard, now: datetime) -> HostAddresses:
    """One host, from the answers to its address questions (A, then AAAA where it was asked)."""
    usable: list[str] = []
    words: list[str] = []
    failed = False
    refused = False
    ends: list[datetime] = []
    for answer in answers:
        if answer.status in _FAILURE_WORDS:
            failed = True
            words.append(f"{name}: {failure_words(answer)}")
            ends.append(now + _FIRST_FAILURE)
        elif answer.status is DnsStatus.OK:
            ends.append(now + positive_lifetime(answer.ttl))
            for _, address in answer.records:
                reason = guard.reason(address)
                if reason is None:
                    usable.append(address)
                else:
                    refused = True
                    words.append(f"{name} is {address} ({reason})")
        else:
            ends.append(now + negative_lifetime(answer.ttl))
    if not words and not usable:
        absent = any(answer.status is DnsStatus.NXDOMAIN for answer in answers)
        words.append(f"{name} does not exist" if absent else f"{name} has no address")
    return HostAddresses(
        name=name,
        addresses=tuple(usable),
        expires_at=min(ends),
        failed=failed and not usable,
        refused=refused and not usable,
        words="" if usable else "; ".join(words),
    )


def mail_route(
    domain: str,
    mx: Answer,
    ordered: tuple[Exchange, ...],
    hosts: Mapping[str, HostAddresses],
    *,
    now: datetime,
    failures: int = 0,
) -> MailRoute:
    """The route of `domain`, from the answer about its MX, in the order of `exchanges`, and its hosts' addresses.

    `hosts` holds what `exchanges_to_ask` wanted, or the domain itself where `needs_implicit` said so; `failures` counts
    the times in a row that the domain could not be resolved before.
    """
    if mx.status is DnsStatus.NXDOMAIN:
        words = f"the domain does not exist (NXDOMAIN{_from(mx)})"
        return _route(RouteStatus.DOMAIN_NOT_FOUND, now, negative_lifetime(mx.ttl), words)
    if mx.status is DnsStatus.NODATA:
        return _implicit_route(mx, hosts[domain], now, failures)
    if mx.status is not DnsStatus.OK:
        return _route(RouteStatus.TEMP_ERROR, now, failure_lifetime(failures), failure_words(mx))
    if not ordered:
        words = "the domain says that it accepts no mail (null MX)"
        return _route(RouteStatus.NULL_MX, now, positive_lifetime(mx.ttl), words)
    return _explicit_route(mx, ordered, hosts, now, failures)


def needs_implicit(mx: Answer) -> bool:
    """There is no MX record: the domain's own address is its mail host (RFC 5321 §5.1)."""
    return mx.status is DnsStatus.NODATA


def believed(
    route: MailRoute, lies: frozenset[str], doubt: str | None, now: datetime, lifetime: timedelta
) -> MailRoute:
    """The route as far as the resolver is trusted: all of it where there is no `doubt`.

    From a resolver that failed its canaries no "no" is believed, and no host that has only addresses from `lies`.
    """
    if doubt is None or route.status is RouteStatus.TEMP_ERROR:
        return route
    if route.reachable and not lies.issuperset(address for host in route.hosts for address in host.addresses):
        return route
    return _route(RouteStatus.UNTRUSTED, now, lifetime, doubt)


def failure_words(answer: Answer) -> str:
    """What went wrong, for people: "SERVFAIL from 192.0.2.53"."""
    words = _FAILURE_WORDS.get(answer.status, "an unusable answer from")
    return f"{words} {answer.server or 'the resolver'}"


def positive_lifetime(ttl: int) -> timedelta:
    """The TTL, within 5 minutes to 1 day."""
    return min(max(timedelta(seconds=ttl), _SHORTEST), _LONGEST)


def negative_lifetime(ttl: int) -> timedelta:
    """The negative TTL of the SOA, at most 3 hours (RFC 2308 §5); 5 minutes where no SOA came."""
    if ttl <= 0:
        return _SHORTEST
    return min(max(timedelta(seconds=ttl), _SHORTEST_NEGATIVE), _LONGEST_NEGATIVE)


def failure_lifetime(failures: int) -> timedelta:
    """30 seconds, doubled by each failure in a row before this one, at most 5 minutes (RFC 2308 §7)."""
    return min(_FIRST_FAILURE * (1 << min(failures, 8)), _LONGEST_FAILURE)


def _implicit_route(mx: Answer, host: HostAddresses, now: datetime, failures: int) -> MailRoute:
    lifetime = min(negative_lifetime(mx.ttl), host.expires_at - now)
    if host.addresses:
        kept = (MailHost(host.name, 0, host.addresses[:MOST_ADDRESSES]),)
        words = "no MX record; the domain's own address takes its mail"
        return replace(_route(RouteStatus.IMPLICIT, now, max(lifetime, _SHORTEST), words), hosts=kept)
    if host.failed:
        return _route(RouteStatus.TEMP_ERROR, now, failure_lifetime(failures), f"no MX record; {host.words}")
    status = RouteStatus.UNROUTABLE if host.refused else RouteStatus.NO_MAIL_HOST
    return _route(status, now, lifetime, f"no MX record; {host.words}")


def _explicit_route(
    mx: Answer, ordered: tuple[Exchange, ...], hosts: Mapping[str, HostAddresses], now: datetime, failures: int
) -> MailRoute:
    asked = [(exchange, hosts[exchange.name]) for exchange in ordered if exchange.name in hosts]
    usable = [(exchange, host) for exchange, host in asked if host.addresses]
    unasked = [e for e in ordered if e.name not in hosts and is_host_name(e.name)]
    failed = [host for _, host in asked if host.failed]
    if not usable and (failed or unasked):
        words = "; ".join(host.words for host in failed) or f"none of the first {len(asked)} exchanges has an address"
        return _route(RouteStatus.TEMP_ERROR, now, failure_lifetime(failures), words)
    if not usable:
        ends = [host.expires_at - now for _, host in asked]
        lifetime = min([positive_lifetime(mx.ttl), _LONGEST_NEGATIVE, *ends])
        words = "; ".join(_unroutable_words(exchange, hosts) for exchange in ordered[:MOST_HOSTS])
        return _route(RouteStatus.UNROUTABLE, now, lifetime, words)
    kept = usable[:MOST_HOSTS]
    ends = [host.expires_at - now for _, host in kept]
    lifetime = max(min([positive_lifetime(mx.ttl), *ends]), _SHORTEST)
    found = tuple(MailHost(e.name, e.preference, host.addresses[:MOST_ADDRESSES]) for e, host in kept)
    more = len(ordered) - len(kept)
    words = "; ".join([*(host.words for host in failed), *([f"{more} more exchanges are not used"] if more else [])])
    route = _route(RouteStatus.FOUND, now, _SHORTEST if failed else lifetime, words)
    return replace(route, hosts=found, complete=not failed)


def _route(status: RouteStatus, now: datetime, lifetime: timedelta, words: str) -> MailRoute:
    return MailRoute(status=status, hosts=(), observed_at=now, expires_at=now + lifetime, detail=words)


def _unroutable_words(exchange: Exchange, hosts: Mapping[str, HostAddresses]) -> str:
    host = hosts.get(exchange.name)
    return host.words if host is not None else f"{exchange.name} is no host name"


def _from(answer: Answer) -> str:
    return f" from {answer.server}" if answer.server else ""


def _lot(name: str, key: float) -> bytes:
    return blake2b(f"{key!r} {name}".encode(), digest_size=8).digest()
