"""The one JSON form of an assessment, version 1: HTTP, files and commands all write this."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from verifier.core.reasons import Reason, StageName, Verdict
from verifier.core.replies import ReplyClass, SmtpStage
from verifier.core.verdict import Assessment, Flags, SmtpEvidence, Source


def word(*words: str) -> Meta:
    """A closed list of words that documents an answer; whoever reads one tolerates words that are new to him."""
    return Meta(extra_json_schema={"enum": list(words)})


_TO_THE_SECOND = len("2026-11-22T10:00:00")
Timestamp = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class SmtpRecord(Struct, frozen=True, rename={"reply_class": "class"}):
    """The reply that decided, where a server answered; addresses and ids in its text are masked."""

    stage: Annotated[str, word(*SmtpStage)] | None
    code: int
    enhanced: str | None
    reply_class: Annotated[str, word(*ReplyClass)]
    rule: str
    text: str


class VerdictRecord(Struct, frozen=True):
    """One verdict with its evidence, as docs/contract.md §2 describes it."""

    email: str
    normalized: str | None
    verdict: Annotated[str, word(*Verdict)]
    reason: Annotated[str, word(*Reason)]
    bounce_risk: Annotated[float, Meta(ge=0, le=1)]
    score: Annotated[int, Meta(ge=0, le=100)]
    did_you_mean: str | None
    flags: Flags
    provider: str | None
    mx_host: str | None
    stages: list[Annotated[str, word(*StageName)]]
    source: Annotated[str, word(*Source)]
    smtp: SmtpRecord | None
    retry_after: Timestamp | None
    checked_at: Timestamp
    expires_at: Timestamp | None
    duration_ms: Annotated[int, Meta(ge=0)]


def to_record(assessment: Assessment) -> dict[str, Any]:
    """The record of docs/contract.md §2 as plain values, in its order of keys; times as RFC 3339 in whole seconds."""
    return {
        "email": assessment.email,
        "normalized": assessment.normalized,
        "verdict": assessment.verdict.value,
        "reason": assessment.reason.value,
        "bounce_risk": assessment.bounce_risk,
        "score": assessment.score,
        "did_you_mean": assessment.did_you_mean,
        "flags": msgspec.structs.asdict(assessment.flags),
        "provider": assessment.provider,
        "mx_host": assessment.mx_host,
        "stages": [stage.value for stage in assessment.stages],
        "source": assessment.source.value,
        "smtp": _smtp_record(assessment.smtp),
        "retry_after": timestamp(assessment.retry_after),
        "checked_at": timestamp(assessment.checked_at),
        "expires_at": timestamp(assessment.expires_at),
        "duration_ms": assessment.duration_ms,
    }


def to_json(assessment: Assessment, decision: str | UnsetType = UNSET, sentence: str | UnsetType = UNSET) -> bytes:
    """The record as one line of JSON, without a line end; with what a sign-up form is told, where it is."""
    smtp = assessment.smtp
    return _ENCODER.encode(
        _Line(
            assessment.email,
            assessment.normalized,
            assessment.verdict,
            assessment.reason,
            assessment.bounce_risk,
            assessment.score,
            assessment.did_you_mean,
            assessment.flags,
            assessment.provider,
            assessment.mx_host,
            assessment.stages,
            assessment.source,
            None
            if smtp is None
            else SmtpRecord(smtp.stage, smtp.code, smtp.enhanced, smtp.reply_class, smtp.rule, smtp.text),
            _whole(assessment.retry_after),
            _whole(assessment.checked_at),
            _whole(assessment.expires_at),
            assessment.duration_ms,
            decision,
            sentence,
        )
    )


class _Line(Struct, frozen=True, gc=False):
    """`to_record`, with the decision beside it, in values that the encoder writes at once."""

    email: str
    normalized: str | None
    verdict: Verdict
    reason: Reason
    bounce_risk: float
    score: int
    did_you_mean: str | None
    flags: Flags
    provider: str | None
    mx_host: str | None
    stages: tuple[StageName, ...]
    source: Source
    smtp: SmtpRecord | None
    retry_after: datetime | None
    checked_at: datetime | None
    expires_at: datetime | None
    duration_ms: int
    decision: str | UnsetType
    sentence: str | UnsetType


_ENCODER = msgspec.json.Encoder()


def timestamp(moment: datetime | None) -> str | None:
    """RFC 3339, UTC, whole seconds."""
    return None if moment is None else moment.astimezone(UTC).isoformat()[:_TO_THE_SECOND] + "Z"


def _whole(moment: datetime | None) -> datetime | None:
    """As `timestamp` writes it."""
    if moment is None:
        return None
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).replace(microsecond=0)


def _smtp_record(smtp: SmtpEvidence | None) -> dict[str, Any] | None:
    if smtp is None:
        return None
    return {
        "stage": smtp.stage.value if smtp.stage is not None else None,
        "code": smtp.code,
        "enhanced": smtp.enhanced,
        "class": smtp.reply_class.value,
        "rule": smtp.rule,
        "text": smtp.text,
    }
