"""The one JSON form of an assessment, version 1: HTTP, files and commands all write this."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from verifier.core.verdict import Assessment, SmtpEvidence


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


def to_json(assessment: Assessment) -> bytes:
    """The record as one line of JSON, without a line end."""
    return msgspec.json.encode(to_record(assessment))


def timestamp(moment: datetime | None) -> str | None:
    """RFC 3339, UTC, whole seconds."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
