"""What our columns say of one assessment.

Law: no cell of ours can be taken for a formula by a spreadsheet, whatever a server or an address put into it.
"""

from datetime import datetime
from functools import lru_cache

from verifier.core.record import timestamp
from verifier.core.verdict import Assessment, SmtpEvidence

_FORMULA_STARTS = frozenset("=+-@\t\r")
_TRUTH = {True: "true", False: "false", None: ""}
_SCORES = tuple(map(str, range(101)))


def cells_of(assessment: Assessment, duplicate_of: int = 0) -> list[str]:
    """The cells of OUR_COLUMNS, in their order; `duplicate_of` is a 1-based data row, 0 for none.

    What is not known is empty; times are RFC 3339 in UTC, to the second; `ev_smtp` is the masked reply.
    """
    suggestion, normalized = assessment.did_you_mean, assessment.normalized
    provider, smtp, retry_after = assessment.provider, assessment.smtp, assessment.retry_after
    flags = assessment.flags
    return [
        assessment.verdict,
        assessment.reason,
        _SCORES[assessment.score],
        harmless(suggestion) if suggestion else "",
        harmless(normalized) if normalized else "",
        _TRUTH[flags.disposable],
        _TRUTH[flags.role],
        _TRUTH[flags.free],
        _TRUTH[flags.catch_all],
        str(duplicate_of) if duplicate_of else "",
        harmless(provider) if provider else "",
        harmless(reply_line(smtp)) if smtp is not None else "",
        _timestamp(retry_after) if retry_after is not None else "",
        _timestamp(assessment.checked_at),
    ]


def harmless(text: str) -> str:
    """The text, with ' before what a spreadsheet would run."""
    return f"'{text}" if text[:1] in _FORMULA_STARTS else text


def reply_line(smtp: SmtpEvidence) -> str:
    """A reply as a server would write it: `550 5.1.1 <*>: User unknown`."""
    return " ".join(part for part in (str(smtp.code), smtp.enhanced, smtp.text) if part)


@lru_cache(maxsize=4096)
def _timestamp(moment: datetime) -> str:
    return timestamp(moment) or ""
