"""Decisions within a deadline: from what is known, whoever is slow; what is missing is asked behind the answer."""

from collections.abc import Sequence

from verifier.core.gate_words import GateAnswer, GateQuestion

DEADLINE_SECONDS = 0.05


class Gate:
    """`decide` never raises for what a store or a mail server does, and answers in time."""

    async def decide(
        self, questions: Sequence[GateQuestion], *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> list[GateAnswer]:
        """One answer for each question, in order, within the deadline."""
        raise NotImplementedError
