"""Decisions within a deadline: from what is known, whoever is slow; what is missing is asked behind the answer.

Laws: an answer comes within its deadline, whatever a store or a mail server does; suppressions are known from memory,
so a slow store never lets mail through to somebody who is suppressed; where something lacked, it says `degraded`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from msgspec import Struct

from verifier.core.address import Address
from verifier.core.decisions import decided
from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts
from verifier.core.faults import ServiceUnavailable
from verifier.core.gate import decide
from verifier.core.gate_policies import BALANCED, Policy
from verifier.core.gate_standing import Basis, Conclusion, Standing, stands_until
from verifier.core.gate_words import GateAnswer, GateDecision, GateQuestion
from verifier.core.knowledge import Knowledge
from verifier.core.reasons import ALL_STAGES, Reason
from verifier.core.senders import Sender, use_id
from verifier.core.suppression_keys import SuppressionKeys
from verifier.gate_ports import ActivitySource, DecisionLog, SuppressionFront, SuppressionStore, Use, UseStore
from verifier.ports import Clock
from verifier.service.gate_learned import ACTIVE, ENTRIES, FACTS, USAGE, Asked, Learned, facts_of, take_in
from verifier.service.gate_recipients import Recipients
from verifier.service.judging import Judging

DEADLINE_SECONDS = 0.05
_MOST_LATE = 200
_ID_LENGTH = 20


class Remembered(Protocol):
    """What is known of addresses, however old, without asking anybody (service/gate_knowledge.py).

    `at_hand` is what `of` would give of one address (`key` is its mailbox's) without waiting: facts, and findings, of
    which there are some; None where it would have to wait, or there are none.
    """

    @property
    def can_probe(self) -> bool: ...
    def at_hand(self, address: Address, key: str, now: datetime) -> tuple[DomainFacts, tuple[Finding, ...]] | None: ...
    async def of(self, addresses: Collection[Address]) -> Knowledge: ...


class Senders(Protocol):
    """The senders that are known, at once (service/sender_book.py)."""

    def sender(self, name: str) -> Sender | None: ...


class Equipment(Struct, frozen=True):
    """Everything that decisions stand on. `refresh` has texts verified behind the answer."""

    judging: Judging
    remembered: Remembered
    keys: SuppressionKeys
    front: SuppressionFront
    suppressions: SuppressionStore
    senders: Senders
    uses: UseStore
    policies: Mapping[str, Policy]
    log: DecisionLog
    refresh: Callable[[Sequence[str]], None]
    clock: Clock
    report_fault: Callable[[BaseException], None]
    activity: ActivitySource | None = None


class UnknownPolicy(ValueError):
    """A question names a policy that there is not."""


class Gate:
    """`decide` never raises for what a store or a mail server does, and answers in time; `close` at last."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._recipients = Recipients(equipment.keys, equipment.judging)
        self._late: set[asyncio.Future[object]] = set()

    @property
    def policies(self) -> Collection[str]:
        """The names of all policies."""
        return list(self._equipment.policies)

    async def decide(
        self, questions: Sequence[GateQuestion], *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> list[GateAnswer]:
        """One answer for each question, in order, within the deadline. Raises UnknownPolicy."""
        clock = self._equipment.clock
        end = clock.monotonic() + deadline_seconds
        asked = [self._asked(question) for question in questions]
        learned, unseen = self._at_hand(asked, clock.now())
        reads = self._reads(asked, unseen)
        if reads:
            take_in(learned, reads, await self._in_time(reads, end))
        now = clock.now()
        self._judge(asked, learned, now)
        taken: dict[str, list[tuple[str, datetime]]] = {}
        answers = [self._told(each, self._concluded(each, learned, taken, now), now) for each in asked]
        await self._count(asked, answers, now, end)
        return answers

    def at_once(self, question: GateQuestion) -> GateAnswer | None:
        """What `decide` answers, where nobody has to be waited for; None where somebody has. Raises UnknownPolicy."""
        each, now = self._asked(question), self._equipment.clock.now()
        if question.count or self._waits(each):
            return None
        recipient, parsed = each.recipient, each.recipient.parsed
        if not isinstance(parsed, Address) or recipient.stated:
            return self._told(each, self._concluded_from(each, {}, {}, now), now)
        equipment = self._equipment
        held = equipment.remembered.at_hand(parsed, recipient.mailbox, now)
        if held is None:
            return None
        basis = Basis(
            *held,
            each.policy,
            question.message_class,
            question.reactivation,
            equipment.remembered.can_probe,
            equipment.judging.edition,
        )
        standing = recipient.standing
        if standing is not None and now < standing.until and standing.basis == basis:
            return self._told(each, standing.conclusion, now)
        conclusion = self._concluded_from(each, {parsed.domain: held[0]}, {recipient.mailbox: held[1]}, now)
        if conclusion.ruling.until is None:  # what is held is held from now on
            recipient.standing = Standing(basis, conclusion, stands_until(basis, now))
        return self._told(each, conclusion, now)

    def forget(self) -> None:
        """What was kept in memory of whoever was asked about; nothing has to be decided otherwise."""
        self._recipients.forget()

    async def close(self) -> None:
        """Ends what is still waited for behind answers that were due before it came."""
        for late in list(self._late):
            late.cancel()
        if self._late:
            await asyncio.wait(self._late, timeout=1.0)

    def _asked(self, question: GateQuestion) -> Asked:
        equipment = self._equipment
        sender = equipment.senders.sender(question.sender) if question.sender is not None else None
        name = question.policy or (sender.policy if sender is not None else BALANCED.name)
        policy = equipment.policies.get(name)
        if policy is None:
            if question.policy is not None:
                raise UnknownPolicy(f"there is no policy {name}: known are {', '.join(equipment.policies)}")
            policy = BALANCED  # the sender's own was taken away
        recipient = self._recipients.of(question.email)
        front = equipment.front
        if recipient.sought and recipient.suspected_in != front.edition:
            recipient.suspected, recipient.suspected_in = front.suspected(recipient.sought), front.edition
        return Asked(question, recipient, policy, sender, recipient.suspected)

    def _waits(self, each: Asked) -> bool:
        """Something has to be read of him beside what is known of his address."""
        is_capped = each.sender is not None and each.sender.is_capped
        is_watched = self._equipment.activity is not None and each.policy.ages.inactive is not None
        return bool(each.suspected) or is_capped or is_watched

    def _at_hand(self, asked: Sequence[Asked], now: datetime) -> tuple[Learned, list[Address]]:
        """What memory holds, and of whom it does not hold all."""
        knowledge, unseen = Knowledge.of({}), []
        for each in asked:
            parsed, mailbox = each.recipient.parsed, each.recipient.mailbox
            if isinstance(parsed, Address) and not each.recipient.stated:
                held = self._equipment.remembered.at_hand(parsed, mailbox, now)
                if held is None:
                    unseen.append(parsed)
                else:
                    knowledge.facts[parsed.domain], knowledge.findings[mailbox] = held
        return Learned(knowledge, {}, {}, {}), unseen

    def _reads(self, asked: Sequence[Asked], unseen: Sequence[Address]) -> dict[str, Callable[[], Awaitable[object]]]:
        """What has to be read, side by side; whatever is not there in time is gone without."""
        equipment = self._equipment
        reads: dict[str, Callable[[], Awaitable[object]]] = {}
        if unseen:
            reads[FACTS] = partial(equipment.remembered.of, unseen)
        suspects = [key for each in asked if each.suspected for key in each.recipient.sought]
        if suspects:
            reads[ENTRIES] = partial(equipment.suppressions.under, suspects)
        for name in {each.sender.name for each in asked if each.sender is not None and each.sender.is_capped}:
            mine = [each for each in asked if each.sender is not None and each.sender.name == name]
            recipients = [each.recipient.key for each in mine if each.recipient.key]
            mails = [(each.recipient.key, use) for each in mine if (use := each.use_id) is not None]
            reads[USAGE + name] = partial(equipment.uses.usage, name, equipment.clock.now(), recipients, mails)
        if equipment.activity is not None and any(each.policy.ages.inactive is not None for each in asked):
            recipients = [each.recipient.key for each in asked if each.recipient.key]
            reads[ACTIVE] = partial(equipment.activity.last_active, recipients)
        return reads

    async def _in_time(self, reads: Mapping[str, Callable[[], Awaitable[object]]], end: float) -> dict[str, object]:
        """The answers that came in time. What comes later is waited for by nobody; where too much is late already,
        nothing more is asked.
        """
        if len(self._late) > _MOST_LATE:
            return {}
        tasks = {name: asyncio.ensure_future(read()) for name, read in reads.items()}
        remaining = end - self._equipment.clock.monotonic()
        await asyncio.wait(tasks.values(), timeout=max(remaining, 0.0))
        found: dict[str, object] = {}
        for name, task in tasks.items():
            if not task.done():
                self._late.add(task)
                task.add_done_callback(self._ended_late)
            elif (fault := task.exception()) is None:
                found[name] = task.result()
            else:
                self._blame(fault)
        return found

    def _ended_late(self, task: "asyncio.Future[object]") -> None:
        self._late.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._blame(fault)

    def _blame(self, fault: BaseException) -> None:
        """A store that does not work is the operator's to see in `readyz`; anything else is a fault of ours."""
        if not isinstance(fault, ServiceUnavailable):
            self._equipment.report_fault(fault)

    def _concluded_from(
        self,
        each: Asked,
        facts: dict[str, DomainFacts],
        findings: dict[str, tuple[Finding, ...]],
        now: datetime,
    ) -> Conclusion:
        """What this alone, which was at hand, comes to."""
        learned = Learned(Knowledge(facts, findings, set(), {}), {}, {}, {})
        self._judge([each], learned, now)
        return self._concluded(each, learned, {}, now)

    def _told(self, each: Asked, conclusion: Conclusion, now: datetime) -> GateAnswer:
        """The answer, logged; what lacks is asked behind it."""
        ruling, question = conclusion.ruling, each.question
        answer = GateAnswer(
            email=question.email,
            decision=ruling.decision,
            rule=ruling.rule,
            policy=each.policy.name,
            message_class=question.message_class,
            until=ruling.until,
            degraded=ruling.degraded,
            verdict=conclusion.verdict,
            age_s=None if conclusion.verdict is None else max(0, int((now - conclusion.seen_at).total_seconds())),
            also=ruling.also,
        )
        if ruling.probe:
            self._equipment.refresh((question.email,))
        self._equipment.log.note((decided(question, answer, each.recipient.key, each.recipient.masked, now),))
        return answer

    def _judge(self, asked: Sequence[Asked], learned: Learned, now: datetime) -> None:
        knowledge = learned.knowledge if learned.knowledge is not None else Knowledge.of({})
        if len(asked) == 1 and isinstance(parsed := asked[0].recipient.parsed, Address):
            mailbox = asked[0].recipient.mailbox
            asked[0].assessment = self._equipment.judging.judge_one(parsed, mailbox, knowledge, ALL_STAGES, now)
            return
        texts = [each.recipient.parsed for each in asked]
        for each, assessment in zip(asked, self._equipment.judging.judge(texts, knowledge, ALL_STAGES), strict=True):
            each.assessment = assessment

    def _concluded(
        self, each: Asked, learned: Learned, taken: dict[str, list[tuple[str, datetime]]], now: datetime
    ) -> Conclusion:
        """The ruling, with what earlier questions of the same batch have taken of the sender's limits."""
        assessment = each.assessment
        assert assessment is not None
        facts = facts_of(each, learned, taken, now, can_probe=self._equipment.remembered.can_probe)
        ruling = decide(facts, each.question.message_class, each.policy, now)
        if each.sender is not None and each.question.count and ruling.decision is GateDecision.ALLOW:
            taken.setdefault(each.sender.name, []).append((each.recipient.key, now))
        is_known = assessment.reason is not Reason.NOT_PROBED
        return Conclusion(ruling, assessment.verdict if is_known else None, assessment.checked_at)

    async def _count(self, asked: Sequence[Asked], answers: Sequence[GateAnswer], now: datetime, end: float) -> None:
        """Whatever was allowed and is to be counted: within the deadline, or behind it."""
        uses = [
            self._use(each, each.sender.name, now)
            for each, answer in zip(asked, answers, strict=True)
            if each.question.count and each.sender is not None and answer.decision is GateDecision.ALLOW
        ]
        if uses:
            await self._in_time({"count": partial(self._equipment.uses.count, uses)}, end)

    def _use(self, each: Asked, sender: str, now: datetime) -> Use:
        question = each.question
        named = question.id or question.campaign or self._equipment.clock.token(_ID_LENGTH)
        recipient = each.recipient.key
        return Use(sender, use_id(named, recipient), recipient, now, question.message_class != "transactional")
