"""What the mail servers' surfaces of the gate share: one question, and what comes of its answer there.

It begins in observe mode: decided and noted, but everything passes. Switched to enforce it is still a mail server that
asks: caps and quotas are no reason to leave mail in a queue, and nothing is held longer than `MAX_HOLD`.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from msgspec import Struct, structs

from verifier.core.gate_context import ContextFault, GateContext, parse_context
from verifier.core.gate_replies import GateReply, gate_reply
from verifier.core.gate_rules import Rule
from verifier.core.gate_words import GateAnswer, GateDecision, GateQuestion
from verifier.core.holding import Holds
from verifier.ports import Clock
from verifier.service.gating import UnknownPolicy

DEADLINE_SECONDS = 0.05
NEVER_HELD = frozenset({Rule.FREQUENCY_CAP, Rule.QUOTA})
"""Rules whose holds last longer than a queue should: the mail passes, noted."""


class DecidesMail(Protocol):
    """The gate, as its surfaces know it; `at_once` is None where somebody would have to be waited for."""

    def at_once(self, question: GateQuestion) -> GateAnswer | None: ...
    async def decide(self, questions: Sequence[GateQuestion], *, deadline_seconds: float = ...) -> list[GateAnswer]: ...


class Passed(StrEnum):
    """Why mail passed although the gate would not have let it."""

    OBSERVING = "observing"
    CAP = "caps and quotas hold no mail here"
    HELD_LONG = "held long enough"
    UNAVAILABLE = "the gate could not decide"


class Note(Struct, frozen=True):
    """What is written down of mail that passed although the gate would not have let it.

    What is refused or put off stands in the mail server's own log, and every decision in the gate's.
    """

    surface: str
    email: str
    decision: GateDecision
    rule: str
    policy: str
    message_class: str
    passed: Passed


class Ruling(Struct, frozen=True):
    """What a surface has to do: `decision` holds here, whatever the gate said; `rule` is the one that spoke."""

    decision: GateDecision
    rule: str

    @property
    def reply(self) -> GateReply | None:
        """None: the mail may pass."""
        return gate_reply(self.decision, self.rule)


_UNSAID = GateContext(fails_closed=False)
PASSES = Ruling(GateDecision.ALLOW, "not_asked")
"""What is no mail to a stranger."""

context_of = lru_cache(maxsize=1024)(parse_context)


class Gatekeeper:
    """Asks the gate for the surfaces. `note` is told of what passes all the same, `warn` of senseless contexts.

    Laws: `ask_at_once` gives the ruling that `ask` would give, or None where that would have to wait for somebody, or
    to warn. What of a context cannot be meant is as though it were not said: who is suppressed stays suppressed.
    """

    def __init__(
        self,
        gate: DecidesMail,
        clock: Clock,
        *,
        enforce: bool,
        holds: Holds | None = None,
        note: Callable[[Note], None],
        warn: Callable[[str], None],
        report_fault: Callable[[BaseException], None],
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._enforce = enforce
        self._note = note
        self._warn = warn
        self._report_fault = report_fault
        self._holds = holds or Holds()
        self.asked = 0
        """How many questions there have been."""

    def ask_at_once(self, surface: str, email: str, context: str, mail_from: str = "") -> Ruling | None:
        """The ruling on one recipient where all is in memory; `context` is words of `core/gate_context`."""
        known = _UNSAID
        try:
            known = context_of(context)
            answer = self._gate.at_once(self._question(surface, email, known))
            if answer is None:
                return None
        except (ContextFault, UnknownPolicy):
            return None  # `ask` makes the best of it, and says so
        except Exception as fault:  # noqa: BLE001 - mail flows or waits, whatever is wrong with us
            answer = self._failed(email, known, fault)
        return self._ruling(surface, email, known, answer, mail_from)

    async def ask(self, surface: str, email: str, context: str, mail_from: str = "") -> Ruling:
        """The ruling on one recipient. Never raises for a fault of ours."""
        known = _UNSAID
        try:
            known = context_of(context)
            answer = await self._answer(surface, email, known)
        except (ContextFault, UnknownPolicy) as fault:
            self._warn(f"The context {context!r} of the {surface} surface cannot be meant: {fault}.")
            known = structs.replace(known, policy=None)
            answer = await self._answer(surface, email, known)
        return self._ruling(surface, email, known, answer, mail_from)

    async def _answer(self, surface: str, email: str, known: GateContext) -> GateAnswer:
        """Raises UnknownPolicy."""
        try:
            questions = [self._question(surface, email, known)]
            (answer,) = await self._gate.decide(questions, deadline_seconds=DEADLINE_SECONDS)
        except UnknownPolicy:
            raise
        except Exception as fault:  # noqa: BLE001 - mail flows or waits, whatever is wrong with us
            return self._failed(email, known, fault)
        return answer

    def _question(self, surface: str, email: str, known: GateContext) -> GateQuestion:
        self.asked += 1
        return GateQuestion(
            email, known.message_class, known.policy, known.sender, surface=surface, observed=not self._enforce
        )

    def _failed(self, email: str, known: GateContext, fault: Exception) -> GateAnswer:
        self._report_fault(fault)
        return _undecided(email, known, GateDecision.ALLOW)

    def _ruling(self, surface: str, email: str, known: GateContext, answer: GateAnswer, mail_from: str) -> Ruling:
        if answer.decision is GateDecision.ALLOW and answer.rule != Rule.UNAVAILABLE:
            return Ruling(GateDecision.ALLOW, answer.rule)
        if answer.rule == Rule.UNAVAILABLE and known.fails_closed:
            answer = _undecided(email, known, GateDecision.HOLD)
        passed = self._passes(answer, mail_from)
        if passed is None:
            return Ruling(answer.decision, answer.rule)
        self._note(
            Note(surface, email, answer.decision, answer.rule, answer.policy, answer.message_class.value, passed)
        )
        return Ruling(GateDecision.ALLOW, answer.rule)

    def _passes(self, answer: GateAnswer, mail_from: str) -> Passed | None:
        if answer.decision is GateDecision.ALLOW:
            return Passed.UNAVAILABLE
        if not self._enforce:
            return Passed.OBSERVING
        if answer.decision is GateDecision.BLOCK:
            return None
        if answer.rule in NEVER_HELD:
            return Passed.CAP
        mail = (mail_from.casefold(), answer.email.casefold(), answer.message_class)
        return Passed.HELD_LONG if self._holds.is_over(mail, self._clock.now()) else None


def _undecided(email: str, context: GateContext, decision: GateDecision) -> GateAnswer:
    return GateAnswer(email, decision, Rule.UNAVAILABLE, context.policy or "", context.message_class, degraded=True)
