"""Assessments that nobody has to be waited for; of whoever is asked about again, without working them out anew.

Law: it is the assessment that the pipeline would come to from what memory holds.
"""

from datetime import datetime
from functools import lru_cache

from msgspec import Struct

from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.evidence import Finding, merge, stands_until
from verifier.core.facts import DomainFacts
from verifier.core.knowledge import Knowledge
from verifier.core.reasons import StageName
from verifier.core.test_addresses import stated_reason
from verifier.core.verdict import Assessment
from verifier.ports import Clock
from verifier.service.asking import Asking
from verifier.service.judging import Judging
from verifier.service.mailboxes import Mailboxes

_MOST_REMEMBERED = 10_000
_Basis = tuple[DomainFacts, tuple[Finding, ...], tuple[StageName, ...], object]
"""All that an assessment stands on but the time: facts and findings that have not expired, stages, the lists."""


class _Standing(Struct, frozen=True):
    """An assessment from that basis, good before `until`; `speaking` is the finding that it tells, where it has one."""

    basis: _Basis
    assessment: Assessment
    speaking: Finding | None
    until: datetime


class Text(Struct):
    """A text, and the key of its mailbox; empty where there is nobody to ask about."""

    parsed: Address | SyntaxFault
    key: str = ""
    standing: _Standing | None = None


class AtHand:
    """`of` tells; the last texts are remembered, until `forget`."""

    def __init__(self, judging: Judging, mailboxes: Mailboxes, clock: Clock) -> None:
        self._judging = judging
        self._mailboxes = mailboxes
        self._clock = clock
        self.text = lru_cache(_MOST_REMEMBERED)(self._text)

    def forget(self) -> None:
        """All texts; what is told of them is the same afterwards."""
        self.text.cache_clear()

    def of(self, raw: str, asking: Asking) -> Assessment | None:
        """The assessment of one address; None where somebody has to be waited for."""
        text, stages = self.text(raw), asking.stages
        parsed, key = text.parsed, text.key
        if isinstance(parsed, SyntaxFault) or not key or StageName.MX not in stages:
            return self._judging.judge([parsed], Knowledge.of({}), stages)[0]
        if StageName.SMTP not in stages:
            return None
        now, client, domain = self._clock.now(), asking.client, parsed.domain
        held = self._mailboxes.held(key, domain, client, now)
        if held is None:
            return None
        basis, standing = (*held, stages, self._judging.edition), text.standing
        if standing is not None and now < standing.until and standing.basis == basis:
            if standing.speaking is not None:
                self._mailboxes.heard_again(key, domain, standing.speaking, client, now)
            return standing.assessment
        knowledge = self._mailboxes.at_hand(key, parsed, *held, asking, now)
        if knowledge is None:
            return None
        assessment = self._judging.judge_one(parsed, key, knowledge, stages, now)
        findings = knowledge.findings.get(key, ())
        if findings == held[1] and not any(finding.doubted_since for finding in findings):
            until = stands_until(findings, now)
            text.standing = _Standing(basis, assessment, merge(findings, now), until)
        return assessment

    def _text(self, raw: str) -> Text:
        parsed = parse_address(raw)
        if isinstance(parsed, SyntaxFault) or stated_reason(parsed) is not None:
            return Text(parsed)
        return Text(parsed, self._judging.key_of(parsed))
