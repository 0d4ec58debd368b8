"""Every source: genuine messages are read whole, and forged, cut, stale and huge ones are refused whole."""

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.feedback_vectors import (
    MAILGUN_FAILED,
    NOW,
    SES_BOUNCE,
    SNS_HOST,
    STAMP,
    VECTORS,
    Vector,
    _mailgun,
    as_json,
    hook_of,
    relabelled,
    sns_certificate,
    sns_message,
)
from verifier.core.feedback.hook import Hook, Refusal, RefusalKind, Told
from verifier.core.feedback.mailchimp import read_mailchimp
from verifier.core.feedback.ses import certificate_url, read_ses
from verifier.core.feedback.sources import SOURCES, Proof
from verifier.core.mail_events import BounceClass, EventKind

SIGNED = [vector for vector in VECTORS if SOURCES[vector.source].proof is not Proof.KEY]
DATED = [vector for vector in SIGNED if vector.source not in ("mandrill", "insider")]


def name(vector: Vector) -> str:
    return f"{vector.source} {vector.label}".strip()


def read(vector: Vector, hook: Hook | None = None) -> Told | Refusal:
    return SOURCES[vector.source].read(hook or vector.hook(), vector.secrets)


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_a_genuine_message_says_what_its_source_documents(vector: Vector) -> None:
    """Kind, recipient and the source's own class of every event, in order; ids differ, times are past."""
    told = read(vector)
    assert isinstance(told, Told), told
    assert tuple((event.kind, event.email, event.bounce_class) for event in told.events) == vector.expected
    assert len({event.id for event in told.events}) == len(told.events)
    assert all(event.at <= NOW and event.source for event in told.events)


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_the_same_message_twice_has_the_same_events(vector: Vector) -> None:
    """A source that did not hear our answer tells again: ids are the message's own."""
    assert read(vector) == read(vector)


@pytest.mark.parametrize("vector", SIGNED, ids=name)
def test_a_message_that_was_changed_is_refused(vector: Vector) -> None:
    """Another recipient under an old signature: refused, with a sentence."""
    genuine = vector.hook()
    forged = Hook(genuine.body.replace(b"jane", b"jack"), genuine.headers, genuine.url, NOW)
    if vector.source == "mailgun":  # its signature leaves the event open; service/feedback.py holds the token to it
        assert isinstance(first := read(vector), Told) and isinstance(second := read(vector, forged), Told)
        assert first.once and second.once
        assert (first.once.token, first.once.digest != second.once.digest) == (second.once.token, True)
        return
    refusal = read(vector, forged)
    assert isinstance(refusal, Refusal) and refusal.kind is RefusalKind.UNSIGNED and refusal.sentence.endswith(".")


@pytest.mark.parametrize("vector", SIGNED, ids=name)
def test_without_its_signature_or_under_another_key_it_is_refused(vector: Vector) -> None:
    """No signature header, no key of ours, a key of somebody else's: each is refused."""
    hook = vector.hook()
    bare = Hook(hook.body, {"content-type": vector.media_type}, hook.url, NOW)
    source = SOURCES[vector.source]
    outcomes = [source.read(hook, ("whsec_" + base64.b64encode(b"x" * 32).decode(),))]
    if source.proof is not Proof.EITHER:
        outcomes.append(source.read(hook, ()))
    if vector.sign is not None:
        outcomes.append(source.read(bare, vector.secrets))
    assert [o.kind for o in outcomes if isinstance(o, Refusal)] == [RefusalKind.UNSIGNED] * len(outcomes)


@pytest.mark.parametrize("vector", DATED, ids=name)
def test_a_message_that_was_signed_long_ago_is_refused(vector: Vector) -> None:
    """Recorded and sent again two days later, genuine signature and all."""
    hook = vector.hook()
    later = Hook(hook.body, hook.headers, hook.url, NOW.replace(day=24))
    refusal = read(vector, later)
    assert isinstance(refusal, Refusal) and refusal.kind is RefusalKind.STALE


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_a_message_that_was_cut_off_is_refused_whole(vector: Vector) -> None:
    """Wherever the body ends too early, and rightly signed: no event of it counts."""
    step = max(1, len(vector.body) // 60)
    for length in range(0, len(vector.body), step):
        cut = relabelled(vector, vector.body[:length])
        outcome = read(cut)
        if vector.media_type.endswith("urlencoded") and isinstance(outcome, Told):
            continue  # a form has no end of its own: the next test has those of one field
        assert isinstance(outcome, Refusal), (length, outcome)


def test_a_mailchimp_form_without_its_recipient_is_refused() -> None:
    """A form that was cut before the address says nothing."""
    form = "application/x-www-form-urlencoded"
    for body in (
        b"",
        b"type=unsubscribe",
        b"type=unsubscribe&fired_at=2026-11-22+09%3A00%3A00",
        b"type=new",
        b"\xff=1",
    ):
        assert isinstance(read_mailchimp(hook_of(body, form), ()), Refusal)


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_a_body_of_fifty_megabytes_is_refused_unread(source: object) -> None:
    """Whatever is in it: its size is looked at before anything else."""
    body = b"[" + b'{"event":"sent"},' * 3_000_000 + b"{}]"
    outcome = source.read(hook_of(body), ("secret",))  # type: ignore[attr-defined]
    assert isinstance(outcome, Refusal) and outcome.kind is RefusalKind.TOO_LARGE


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
@given(
    body=st.one_of(st.binary(max_size=300), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(as_json))
)
def test_no_body_makes_a_source_fail(source: object, body: bytes) -> None:
    """Anything at all is read or refused, never an exception."""
    for media_type in ("application/json", "application/x-ndjson", "application/x-www-form-urlencoded"):
        assert isinstance(source.read(hook_of(body, media_type), ()), Told | Refusal)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.eu-west-1.amazonaws.com.example.org/a.pem",
        "https://example.org/sns.eu-west-1.amazonaws.com/a.pem",
        "https://user@sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:444/a.pem",
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem?x=.pem",
        "https://sns.eu-west-1.amazonaws.com/a.crt",
        "https://s3.eu-west-1.amazonaws.com/a.pem",
        "file:///etc/passwd.pem",
        "https://[sns.eu-west-1.amazonaws.com/a.pem",
    ],
)
def test_no_certificate_is_fetched_from_anywhere_but_sns(url: str) -> None:
    """Whoever chose the certificate's address would choose the key."""
    refusal = certificate_url(as_json(sns_message(SES_BOUNCE, SigningCertURL=url)))
    assert isinstance(refusal, Refusal) and refusal.kind is RefusalKind.UNSIGNED


def test_the_certificate_of_a_message_is_named() -> None:
    """China's regions have a suffix more."""
    for host in (SNS_HOST, "https://sns.us-gov-west-1.amazonaws.com", "https://sns.cn-north-1.amazonaws.com.cn"):
        assert certificate_url(as_json(sns_message("{}", SigningCertURL=f"{host}/a.pem"))) == f"{host}/a.pem"
    assert isinstance(certificate_url(b"{}"), Refusal)


def test_a_subscription_is_confirmed_where_amazon_asks_for_it_and_nowhere_else() -> None:
    """The address to be called is one of SNS, and signed."""
    genuine = as_json(sns_message("You have chosen to subscribe", kind="SubscriptionConfirmation"))
    told = read_ses(hook_of(genuine), (sns_certificate(),))
    assert told == Told((), confirm=f"{SNS_HOST}/?Action=ConfirmSubscription")
    for url in ("https://example.org/?Action=Confirm", "https://[sns.eu-west-1.amazonaws.com/?Action=Confirm"):
        elsewhere = sns_message("x", kind="SubscriptionConfirmation", SubscribeURL=url)
        assert isinstance(read_ses(hook_of(as_json(elsewhere)), (sns_certificate(),)), Refusal)
    leaving = sns_message("x", kind="UnsubscribeConfirmation")
    assert read_ses(hook_of(as_json(leaving)), (sns_certificate(),)) == Told(())


def test_a_certificate_that_has_expired_signs_nothing() -> None:
    """Its dates count at the time of reading."""
    expired = sns_certificate(NOW.replace(day=21))
    outcome = read_ses(hook_of(as_json(sns_message(SES_BOUNCE))), (expired, "no certificate"))
    assert isinstance(outcome, Refusal) and outcome.kind is RefusalKind.UNSIGNED


def test_raw_delivery_and_foreign_messages_of_sns_are_refused() -> None:
    """Without the envelope nothing is signed; a signed text that is none of SES is no event."""
    assert isinstance(read_ses(hook_of(as_json(SES_BOUNCE)), (sns_certificate(),)), Refusal)
    for message in ("hello", "{}" * 2, json.dumps([1])):
        assert isinstance(read_ses(hook_of(as_json(sns_message(message))), (sns_certificate(),)), Refusal)


MAIL = {"messageId": "m", "timestamp": "2026-11-22T09:00:00.000Z", "destination": ["jane@example.com"]}
SEEN = {"timestamp": "2026-11-22T09:30:00.000Z", "userAgent": "Mozilla/5.0"}
SES_EVENTS: list[tuple[dict[str, object], list[tuple[EventKind, bool]]]] = [
    ({"eventType": "Send"}, [(EventKind.SENT, False)]),
    ({"eventType": "Reject", "reject": {"reason": "Bad content"}}, [(EventKind.REJECTED, False)]),
    ({"eventType": "Open", "open": SEEN}, [(EventKind.OPENED, True)]),
    ({"eventType": "Click", "click": SEEN | {"userAgent": "Firefox"}}, [(EventKind.CLICKED, False)]),
    (
        {"eventType": "Delivery", "delivery": {"timestamp": MAIL["timestamp"], "recipients": ["jane@example.com"]}},
        [(EventKind.DELIVERED, False)],
    ),
    (
        {
            "eventType": "DeliveryDelay",
            "deliveryDelay": {
                "timestamp": MAIL["timestamp"],
                "delayedRecipients": [{"emailAddress": "jane@example.com"}],
            },
        },
        [(EventKind.DEFERRED, False)],
    ),
    (
        {
            "eventType": "Subscription",
            "subscription": {"timestamp": MAIL["timestamp"], "newTopicPreferences": {"unsubscribeAll": True}},
        },
        [(EventKind.UNSUBSCRIBED, False)],
    ),
    ({"eventType": "Subscription", "subscription": {"timestamp": MAIL["timestamp"]}}, []),
    ({"eventType": "Rendering Failure"}, []),
    (
        {
            "eventType": "Complaint",
            "complaint": {
                "timestamp": MAIL["timestamp"],
                "complaintFeedbackType": "not-spam",
                "complainedRecipients": [{"emailAddress": "jane@example.com"}],
            },
        },
        [],
    ),
    (
        {
            "eventType": "Bounce",
            "bounce": {
                "timestamp": MAIL["timestamp"],
                "bounceType": "Permanent",
                "bounceSubType": "OnAccountSuppressionList",
                "bouncedRecipients": [{"emailAddress": "jane@example.com"}],
            },
        },
        [(EventKind.REJECTED, False)],
    ),
]


@pytest.mark.parametrize(("event", "expected"), SES_EVENTS)
def test_every_kind_of_ses_event(event: dict[str, object], expected: list[tuple[EventKind, bool]]) -> None:
    """Amazon's own suppression list is no bounce; who takes a complaint back has not complained."""
    told = read_ses(hook_of(as_json(sns_message({"mail": MAIL} | event))), (sns_certificate(),))
    assert isinstance(told, Told)
    assert [(e.kind, e.automatic) for e in told.events] == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"severity": "temporary"}, (EventKind.DEFERRED, None)),
        ({"reason": "suppress-bounce"}, (EventKind.REJECTED, None)),
        ({"reason": "old"}, (EventKind.BOUNCED, BounceClass.SOFT)),
        ({"event": "complained"}, (EventKind.COMPLAINED, None)),
        ({"event": "opened", "client-info": {"bot": "apple"}}, (EventKind.OPENED, None)),
        ({"event": "stored"}, None),
    ],
)
def test_every_kind_of_mailgun_event(changes: dict[str, object], expected: object) -> None:
    """Temporary failures are tried again; its own suppressions are no bounces."""
    vector = next(vector for vector in VECTORS if vector.source == "mailgun")
    told = read(relabelled(vector, _mailgun(MAILGUN_FAILED | changes, STAMP, "t")))
    assert isinstance(told, Told)
    assert [(e.kind, e.bounce_class) for e in told.events] == ([] if expected is None else [expected])
    assert [e.automatic for e in told.events] == [changes.get("event") == "opened"] * len(told.events)


def test_mandrill_signs_the_address_that_was_entered() -> None:
    """The same form at another address is somebody else's."""
    vector = next(vector for vector in VECTORS if vector.source == "mandrill")
    hook = vector.hook()
    moved = Hook(hook.body, hook.headers, "https://other.example.com/", NOW)
    assert isinstance(read(vector, moved), Refusal)


POSTMARK = [
    ({"RecordType": "Delivery", "Recipient": "jane@example.com", "DeliveredAt": "2026-11-22T09:00:00Z"}, "delivered"),
    ({"RecordType": "Open", "Recipient": "jane@example.com", "ReceivedAt": "2026-11-22T09:00:00Z"}, "opened"),
    ({"RecordType": "SpamComplaint", "Email": "jane@example.com", "BouncedAt": "2026-11-22T09:00:00Z"}, "complained"),
    (
        {
            "RecordType": "SubscriptionChange",
            "Recipient": "jane@example.com",
            "ChangedAt": "2026-11-22T09:00:00Z",
            "SuppressSending": True,
            "SuppressionReason": "ManualSuppression",
            "Origin": "Recipient",
        },
        "unsubscribed",
    ),
    (
        {
            "RecordType": "SubscriptionChange",
            "Recipient": "jane@example.com",
            "ChangedAt": "2026-11-22T09:00:00Z",
            "SuppressSending": False,
            "Origin": "Recipient",
        },
        "subscribed",
    ),
    (
        {
            "RecordType": "SubscriptionChange",
            "Recipient": "jane@example.com",
            "ChangedAt": "2026-11-22T09:00:00Z",
            "SuppressSending": False,
            "Origin": "Admin",
        },
        None,
    ),
    ({"RecordType": "Inbound", "Email": "jane@example.com"}, None),
    ({"RecordType": "Bounce", "Type": "AutoResponder", "Email": "jane@example.com"}, None),
    (
        {"RecordType": "Bounce", "Type": "Unsubscribe", "Email": "j@example.com", "BouncedAt": "2026-11-22"},
        "unsubscribed",
    ),
]


@pytest.mark.parametrize(("record", "kind"), POSTMARK)
def test_every_kind_of_postmark_record(record: dict[str, object], kind: str | None) -> None:
    """An administrator who reactivates an address has not subscribed anybody; a holiday reply is no bounce."""
    told = SOURCES["postmark"].read(hook_of(as_json(record)), ())
    assert isinstance(told, Told)
    assert [event.kind for event in told.events] == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    ("source", "event", "kind"),
    [
        ("mailjet", {"event": "sent", "time": str(STAMP), "email": "a@b.example", "Message_GUID": None}, "delivered"),
        ("mailjet", {"event": "open", "time": STAMP, "email": "a@b.example", "mj_campaign_id": None}, "opened"),
        ("brevo", {"event": "spam", "ts": str(STAMP), "email": "a@b.example", "message-id": None}, "complained"),
        ("brevo", {"event": "delivered", "ts_epoch": f"{STAMP}000", "email": "a@b.example", "tag": None}, "delivered"),
        ("postmark", {"RecordType": "Delivery", "Recipient": "a@b.example", "DeliveredAt": "2026-11-22T09:00:00Z",
                      "MessageID": None}, "delivered"),
    ],
)  # fmt: skip
def test_a_field_that_is_null_or_a_number_in_quotes_costs_no_batch(
    source: str, event: dict[str, object], kind: str
) -> None:
    """Null is as if it were not there, and a number may be text; a batch is read as one event is."""
    for body in (event, [event]) if source != "postmark" else (event,):
        told = SOURCES[source].read(hook_of(as_json(body)), ())
        assert isinstance(told, Told), told
        assert [e.kind for e in told.events] == [kind]
        assert {e.at for e in told.events} <= {NOW, NOW - timedelta(hours=1)}


def test_our_own_form_is_exact() -> None:
    """Whoever writes for it can put it right: a null where none may be is refused."""
    event = {"event": "sent", "email": "a@b.example", "at": "2026-11-22T10:00:00Z", "source": None}
    assert isinstance(SOURCES["generic"].read(hook_of(as_json(event)), ()), Refusal)


def test_what_is_not_dated_is_refused() -> None:
    """An event without its time could be older than what is known, and nobody would know."""
    brevo = SOURCES["brevo"].read(hook_of(as_json({"event": "spam", "email": "a@example.com"})), ())
    postmark = SOURCES["postmark"].read(hook_of(as_json({"RecordType": "Open", "Recipient": "a@example.com"})), ())
    assert isinstance(brevo, Refusal) and isinstance(postmark, Refusal)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"event":"sent","email":"a@b.example","at":"2026-11-22T10:00:00"}', "timezone"),
        (b'{"event":"lost","email":"a@b.example","at":"2026-11-22T10:00:00Z"}', "lost"),
        (b'{"event":"sent","email":"a@b.example","at":"2026-11-22T10:00:00Z","kind":"x"}', "kind"),
        (b'{"event":"sent","at":"2026-11-22T10:00:00Z"}', "email"),
        (b"[]", "no event"),
    ],
)
def test_a_generic_event_that_is_wrong_is_refused_with_its_fault(body: bytes, words: str) -> None:
    """The sentence names what is wrong."""
    outcome = SOURCES["generic"].read(hook_of(body), ())
    assert isinstance(outcome, Refusal) and words in outcome.sentence


def test_ndjson_is_taken_whole_or_not_at_all() -> None:
    """One bad line refuses all, and is named."""
    good = b'{"event":"delivered","email":"a@b.example","at":"2026-11-22T10:00:00Z"}\n\n'
    told = SOURCES["generic"].read(hook_of(good * 3, "application/x-ndjson"), ())
    assert isinstance(told, Told) and len(told.events) == 3
    refusal = SOURCES["generic"].read(hook_of(good + b"{\n", "application/x-ndjson; charset=utf-8"), ())
    assert isinstance(refusal, Refusal) and "Line 3" in refusal.sentence
    crowd = SOURCES["generic"].read(hook_of(good * 10_001, "application/x-ndjson"), ())
    assert isinstance(crowd, Refusal) and "10,000" in crowd.sentence


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("type=subscribe", EventKind.SUBSCRIBED),
        ("type=unsubscribe&data[reason]=manual", EventKind.UNSUBSCRIBED),
        ("type=unsubscribe&data[reason]=abuse", EventKind.COMPLAINED),
        ("type=cleaned&data[reason]=abuse", EventKind.COMPLAINED),
        ("type=profile", None),
    ],
)
def test_every_kind_of_mailchimp_form(form: str, kind: EventKind | None) -> None:
    """Who marked the mail as spam has complained, however the list calls it."""
    body = f"{form}&fired_at=2026-11-22+09:00:00&data[email]=jane@example.com".encode()
    told = read_mailchimp(hook_of(body, "application/x-www-form-urlencoded"), ())
    assert isinstance(told, Told)
    assert [event.kind for event in told.events] == ([] if kind is None else [kind])
