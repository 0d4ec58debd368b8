"""Outages of a directory: refusals that are looked at twice before they are believed.

Law: doubt only ever withdraws a refusal to `unknown`, or shortens how long it is believed; it never makes anybody
undeliverable, and a refusal that is seen again a day later, with no acceptance between, is believed.
(Exchange Online answers `550 5.4.1 Access denied` for everybody while a tenant's directory is away.)
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import structs

from verifier.core.evidence import SECOND_LOOK, Finding, expires_at
from verifier.core.replies import ReplyClass

LEAST_PROVEN = 3
"""So many proven mailboxes have to be refused before it is called an outage."""
_DEAD_SHARE = 80  # percent of the proven ones that gave an answer
_PROVEN_FOR = timedelta(days=31)
_DEAD = (ReplyClass.MAILBOX_NOT_FOUND, ReplyClass.MAILBOX_DISABLED)
OUTAGE_RULE = "outage.proven-refused"
_SENTENCE = "mailboxes of this domain that accepted mail lately are refused together: it is asked again in a day"


def is_refusal(finding: Finding) -> bool:
    """A statement that the mailbox is dead."""
    return finding.conclusive and finding.reply_class in _DEAD


def is_proven(findings: Sequence[Finding], now: datetime) -> bool:
    """The mailbox accepted mail within 31 days, and nothing has shown since that it no longer does."""
    accepted = _last_accepted(findings)
    if accepted is None or now - accepted >= _PROVEN_FOR:
        return False
    since = refused_since(findings)
    return since is None or now - since < SECOND_LOOK


def refused_since(findings: Sequence[Finding]) -> datetime | None:
    """Since when the mailbox has been refused, believed or not, with no acceptance after it; None where it was not."""
    accepted = _last_accepted(findings)
    refusals = (f for f in findings if (is_refusal(f) or _withdrawn(f)) and (not accepted or f.observed_at > accepted))
    return min((finding.doubted_since or finding.observed_at for finding in refusals), default=None)


def second_look_due(findings: Sequence[Finding], now: datetime) -> Finding | None:
    """The withdrawn refusal that holds until its second look, where no conclusive answer came after it."""
    waiting = [finding for finding in findings if _withdrawn(finding) and expires_at(finding) > now]
    if not waiting:
        return None
    latest = max(waiting, key=lambda finding: finding.observed_at)
    if any(f.conclusive and f.observed_at > latest.observed_at for f in findings):
        return None
    return latest


def is_outage(refused: int, answered: int) -> bool:
    """So many refused of the proven mailboxes that gave an answer say something of the domain, not of themselves."""
    return refused >= LEAST_PROVEN and 100 * refused >= _DEAD_SHARE * answered


def looked_at(finding: Finding, earlier: Sequence[Finding], *, outage: bool, ambiguous: bool) -> Finding:
    """The finding as it is to be kept, beside what was known before.

    In an outage a refusal is withdrawn until a day has passed; where the provider's refusals are `ambiguous` an unknown
    user is believed for a day. Whoever was refused a day earlier too is refused.
    """
    if not is_refusal(finding):
        return finding
    since = refused_since(earlier) or finding.observed_at
    if outage and finding.observed_at - since < SECOND_LOOK:
        return structs.replace(
            finding,
            reply_class=ReplyClass.TEMP_ERROR,
            rule=OUTAGE_RULE,
            retry_after=finding.observed_at + SECOND_LOOK,
            detail=_SENTENCE,
            doubted_since=since,
        )
    if ambiguous and finding.reply_class is ReplyClass.MAILBOX_NOT_FOUND:
        return structs.replace(finding, doubted_since=since)
    return finding


def _withdrawn(finding: Finding) -> bool:
    return finding.doubted_since is not None and not finding.conclusive


def _last_accepted(findings: Sequence[Finding]) -> datetime | None:
    accepted = (f.observed_at for f in findings if f.conclusive and f.reply_class is ReplyClass.ACCEPTED)
    return max(accepted, default=None)
