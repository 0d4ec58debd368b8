"""From what is known to assessments: the half of the pipeline that asks nobody."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from msgspec import structs

from verifier.core.address import Address, SyntaxFault
from verifier.core.evidence import Evidence, NameFlags
from verifier.core.facts import MailRoute, RouteStatus
from verifier.core.keys import keyed_hash
from verifier.core.knowledge import Knowledge
from verifier.core.names import Names
from verifier.core.reasons import StageName
from verifier.core.test_addresses import stated_reason
from verifier.core.verdict import Assessment, BounceRisks, Source, judge, stated_assessment
from verifier.ports import Clock

_NO_FLAGS = NameFlags()
_Likeness = tuple[NameFlags, str | None, str | None]
"""Flags, provider, and the domain where anything is known of it: all that a verdict stands on without findings."""


class Judging:
    """Judges addresses by the lists and by what was learned of them. `mailbox_subkey` is the key of mailbox hashes."""

    def __init__(self, names: Names, risks: BounceRisks, clock: Clock, mailbox_subkey: bytes = b"") -> None:
        self._names = names
        self._risks = risks
        self._clock = clock
        self._subkey = mailbox_subkey

    @property
    def edition(self) -> object:
        """Another one whenever the lists or the risks are others."""
        return self._names.edition, self._risks

    def recalibrate(self, risks: BounceRisks) -> None:
        """Judges by these bounce risks from now on."""
        self._risks = risks

    def key_of(self, address: Address) -> str:
        """The keyed hash under which a mailbox is stored: spellings that meet in one mailbox share it."""
        return keyed_hash(self._subkey, address.comparison)

    def judge(
        self, parsed: Iterable[Address | SyntaxFault], knowledge: Knowledge, stages: tuple[StageName, ...]
    ) -> list[Assessment]:
        """What the knowledge says of each, by now."""
        now = self._clock.now()
        likes: dict[_Likeness, Assessment] = {}
        judged = []
        for each in parsed:
            if isinstance(each, Address):
                key = self.key_of(each) if knowledge.findings else ""
                judged.append(self._judge(each, key, knowledge, stages, now, likes))
            else:
                judged.append(self._faulty(each, now))
        return judged

    def judge_one(
        self, address: Address, key: str, knowledge: Knowledge, stages: tuple[StageName, ...], now: datetime
    ) -> Assessment:
        """What the knowledge says at `now` of an address whose key has been worked out."""
        return self._judge(address, key, knowledge, stages, now, {})

    def _faulty(self, fault: SyntaxFault, now: datetime) -> Assessment:
        return judge(Evidence(fault, _NO_FLAGS, (StageName.SYNTAX,)), now, self._risks)

    def _judge(
        self,
        address: Address,
        key: str,
        knowledge: Knowledge,
        stages: tuple[StageName, ...],
        now: datetime,
        likes: dict[_Likeness, Assessment],
    ) -> Assessment:
        """One verdict; where no mailbox was asked, the one that its likes got: a list has many, and few kinds."""
        stated = stated_reason(address)
        if stated is not None:
            return stated_assessment(address, stated, now, self._risks)
        names, domain = self._names, address.domain
        facts = knowledge.facts.get(domain)
        route = facts.route if facts is not None else None
        flags, provider = names.flags(address, route), names.provider(domain, route)
        did_you_mean = names.spelling.suggestion(address, _works(route))
        findings = knowledge.findings.get(key, ())
        likeness = flags, provider.name if provider is not None else None, domain if facts is not None else None
        like = None if findings else likes.get(likeness)
        if like is not None:
            return structs.replace(like, email=address.raw, normalized=address.normalized, did_you_mean=did_you_mean)
        assessment = judge(
            Evidence(
                address=address,
                flags=flags,
                stages=_stages_done(stages, route is not None, any(f.code is not None for f in findings)),
                route=route,
                accepts_all=facts.accepts_all if facts is not None else None,
                findings=findings,
                provider=provider.name if provider is not None else None,
                did_you_mean=did_you_mean,
            ),
            now,
            self._risks,
            Source.CACHE if findings and key not in knowledge.live else Source.LIVE,
        )
        if not findings:
            likes[likeness] = assessment
        return assessment


@lru_cache(maxsize=64)
def _stages_done(stages: tuple[StageName, ...], looked_up: bool, asked: bool) -> tuple[StageName, ...]:
    done = {StageName.SYNTAX: True, StageName.DISPOSABLE: True, StageName.MX: looked_up, StageName.SMTP: asked}
    return tuple(stage for stage in stages if done[stage])


def _works(route: MailRoute | None) -> bool | None:
    """Whether the domain can receive mail; None where that is not known."""
    if route is None or route.status in (RouteStatus.TEMP_ERROR, RouteStatus.UNTRUSTED):
        return None
    return route.reachable
