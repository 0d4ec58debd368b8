"""A gate over stores in memory, any of which can be made to hang or to fail."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tests.support.clock import FakeClock
from tests.support.desk import NAMES
from tests.support.facts import at
from tests.support.suppressions import MemorySuppressions
from verifier.adapters.memory_store import MemoryStore
from verifier.core.address import Address, parse_address
from verifier.core.decisions import Decided
from verifier.core.egress import EgressState
from verifier.core.evidence import Finding
from verifier.core.facts import AcceptsAll, DomainFacts, MailHost, MailRoute, RouteStatus
from verifier.core.gate_policies import BUILT_IN
from verifier.core.gate_words import GateAnswer, GateQuestion
from verifier.core.names import Names
from verifier.core.reasons import Reason
from verifier.core.replies import ReplyClass, SmtpStage
from verifier.core.senders import Sender
from verifier.core.suppression_keys import SuppressionKeys
from verifier.core.suppressions import SuppressionKind
from verifier.core.verdict import BounceRisks
from verifier.gate_ports import Usage, Use
from verifier.service.gate_knowledge import GateKnowledge
from verifier.service.gating import Equipment, Gate
from verifier.service.judging import Judging
from verifier.service.suppressing import Suppressing

A_YEAR = 365 * 86_400.0
RISKS = BounceRisks(dict.fromkeys(Reason, 0.25))


class Troubled:
    """Passes every call on to `behind`, unless told to hang or to raise."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind
        self.hangs = False
        self.fault: Exception | None = None
        self.calls = 0

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any) -> Any:
            self.calls += 1
            if self.hangs:
                await asyncio.Event().wait()
            if self.fault is not None:
                raise self.fault
            return await getattr(self._behind, name)(*args)

        return call


class Uses:
    """A UseStore in memory."""

    def __init__(self) -> None:
        self.uses: dict[tuple[str, str], Use] = {}

    async def count(self, uses: Sequence[Use]) -> int:
        before = len(self.uses)
        for use in uses:
            self.uses.setdefault((use.sender, use.id), use)
        return len(self.uses) - before

    async def usage(
        self, sender: str, moment: Any, recipients: Sequence[str], mails: Sequence[tuple[str, str]] = ()
    ) -> Usage:
        mine = [use for use in self.uses.values() if use.sender == sender]
        blasts = {key: tuple(use.at for use in mine if use.recipient == key and use.blast) for key in recipients}
        counted = frozenset(use.id for use in mine if (use.recipient, use.id) in mails)
        return Usage(len(mine), {key: times for key, times in blasts.items() if times}, counted)


class Log:
    """A DecisionLog that only remembers."""

    def __init__(self) -> None:
        self.noted: list[Decided] = []

    def note(self, decided: Sequence[Decided]) -> None:
        self.noted += decided


class Front:
    """Suspects whoever was noted."""

    def __init__(self) -> None:
        self.kinds: dict[str, frozenset[SuppressionKind]] = {}

    def note(self, entries: Any) -> None:
        for entry in entries:
            self.kinds[entry.key] = self.kinds.get(entry.key, frozenset()) | {entry.kind}

    @property
    def edition(self) -> int:
        return hash(frozenset(self.kinds.items()))

    def suspected(self, keys: Sequence[str]) -> frozenset[SuppressionKind]:
        return frozenset().union(*(self.kinds.get(key, frozenset()) for key in keys))


class Outside:
    """What the last test of port 25 said."""

    last: EgressState | None = EgressState.OPEN


class NobodyAsked:
    """Mailboxes that would always be asked."""

    def not_asked(self, *_: object) -> Finding | None:
        return None


class Activity:
    """When recipients last gave a sign of life."""

    def __init__(self, times: dict[str, Any]) -> None:
        self.times = times

    async def last_active(self, recipients: Sequence[str]) -> dict[str, Any]:
        return {key: self.times[key] for key in recipients if key in self.times}


class GateBench:
    """`glance` True: memory answers for what it holds; else everything is read from the store."""

    def __init__(
        self, *, glance: bool = False, smtp: bool = True, activity: Activity | None = None, names: Names = NAMES
    ) -> None:
        self.clock = FakeClock()
        self.memory = MemoryStore(self.clock)
        self.store = Troubled(self.memory)
        self.kept = MemorySuppressions()
        self.suppressions = Troubled(self.kept)
        self.front = Front()
        self.keys = SuppressionKeys(b"key")
        self.suppressing = Suppressing(self.kept, self.keys, self.clock, self.front.note)
        self.counted = Uses()
        self.uses = Troubled(self.counted)
        self.log = Log()
        self.refreshed: list[str] = []
        self.faults: list[BaseException] = []
        self.senders: dict[str, Sender] = {}
        self.outside = Outside()
        self.policies = dict(BUILT_IN)
        judging = Judging(names, RISKS, self.clock, b"key")
        self.judging = judging
        self.equipment = Equipment(
            judging=judging,
            remembered=GateKnowledge(
                judging=judging,
                names=names,
                mailboxes=NobodyAsked(),
                store=self.store,
                glance=self.memory if glance else None,
                egress=self.outside,
                smtp_enabled=smtp,
                clock=self.clock,
            ),
            keys=self.keys,
            front=self.front,
            suppressions=self.suppressions,
            senders=self,
            uses=self.uses,
            policies=self.policies,
            log=self.log,
            refresh=self.refreshed.extend,
            clock=self.clock,
            report_fault=self.faults.append,
            activity=activity,
        )
        self.gate = Gate(self.equipment)

    def sender(self, name: str) -> Sender | None:
        return self.senders.get(name)

    async def know(self, email: str, said: ReplyClass = ReplyClass.ACCEPTED, seen: float = 0) -> None:
        """The mailbox was asked at that time, and its host said this; a made-up name was refused."""
        address = parse_address(email)
        assert isinstance(address, Address)
        hosts = (MailHost("mx.shop.example", 10, ("192.0.2.1",)),)
        route = MailRoute(RouteStatus.FOUND, hosts, at(seen), at(A_YEAR))
        control = AcceptsAll(False, observed_at=at(seen), expires_at=at(A_YEAR))
        code = 250 if said is ReplyClass.ACCEPTED else 550
        finding = Finding(at(seen), said, stage=SmtpStage.RCPT, code=code, text="Ok", mx_host="mx.shop.example")
        await self.memory.remember_domains([DomainFacts(address.domain, route, control)])
        await self.memory.remember_mailboxes([(self.judging.key_of(address), finding)])

    async def suppress(self, text: str, kind: SuppressionKind, **scope: Any) -> None:
        from verifier.service.suppressing import Scope

        await self.suppressing.add([self.suppressing.entry(text, kind, Scope(**scope))])

    async def ask(self, email: str, deadline: float = 1.0, **question: Any) -> GateAnswer:
        answers = await self.gate.decide([GateQuestion(email, **question)], deadline_seconds=deadline)
        assert len(answers) == 1
        return answers[0]
