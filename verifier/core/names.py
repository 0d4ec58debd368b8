"""What the lists say of an address and its domain, before anybody is asked."""

from functools import lru_cache

from msgspec import Struct, structs

from verifier.core.address import Address
from verifier.core.evidence import NameFlags
from verifier.core.facts import MailRoute
from verifier.core.lists import DomainList, is_no_reply, is_role
from verifier.core.providers import Provider, ProviderTable
from verifier.core.spelling import Spelling

_CACHED_DOMAINS = 131_072


class DomainProfile(Struct, frozen=True, gc=False):
    """What the lists say of a domain (lower-case A-label): the flags of every address there, and whose it is."""

    flags: NameFlags
    provider: Provider | None


class _AtRoute(Struct, frozen=True, gc=False):
    """What the lists say of a domain whose mail goes this way."""

    route: MailRoute | None
    flags: NameFlags
    provider: Provider | None


class Names:
    """The lists together: the operator's `denied` is above `never_disposable`, that above `disposable`.

    A squatted look-alike is no throw-away address either: whoever typed it meant the domain that it imitates.
    `edition` is another object whenever the lists are others.
    """

    def __init__(
        self,
        *,
        disposable: DomainList,
        never_disposable: DomainList,
        denied: DomainList,
        disposable_exchanges: DomainList,
        privacy_relays: DomainList,
        free: DomainList,
        parking_exchanges: DomainList,
        opted_out: DomainList,
        roles: frozenset[str],
        no_reply: frozenset[str],
        spelling: Spelling,
        providers: ProviderTable,
    ) -> None:
        self.edition = object()
        self.spelling = spelling
        self.providers = providers
        self._disposable = disposable
        self._never_disposable = never_disposable
        self._denied = denied
        self._disposable_exchanges = disposable_exchanges
        self._privacy_relays = privacy_relays
        self._free = free
        self._parking_exchanges = parking_exchanges
        self._opted_out = opted_out
        self._roles = roles
        self._no_reply = no_reply
        self.profile = lru_cache(maxsize=_CACHED_DOMAINS)(self._profile)
        self._exchange = lru_cache(maxsize=_CACHED_DOMAINS)(self._exchange_flags)
        self._at_routes: dict[str, _AtRoute] = {}

    def renew(self, newer: "Names") -> None:
        """Become what `newer` is: whoever works with these lists goes by the newer ones from now on."""
        vars(self).update(vars(newer))

    def local_flags(self, address: Address) -> tuple[bool, bool, bool]:
        """(role, no_reply, plus_tag) of the local part."""
        local = address.local
        return is_role(local, self._roles), is_no_reply(local, self._no_reply), "+" in local

    def flags(self, address: Address, route: MailRoute | None) -> NameFlags:
        """All flags; the route, where it is known, adds what the domain's exchanges give away."""
        flags = self._at_route(address.domain, route).flags
        role, no_reply, plus_tag = self.local_flags(address)
        if role or no_reply or plus_tag:
            return structs.replace(flags, role=role, no_reply=no_reply, plus_tag=plus_tag)
        return flags

    def is_disposable(self, domain: str, route: MailRoute | None) -> bool:
        """By name, or by an exchange that serves throw-away domains."""
        return self._at_route(domain, route).flags.disposable

    def is_opted_out(self, domain: str, route: MailRoute | None) -> bool:
        """The domain, or an exchange that answers for it, asked not to be probed."""
        if not self._opted_out:
            return False
        hosts = route.hosts if route is not None else ()
        return domain in self._opted_out or any(host.name in self._opted_out for host in hosts)

    def is_providers_own(self, domain: str) -> bool:
        """Mailboxes for everybody (webmail, providers of access, relays), not the domain of one customer."""
        profile = self.profile(domain)
        return profile.provider is not None or profile.flags.free or profile.flags.privacy_relay

    def provider(self, domain: str, route: MailRoute | None) -> Provider | None:
        """Whose row applies: the exchange's, else the domain's own provider."""
        return self._at_route(domain, route).provider

    def _at_route(self, domain: str, route: MailRoute | None) -> _AtRoute:
        """Worked out once for a route, as long as it is the same one."""
        known = self._at_routes.get(domain)
        if known is not None and known.route is route:
            return known
        if route is not None and route.hosts:
            provider = self.providers.of_exchange(route.hosts[0].name)
        else:
            provider = self.profile(domain).provider
        if len(self._at_routes) >= _CACHED_DOMAINS:
            self._at_routes.clear()
        found = self._at_routes[domain] = _AtRoute(route, self._domain_flags(domain, route), provider)
        return found

    def _domain_flags(self, domain: str, route: MailRoute | None) -> NameFlags:
        flags = self.profile(domain).flags
        if route is None or not route.hosts:
            return flags
        serves = parked = False
        for host in route.hosts:
            exchange = self._exchange(host.name)
            serves, parked = serves or exchange[0], parked or exchange[1]
        if not serves and not parked:
            return flags
        disposable = serves and domain not in self._never_disposable
        return structs.replace(
            flags, disposable=flags.disposable or disposable, typo_domain=flags.typo_domain or parked
        )

    def _exchange_flags(self, name: str) -> tuple[bool, bool]:
        """(serves throw-away domains, serves parked ones) of a mail exchange."""
        return name in self._disposable_exchanges, name in self._parking_exchanges

    def _profile(self, domain: str) -> DomainProfile:
        lookalike = self.spelling.lookalike(domain) is not None
        spared = lookalike or domain in self._never_disposable
        flags = NameFlags(
            disposable=domain in self._denied or (not spared and domain in self._disposable),
            privacy_relay=domain in self._privacy_relays,
            free=domain in self._free,
            idn="xn--" in domain,
            typo_domain=lookalike,
        )
        return DomainProfile(_NO_FLAGS if flags == _NO_FLAGS else flags, self.providers.of_domain(domain))


_NO_FLAGS = NameFlags()
