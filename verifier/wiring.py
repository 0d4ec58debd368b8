"""open_verifier(settings): the only place where adapters meet ports."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from verifier.adapters.data_files import ReferenceData, assemble_names, load_reference_data
from verifier.adapters.dnspython_resolver import DnspythonResolver
from verifier.adapters.host_addresses import own_addresses
from verifier.adapters.layered_store import LayeredStore
from verifier.adapters.memory_pacer import MemoryPacer
from verifier.adapters.memory_store import MemoryStore
from verifier.adapters.metered_ports import MeteredDialer, MeteredResolver
from verifier.adapters.reply_rule_file import shipped_rules
from verifier.adapters.secret_file import load_secret
from verifier.adapters.smtp_dialer import SmtpDialer
from verifier.adapters.sqlite_journal import forget_in_journals
from verifier.adapters.sqlite_store import SqliteStore
from verifier.adapters.sqlite_tallies import SqliteTallies
from verifier.adapters.system_clock import SystemClock
from verifier.adapters.unmetered import Unmetered
from verifier.adapters.unrecognised_log import CAPACITY, UnrecognisedLog
from verifier.config import Settings, require_shared_secret
from verifier.core.address import Address
from verifier.core.dialogue_events import Identity
from verifier.core.guard import Guard
from verifier.core.keys import subkey
from verifier.core.names import Names
from verifier.core.replies import Reply, SmtpStage
from verifier.ports import Clock, FactStore, MailDialer, Meter, Pacer, Resolver, SingleFlight
from verifier.service.domains import Domains
from verifier.service.egress import EgressTest
from verifier.service.forgetting import Forgetting
from verifier.service.harvest_guard import HarvestGuard
from verifier.service.judging import Judging
from verifier.service.lanes import Lanes
from verifier.service.mailboxes import Mailboxes, Policy
from verifier.service.pacing_groups import PacingGroups
from verifier.service.probing import Equipment, Timeouts
from verifier.service.turns import Turns
from verifier.service.verify import Verification

FACTS_FILE = "facts.sqlite"
TALLIES_FILE = "requests.sqlite"
JOURNALS = "journals"
_CONNECTIONS = 500
Answering = Callable[[dict[str, Any]], AsyncIterator[dict[str, Any]]]
_CANARY_PATIENCE = 5.0
_REPLIES_AT_ONCE = 8
"""Of name servers, each a tenth of a millisecond's work, in one turn of the loop: hundreds come together."""


class Verifier(Struct):
    """Everything that an edge works with, ready to use until `open_verifier` ends."""

    settings: Settings
    clock: Clock
    reference: ReferenceData
    names: Names
    verification: Verification
    mailboxes: Mailboxes
    domains: Domains
    egress: EgressTest
    store: FactStore
    resolver: Resolver
    dialer: MailDialer
    lanes: Lanes
    guard: Guard
    harvest: HarvestGuard
    forgetting: Forgetting
    secret: bytes
    further: dict[str, Answering] = {}
    """What other commands may ask of the process that holds the folder, by the name of the operation, beside verdicts:
    whoever opens more adds it here."""

    @property
    def journals(self) -> Path:
        """The folder where runs keep what they have learned."""
        return self.settings.data_dir / JOURNALS


@asynccontextmanager
async def open_verifier(
    settings: Settings,
    *,
    warn: Callable[[str], None],
    report_fault: Callable[[BaseException], None],
    timeouts: Timeouts | None = None,
    meter: Meter | None = None,
) -> AsyncIterator[Verifier]:
    """Open stores and resolver, and put the pipeline together; `warn` gets sentences for the operator."""
    meter = meter or Unmetered()
    require_shared_secret(settings)
    clock = SystemClock()
    secret = load_secret(settings.data_dir, settings.secret_key, clock)
    reference = load_reference_data(settings.data_dir)
    names = assemble_names(reference)
    rules = shipped_rules()
    guard = Guard(own_addresses(), settings.smtp_allow_networks)
    turns = Turns()
    smtp_dialer = SmtpDialer(
        settings.smtp_port,
        guard.reason,
        sources=[str(source) for source in settings.smtp_source_addresses],
        proxy=settings.smtp_proxy or None,
        take_turn=turns.mine,
    )
    dialer = MeteredDialer(smtp_dialer, meter)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(smtp_dialer.close)
        dns = DnspythonResolver(clock, settings.dns_nameservers, take_turn=Turns(_REPLIES_AT_ONCE, turns.courtesy).mine)
        resolver = MeteredResolver(dns, clock, meter)
        stack.push_async_callback(resolver.close)
        store, flights, pacer = await _open_store(settings, clock, resolver.identity, secret, warn, stack)
        canaries = settings.dns_canaries or reference.providers.canaries()
        domains = Domains(resolver, store, clock, canaries, guard)
        stack.push_async_callback(domains.close)
        egress = EgressTest(
            domains, dialer, clock, [name for name in canaries if name not in reference.opted_out], _CANARY_PATIENCE
        )
        equipment = Equipment(
            dialer,
            rules,
            clock,
            Identity(settings.helo, settings.mail_from),
            timeouts or Timeouts(),
            tuple(str(source) for source in settings.smtp_source_addresses),
            _counted(settings, stack),
            subkey(secret, "control"),
        )
        groups = PacingGroups(clock, pacer, default_sessions=settings.smtp_sessions_per_group, connections=_CONNECTIONS)
        lanes = Lanes(equipment, groups, report_fault)
        stack.push_async_callback(lanes.close)
        tallies = SqliteTallies(settings.data_dir / TALLIES_FILE, clock, warn)
        stack.push_async_callback(tallies.close)
        harvest = HarvestGuard(names, tallies, reference.lifts, clock, warn)
        stack.push_async_callback(harvest.close)
        mailboxes = Mailboxes(
            names=names,
            lanes=lanes,
            egress=egress,
            store=store,
            flights=flights,
            clock=clock,
            policy=Policy(
                smtp_enabled=settings.smtp_enabled,
                probe_opt_in=settings.smtp_probe_outlook_consumer,
                greylist_delays=tuple(delay.total_seconds() for delay in settings.smtp_greylist_delays),
            ),
            guard=harvest,
            glance=store if isinstance(store, LayeredStore) else None,
            turns=turns,
        )
        verification = Verification(
            judging=Judging(names, reference.risks, clock, subkey(secret, "mailbox")),
            domains=domains,
            mailboxes=mailboxes,
            clock=clock,
            meter=meter,
            turns=turns,
        )

        async def forget_in_runs(_: Address, key: str) -> None:
            await forget_in_journals(settings.data_dir / JOURNALS, key)

        yield Verifier(
            settings,
            clock,
            reference,
            names,
            verification,
            mailboxes,
            domains,
            egress,
            store,
            resolver,
            dialer,
            lanes,
            guard,
            harvest,
            Forgetting(verification.judging, verification.at_hand, store, harvest, [forget_in_runs]),
            secret,
        )


def _counted(settings: Settings, stack: AsyncExitStack) -> Callable[[Reply, str], None]:
    """Keeps replies that no rule knew until the end, and adds them to the data folder's count then."""
    met: list[tuple[Reply, SmtpStage, str | None]] = []

    def meet(reply: Reply, mx_host: str) -> None:
        if len(met) < CAPACITY:
            met.append((reply, SmtpStage.RCPT, mx_host))

    def keep() -> None:
        if met:
            UnrecognisedLog(settings.data_dir).add(met)

    stack.callback(keep)
    return meet


def open_judging(settings: Settings, clock: Clock) -> tuple[Judging, ReferenceData]:
    """What needs neither network nor a data folder: syntax and the lists."""
    reference = load_reference_data(settings.data_dir)
    return Judging(assemble_names(reference), reference.risks, clock), reference


async def _open_store(
    settings: Settings,
    clock: Clock,
    identity: str,
    secret: bytes,
    warn: Callable[[str], None],
    stack: AsyncExitStack,
) -> tuple[FactStore, SingleFlight | None, Pacer]:
    """Redis where it is set, shared by all; else a file behind a memory, and limits of this process alone."""
    if settings.redis_url:
        # Imported where it is wanted: it is more than half of what this module takes to import.
        from verifier.adapters.redis_link import RedisLink
        from verifier.adapters.redis_pacer import RedisPacer
        from verifier.adapters.redis_single_flight import RedisSingleFlight
        from verifier.adapters.redis_store import RedisStore

        link = RedisLink(settings.redis_url, settings.redis_prefix, clock, warn)
        stack.push_async_callback(link.close)
        behind: FactStore = RedisStore(link, clock, identity, secret)
        pacer = RedisPacer(link, clock)
        await pacer.open()
        stack.push_async_callback(pacer.close)
        return behind, RedisSingleFlight(link, clock, identity, secret), pacer
    sqlite = SqliteStore(settings.data_dir / FACTS_FILE, clock, identity, warn)
    await sqlite.open()
    stack.push_async_callback(sqlite.close)
    return LayeredStore(MemoryStore(clock), sqlite), None, MemoryPacer(clock)
