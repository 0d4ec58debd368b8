"""How long a ruling stands: what was concluded from the same knowledge need not be worked out anew for every mail.

Law: as long as it stands, a ruling is the one that `judge` and `decide` would come to anew.
"""

from datetime import datetime

from msgspec import Struct

from verifier.core import evidence
from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts
from verifier.core.gate import Ruling, ages_that_matter
from verifier.core.gate_policies import Policy
from verifier.core.gate_words import MessageClass
from verifier.core.reasons import Verdict


class Basis(Struct, frozen=True):
    """All that a ruling stands on but the time, where nothing is suppressed, capped, or could not be read.

    `edition` is another object whenever the lists are others.
    """

    facts: DomainFacts
    findings: tuple[Finding, ...]
    policy: Policy
    message_class: MessageClass
    reactivation: bool
    can_probe: bool
    edition: object


class Conclusion(Struct, frozen=True):
    """A ruling, and the verdict that it stands on: None where nothing is known; `seen_at` when that was observed."""

    ruling: Ruling
    verdict: Verdict | None
    seen_at: datetime


class Standing(Struct, frozen=True):
    """A conclusion from that basis, good before `until`."""

    basis: Basis
    conclusion: Conclusion
    until: datetime


def stands_until(basis: Basis, now: datetime) -> datetime:
    """Until when time alone changes nothing of what is concluded at `now`: facts and findings that expire or are
    forgotten are no part of the basis from then on.
    """
    return evidence.stands_until(basis.findings, now, ages_that_matter(basis.policy, basis.message_class))
