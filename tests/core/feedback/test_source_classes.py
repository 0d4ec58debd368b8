"""What each source's own words make of a bounce, an opt-out or a report, and events that nobody here knows yet."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec import structs

from tests.support.feedback_vectors import (
    MAILGUN_FAILED,
    MANDRILL_EVENTS,
    SES_BOUNCE,
    STAMP,
    STANDARD_PUBLIC,
    STANDARD_SECRET,
    VECTORS,
    Vector,
    as_json,
    mailgun_body,
    relabelled,
    sendgrid_public,
    sns_message,
)
from verifier.adapters.reply_rule_file import shipped_rules
from verifier.core.feedback.bounces import classified
from verifier.core.feedback.hook import Refusal, Told
from verifier.core.feedback.sources import SOURCES
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

HARD, SOFT, BLOCK, UNDETERMINED = BounceClass.HARD, BounceClass.SOFT, BounceClass.BLOCK, BounceClass.UNDETERMINED
RULES = shipped_rules()


def of(source: str) -> Vector:
    return next(vector for vector in VECTORS if vector.source == source)


def events_of(source: str, body: bytes) -> list[MailEvent]:
    """The events of a body, rightly signed, as they are kept."""
    vector = relabelled(of(source), body)
    told = SOURCES[source].read(vector.hook(), vector.secrets)
    assert isinstance(told, Told), told
    return [classified(event, RULES) for event in told.events]


def form(events: list[dict[str, Any]]) -> bytes:
    return urlencode({"mandrill_events": json.dumps(events)}).encode()


SENDGRID = {"email": "jane@example.com", "timestamp": STAMP, "event": "bounce", "sg_event_id": "1", "type": "bounce"}
INSIDER = {"email": "jane@example.com", "timestamp": STAMP, "event": "bounce", "msg-id": "1"}
_RECIPIENT = {"emailAddress": "jane@example.com"}


def sendgrid(**changes: object) -> tuple[str, bytes]:
    return "sendgrid", as_json([SENDGRID | changes])


def insider(**changes: object) -> tuple[str, bytes]:
    return "insider", as_json(INSIDER | changes)


def mailgun(reason: str, **status: object) -> tuple[str, bytes]:
    return "mailgun", mailgun_body(MAILGUN_FAILED | {"reason": reason, "delivery-status": status})


def mandrill(event: str, **message: str) -> tuple[str, bytes]:
    msg = {"email": "jane@example.com", "_id": "m", **message}
    return "mandrill", form([{"event": event, "_id": "m", "ts": STAMP, "msg": msg}])


def ses(**recipient: str) -> tuple[str, bytes]:
    bounce: dict[str, Any] = {**SES_BOUNCE["bounce"], "bouncedRecipients": [_RECIPIENT | recipient]}  # type: ignore[dict-item]
    return "ses", as_json(sns_message(SES_BOUNCE | {"bounce": bounce}))


def resend(sub_type: str) -> tuple[str, bytes]:
    data = {"to": ["jane@example.com"], "bounce": {"type": "Transient", "subType": sub_type}}
    return "standard", as_json({"type": "email.bounced", "created_at": "2026-11-22T09:00:00Z", "data": data})


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (sendgrid(status="5.7.1"), BLOCK),
        (sendgrid(status="4.2.2"), SOFT),
        (sendgrid(status="5.1.1"), HARD),
        (sendgrid(status="5.7.1", reason="550 5.1.1 User unknown"), HARD),
        (sendgrid(), HARD),
        (ses(status="5.7.1"), BLOCK),
        (ses(status="4.4.7"), SOFT),
        (ses(), HARD),
        (mailgun("espblock", code=550, message=""), BLOCK),
        (mailgun("blacklisted", code=554, message="listed"), BLOCK),
        (mailgun("greylisted"), SOFT),
        (mailgun("generic"), UNDETERMINED),
        (mailgun("generic", code=550, message="5.1.1 User unknown"), HARD),
        (mailgun("bounce"), HARD),
        (mailgun("espblock", code=550, message="5.1.1 User unknown"), HARD),
        (insider(event_type="bounce"), HARD),
        (insider(event_type="expired"), SOFT),
        (insider(event_type="blocked"), BLOCK),
        (insider(event_type="temporary"), UNDETERMINED),
        (insider(), UNDETERMINED),
        (insider(reason="550 5.1.1 User unknown"), HARD),
        (mandrill("hard_bounce", bounce_description="invalid_domain"), HARD),
        (mandrill("hard_bounce", bounce_description="bad_mailbox"), HARD),
        (mandrill("soft_bounce", bounce_description="mailbox_full"), SOFT),
        (mandrill("soft_bounce", bounce_description="spam"), BLOCK),
        (mandrill("hard_bounce", bounce_description="general", diag="smtp;550 5.7.1 blocked"), BLOCK),
        (resend("ContentRejected"), BLOCK),
        (resend("MailboxFull"), SOFT),
    ],
)
def test_only_what_is_said_of_the_mailbox_is_a_hard_bounce(told: tuple[str, bytes], expected: BounceClass) -> None:
    """A source's word for "blocked", "greylisted" or "not understood", or a status code without words, suppresses
    nobody, however final the source took it to be; words that speak of the mailbox outweigh all of them.
    """
    (event,) = events_of(*told)
    assert (event.kind, event.bounce_class) == (EventKind.BOUNCED, expected)


NEW: dict[str, tuple[bytes, bytes]] = {
    "mailjet": (as_json([{"event": "typo", "time": "soon"}]), as_json([{"event": "sent", "time": "soon"}])),
    "brevo": (as_json([{"event": "newThing", "email": 5}]), as_json([{"event": "hardBounce", "email": 5}])),
    "sendgrid": (as_json([{"event": "thought_over"}]), as_json([{"event": "bounce"}])),
    "insider": (as_json([{"event": "read", "timestamp": []}]), as_json([{"event": "open", "timestamp": []}])),
    "mandrill": (form([{"event": "read", "msg": 7}]), form([{"event": "open", "msg": 7}])),
    "standard": (as_json({"type": "domain.moved"}), as_json({"type": "email.bounced"})),
}


def joined(one: bytes, other: bytes) -> bytes:
    return one[:-1] + b"," + other[1:]


@pytest.mark.parametrize("source", NEW)
def test_an_event_of_a_new_kind_costs_no_other_of_its_batch(source: str) -> None:
    """Sources come to tell more than they did, in forms of which nothing is known here; what is known but not whole is
    refused as ever, with all that came with it.
    """
    new, broken = NEW[source]
    assert events_of(source, new) == []
    vector = of(source)
    for body in (broken, as_json([{"no": "name"}])):
        refused = relabelled(vector, body)
        assert isinstance(SOURCES[source].read(refused.hook(), refused.secrets), Refusal)
    if source == "standard":
        return
    known = form(MANDRILL_EVENTS) if source == "mandrill" else as_json(_as_list(json.loads(vector.body)))
    both = form([*MANDRILL_EVENTS, {"event": "read", "msg": 7}]) if source == "mandrill" else joined(known, new)
    assert events_of(source, both) == events_of(source, known) != []


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _opted(new: dict[str, object], old: dict[str, object]) -> bytes:
    subscription = {"timestamp": "2026-11-22T09:00:00Z", "newTopicPreferences": new, "oldTopicPreferences": old}
    mail = {"messageId": "m", "destination": ["jane@example.com"]}
    return as_json(sns_message({"eventType": "Subscription", "subscription": subscription, "mail": mail}))


def _topics(**status: str) -> list[dict[str, str]]:
    return [{"topicName": name, "subscriptionStatus": value} for name, value in status.items()]


def test_who_leaves_one_topic_of_a_contact_list_of_amazon_leaves_that_topic() -> None:
    """Only what has changed is told: a topic left or joined, or all mail."""
    joined_before = {"unsubscribeAll": False, "topicSubscriptionStatus": _topics(offers="OptIn", news="OptIn")}
    one_left = {"unsubscribeAll": False, "topicSubscriptionStatus": _topics(offers="OptOut", news="OptIn")}
    all_left = {"unsubscribeAll": True, "topicSubscriptionStatus": _topics(offers="OptOut", news="OptOut")}
    for new, old, expected in (
        (one_left, joined_before, [(EventKind.UNSUBSCRIBED, "offers")]),
        (joined_before, one_left, [(EventKind.SUBSCRIBED, "offers")]),
        (all_left, joined_before, [(EventKind.UNSUBSCRIBED, None)]),
        ({"unsubscribeAll": False}, all_left, [(EventKind.SUBSCRIBED, None)]),
        (one_left, one_left, []),
    ):
        assert [(event.kind, event.topic) for event in events_of("ses", _opted(new, old))] == expected


@pytest.mark.parametrize(("report", "counts"), [("abuse", 1), (None, 1), ("virus", 0), ("auth-failure", 0)])
def test_a_report_of_amazon_that_no_recipient_made_is_no_complaint(report: str | None, counts: int) -> None:
    """A virus or a failed authentication is the sender's affair, as in an abuse report that comes by mail."""
    complaint = {
        "timestamp": "2026-11-22T09:00:00Z",
        "complaintFeedbackType": report,
        "complainedRecipients": [_RECIPIENT],
    }
    body = as_json(sns_message({"notificationType": "Complaint", "complaint": complaint}))
    assert [event.kind for event in events_of("ses", body)] == [EventKind.COMPLAINED] * counts


def test_amazon_may_announce_itself() -> None:
    """It sends a sentence to a topic which SES is to tell; a refusal of it would be told again and again."""
    text = "Successfully validated SNS topic for Amazon SES event publishing."
    assert events_of("ses", as_json(sns_message(text))) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("message.hard_bounced", (EventKind.BOUNCED, HARD)),
        ("email.softBounce", (EventKind.BOUNCED, SOFT)),
        ("bounce", (EventKind.BOUNCED, UNDETERMINED)),
        ("message.spam_complaint", (EventKind.COMPLAINED, None)),
        ("email.complaint", (EventKind.COMPLAINED, None)),
        ("message.transient_error", (EventKind.DEFERRED, None)),
        ("contact.unsubscribe", (EventKind.UNSUBSCRIBED, None)),
    ],
)
def test_a_standard_webhook_s_type_may_be_a_verb_or_a_noun(name: str, expected: tuple[EventKind, object]) -> None:
    """Senders agree on the envelope, not on the words in it."""
    (event,) = events_of("standard", as_json({"type": name, "data": {"recipient": "jane@example.com"}}))
    assert (event.kind, event.bounce_class) == expected


@pytest.mark.parametrize("kind", ["contact.created", "contact.updated"])
def test_a_contact_of_resend_that_has_left_has_unsubscribed(kind: str) -> None:
    """One that has not, says nothing: his name may have been changed, and he may have left by another way."""
    data = {"email": "jane@example.com", "first_name": "Jane", "unsubscribed": True}
    (event,) = events_of("standard", as_json({"type": kind, "created_at": "2026-11-22T09:00:00Z", "data": data}))
    assert (event.kind, event.email) == (EventKind.UNSUBSCRIBED, "jane@example.com")
    stays = {"type": kind, "created_at": "2026-11-22T09:00:00Z", "data": data | {"unsubscribed": False}}
    assert events_of("standard", as_json(stays)) == []


PEM = "-----BEGIN PUBLIC KEY-----\n" + sendgrid_public() + "\n-----END PUBLIC KEY-----"


@pytest.mark.parametrize(
    ("source", "good", "bad"),
    [
        ("sendgrid", [sendgrid_public(), PEM], ["key", "BEGIN", "MFk=", STANDARD_SECRET, "\udcff", ""]),
        ("standard", [STANDARD_SECRET, STANDARD_PUBLIC], ["whsec_", "whsec_%", STANDARD_SECRET[6:], ""]),
        ("mailgun", ["anything"], [""]),
    ],
)
def test_a_secret_that_can_be_none_is_known_when_it_is_set(source: str, good: list[str], bad: list[str]) -> None:
    """A field that was copied beside the right one would have every message refused, with nobody there to see it."""
    takes = SOURCES[source].takes
    assert [takes(text) for text in (*good, *bad)] == [True] * len(good) + [False] * len(bad)


def test_what_is_told_again_under_its_name_in_another_batch_is_the_same_event() -> None:
    """A source that got no answer puts its events into other batches."""
    first = as_json([SENDGRID, SENDGRID | {"sg_event_id": "2"}])
    second = as_json([SENDGRID | {"sg_event_id": "2"}, SENDGRID | {"sg_event_id": "3"}])
    names = [[event.id for event in events_of("sendgrid", body)] for body in (first, second)]
    assert names == [["1", "2"], ["2", "3"]]
    assert structs.asdict(events_of("sendgrid", first)[1]) == structs.asdict(events_of("sendgrid", second)[0])
