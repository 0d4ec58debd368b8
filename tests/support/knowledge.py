"""Whatever may be known of a mailbox and its domain, and every moment at which something of it may turn."""

from datetime import datetime, timedelta

from hypothesis import strategies as st

from tests.support.clock import START
from verifier.core.evidence import Finding, Obstacle
from verifier.core.facts import AcceptsAll, DomainFacts, MailHost, MailRoute, RouteStatus
from verifier.core.mail_events import EventKind
from verifier.core.replies import ReplyClass, SmtpStage

HOSTS = (MailHost("mx.shop.example", 10, ("192.0.2.1",)),)
HOURS = (0, 1, 3, 24, 30, 48, 72, 7 * 24, 10 * 24, 30 * 24, 31 * 24, 60 * 24, 90 * 24, 180 * 24)
lately = st.sampled_from([START - timedelta(hours=hours) for hours in HOURS])
soon = st.sampled_from([START + timedelta(hours=hours) for hours in HOURS[1:] + HOURS[-1:] * 15])


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """Mostly what a mailbox's own server said of it."""
    seen = draw(lately)
    said = draw(st.sampled_from([*[ReplyClass.ACCEPTED, ReplyClass.MAILBOX_NOT_FOUND] * 8, *ReplyClass, None]))
    return Finding(
        seen,
        said,
        obstacle=draw(st.sampled_from(Obstacle)) if said is None else None,
        stage=draw(st.sampled_from([*[SmtpStage.RCPT] * 12, *SmtpStage])),
        code=draw(st.sampled_from([250 if said is ReplyClass.ACCEPTED else 550, 450])),
        mx_host="mx.shop.example",
        retry_after=draw(st.sampled_from([None, None, START, START + timedelta(hours=1), START + timedelta(hours=72)])),
        doubted_since=draw(st.sampled_from([None, None, None, seen, seen - timedelta(hours=30)])),
        told=draw(st.sampled_from([None, None, *EventKind])),
    )


facts = st.builds(
    lambda status, seen, until, control: DomainFacts(
        "shop.example", MailRoute(status, HOSTS if status is RouteStatus.FOUND else (), seen, until), control
    ),
    st.sampled_from([*[RouteStatus.FOUND] * 5, RouteStatus.NULL_MX]),
    lately,
    soon,
    st.none() | st.builds(AcceptsAll, st.sampled_from([True, False, None]), lately, soon),
)


def turns(known: DomainFacts, found: list[Finding]) -> list[datetime]:
    """Every moment at which something of it may turn, and the one before it."""
    facts = [fact for fact in (known.route, known.accepts_all) if fact is not None]
    moments = {fact.expires_at for fact in facts} | {finding.retry_after for finding in found if finding.retry_after}
    moments |= {each.observed_at + timedelta(hours=age) for each in (*facts, *found) for age in HOURS}
    return sorted(turn for moment in moments for turn in (moment - timedelta.resolution, moment) if turn > START)
