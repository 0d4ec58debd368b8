"""What can be told of a list before anybody is asked: who stands behind its domains, what they tell, how long it takes.

Law: more addresses never take less time, and a provider that is not asked takes none. The pace of a provider is that
of its row (core/providers.py); a session brings at most what its groups bring in the round trips that each needs.
Providers are asked side by side, so the slowest of them decides; so are the hosts that nobody knows, who are many.
"""

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from verifier.core.egress import EgressState
from verifier.core.providers import ProbePolicy, Provider, ProviderTable
from verifier.core.reasons import StageName

OTHERS = "others"
"""All domains whose provider is not known."""

_GROUP = 20
"""Recipients of a group, on the average of a list with a tenth of unknown names (docs/architecture.md, Groups)."""
_GROUP_SECONDS = 0.5
"""From one group's first word to the next one's, some round trips of 100 ms."""
_OTHERS_A_SECOND = 300.0
"""A third of what was measured over 600 hosts at 50 ms (bench/README.md): a list's hosts are not spread so evenly."""
_ALL_A_SECOND = 1000.0
"""What one process was measured to do altogether (the same)."""
_DOMAINS_A_SECOND = 2000.0
_ROWS_A_SECOND = 50_000.0


class ProviderMix(Struct, frozen=True):
    """One provider's part: `tells` is False where its hosts never say whether a mailbox exists, or are not asked;
    `seconds` is how long asking all of them takes at its pace.
    """

    provider: str
    addresses: int
    tells: bool
    seconds: float


class Forecast(Struct, frozen=True):
    """Shares are of unique addresses, 0.0-1.0. `provable`: what the stages can prove from this host; `silent`: what
    providers never tell. `seconds`: how long all stages together are expected to take, greylisting aside.
    """

    mix: tuple[ProviderMix, ...]
    provable: float
    silent: float
    seconds: float


def forecast(
    addresses: Mapping[str, int],
    table: ProviderTable,
    *,
    domains: int,
    probe_opt_in: bool,
    egress: EgressState,
    stages: Sequence[StageName],
) -> Forecast:
    """`addresses`: unique ones by provider name, OTHERS for the rest; `domains`: how many different ones, about."""
    rows = {provider.name: provider for provider in table.providers}
    asked = StageName.SMTP in stages and egress not in (EgressState.BLOCKED, EgressState.INTERCEPTED)
    mix = [_mix(name, count, rows.get(name), probe_opt_in) for name, count in addresses.items() if count]
    mix.sort(key=lambda part: (part.provider == OTHERS, -part.addresses, part.provider))
    total = sum(part.addresses for part in mix)
    telling = sum(part.addresses for part in mix if part.tells)
    seconds = total / _ROWS_A_SECOND
    if StageName.MX in stages:
        seconds += domains / _DOMAINS_A_SECOND
    if asked:
        seconds += max([telling / _ALL_A_SECOND, *(part.seconds for part in mix)], default=0.0)
    return Forecast(
        mix=tuple(mix),
        provable=telling / total if total and asked else 0.0,
        silent=(total - telling) / total if total else 0.0,
        seconds=seconds,
    )


def addresses_a_second(provider: Provider) -> float:
    """How many addresses its row lets us ask in a second, over all sessions."""
    group = min(_GROUP, provider.recipients_per_transaction, provider.recipients_per_connection)
    a_connection = min(
        provider.recipients_per_connection, provider.transactions_per_connection * provider.recipients_per_transaction
    )
    rates = [
        provider.sessions * group / _GROUP_SECONDS,
        provider.connections_per_minute * a_connection / 60 if provider.connections_per_minute else math.inf,
        provider.recipients_per_minute / 60 if provider.recipients_per_minute else math.inf,
    ]
    return min(rates)


def _mix(name: str, count: int, provider: Provider | None, probe_opt_in: bool) -> ProviderMix:
    if provider is None:
        return ProviderMix(name, count, True, count / _OTHERS_A_SECOND)
    tells = not provider.accepts_all and (provider.probe is not ProbePolicy.OPT_IN or probe_opt_in)
    return ProviderMix(name, count, tells, count / addresses_a_second(provider) if tells else 0.0)


class Sample(Struct, frozen=True):
    """What verifying some rows of a list said: the expected hard-bounce rate, and bounds within which it lies with 95 %
    confidence (Wilson's interval; the rows are picked evenly, not by chance).
    """

    asked: int
    undeliverable: int
    unknown: int
    bounce_rate: float
    at_least: float
    at_most: float


_Z = 1.96


def sample_of(risks: Sequence[float], undeliverable: int, unknown: int) -> Sample:
    """`risks`: the bounce risk of each row that was asked."""
    asked = len(risks)
    if not asked:
        return Sample(0, 0, 0, 0.0, 0.0, 1.0)
    rate = sum(risks) / asked
    spread = 1 + _Z**2 / asked
    middle = (rate + _Z**2 / (2 * asked)) / spread
    half = _Z / spread * math.sqrt(rate * (1 - rate) / asked + _Z**2 / (4 * asked**2))
    return Sample(asked, undeliverable, unknown, rate, max(0.0, middle - half), min(1.0, middle + half))
