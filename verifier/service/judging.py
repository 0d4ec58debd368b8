"""From what is known to assessments: the half of the pipeline that asks nobody."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import structs

from verifier.core.address import Address, SyntaxFault
from verifier.core.evidence import Evidence, NameFlags
from verifier.core.facts import MailRoute, RouteStatus
from verifier.core.keys import keyed_hash
from verifier.core.names import Names
from verifier.core.reasons import StageName
from verifier.core.test_addresses import stated_reason
from verifier.core.verdict import Assessment, BounceRisks, Source, judge, stated_assessment
from verifier.ports import Clock
from verifier.service.mailboxes import Knowledge

_NO_FLAGS = NameFlags()


class Judging:
    """Judges addresses by the lists and by what was learned of them. `mailbox_subkey` is the key of mailbox hashes."""

    def __init__(self, names: Names, risks: BounceRisks, clock: Clock, mailbox_subkey: bytes = b"") -> None:
        self._names = names
        self._risks = risks
        self._clock = clock
        self._subkey = mailbox_subkey

    def key_of(self, address: Address) -> str:
        """The keyed hash under which a mailbox is stored: spellings that meet in one mailbox share it."""
        return keyed_hash(self._subkey, address.comparison)

    def judge(
        self, parsed: Iterable[Address | SyntaxFault], knowledge: Knowledge, stages: tuple[StageName, ...]
    ) -> list[Assessment]:
        """What the knowledge says of each, by now."""
        now = self._clock.now()
        return [self._judge(address, knowledge, stages, now) for address in parsed]

    def _judge(
        self, address: Address | SyntaxFault, knowledge: Knowledge, stages: tuple[StageName, ...], now: datetime
    ) -> Assessment:
        if isinstance(address, SyntaxFault):
            return judge(Evidence(address, _NO_FLAGS, (StageName.SYNTAX,)), now, self._risks)
        stated = stated_reason(address)
        if stated is not None:
            return stated_assessment(address, stated, now, self._risks)
        facts = knowledge.facts.get(address.domain)
        route = facts.route if facts is not None else None
        provider = self._names.provider(address.domain, route)
        key = self.key_of(address) if knowledge.findings else ""
        findings = knowledge.findings.get(key, ())
        assessment = judge(
            Evidence(
                address=address,
                flags=self._names.flags(address, route),
                stages=_stages_done(stages, route, asked=any(f.code is not None for f in findings)),
                route=route,
                accepts_all=facts.accepts_all if facts is not None else None,
                findings=findings,
                provider=provider.name if provider is not None else None,
                did_you_mean=self._names.spelling.suggestion(address, _works(route)),
            ),
            now,
            self._risks,
        )
        if findings and key not in knowledge.live:
            return structs.replace(assessment, source=Source.CACHE)
        return assessment


def _stages_done(stages: tuple[StageName, ...], route: MailRoute | None, *, asked: bool) -> tuple[StageName, ...]:
    done = {StageName.SYNTAX, StageName.DISPOSABLE}
    if route is not None:
        done.add(StageName.MX)
    if asked:
        done.add(StageName.SMTP)
    return tuple(stage for stage in stages if stage in done)


def _works(route: MailRoute | None) -> bool | None:
    """Whether the domain can receive mail; None where that is not known."""
    if route is None or route.status in (RouteStatus.TEMP_ERROR, RouteStatus.UNTRUSTED):
        return None
    return route.reachable
