"""Mailboxes over hosts in memory, with a store and the guards: what a chunk of addresses comes to."""

import asyncio
from collections.abc import Sequence

from tests.support.facts import at
from tests.support.probing import ONE_HOST, Bench
from tests.support.tallies import MemoryTallies
from verifier.adapters.data_files import assemble_names, load_reference_data, shipped_folder
from verifier.adapters.memory_store import MemoryStore
from verifier.core.address import Address, parse_address
from verifier.core.egress import Egress, EgressState
from verifier.core.evidence import Finding
from verifier.core.facts import AcceptsAll, DomainFacts, MailHost, MailRoute, RouteStatus
from verifier.core.harvest import Lifts
from verifier.core.knowledge import Knowledge
from verifier.core.names import Names
from verifier.ports import FactStore, SingleFlight, TallyStore
from verifier.service.asking import COMMAND_LINE, Asking
from verifier.service.harvest_guard import Client, HarvestGuard
from verifier.service.mailboxes import Mailboxes, Policy

NAMES = assemble_names(load_reference_data(None, shipped_folder()))
DAY = 86_400.0
NO_LIFTS = Lifts({})


class WayOut:
    """An egress test with a known outcome."""

    def __init__(self, state: EgressState = EgressState.OPEN) -> None:
        self.state = state

    async def outcome(self) -> Egress:
        return Egress(self.state, "said so")


class Desk:
    """Mailboxes over one host in memory, with a store; `ask` is one gather for addresses of a domain."""

    def __init__(
        self,
        bench: Bench,
        *,
        egress: EgressState = EgressState.OPEN,
        flights: SingleFlight | None = None,
        policy: Policy | None = None,
        names: Names = NAMES,
        store: FactStore | None = None,
        tallies: TallyStore | None = None,
        lifts: Lifts = NO_LIFTS,
    ) -> None:
        self.bench = bench
        self.store = store or MemoryStore(bench.clock)
        self.recorded: list[tuple[str, Finding]] = []
        self.reports: list[str] = []
        self.facts: dict[str, DomainFacts] = {}
        """Of the last chunk."""
        self.guard = HarvestGuard(names, tallies or MemoryTallies(), lifts, bench.clock, self.reports.append)
        self.mailboxes = Mailboxes(
            names=names,
            lanes=bench.lanes,
            egress=WayOut(egress),
            store=self.store,
            flights=flights,
            clock=bench.clock,
            policy=policy or Policy(),
            guard=self.guard,
            glance=self.store if isinstance(self.store, MemoryStore) else None,
        )

    async def ask(
        self,
        *emails: str,
        accepts_all: AcceptsAll | None = None,
        hosts: tuple[MailHost, ...] = ONE_HOST,
        again: bool = False,
        anew: bool = False,
        client: Client = COMMAND_LINE,
    ) -> dict[str, tuple[Finding, ...]]:
        addresses = {email: parsed for email in emails if isinstance(parsed := parse_address(email), Address)}
        route = MailRoute(RouteStatus.FOUND, hosts, at(0), at(400 * DAY))
        domains = {address.domain for address in addresses.values()}
        knowledge = Knowledge.of({domain: DomainFacts(domain, route, accepts_all) for domain in domains})
        self.facts = knowledge.facts
        asking = Asking(client=client, record=self.record, again=frozenset(emails if again else ()), anew=anew)
        task = asyncio.create_task(self.mailboxes.gather(addresses, knowledge, asking))
        await self.bench.until(task.done)
        await task
        return knowledge.findings

    def at_hand(self, email: str, client: Client = COMMAND_LINE) -> tuple[Finding, ...] | None:
        """What is known of an address without waiting; None where somebody has to be asked."""
        address = parse_address(email)
        assert isinstance(address, Address)
        now, asking = self.bench.clock.now(), Asking(client=client)
        held = self.mailboxes.held(email, address.domain, client, now)
        knowledge = None if held is None else self.mailboxes.at_hand(email, address, *held, asking, now)
        return None if knowledge is None else knowledge.findings.get(email, ())

    async def record(self, findings: Sequence[tuple[str, Finding]], facts: Sequence[DomainFacts]) -> None:
        self.recorded += findings
