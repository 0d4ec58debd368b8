"""What was observed of a mailbox, as values: kept until a verdict is asked for, and judged again whenever it is."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from verifier.core.address import Address, SyntaxFault
from verifier.core.facts import AcceptsAll, MailRoute
from verifier.core.mail_events import EventKind
from verifier.core.reasons import StageName
from verifier.core.replies import ReplyClass, SmtpStage


class Obstacle(StrEnum):
    """Why a mailbox could not be asked, or gave no reply: never a statement about the mailbox."""

    CONNECT_FAILED = "connect_failed"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    PROTOCOL_ERROR = "protocol_error"
    PROBE_BLOCKED = "probe_blocked"
    EGRESS_BLOCKED = "egress_blocked"
    EGRESS_INTERCEPTED = "egress_intercepted"
    PROVIDER_UNVERIFIABLE = "provider_unverifiable"
    SMTPUTF8_UNSUPPORTED = "smtputf8_unsupported"
    NOT_PROBED = "not_probed"
    INTERNAL_ERROR = "internal_error"


class Finding(Struct, frozen=True, omit_defaults=True, gc=False):
    """One observation of one mailbox: either what a reply said (`reply_class`) or what stood in the way (`obstacle`).

    `text` is the masked reply, `code` and `enhanced` its numbers, `stage` the command it answered; all None where no
    server answered. `retry_after` is when it makes sense to ask again. `doubted_since`: a refusal that may be an
    outage's (core/outage.py), and since when the mailbox has been refused without anything to the contrary. `told`:
    the event of a mail that was sent which taught it (core/feedback); None where we asked ourselves.
    """

    observed_at: datetime
    reply_class: ReplyClass | None = None
    obstacle: Obstacle | None = None
    stage: SmtpStage | None = None
    code: int | None = None
    enhanced: str | None = None
    text: str | None = None
    rule: str | None = None
    mx_host: str | None = None
    retry_after: datetime | None = None
    detail: str | None = None
    doubted_since: datetime | None = None
    told: EventKind | None = None

    @property
    def conclusive(self) -> bool:
        """The mailbox's own server made a statement about the mailbox, and one that it may make where it was made:
        a mailbox is dead only by a permanent reply to RCPT or DATA (RFC 5321 §4.2.1), whatever class was read from it.
        """
        said = self.reply_class
        if said is None or said not in _STRENGTH or self.stage in _BEFORE_RCPT:
            return False
        return said not in _DEAD or self.code is None or 500 <= self.code <= 599


class Freshness(Struct, frozen=True):
    """Three ages of a finding: asked again behind the answer, asked again before the answer, forgotten."""

    refresh: timedelta
    authoritative: timedelta
    retained: timedelta


_STRENGTH = {
    ReplyClass.ACCEPTED: 1,
    ReplyClass.MAILBOX_FULL: 2,
    ReplyClass.MAILBOX_DISABLED: 3,
    ReplyClass.MAILBOX_NOT_FOUND: 4,
}
_DEAD = (ReplyClass.MAILBOX_DISABLED, ReplyClass.MAILBOX_NOT_FOUND)
_BEFORE_RCPT = frozenset({SmtpStage.BANNER, SmtpStage.EHLO, SmtpStage.STARTTLS, SmtpStage.MAIL})
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_FRESHNESS = {
    ReplyClass.ACCEPTED: Freshness(7 * _DAY, 31 * _DAY, 180 * _DAY),
    ReplyClass.MAILBOX_NOT_FOUND: Freshness(3 * _HOUR, 3 * _DAY, 90 * _DAY),
    ReplyClass.MAILBOX_FULL: Freshness(_DAY, 3 * _DAY, 30 * _DAY),
    ReplyClass.MAILBOX_DISABLED: Freshness(_DAY, 3 * _DAY, 30 * _DAY),
}
_INCONCLUSIVE = Freshness(_HOUR, _HOUR, _HOUR)
_NEVER = datetime.max.replace(tzinfo=UTC)
SECOND_LOOK = _DAY
"""How much later a doubted refusal has to be seen again before it is believed for long."""
_DOUBTED = Freshness(3 * _HOUR, SECOND_LOOK, 90 * _DAY)


def freshness_of(finding: Finding) -> Freshness:
    """How long a finding is good for (docs/architecture.md, Freshness; modelled on Postfix verify(8))."""
    doubted = finding.doubted_since is not None and finding.observed_at - finding.doubted_since < SECOND_LOOK
    if finding.conclusive:
        assert finding.reply_class is not None
        return _DOUBTED if doubted else _FRESHNESS[finding.reply_class]
    if finding.retry_after is not None:
        wait = max(finding.retry_after - finding.observed_at, timedelta(0))
        return Freshness(wait, wait, _DOUBTED.retained if doubted else wait)
    return _INCONCLUSIVE


def refresh_age(conclusive: ReplyClass) -> timedelta:
    """From which age on what a mailbox's own server said of it is asked again behind the answer."""
    return _FRESHNESS[conclusive].refresh


def expires_at(finding: Finding) -> datetime:
    """Until when the finding is authoritative: past that, `check` and `clean` ask again."""
    return finding.observed_at + freshness_of(finding).authoritative


def stands_until(findings: Sequence[Finding], now: datetime, ages: Collection[timedelta] = ()) -> datetime:
    """Until when time alone changes nothing of what is concluded from the findings at `now`.

    A finding ceases to be authoritative, or reaches one of the `ages` that matter beside that, at a moment that is
    known before. For findings that are retained: one that is forgotten is no part of what is concluded from.
    """
    moments = [expires_at(finding) for finding in findings]
    moments += [finding.observed_at + age for finding in findings for age in ages]
    return min((moment for moment in moments if moment > now), default=_NEVER)


def merge(findings: tuple[Finding, ...], now: datetime) -> Finding | None:
    """The finding that speaks for the mailbox at `now`, whatever order they came in.

    Conclusive ones that have not expired come first, the latest of them, ties to the weaker statement; an
    inconclusive one speaks only where no conclusive one does.
    """
    if len(findings) < 2:
        return findings[0] if findings else None

    def rank(finding: Finding) -> tuple[bool, datetime, int, str]:
        speaks = finding.conclusive and expires_at(finding) > now
        strength = _STRENGTH.get(finding.reply_class, 0) if finding.reply_class else 0
        return (speaks, finding.observed_at, -strength, repr(finding))

    live = [f for f in findings if expires_at(f) > now]
    return max(live or findings, key=rank)


def retained(findings: Sequence[Finding], now: datetime) -> tuple[Finding, ...]:
    """What a store keeps of a mailbox at `now`: the latest finding of each kind that is still retained, oldest first.

    Bounded by the number of kinds (reply classes, conclusive or not, told or asked for, obstacles, withdrawn refusals),
    and the same whatever order the findings came in.
    """
    if len(findings) == 1:
        return tuple(findings) if retained_until(findings[0]) > now else ()
    latest: dict[tuple[str, bool, bool], Finding] = {}
    for finding in findings:
        if retained_until(finding) > now:
            said = "withdrawn" if _is_withdrawn(finding) else finding.reply_class or finding.obstacle or ""
            kind = said, finding.conclusive, finding.told is not None
            held = latest.get(kind)
            if held is None or _later(finding, held):
                latest[kind] = finding
    return tuple(finding for _, finding in sorted(latest.items(), key=lambda item: (item[1].observed_at, item[0])))


def retained_until(finding: Finding) -> datetime:
    """When the finding is to be forgotten."""
    return finding.observed_at + freshness_of(finding).retained


def _is_withdrawn(finding: Finding) -> bool:
    return finding.doubted_since is not None and not finding.conclusive


def _later(finding: Finding, held: Finding) -> bool:
    if finding.observed_at != held.observed_at:
        return finding.observed_at > held.observed_at
    return finding != held and repr(finding) > repr(held)


class NameFlags(Struct, frozen=True, gc=False):
    """What the lists and the spelling say of an address, before anybody is asked."""

    disposable: bool = False
    role: bool = False
    free: bool = False
    privacy_relay: bool = False
    no_reply: bool = False
    plus_tag: bool = False
    idn: bool = False
    typo_domain: bool = False


class Evidence(Struct, frozen=True, gc=False):
    """Everything a verdict stands on. `stages` lists what was really done."""

    address: Address | SyntaxFault
    flags: NameFlags
    stages: tuple[StageName, ...]
    route: MailRoute | None = None
    accepts_all: AcceptsAll | None = None
    findings: tuple[Finding, ...] = ()
    provider: str | None = None
    did_you_mean: str | None = None
