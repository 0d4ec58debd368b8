"""Controls: a random name that nobody has, and `postmaster`, asked beside real ones to learn what an answer is worth.

Law: an undetermined control says neither "accepts all" nor "does not"; and an ambiguous refusal becomes an
unknown user only where the random name was refused with the same text while somebody of the domain was accepted.
(RFC 5321 §4.5.1: postmaster has to exist.)
"""

import re
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from verifier.core.replies import Reading, Reply, ReplyClass, mask

SANITY_ROWS = 10
SANITY_SHARE = 0.95
_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aeiou"


class Probe(StrEnum):
    """Who is asked about."""

    REAL = "real"
    CONTROL = "control"
    POSTMASTER = "postmaster"


class Ruling(Struct, frozen=True):
    """A real recipient's settled answer."""

    ticket: Any
    reply: Reply
    reading: Reading


def control_local_part(random: Callable[[], float]) -> str:
    """A random local part of 12 to 14 characters that looks natural and that nobody has: letters, then two digits."""
    length = 10 + int(random() * 3)
    letters = [
        (_CONSONANTS if place % 2 == 0 else _VOWELS)[int(random() * (16 if place % 2 == 0 else 5))]
        for place in range(length)
    ]
    return "".join(letters) + f"{10 + int(random() * 90)}"


def draws(key: bytes, domain: str) -> Callable[[], float]:
    """Numbers in [0, 1) that look random, and are the same whenever the same domain is asked: a greylisting host lets
    only a name pass that it has seen before. Without the key (at most 64 bytes) nobody can tell them beforehand.
    """
    pool = bytearray(blake2b(domain.encode(), digest_size=64, key=key, person=b"control").digest())

    def draw() -> float:
        return int.from_bytes((pool.pop(), pool.pop())) / 65536

    return draw


class DomainTrial:
    """What one mail host said about one domain's names in one go, until everything about it is settled.

    `known` is a fresh answer to "does it accept all names?" from before; with `control_wanted` False the provider's
    row knows it already and nobody random is asked.
    """

    def __init__(self, known: bool | None, *, control_wanted: bool) -> None:
        self.accepts_all: bool | None = known
        self.learned = False
        """`accepts_all` was found out, or refuted, in this trial."""
        self._determined = known is not None
        self._wanted = control_wanted
        self._asked: set[Probe] = set()
        self._answers: dict[Probe, tuple[Reply, Reading] | None] = {}
        self._accepted: list[Ruling] = []
        self._ambiguous: list[Ruling] = []
        self._somebody_accepted = False
        self._somebody_greylisted = False
        self._answered = 0
        self._texts: Counter[str] = Counter()

    def answered(self, ticket: Any, reply: Reply, reading: Reading) -> list[Ruling]:
        """A real recipient's answer: settled at once, or kept until the controls have spoken."""
        self._answered += 1
        ruling = Ruling(ticket, reply, reading)
        if reading.ambiguous and reply.code // 100 == 5:
            self._texts[plain_text(reply)] += 1
            self._ambiguous.append(ruling)
            return []
        if reading.reply_class is ReplyClass.ACCEPTED:
            self._somebody_accepted = True
            if not self._settled():
                self._accepted.append(ruling)
                return []
        elif reading.reply_class is ReplyClass.GREYLISTED:
            self._somebody_greylisted = True
        elif reading.reply_class is ReplyClass.MAILBOX_NOT_FOUND and self.accepts_all:
            self.accepts_all = False
            self.learned = True
        return [ruling]

    def wanted(self) -> Probe | None:
        """The control to ask next; each is given once. Beside a greylisted recipient it only begins to wait, too."""
        if self._accepted or self._ambiguous or (self._somebody_greylisted and not self._settled()):
            if Probe.CONTROL not in self._asked and Probe.CONTROL not in self._answers:
                self._asked.add(Probe.CONTROL)
                return Probe.CONTROL
            if self._postmaster_decides() and Probe.POSTMASTER not in self._asked:
                self._asked.add(Probe.POSTMASTER)
                return Probe.POSTMASTER
        return None

    def learn(self, probe: Probe, answer: tuple[Reply, Reading] | None) -> list[Ruling]:
        """A control's answer, or None when none was to be had; the acceptances that waited for it are settled."""
        self._asked.add(probe)
        self._answers[probe] = answer
        if probe is Probe.CONTROL:
            value = self._control_says(answer)
            if value is not None or not self._determined:
                self.accepts_all = value
                self.learned = True
            self._determined = True
        if not self._settled():
            return []
        settled, self._accepted = self._accepted, []
        return settled

    def asked_beside(self) -> bool:
        """An interactive check wants the control in its own group: True when it is to be sent, once."""
        if self._settled() or Probe.CONTROL in self._asked:
            return False
        self._asked.add(Probe.CONTROL)
        return True

    @property
    def control_greylisted(self) -> bool:
        """The control was told to come back: it is undetermined only until then."""
        answer = self._answers.get(Probe.CONTROL)
        return answer is not None and answer[1].reply_class is ReplyClass.GREYLISTED

    @property
    def pending(self) -> bool:
        """Something still waits for a control."""
        return bool(self._accepted or self._ambiguous)

    @property
    def complete(self) -> bool:
        """Every control that was asked has been answered, and no other is wanted."""
        return all(probe in self._answers for probe in self._asked) and not self._postmaster_missing()

    def release(self, urgent: Callable[[Any], bool]) -> list[Ruling]:
        """The kept rulings whose ticket is urgent, settled by what is known so far: call it when `complete`."""
        ambiguous = [ruling for ruling in self._ambiguous if urgent(ruling.ticket)]
        self._ambiguous = [ruling for ruling in self._ambiguous if not urgent(ruling.ticket)]
        return [self._rule(ruling) for ruling in ambiguous]

    def close(self) -> list[Ruling]:
        """Everything that is left, settled by what the controls said: call it when no recipient of the domain waits."""
        settled, self._accepted = self._accepted, []
        ambiguous, self._ambiguous = self._ambiguous, []
        return settled + [self._rule(ruling) for ruling in ambiguous]

    def _settled(self) -> bool:
        return self._determined or not self._wanted

    def _control_says(self, answer: tuple[Reply, Reading] | None) -> bool | None:
        if answer is None:
            return None
        reply, reading = answer
        if reading.reply_class is ReplyClass.ACCEPTED:
            return True
        if reading.reply_class is ReplyClass.MAILBOX_NOT_FOUND:
            return False
        if reading.ambiguous and reply.code // 100 == 5 and self._somebody_accepted:
            return False
        return None

    def _same_as_control(self, reply: Reply) -> bool:
        control = self._answers.get(Probe.CONTROL)
        return control is not None and control[1].ambiguous and plain_text(control[0]) == plain_text(reply)

    def _postmaster_decides(self) -> bool:
        return not self._somebody_accepted and any(self._same_as_control(r.reply) for r in self._ambiguous)

    def _postmaster_missing(self) -> bool:
        return Probe.CONTROL in self._answers and self._postmaster_decides() and Probe.POSTMASTER not in self._answers

    def _rule(self, ruling: Ruling) -> Ruling:
        if self._insane(ruling.reply):
            return _blocked(ruling)
        if not self._same_as_control(ruling.reply):
            return _withdrawn(ruling)
        postmaster = self._answers.get(Probe.POSTMASTER)
        proved = self._somebody_accepted or (
            postmaster is not None and postmaster[1].reply_class is ReplyClass.ACCEPTED
        )
        if not proved:
            return _withdrawn(ruling)
        return Ruling(ruling.ticket, ruling.reply, Reading(ReplyClass.MAILBOX_NOT_FOUND, "control.same-refusal"))

    def _insane(self, reply: Reply) -> bool:
        """Nearly everybody was refused with this one ambiguous text: that is about the domain or about us."""
        if self._answered < SANITY_ROWS:
            return False
        return self._texts[plain_text(reply)] >= SANITY_SHARE * self._answered


def plain_text(reply: Reply) -> str:
    """A reply's masked text without what changes from one recipient to the next, for comparison."""
    return f"{reply.code} {reply.enhanced or ''} " + re.sub(r"<\*>|[0-9]+", "", mask(reply.text)).casefold().strip()


def _blocked(ruling: Ruling) -> Ruling:
    """One of a domain's many refusals with one text: the whole domain is closed to us, whatever was read from it."""
    if ruling.reading.reply_class is ReplyClass.UNRECOGNISED:
        return ruling
    return Ruling(ruling.ticket, ruling.reply, Reading(ReplyClass.POLICY_REFUSED, ruling.reading.rule))


def _withdrawn(ruling: Ruling) -> Ruling:
    """An ambiguous refusal that nothing decided: what was read, and no more than unknown."""
    reading = ruling.reading
    if reading.reply_class in (ReplyClass.MAILBOX_NOT_FOUND, ReplyClass.MAILBOX_DISABLED):
        reading = Reading(ReplyClass.POLICY_REFUSED, reading.rule)
    return Ruling(ruling.ticket, ruling.reply, reading)
