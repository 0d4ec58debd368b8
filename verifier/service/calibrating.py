"""What was predicted of a mailbox when its mail came through or bounced, and the risks that follow from that."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from verifier.core.address import Address
from verifier.core.calibration import Calibration, Seen, calibrate, evidence_of
from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts, MailRoute
from verifier.core.feedback.effects import is_sign_of_life
from verifier.core.knowledge import Knowledge
from verifier.core.mail_events import BounceClass, EventKind, MailEvent
from verifier.core.projection import Evidence, Group
from verifier.core.reasons import ALL_STAGES, Reason
from verifier.core.verdict import BounceRisks
from verifier.feedback_ports import Outcome, OutcomeStore, Waiting
from verifier.ports import Clock, FactStore
from verifier.service.judging import Judging

_PERIOD = timedelta(days=30).total_seconds()
_TELL_NOTHING = (Reason.INVALID_SYNTAX, Reason.INTERNAL_ERROR)


NotAsked = Callable[[str, MailRoute | None, datetime], Finding | None]
"""Why nobody is asked at a domain (service/mailboxes.py)."""


class Predictions:
    """Judges a mailbox as it would have been judged before the event, by what we found ourselves."""

    def __init__(self, judging: Judging, facts: FactStore, not_asked: NotAsked, clock: Clock) -> None:
        self._judging = judging
        self._facts = facts
        self._not_asked = not_asked
        self._clock = clock

    async def outcomes(self, told: Sequence[tuple[Waiting, Address]]) -> list[Outcome]:
        """One for each event that shows whether the mailbox takes mail, where a verdict stood on anything at all."""
        showing = [(each, address) for each, address in told if _shows(each.event)]
        if not showing:
            return []
        domains = await self._facts.domains(sorted({address.domain for _, address in showing}))
        findings = await self._facts.mailboxes(sorted({each.mailbox for each, _ in showing}))
        found = (self._outcome(each, address, domains, findings) for each, address in showing)
        return [outcome for outcome in found if outcome is not None]

    def _outcome(
        self,
        each: Waiting,
        address: Address,
        domains: Mapping[str, DomainFacts],
        findings: Mapping[str, tuple[Finding, ...]],
    ) -> Outcome | None:
        facts = domains.get(address.domain)
        before = tuple(f for f in findings.get(each.mailbox, ()) if f.told is None and f.observed_at <= each.event.at)
        if not before:
            route = facts.route if facts is not None else None
            if route is None:
                return None
            silent = self._not_asked(address.domain, route, self._clock.now())
            before = (silent,) if silent is not None else ()
        knowledge = Knowledge.of({address.domain: facts} if facts is not None else {})
        if before:
            knowledge.findings[each.mailbox] = before
        assessment = self._judging.judge([address], knowledge, ALL_STAGES)[0]
        if assessment.reason in _TELL_NOTHING:
            return None
        return Outcome(
            each.mailbox,
            assessment.reason.value,
            assessment.provider or "",
            int(each.event.at.timestamp() // _PERIOD),
            assessment.bounce_risk,
            each.event.bounce_class is BounceClass.HARD,
        )


class Calibrating:
    """Makes the risks that everybody judges by from the priors and from what was seen."""

    def __init__(
        self, outcomes: OutcomeStore, prior: BounceRisks, judging: Judging, keep: Callable[[Calibration], None]
    ) -> None:
        self._outcomes = outcomes
        self._prior = prior
        self._judging = judging
        self._keep = keep
        self._known: Sequence[Seen] = ()
        self._evidence: Mapping[Group, Evidence] = {}

    @property
    def evidence(self) -> Mapping[Group, Evidence]:
        """For how many mails the risks of a reason at a provider stand; those that were really sent alone."""
        return self._evidence

    async def calibrate(self) -> Calibration:
        """The calibration as it stands now; verdicts from now on use its risks, and `keep` has it for other processes.

        Raises ServiceUnavailable where what was seen cannot be read.
        """
        seen = await self._outcomes.seen()
        calibration = calibrate(self._prior, seen)
        if seen != self._known:
            self._judging.recalibrate(calibration.risks)
            self._keep(calibration)
            self._known = seen
            self._evidence = evidence_of(calibration)
        return calibration


def _shows(event: MailEvent) -> bool:
    return is_sign_of_life(event) or (event.kind is EventKind.BOUNCED and event.bounce_class is BounceClass.HARD)
