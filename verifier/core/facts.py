"""What is known of a domain: its mail route, its hosts, whether it accepts every name (RFC 5321 §5.1, 7505, 2308)."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class RouteStatus(StrEnum):
    """What DNS says about where a domain's mail goes."""

    FOUND = "found"
    """MX records with at least one host that may be contacted."""
    IMPLICIT = "implicit"
    """No MX record: the domain's own address is its mail host (RFC 5321 §5.1)."""
    NULL_MX = "null_mx"
    """`MX 0 .`: the domain accepts no mail (RFC 7505)."""
    DOMAIN_NOT_FOUND = "domain_not_found"
    """NXDOMAIN, from a resolver that passed its canaries."""
    NO_MAIL_HOST = "no_mail_host"
    """The name exists, with neither MX nor address records."""
    UNROUTABLE = "unroutable"
    """MX records whose hosts do not exist or whose addresses are all forbidden."""
    TEMP_ERROR = "temp_error"
    """SERVFAIL, REFUSED, time-out, or a broken answer: nothing is known."""
    UNTRUSTED = "untrusted"
    """A negative answer from a resolver that failed its canaries."""


class MailHost(Struct, frozen=True, gc=False):
    """One mail exchange: lower-case A-label `name`, MX `preference`, and the addresses that the guard let pass."""

    name: str
    preference: int
    addresses: tuple[str, ...]


class MailRoute(Struct, frozen=True, gc=False):
    """Where a domain's mail goes: hosts by ascending preference, and until when DNS vouches for it.

    `detail` says in a few words what was seen ("SERVFAIL from 192.0.2.53"); `complete` is False where the addresses
    of some host could not be looked up for the moment.
    """

    status: RouteStatus
    hosts: tuple[MailHost, ...]
    observed_at: datetime
    expires_at: datetime
    detail: str = ""
    complete: bool = True

    @property
    def reachable(self) -> bool:
        """There is a host to ask."""
        return self.status in (RouteStatus.FOUND, RouteStatus.IMPLICIT)


class AcceptsAll(Struct, frozen=True, gc=False):
    """Whether a domain accepts any local part: True, False, or None when the control was undetermined."""

    value: bool | None
    observed_at: datetime
    expires_at: datetime


class DomainFacts(Struct, frozen=True, gc=False):
    """All that is known of one domain (lower-case A-label)."""

    domain: str
    route: MailRoute | None = None
    accepts_all: AcceptsAll | None = None


_SAYS_NOTHING = (RouteStatus.TEMP_ERROR, RouteStatus.UNTRUSTED)


def merge_facts(old: DomainFacts, new: DomainFacts, now: datetime) -> DomainFacts:
    """What both know of one domain at `now`, whichever came first: associative, commutative and idempotent.

    Route and accepts_all merge by themselves. An unexpired route that says something comes before one that says
    nothing (a failed look-up never erases a good one), an unexpired one before an expired one, then the latest; of
    accepts_all an unexpired answer before an undetermined one, then the latest, ties to the one that trusts the domain
    less. Both must be of the same domain.
    """
    if old.domain != new.domain:
        raise ValueError(f"facts of {old.domain} and of {new.domain} do not merge")
    controls = [facts.accepts_all for facts in (old, new) if facts.accepts_all is not None]
    return DomainFacts(
        domain=old.domain,
        route=_better_route(old.route, new.route, now),
        accepts_all=max(controls, key=lambda control: _control_rank(control, now), default=None),
    )


def unexpired(facts: DomainFacts, now: datetime) -> DomainFacts | None:
    """What of the facts still holds at `now`; None where nothing does."""
    route, control = facts.route, facts.accepts_all
    if route is not None and route.expires_at <= now:
        route = None
    if control is not None and control.expires_at <= now:
        control = None
    if route is None and control is None:
        return None
    if route is facts.route and control is facts.accepts_all:
        return facts
    return DomainFacts(domain=facts.domain, route=route, accepts_all=control)


def holds_until(facts: DomainFacts) -> datetime | None:
    """When the last of the facts expires; None where there are none."""
    ends = [part.expires_at for part in (facts.route, facts.accepts_all) if part is not None]
    return max(ends, default=None)


def _better_route(one: MailRoute | None, other: MailRoute | None, now: datetime) -> MailRoute | None:
    if one is None or other is None or one == other:
        return one or other
    rank, other_rank = _route_rank(one, now), _route_rank(other, now)
    if rank == other_rank:
        return max(one, other, key=repr)
    return one if rank > other_rank else other


def _route_rank(route: MailRoute, now: datetime) -> tuple[bool, bool, datetime, datetime]:
    live = route.expires_at > now
    return (live and route.status not in _SAYS_NOTHING, live, route.observed_at, route.expires_at)


def _control_rank(control: AcceptsAll, now: datetime) -> tuple[bool, datetime, int, datetime]:
    speaks = control.value is not None and control.expires_at > now
    return (speaks, control.observed_at, {True: 2, False: 1, None: 0}[control.value], control.expires_at)
