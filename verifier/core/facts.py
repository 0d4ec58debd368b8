"""What is known of a domain: its mail route, its hosts, whether it accepts every name (RFC 5321 §5.1, RFC 7505, RFC 2308)."""

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


class MailHost(Struct, frozen=True):
    """One mail exchange: lower-case A-label `name`, MX `preference`, and the addresses that the guard let pass."""

    name: str
    preference: int
    addresses: tuple[str, ...]


class MailRoute(Struct, frozen=True):
    """Where a domain's mail goes: hosts by ascending preference, and until when DNS vouches for it.

    `detail` says in a few words what was seen ("SERVFAIL from 192.0.2.53"); `complete` is False where the addresses
    of some host could not be looked up for the moment.
    """

    status: RouteStatus
    hosts: tuple[MailHost, ...]
    observed_at: datetime
    expires_at: datetime
    detail: str = ""

    @property
    def reachable(self) -> bool:
        """There is a host to ask."""
        return self.status in (RouteStatus.FOUND, RouteStatus.IMPLICIT)


class AcceptsAll(Struct, frozen=True):
    """Whether a domain accepts any local part: True, False, or None when the control was undetermined."""

    value: bool | None
    observed_at: datetime
    expires_at: datetime


class DomainFacts(Struct, frozen=True):
    """All that is known of one domain (lower-case A-label)."""

    domain: str
    route: MailRoute | None = None
    accepts_all: AcceptsAll | None = None
