"""`--only`: which rows of a list that was cleaned before are verified again."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from verifier.core.evidence import Finding, freshness_of
from verifier.core.faults import InputError, OperatorError
from verifier.core.reasons import Reason, Verdict
from verifier.core.replies import ReplyClass
from verifier.core.table import Layout

UNKNOWN = "unknown"
STALE = "stale"
_DOMAIN_FACT = timedelta(days=1)
_CLASSES = {
    Reason.ACCEPTED: ReplyClass.ACCEPTED,
    Reason.CATCH_ALL: ReplyClass.ACCEPTED,
    Reason.MAILBOX_NOT_FOUND: ReplyClass.MAILBOX_NOT_FOUND,
    Reason.MAILBOX_DISABLED: ReplyClass.MAILBOX_DISABLED,
    Reason.MAILBOX_FULL: ReplyClass.MAILBOX_FULL,
}

Selection = Callable[[Sequence[str]], bool]


def parse_only(text: str, layout: Layout, now: datetime) -> Selection:
    """A predicate on rows: `unknown` (or never verified), `stale` (checked too long ago to count), or both.

    Raises OperatorError for other words, InputError where the list bears no verdicts of an earlier run.
    """
    words = {word.strip().lower() for word in text.split(",") if word.strip()}
    if not words or words - {UNKNOWN, STALE}:
        raise OperatorError(f"--only knows {UNKNOWN} and {STALE}, not {text!r}.")
    columns = {name: place for place, name in enumerate(layout.header)}
    missing = [name for name in ("ev_verdict", "ev_reason", "ev_checked_at") if name not in columns]
    if missing:
        raise InputError(f"--only needs a list that was cleaned before: it has no column {missing[0]}.")

    def cell(row: Sequence[str], name: str) -> str:
        place = columns[name]
        return row[place].strip() if place < len(row) else ""

    def selected(row: Sequence[str]) -> bool:
        verdict = cell(row, "ev_verdict")
        if UNKNOWN in words and verdict in ("", Verdict.UNKNOWN):
            return True
        return STALE in words and _is_stale(cell(row, "ev_reason"), cell(row, "ev_checked_at"), now)

    return selected


def _is_stale(reason: str, checked_at: str, now: datetime) -> bool:
    """The verdict is older than what it stands on is authoritative for; one without a time is."""
    try:
        checked = datetime.fromisoformat(checked_at)
    except ValueError:
        return True
    if checked.tzinfo is None:
        return True
    reply_class = _CLASSES.get(Reason(reason)) if reason in set(Reason) else None
    if reply_class is None:
        return checked + _DOMAIN_FACT < now
    return checked + freshness_of(Finding(checked, reply_class=reply_class)).authoritative < now
