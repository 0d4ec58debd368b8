"""Assessments and summaries for tests of what a list came to."""

from datetime import datetime, timedelta

from tests.support.clock import START
from verifier.core.reasons import ALL_STAGES, Reason, verdict_of
from verifier.core.summary import Run, Summary
from verifier.core.verdict import Assessment, Flags

RUN = Run("customers.csv", START, 41.3, ALL_STAGES, "0.1.0", "customers.clean.csv")
RISKS = {
    Reason.INVALID_SYNTAX: 1.0,
    Reason.MAILBOX_NOT_FOUND: 0.98,
    Reason.ACCEPTED: 0.004,
    Reason.DISPOSABLE: 0.3,
    Reason.EGRESS_BLOCKED: 0.08,
}


def assessed(
    reason: Reason,
    provider: str | None = None,
    risk: float | None = None,
    retry_after: datetime | None = None,
    **flags: bool,
) -> Assessment:
    if reason is Reason.DISPOSABLE:
        flags["disposable"] = True
    return Assessment(
        email="jane.doe@shop.example",
        normalized="jane.doe@shop.example",
        verdict=verdict_of(reason),
        reason=reason,
        bounce_risk=RISKS.get(reason, 0.2) if risk is None else risk,
        score=0,
        flags=Flags(**flags),
        stages=ALL_STAGES,
        checked_at=START,
        provider=provider,
        retry_after=retry_after,
    )


def ordinary() -> Summary:
    """A list as most are: 100 different addresses, 3 duplicates, 2 blank rows."""
    summary = Summary()
    summary.add(assessed(Reason.ACCEPTED, "google", role=True), 40)
    summary.add(assessed(Reason.ACCEPTED, "ovh"), 30)
    summary.add(assessed(Reason.MAILBOX_NOT_FOUND, "google"), 10)
    summary.add(assessed(Reason.INVALID_SYNTAX), 5)
    summary.add(assessed(Reason.DISPOSABLE), 5)
    summary.add(assessed(Reason.GREYLISTED, "ovh", retry_after=START + timedelta(minutes=6)), 4)
    summary.add(assessed(Reason.PROVIDER_UNVERIFIABLE, "yahoo", 0.05), 6)
    summary.add_duplicates(3)
    summary.add_blank(2)
    return summary


def unreached() -> Summary:
    """The same on a host whose port 25 is closed."""
    summary = Summary()
    summary.add(assessed(Reason.EGRESS_BLOCKED, "google"), 50)
    summary.add(assessed(Reason.EGRESS_BLOCKED, "ovh"), 34)
    summary.add(assessed(Reason.INVALID_SYNTAX), 5)
    summary.add(assessed(Reason.DISPOSABLE), 5)
    summary.add(assessed(Reason.PROVIDER_UNVERIFIABLE, "yahoo", 0.05), 6)
    return summary
