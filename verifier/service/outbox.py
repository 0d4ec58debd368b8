"""What a lane has heard: rulings on their way to findings, and findings on their way to who asked."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from verifier.core.control import DomainTrial, Probe, Ruling, control_local_part
from verifier.core.dialogue import Recipient
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import AcceptsAll
from verifier.core.replies import Reading, Reply, ReplyClass, SmtpStage, mask
from verifier.service.probing import Probed, Target, accepts_all_fact

if TYPE_CHECKING:
    from verifier.service.lanes import Lane

_JITTER_SECONDS = 10.0


class Heard(Struct, frozen=True):
    """Whose answer it was, from which host, when; `backup`: from a less preferred host while a better one failed."""

    recipient: Recipient
    mx_host: str
    observed_at: datetime
    backup: bool
    transcript: tuple[str, ...] = ()


class Outbox:
    """One lane's trials by domain, and the results that the next flush hands out."""

    def __init__(self, lane: "Lane") -> None:
        self._lane = lane
        self._trials: dict[str, DomainTrial] = {}
        self._open: Counter[str] = Counter()
        self._touched: set[str] = set()
        self._ready: list[tuple[Target, Probed]] = []

    @property
    def empty(self) -> bool:
        return not self._trials and not self._ready

    def opened(self, target: Target) -> None:
        """A recipient of this domain begins to wait."""
        self._open[target.domain] += 1

    def control_beside(self, recipient: Recipient) -> Recipient | None:
        """The control that travels in an interactive check's own group, where one is needed."""
        if self._trial(recipient).asked_beside():
            return self._control(recipient.domain, Probe.CONTROL)
        return None

    def answered(self, heard: Heard, reply: Reply, reading: Reading) -> None:
        """A reply about a recipient, real or control."""
        recipient = heard.recipient
        self._touched.add(recipient.domain)
        if recipient.probe is not Probe.REAL:
            trial = self._trials[recipient.domain]
            worthless = heard.backup and reading.reply_class is ReplyClass.ACCEPTED
            self._settle(trial, trial.learn(recipient.probe, None if worthless else (reply, reading)))
            return
        trial = self._trial(recipient)
        self._open[recipient.domain] -= 1
        self._settle(trial, trial.answered(heard, reply, reading))

    def unanswerable(self, recipient: Recipient, finding: Finding) -> None:
        """Nothing was to be heard about this recipient: the finding says why."""
        self._touched.add(recipient.domain)
        if recipient.probe is not Probe.REAL:
            trial = self._trials[recipient.domain]
            self._settle(trial, trial.learn(recipient.probe, None))
            return
        self._open[recipient.domain] -= 1
        self._ready.append((recipient.ticket, Probed(finding)))

    async def flush(self) -> None:
        """Ask the controls that are wanted, close the trials that are done, and hand out what is ready."""
        touched, self._touched = self._touched, set()
        for domain in touched:
            self._advance(domain)
        ready, self._ready = self._ready, []
        by_record: dict[Callable[[Sequence[tuple[Target, Probed]]], Awaitable[None]], list[tuple[Target, Probed]]]
        by_record = defaultdict(list)
        for target, probed in ready:
            by_record[target.record].append((target, probed))
        for record, results in by_record.items():
            await record(results)
        for target, probed in ready:
            if not target.future.done():
                target.future.set_result(probed)

    def _advance(self, domain: str) -> None:
        trial = self._trials.get(domain)
        if trial is not None:
            while (probe := trial.wanted()) is not None:
                self._lane.waiting.push(self._control(domain, probe))
            if self._open[domain] > 0 or not trial.complete:
                return
            self._settle(trial, trial.close())
            del self._trials[domain]
        if self._open[domain] <= 0:
            del self._open[domain]

    def _trial(self, recipient: Recipient) -> DomainTrial:
        trial = self._trials.get(recipient.domain)
        if trial is None:
            target: Target = recipient.ticket
            known = self._lane.lanes.known_accepts_all(target)
            trial = self._trials[recipient.domain] = DomainTrial(known, control_wanted=target.control_wanted)
        return trial

    def _control(self, domain: str, probe: Probe) -> Recipient:
        clock = self._lane.lanes.equipment.clock
        local = control_local_part(clock.random) if probe is Probe.CONTROL else "postmaster"
        return Recipient(path=f"{local}@{domain}", domain=domain, probe=probe)

    def _settle(self, trial: DomainTrial, rulings: list[Ruling]) -> None:
        for ruling in rulings:
            heard: Heard = ruling.ticket
            fact = self._fact(trial, heard) if trial.learned else None
            finding = self._finding(trial, ruling, heard)
            self._ready.append((heard.recipient.ticket, Probed(finding, fact, heard.transcript)))

    def _fact(self, trial: DomainTrial, heard: Heard) -> AcceptsAll:
        now = self._lane.lanes.equipment.clock.now()
        fact = accepts_all_fact(trial.accepts_all, now)
        self._lane.lanes.learn_accepts_all(heard.recipient.domain, fact)
        return fact

    def _finding(self, trial: DomainTrial, ruling: Ruling, heard: Heard) -> Finding:
        reply, reading = ruling.reply, ruling.reading
        if heard.backup and reading.reply_class is ReplyClass.ACCEPTED and trial.accepts_all is not False:
            return Finding(
                heard.observed_at,
                obstacle=Obstacle.CONNECT_FAILED,
                mx_host=heard.mx_host,
                detail="only a less preferred exchange answered, and it accepts every name",
            )
        return Finding(
            heard.observed_at,
            reply_class=reading.reply_class,
            stage=SmtpStage.RCPT,
            code=reply.code,
            enhanced=reply.enhanced,
            text=mask(reply.text),
            rule=reading.rule,
            mx_host=heard.mx_host,
            retry_after=self._retry_after(reading, heard),
        )

    def _retry_after(self, reading: Reading, heard: Heard) -> datetime | None:
        if reading.reply_class is not ReplyClass.GREYLISTED:
            return None
        delay = max(reading.retry_after_s or 0, heard.recipient.ticket.greylist_delay)
        jitter = min(_JITTER_SECONDS, delay / 10) * self._lane.lanes.equipment.clock.random()
        return heard.observed_at + timedelta(seconds=delay + jitter)
