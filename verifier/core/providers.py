"""Mail providers: who stands behind a mail exchange, how patiently they are asked, and what is peculiar about them.

Law: a provider is known by its exchange (longest suffix at a label boundary) or, for its own domains, without DNS;
a provider that is not known is asked by the default row. Every number is at most half of what the provider or the
public shaping rules allow a sender (docs/data.md).
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct


class ProviderKind(StrEnum):
    """What a provider is to its users."""

    CONSUMER = "consumer"
    BUSINESS_HOSTING = "business-hosting"
    GATEWAY = "gateway"
    ISP = "isp"


class ProbePolicy(StrEnum):
    """Whether mailboxes are asked for: always, or only where the operator opted in."""

    YES = "yes"
    OPT_IN = "opt-in"


class ControlPolicy(StrEnum):
    """Whether a random name must be tried before an acceptance counts on the provider's own domains."""

    ASK = "ask"
    NEVER = "never"


class Provider(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider. `Provider(name=…)` alone is the default row: the patience of a host that nobody knows.

    `mx_suffixes` are lower-case exchange names or their tails; `domains` the provider's own domains, the biggest
    first, not those of its customers. A limit of 0 means none beyond the session's own rules.
    """

    name: str
    mx_suffixes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    kind: ProviderKind = ProviderKind.BUSINESS_HOSTING

    sessions: int = 2
    """Open connections at a time, over all exchanges of the provider."""
    connections_per_minute: int = 60
    recipients_per_minute: int = 0
    """RCPT commands in any minute, over all sessions."""
    recipients_per_transaction: int = 100
    recipients_per_connection: int = 500
    transactions_per_connection: int = 10

    one_domain_per_transaction: bool = False
    """Recipients of two domains in one transaction are refused."""
    share_tenants: bool = False
    """Recipients of different customers' domains may share a connection and, unless `one_domain_per_transaction`,
    a transaction: all exchanges of the provider behave as one."""
    starttls: bool = False
    """Wants STARTTLS before MAIL."""
    accepts_all: bool = False
    """RCPT says nothing here: every name is accepted and refused later, so it is not asked."""
    ambiguous: bool = False
    """An unknown-user refusal may be an outage's: it is looked at twice, a day apart, before it is kept for long."""
    probe: ProbePolicy = ProbePolicy.YES
    control: ControlPolicy = ControlPolicy.ASK
    """`never`: the provider's own `domains` are known not to accept every name. Customers' domains are always asked."""

    def owns(self, domain: str) -> bool:
        """The domain (lower-case A-label) is the provider's own, not a customer's."""
        return domain in self.domains

    def needs_control(self, domain: str) -> bool:
        """An acceptance at `domain` counts only if a random name is refused there."""
        return self.control is ControlPolicy.ASK or not self.owns(domain)


_REMEMBERED = 4096
DEFAULT_PROVIDER = Provider(name="default")


class ProviderTable:
    """All known providers, the biggest first; look-ups cost one dictionary access a label."""

    __slots__ = ("_by_domain", "_by_exchange", "_by_suffix", "providers")

    def __init__(self, providers: Iterable[Provider] = ()) -> None:
        """Raises ValueError where two rows claim the same name, suffix or domain."""
        self.providers = tuple(providers)
        self._by_suffix: dict[str, Provider] = {}
        self._by_domain: dict[str, Provider] = {}
        self._by_exchange = lru_cache(_REMEMBERED)(self._of_exchange)
        names: dict[str, Provider] = {}
        for provider in self.providers:
            _claim(names, (provider.name,), provider)
            _claim(self._by_suffix, provider.mx_suffixes, provider)
            _claim(self._by_domain, provider.domains, provider)

    def of_exchange(self, mx_host: str) -> Provider | None:
        """The provider of a mail exchange, by the longest suffix that ends it at a label boundary."""
        return self._by_exchange(mx_host)

    def _of_exchange(self, mx_host: str) -> Provider | None:
        name = mx_host.lower().rstrip(".")
        while name:
            provider = self._by_suffix.get(name)
            if provider is not None:
                return provider
            name = name.partition(".")[2]
        return None

    def of_domain(self, domain: str) -> Provider | None:
        """The provider whose own domain this is (lower-case A-label): known without DNS."""
        return self._by_domain.get(domain)

    def canaries(self, count: int = 4) -> tuple[str, ...]:
        """The first domain of each of the `count` biggest providers: different operators, and sure to resolve."""
        return tuple(provider.domains[0] for provider in self.providers if provider.domains)[:count]


def _claim(owners: dict[str, Provider], keys: Iterable[str], provider: Provider) -> None:
    for key in keys:
        other = owners.setdefault(key, provider)
        if other is not provider:
            raise ValueError(f"{key!r} belongs to two providers: {other.name} and {provider.name}")
