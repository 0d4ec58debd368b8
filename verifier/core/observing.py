"""Turns what a dialogue came to into findings: what was seen, and when it makes sense to ask again."""

from datetime import datetime, timedelta

from msgspec import structs

from verifier.core.dialogue_events import Ended
from verifier.core.evidence import Finding
from verifier.core.replies import Reading, Reply, ReplyClass, SmtpStage, mask


def reply_finding(now: datetime, stage: SmtpStage, reply: Reply, reading: Reading, mx_host: str | None) -> Finding:
    """What one reply said; `retry_after` is what it asked for, None where it named no time."""
    wait = reading.retry_after_s
    return Finding(
        now,
        reply_class=reading.reply_class,
        stage=stage,
        code=reply.code,
        enhanced=reply.enhanced,
        text=mask(reply.text),
        rule=reading.rule,
        mx_host=mx_host,
        retry_after=None if wait is None or reply.code < 400 else now + timedelta(seconds=wait),
    )


def ended_finding(now: datetime, ended: Ended, mx_host: str) -> Finding:
    """Why a session was over: the reply that ended it, or what stood in the way."""
    if ended.reply is not None and ended.reading is not None:
        return reply_finding(now, ended.stage, ended.reply, ended.reading, mx_host)
    return Finding(now, obstacle=ended.obstacle, stage=ended.stage, mx_host=mx_host, detail=ended.detail or None)


def waited_for(finding: Finding, seconds: float) -> Finding:
    """A greylisting, to be asked again no earlier than after `seconds`; any other finding as it is."""
    if finding.reply_class is not ReplyClass.GREYLISTED:
        return finding
    earliest = finding.observed_at + timedelta(seconds=seconds)
    if finding.retry_after is not None and finding.retry_after > earliest:
        return finding
    return with_retry(finding, earliest)


def with_retry(finding: Finding, retry_after: datetime) -> Finding:
    """The finding, with the time from which it makes sense to ask again."""
    return structs.replace(finding, retry_after=retry_after)
