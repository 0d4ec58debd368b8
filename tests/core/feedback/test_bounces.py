"""What a bounce says: the server's words first, and what is about the sender never counts against the recipient."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.support.feedback_vectors import NOW
from verifier.adapters.reply_rule_file import shipped_rules
from verifier.core.feedback.bounces import class_of, class_of_status, classified
from verifier.core.mail_events import BounceClass, EventKind, MailEvent
from verifier.core.replies import Reading, Reply, ReplyClass

HARD, SOFT, BLOCK, UNDETERMINED = (
    BounceClass.HARD,
    BounceClass.SOFT,
    BounceClass.BLOCK,
    BounceClass.UNDETERMINED,
)
EVENT = MailEvent("test", "1", EventKind.BOUNCED, "jane@example.com", NOW, HARD)


@pytest.mark.parametrize(
    ("reply", "own", "expected"),
    [
        ("550 5.1.1 <jane@example.com>: Recipient address rejected: User unknown", SOFT, HARD),
        ("smtp; 550 5.1.1 No such user", UNDETERMINED, HARD),
        ("552 5.2.2 Mailbox full", HARD, SOFT),
        ("452 4.2.2 The email account that you tried to reach is over quota", HARD, SOFT),
        ("550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org", HARD, BLOCK),
        ("550-5.7.26 This mail has been blocked because the sender is unauthenticated.", HARD, BLOCK),
        ("554 5.7.1 Message rejected as spam by Content Filtering.", HARD, BLOCK),
        ("421 4.7.0 Try again later, closing connection", HARD, BLOCK),
        ("554 5.7.1 <jane@example.com>: Relay access denied", HARD, BLOCK),
        ("450 4.2.0 Greylisted, try again later", HARD, SOFT),
        ("450 4.2.0 Greylisted, try again later", BLOCK, BLOCK),
        ("451 4.3.0 Temporary failure", BLOCK, BLOCK),
        ("552 5.2.2 Mailbox full", BLOCK, SOFT),
        ("550 5.1.1 No such user", BLOCK, HARD),
        ("Bounced for a reason of ours", HARD, HARD),
        ("Bounced for a reason of ours", SOFT, SOFT),
    ],
)
def test_the_words_of_the_server_outweigh_the_class_of_the_source(
    reply: str, own: BounceClass, expected: BounceClass
) -> None:
    """Texts of real servers; what no rule knows stays what the source calls it, and what it calls blocked counts
    against no mailbox for a trouble that passes.
    """
    assert classified(structs.replace(EVENT, bounce_class=own, reply=reply), shipped_rules()).bounce_class is expected


@pytest.mark.parametrize(
    "reply",
    [
        "gate: undeliverable",
        "550 5.1.1 gate: hard_bounce",
        "smtp; 550 5.1.1 <jane@example.com>: Recipient address rejected: gate: undeliverable",
        "550 5.7.1 gate: unsubscribed (in reply to RCPT TO command)",
        "host relay.example.net[192.0.2.1] said: 450 4.7.1 gate: unknown_probe, try again later (in reply to RCPT TO)",
    ],
)
def test_what_the_gate_itself_refused_has_not_bounced(reply: str) -> None:
    """Its refusals stand in the mail server's log and come back as bounces: read in again they would make a verdict of
    three days a suppression for good.
    """
    event = classified(structs.replace(EVENT, reply=reply), shipped_rules())
    assert (event.kind, event.bounce_class, event.proven) == (EventKind.REJECTED, None, False)


@pytest.mark.parametrize("reply", ["550 5.1.1 aggregate: undeliverable", "550 5.1.1 gate: no such user here"])
def test_other_people_s_gates_bounce(reply: str) -> None:
    """Only our own words are ours."""
    assert classified(structs.replace(EVENT, reply=reply), shipped_rules()).kind is EventKind.BOUNCED


def test_what_is_no_bounce_or_has_no_text_stays_as_it_is() -> None:
    """Nothing is read where nothing was said."""
    assert classified(EVENT, shipped_rules()) is EVENT
    deferred = structs.replace(EVENT, kind=EventKind.DEFERRED, bounce_class=None, reply="550 5.1.1 unknown")
    assert classified(deferred, shipped_rules()) is deferred


@given(
    st.sampled_from(ReplyClass),
    st.booleans(),
    st.sampled_from([None, *BounceClass]),
    st.sampled_from([None, "5.7.1", "4.7.0", "5.1.1", "4.2.0"]),
    st.sampled_from([250, 421, 450, 550]),
)
def test_hard_only_where_somebody_speaks_of_the_mailbox(
    reply_class: ReplyClass, ambiguous: bool, own: BounceClass | None, enhanced: str | None, code: int
) -> None:
    """A hard bounce stands on words about the mailbox, or on the source's word where no rule knows better; a 5.7.x that
    no rule takes for the mailbox's is never hard, and a temporary number never makes a source's hard stay hard.
    """
    found = class_of(Reply(code, enhanced, ""), Reading(reply_class, "r", ambiguous=ambiguous), own)
    dead = reply_class in (ReplyClass.MAILBOX_NOT_FOUND, ReplyClass.MAILBOX_DISABLED)
    if found is HARD:
        assert dead or own is HARD
    if not dead and enhanced in ("5.7.1", "4.7.0"):
        assert found is BLOCK
    if not dead and code in (421, 450):
        assert found is not HARD


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("5.1.1", HARD),
        ("5.1.10", HARD),
        ("5.2.2", SOFT),
        ("4.4.1", SOFT),
        ("5.7.1", BLOCK),
        ("5.4.4", SOFT),
        ("5.0.0", UNDETERMINED),
    ],
)
def test_a_status_code_by_itself(status: str, expected: BounceClass) -> None:
    """RFC 3463: bad mailbox, full, network, policy; no route may be a resolver's fault; the rest is open."""
    assert class_of_status(status) is expected
