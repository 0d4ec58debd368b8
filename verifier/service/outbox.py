"""What a lane has heard: rulings on their way to findings, and findings on their way to who asked."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from verifier.core.control import DomainTrial, Probe, Ruling, control_local_part, draws
from verifier.core.dialogue_events import Recipient
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import AcceptsAll
from verifier.core.observing import reply_finding, waited_for
from verifier.core.replies import Reading, Reply, ReplyClass, SmtpStage
from verifier.core.waiting import Waiting
from verifier.service.probing import Probed, Question, Target, accepts_all_fact

if TYPE_CHECKING:
    from verifier.service.lanes import Lanes

_JITTER_SECONDS = 10.0

_Record = Callable[[Sequence[tuple[Target, Probed]]], Awaitable[None]]


class Heard(Struct, frozen=True):
    """Whose answer it was, from which host, when; `backup`: the host is less preferred than one that failed."""

    recipient: Recipient
    mx_host: str
    observed_at: datetime
    backup: bool
    transcript: Sequence[str] = ()


class Hearing(Struct, eq=False):
    """One domain's trial at its best hosts, or at a backup: neither's word about a random name is the other's."""

    domain: str
    backup: bool
    trial: DomainTrial
    back_at: datetime | None = None
    """When the first who was greylisted may come back."""


class Outbox:
    """One lane's hearings, and the results that the next flush hands out.

    Law: what was recorded is recorded before anybody learns of it, and nobody's failing record harms another.
    """

    def __init__(self, lanes: "Lanes", waiting: Waiting) -> None:
        """Knows no lane: a lane that is done goes at once, and leaves no garbage to be looked for."""
        self._lanes = lanes
        self._waiting = waiting
        self._hearings: dict[tuple[str, bool], Hearing] = {}
        self._open: Counter[str] = Counter()
        self._touched: set[str] = set()
        self._ready: list[tuple[Question, Probed]] = []
        self._handing_out = asyncio.Lock()

    @property
    def empty(self) -> bool:
        return not self._hearings and not self._ready

    def opened(self, domain: str) -> None:
        """A recipient of this domain begins to wait."""
        self._open[domain] += 1

    def control_beside(self, recipient: Recipient, *, backup: bool) -> Recipient | None:
        """The control that travels in an interactive check's own group, where one is needed."""
        hearing = self._hearing(recipient, backup)
        return self._control(hearing, Probe.CONTROL) if hearing.trial.asked_beside() else None

    def answered(self, heard: Heard, reply: Reply, reading: Reading) -> None:
        """A reply about a recipient, real or control."""
        recipient = heard.recipient
        self._touched.add(recipient.domain)
        if recipient.probe is Probe.REAL:
            self._open[recipient.domain] -= 1
            hearing = self._hearing(recipient, heard.backup)
            if reading.reply_class is ReplyClass.GREYLISTED and hearing.back_at is None:
                hearing.back_at = heard.observed_at + timedelta(seconds=recipient.ticket.target.greylist_delay)
            self._settle(hearing, hearing.trial.answered(heard, reply, reading))
        else:
            hearing = recipient.ticket
            answer = (reply, reading) if heard.backup == hearing.backup else None
            self._settle(hearing, hearing.trial.learn(recipient.probe, answer))

    def unanswerable(self, recipient: Recipient, finding: Finding, transcript: Sequence[str] = ()) -> None:
        """Nothing was to be heard about this recipient: the finding says why."""
        self._touched.add(recipient.domain)
        if recipient.probe is Probe.REAL:
            self._open[recipient.domain] -= 1
            self._put(recipient.ticket, finding, transcript)
        else:
            hearing = recipient.ticket
            self._settle(hearing, hearing.trial.learn(recipient.probe, None))

    def dropped(self, recipient: Recipient) -> None:
        """Nobody wants to know about this recipient any more; it was not asked."""
        self._touched.add(recipient.domain)
        self._open[recipient.domain] -= 1
        self._lanes.closed(recipient.ticket)

    async def flush(self) -> None:
        """Ask the controls that are wanted, close the hearings that are done, and hand out what is ready.

        When it returns, everything that was ready before has been recorded, by whichever session.
        """
        while self._touched:
            self._advance(self._touched.pop())
        async with self._handing_out:
            ready, self._ready = self._ready, []
            if ready:
                await self._hand_out(ready)

    async def _hand_out(self, ready: list[tuple[Question, Probed]]) -> None:
        try:
            while by_record := _unanswered_by_record(ready):
                for record, results in by_record.items():
                    for waiter, probed in await self._recorded(record, results):
                        if not waiter.future.done():
                            waiter.future.set_result(probed)
        finally:
            for question, _ in ready:
                self._lanes.closed(question)

    async def _recorded(self, record: _Record, results: list[tuple[Target, Probed]]) -> list[tuple[Target, Probed]]:
        """The results, or our own fault in the place of each where they could not be recorded."""
        lanes = self._lanes
        try:
            await record(results)
        except Exception as fault:  # noqa: BLE001 - the job loop: a fault of ours is no verdict on anybody
            lanes.report_fault(fault)
            failed = Probed(lanes.fault_finding(fault))
            return [(waiter, failed) for waiter, _ in results]
        return results

    def _advance(self, domain: str) -> None:
        waits = self._open[domain] > 0
        for backup in (False, True):
            hearing = self._hearings.get((domain, backup))
            if hearing is None:
                continue
            trial = hearing.trial
            while (probe := trial.wanted()) is not None:
                self._waiting.push(self._control(hearing, probe))
            if not trial.complete:
                waits = True
            elif self._open[domain] > 0:
                self._settle(hearing, trial.release(_is_interactive))
            else:
                self._settle(hearing, trial.close())
                del self._hearings[domain, backup]
        if not waits:
            del self._open[domain]

    def _hearing(self, recipient: Recipient, backup: bool) -> Hearing:
        hearing = self._hearings.get((recipient.domain, backup))
        if hearing is None:
            hearing = Hearing(recipient.domain, backup, self._trial(recipient, backup))
            self._hearings[recipient.domain, backup] = hearing
        return hearing

    def _trial(self, recipient: Recipient, backup: bool) -> DomainTrial:
        if backup:
            return DomainTrial(None, control_wanted=True)
        target: Target = recipient.ticket.target
        fact = self._lanes.accepts_all(target.domain)
        if fact is None:
            return DomainTrial(target.accepts_all, control_wanted=target.control_wanted)
        return DomainTrial(fact.value, control_wanted=target.control_wanted and fact.value is not None)

    def _control(self, hearing: Hearing, probe: Probe) -> Recipient:
        key = self._lanes.equipment.control_key
        local = control_local_part(draws(key, hearing.domain)) if probe is Probe.CONTROL else "postmaster"
        return Recipient(path=f"{local}@{hearing.domain}", domain=hearing.domain, probe=probe, ticket=hearing)

    def _settle(self, hearing: Hearing, rulings: list[Ruling]) -> None:
        trial, lanes = hearing.trial, self._lanes
        if trial.learned and not hearing.backup:
            trial.learned = False
            fact = accepts_all_fact(trial.accepts_all, lanes.equipment.clock.now())
            if trial.control_greylisted and fact.value is None and hearing.back_at is not None:
                fact = structs.replace(fact, expires_at=min(fact.expires_at, hearing.back_at))
            lanes.learn_accepts_all(hearing.domain, fact)
        for ruling in rulings:
            heard: Heard = ruling.ticket
            self._put(heard.recipient.ticket, _finding(trial, ruling, heard), heard.transcript)

    def _put(self, question: Question, finding: Finding, transcript: Sequence[str]) -> None:
        lanes, target = self._lanes, question.target
        if finding.reply_class is ReplyClass.GREYLISTED:
            delay = target.greylist_delay
            finding = waited_for(finding, delay + min(_JITTER_SECONDS, delay / 10) * lanes.equipment.clock.random())
        fact = lanes.accepts_all(target.domain)
        if fact is not None and all(_knows(waiter, fact) for waiter in question.waiters):
            fact = None
        kept = tuple(transcript) if target.keep_transcript else ()
        self._ready.append((question, Probed(finding, fact, kept)))


def _unanswered_by_record(ready: list[tuple[Question, Probed]]) -> dict[_Record, list[tuple[Target, Probed]]]:
    """Who waits for these results, those included who joined a moment ago."""
    by_record: dict[_Record, list[tuple[Target, Probed]]] = {}
    for question, probed in ready:
        for waiter in question.waiters:
            if not waiter.future.done():
                by_record.setdefault(waiter.record, []).append((waiter, probed))
    return by_record


def _knows(waiter: Target, fact: AcceptsAll) -> bool:
    """The target was made with this fact: an undetermined one shows in that no control is wanted."""
    return waiter.accepts_all is fact.value and not (fact.value is None and waiter.control_wanted)


def _is_interactive(heard: Heard) -> bool:
    return heard.recipient.interactive


def _finding(trial: DomainTrial, ruling: Ruling, heard: Heard) -> Finding:
    if heard.backup and ruling.reading.reply_class is ReplyClass.ACCEPTED and trial.accepts_all is not False:
        return Finding(
            heard.observed_at,
            obstacle=Obstacle.CONNECT_FAILED,
            mx_host=heard.mx_host,
            detail="only a less preferred exchange answered, and what it accepts proves nothing",
        )
    return reply_finding(heard.observed_at, SmtpStage.RCPT, ruling.reply, ruling.reading, heard.mx_host)
