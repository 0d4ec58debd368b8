"""A gate whose decisions the address itself tells: `block.hard_bounce.…@`, `hold.unknown.…@`, anything else passes."""

import asyncio
from collections.abc import Sequence

from verifier.core.gate_words import GateAnswer, GateDecision, GateQuestion
from verifier.service.gating import UnknownPolicy


class ScriptedGate:
    """Remembers what it was asked; `fault` is raised where there is one; `seconds` is how long it thinks, None not at
    all; `slow` are those alone whom it thinks about.
    """

    def __init__(self) -> None:
        self.questions: list[GateQuestion] = []
        self.fault: Exception | None = None
        self.seconds: float | None = 0.0
        self.slow: set[str] | None = None
        self.policies = {"strict", "balanced", "lenient"}

    def at_once(self, question: GateQuestion) -> GateAnswer | None:
        is_slow = self.seconds is not None if self.slow is None else question.email in self.slow
        return None if is_slow else self._decided([question])[0]

    async def decide(self, questions: Sequence[GateQuestion], *, deadline_seconds: float = 0.05) -> list[GateAnswer]:
        if self.seconds:
            await asyncio.sleep(self.seconds)
        return self._decided(questions)

    def _decided(self, questions: Sequence[GateQuestion]) -> list[GateAnswer]:
        self.questions += questions
        if self.fault is not None:
            raise self.fault
        for question in questions:
            if question.policy not in {None, *self.policies}:
                raise UnknownPolicy(f"no policy {question.policy}")
        return [_answer(question) for question in questions]


def _answer(question: GateQuestion) -> GateAnswer:
    word, _, rest = question.email.partition(".")
    decision = {"block": GateDecision.BLOCK, "hold": GateDecision.HOLD}.get(word, GateDecision.ALLOW)
    rule = rest.partition(".")[0].partition("@")[0] if decision is not GateDecision.ALLOW else "otherwise"
    return GateAnswer(question.email, decision, rule, question.policy or "balanced", question.message_class)
