"""judge(evidence) -> Assessment: the one place where what was observed becomes a verdict.

Law: `undeliverable` only on a permanent, first-hand statement about the mailbox or its domain.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from verifier.core.address import Address, SyntaxFault
from verifier.core.evidence import Evidence, Finding, NameFlags, Obstacle, expires_at, merge, refresh_age
from verifier.core.facts import AcceptsAll, MailRoute, RouteStatus
from verifier.core.mail_events import EventKind
from verifier.core.reasons import Reason, StageName, Verdict, verdict_of
from verifier.core.replies import ReplyClass, SmtpStage


class Source(StrEnum):
    """Where the deciding observation came from."""

    LIVE = "live"
    CACHE = "cache"
    FEEDBACK = "feedback"


class Flags(Struct, frozen=True, gc=False):
    """Facts beside the verdict; `catch_all` is None when not known."""

    disposable: bool = False
    role: bool = False
    free: bool = False
    privacy_relay: bool = False
    catch_all: bool | None = None
    mailbox_full: bool = False
    no_reply: bool = False
    plus_tag: bool = False
    idn: bool = False
    typo_domain: bool = False


class SmtpEvidence(Struct, frozen=True, gc=False):
    """The reply that spoke: its masked text, its numbers, and how it was read."""

    stage: SmtpStage | None
    code: int
    enhanced: str | None
    reply_class: ReplyClass
    rule: str
    text: str


class Assessment(Struct, frozen=True, gc=False):
    """One verdict with everything it stands on: what every edge renders.

    `bounce_risk` is a probability, `score` = round(100 × (1 − bounce_risk)); times are tz-aware UTC; `checked_at` is
    when the deciding observation was made, `expires_at` until when it is authoritative, None where nothing expires.
    """

    email: str
    normalized: str | None
    verdict: Verdict
    reason: Reason
    bounce_risk: float
    score: int
    flags: Flags
    stages: tuple[StageName, ...]
    checked_at: datetime
    did_you_mean: str | None = None
    provider: str | None = None
    mx_host: str | None = None
    source: Source = Source.LIVE
    smtp: SmtpEvidence | None = None
    retry_after: datetime | None = None
    expires_at: datetime | None = None
    duration_ms: int = 0
    detail: str | None = None
    """One sentence more than the reason says, for people; not part of the record."""


class BounceRisks(Struct, frozen=True):
    """Estimated probability of a hard bounce by reason, and by (reason, provider) where the provider is special."""

    by_reason: Mapping[str, float]
    by_provider: Mapping[tuple[str, str], float] = {}

    def risk(self, reason: Reason, provider: str | None) -> float:
        if provider is not None:
            special = self.by_provider.get((reason, provider))
            if special is not None:
                return special
        return self.by_reason[reason]


_ROUTE_REASONS = {
    RouteStatus.NULL_MX: Reason.NULL_MX,
    RouteStatus.DOMAIN_NOT_FOUND: Reason.DOMAIN_NOT_FOUND,
    RouteStatus.NO_MAIL_HOST: Reason.NO_MAIL_HOST,
    RouteStatus.UNROUTABLE: Reason.MX_UNROUTABLE,
    RouteStatus.TEMP_ERROR: Reason.DNS_TEMP_ERROR,
    RouteStatus.UNTRUSTED: Reason.RESOLVER_UNTRUSTED,
}
_REPLY_REASONS = {
    ReplyClass.ACCEPTED: Reason.ACCEPTED,
    ReplyClass.MAILBOX_NOT_FOUND: Reason.MAILBOX_NOT_FOUND,
    ReplyClass.MAILBOX_DISABLED: Reason.MAILBOX_DISABLED,
    ReplyClass.MAILBOX_FULL: Reason.MAILBOX_FULL,
    ReplyClass.RECIPIENT_RESTRICTED: Reason.PROBE_BLOCKED,
    ReplyClass.GREYLISTED: Reason.GREYLISTED,
    ReplyClass.RATE_LIMITED: Reason.SMTP_TEMP_ERROR,
    ReplyClass.TEMP_ERROR: Reason.SMTP_TEMP_ERROR,
    ReplyClass.SENDER_REFUSED: Reason.SENDER_REFUSED,
    ReplyClass.CLIENT_REFUSED: Reason.PROBE_BLOCKED,
    ReplyClass.POLICY_REFUSED: Reason.PROBE_BLOCKED,
    ReplyClass.RELAY_DENIED: Reason.PROBE_BLOCKED,
    ReplyClass.TOO_MANY: Reason.SMTP_TEMP_ERROR,
    ReplyClass.SESSION_FATAL: Reason.SMTP_TEMP_ERROR,
    ReplyClass.PROTOCOL_ERROR: Reason.SMTP_PROTOCOL_ERROR,
    ReplyClass.UNRECOGNISED: Reason.PROBE_BLOCKED,
}
_OBSTACLE_REASONS = {
    Obstacle.CONNECT_FAILED: Reason.CONNECT_FAILED,
    Obstacle.TIMEOUT: Reason.SMTP_TIMEOUT,
    Obstacle.CONNECTION_LOST: Reason.SMTP_TEMP_ERROR,
    Obstacle.PROTOCOL_ERROR: Reason.SMTP_PROTOCOL_ERROR,
    Obstacle.PROBE_BLOCKED: Reason.PROBE_BLOCKED,
    Obstacle.EGRESS_BLOCKED: Reason.EGRESS_BLOCKED,
    Obstacle.EGRESS_INTERCEPTED: Reason.EGRESS_INTERCEPTED,
    Obstacle.PROVIDER_UNVERIFIABLE: Reason.PROVIDER_UNVERIFIABLE,
    Obstacle.SMTPUTF8_UNSUPPORTED: Reason.SMTPUTF8_UNSUPPORTED,
    Obstacle.NOT_PROBED: Reason.NOT_PROBED,
    Obstacle.INTERNAL_ERROR: Reason.INTERNAL_ERROR,
}
_READ = (EventKind.OPENED, EventKind.CLICKED)
"""Somebody reads the mail: that a made-up name would have been accepted too says nothing against it."""
_PRECEDENCE = {reason: rank for rank, reason in enumerate(Reason)}


_OF_THE_ROUTE = frozenset(_ROUTE_REASONS.values())


def judge(evidence: Evidence, now: datetime, risks: BounceRisks, source: Source = Source.LIVE) -> Assessment:
    """The verdict that the evidence, which came from `source`, supports at `now`."""
    finding = merge(evidence.findings, now)
    catch_all = _catch_all(evidence.accepts_all, evidence.findings, now)
    reason = _reason(evidence, finding, catch_all)
    address = evidence.address
    risk, verdict = risks.risk(reason, evidence.provider), verdict_of(reason)
    return Assessment(
        email=address.raw,
        normalized=None if isinstance(address, SyntaxFault) else address.normalized,
        verdict=verdict,
        reason=reason,
        bounce_risk=risk,
        score=round(100 * (1 - risk)),
        flags=_flags(evidence.flags, catch_all, finding),
        stages=evidence.stages,
        checked_at=_checked_at(evidence.route, finding, now),
        did_you_mean=evidence.did_you_mean,
        provider=evidence.provider,
        mx_host=_mx_host(evidence.route, finding),
        source=Source.FEEDBACK if finding is not None and finding.told is not None else source,
        smtp=_smtp(finding),
        retry_after=finding.retry_after if finding and verdict is Verdict.UNKNOWN else None,
        expires_at=_expires_at(reason, evidence, finding),
        detail=_detail(evidence, finding),
    )


def _reason(evidence: Evidence, finding: Finding | None, catch_all: bool | None) -> Reason:
    if isinstance(evidence.address, SyntaxFault):
        return Reason.INVALID_SYNTAX
    held: list[Reason] = []
    if evidence.route is not None and evidence.route.status in _ROUTE_REASONS:
        held.append(_ROUTE_REASONS[evidence.route.status])
    if evidence.flags.disposable:
        held.append(Reason.DISPOSABLE)
    if finding is not None:
        held.append(_finding_reason(finding))
        if catch_all and finding.reply_class is ReplyClass.ACCEPTED and finding.told not in _READ:
            held.append(Reason.CATCH_ALL)
    if not held:
        return Reason.NOT_PROBED
    if len(held) == 1:
        return held[0]
    return min(held, key=_PRECEDENCE.__getitem__)


def reason_of_reply(reply_class: ReplyClass, code: int | None) -> Reason:
    """The reason that one reply of this class and reply code supports by itself."""
    if reply_class is ReplyClass.UNRECOGNISED and (code or 0) < 500:
        return Reason.SMTP_TEMP_ERROR
    return _REPLY_REASONS[reply_class]


def _finding_reason(finding: Finding) -> Reason:
    if finding.reply_class is not None:
        reason = reason_of_reply(finding.reply_class, finding.code)
        about_mailbox = verdict_of(reason) is not Verdict.UNKNOWN
        return reason if finding.conclusive or not about_mailbox else Reason.SMTP_TEMP_ERROR
    if finding.obstacle is not None:
        return _OBSTACLE_REASONS[finding.obstacle]
    return Reason.INTERNAL_ERROR


def _catch_all(fact: AcceptsAll | None, findings: tuple[Finding, ...], now: datetime) -> bool | None:
    """The domain's fact, unless a later unknown-user reply from the same domain refutes it."""
    if fact is None or fact.expires_at <= now:
        return None
    if not fact.value:
        return fact.value
    return not any(f.reply_class is ReplyClass.MAILBOX_NOT_FOUND and f.observed_at > fact.observed_at for f in findings)


def _flags(names: NameFlags, catch_all: bool | None, finding: Finding | None) -> Flags:
    return Flags(
        disposable=names.disposable,
        role=names.role,
        free=names.free,
        privacy_relay=names.privacy_relay,
        catch_all=catch_all,
        mailbox_full=finding is not None and finding.reply_class is ReplyClass.MAILBOX_FULL,
        no_reply=names.no_reply,
        plus_tag=names.plus_tag,
        idn=names.idn,
        typo_domain=names.typo_domain,
    )


def _checked_at(route: MailRoute | None, finding: Finding | None, now: datetime) -> datetime:
    if finding is not None:
        return finding.observed_at
    return route.observed_at if route is not None else now


def _expires_at(reason: Reason, evidence: Evidence, finding: Finding | None) -> datetime | None:
    if evidence.route is not None and reason in _OF_THE_ROUTE:
        return evidence.route.expires_at
    if finding is None:
        return None
    until = expires_at(finding)
    if reason is Reason.CATCH_ALL and evidence.accepts_all is not None:
        return min(until, evidence.accepts_all.expires_at)
    return until


def _mx_host(route: MailRoute | None, finding: Finding | None) -> str | None:
    if finding is not None and finding.mx_host is not None:
        return finding.mx_host
    return route.hosts[0].name if route is not None and route.hosts else None


def _smtp(finding: Finding | None) -> SmtpEvidence | None:
    if finding is None or finding.reply_class is None or finding.code is None:
        return None
    return SmtpEvidence(
        stage=finding.stage,
        code=finding.code,
        enhanced=finding.enhanced,
        reply_class=finding.reply_class,
        rule=finding.rule or "",
        text=finding.text or "",
    )


def _detail(evidence: Evidence, finding: Finding | None) -> str | None:
    if isinstance(evidence.address, SyntaxFault):
        return evidence.address.sentence
    if finding is not None and finding.detail:
        return finding.detail
    return evidence.route.detail or None if evidence.route is not None else None


def refresh_due(assessment: Assessment, now: datetime) -> bool:
    """What was known may still be answered with, but has to be asked again behind the answer."""
    smtp = assessment.smtp
    if assessment.source is not Source.CACHE or smtp is None or assessment.verdict is Verdict.UNKNOWN:
        return False
    return now - assessment.checked_at >= refresh_age(smtp.reply_class)


def stated_assessment(address: Address, reason: Reason, now: datetime, risks: BounceRisks) -> Assessment:
    """What a test address (`<reason>@verifier.test`) asks for: that verdict, from no evidence at all."""
    risk = risks.risk(reason, None)
    return Assessment(
        email=address.raw,
        normalized=address.normalized,
        verdict=verdict_of(reason),
        reason=reason,
        bounce_risk=risk,
        score=round(100 * (1 - risk)),
        flags=Flags(
            disposable=reason is Reason.DISPOSABLE,
            catch_all=True if reason is Reason.CATCH_ALL else None,
            mailbox_full=reason is Reason.MAILBOX_FULL,
        ),
        stages=(),
        checked_at=now,
    )
