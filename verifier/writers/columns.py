"""What our columns say of one assessment.

Law: no cell of ours can be taken for a formula by a spreadsheet, whatever a server or an address put into it.
"""

from datetime import datetime
from functools import lru_cache

from verifier.core.record import timestamp
from verifier.core.verdict import Assessment, SmtpEvidence

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_TRUTH = {True: "true", False: "false", None: ""}


def cells_of(assessment: Assessment, duplicate_of: int = 0) -> list[str]:
    """The cells of OUR_COLUMNS, in their order; `duplicate_of` is a 1-based data row, 0 for none.

    What is not known is empty; times are RFC 3339 in UTC, to the second; `ev_smtp` is the masked reply.
    """
    flags = assessment.flags
    return [
        assessment.verdict,
        assessment.reason,
        str(assessment.score),
        harmless(assessment.did_you_mean) if assessment.did_you_mean else "",
        harmless(assessment.normalized) if assessment.normalized else "",
        "true" if flags.disposable else "false",
        "true" if flags.role else "false",
        "true" if flags.free else "false",
        _TRUTH[flags.catch_all],
        str(duplicate_of) if duplicate_of else "",
        harmless(assessment.provider) if assessment.provider else "",
        harmless(reply_line(assessment.smtp)) if assessment.smtp else "",
        _timestamp(assessment.retry_after),
        _timestamp(assessment.checked_at),
    ]


def harmless(text: str) -> str:
    """The text, with ' before what a spreadsheet would run."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def reply_line(smtp: SmtpEvidence) -> str:
    """A reply as a server would write it: `550 5.1.1 <*>: User unknown`."""
    return " ".join(part for part in (str(smtp.code), smtp.enhanced, smtp.text) if part)


@lru_cache(maxsize=4096)
def _timestamp(moment: datetime | None) -> str:
    return timestamp(moment) or ""
