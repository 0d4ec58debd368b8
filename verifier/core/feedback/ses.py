"""Amazon SES over SNS (docs.aws.amazon.com: SES event publishing; SNS, verifying the signatures of messages).

Signed by Amazon with RSA under a certificate that the message names; it is fetched from a host of SNS itself and from
nowhere else. That proves Amazon, not whose topic it is: anybody can have one, so the key in the URL is needed as well.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from msgspec import Struct, field

from verifier.core.feedback.hook import (
    Hook,
    Outcome,
    Refusal,
    RefusalKind,
    Told,
    decoded,
    is_automatic,
    made_id,
    malformed,
    moment_of,
    told_event,
    unsigned,
)
from verifier.core.feedback.signatures import certificate_matches
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

_HOST = re.compile(r"sns\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?")
_HOLDS = timedelta(days=1)
_NOTIFICATION, _CONFIRMATION = "Notification", "SubscriptionConfirmation"
_TYPES = (_NOTIFICATION, _CONFIRMATION, "UnsubscribeConfirmation")
_OWN_LIST = ("Suppressed", "OnAccountSuppressionList", "OnTenantSuppressionList", "UnsubscribedRecipient")
_BLOCKS = ("ContentRejected", "MessageTooLarge", "AttachmentRejected")
_NO_COMPLAINTS = ("not-spam", "auth-failure", "virus")
"""Reports (RFC 5965, 6591) that no recipient made who wants no more mail."""
_ANNOUNCED = "Successfully validated SNS topic"
"""How Amazon's own words begin that it sends to a topic which SES is to tell."""
_TO_EVERYBODY = {
    "Send": EventKind.SENT,
    "Reject": EventKind.REJECTED,
    "Open": EventKind.OPENED,
    "Click": EventKind.CLICKED,
}
_OPTS = {"OptOut": EventKind.UNSUBSCRIBED, "OptIn": EventKind.SUBSCRIBED}
_CLASSES = {"Permanent": BounceClass.HARD, "Transient": BounceClass.SOFT, "Undetermined": BounceClass.UNDETERMINED}


class _Envelope(Struct, frozen=True, rename="pascal"):
    type: str
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature: str
    signature_version: str
    cert_url: str = field(name="SigningCertURL")
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = field(name="SubscribeURL", default=None)


class _Recipient(Struct, frozen=True, rename="camel"):
    email_address: str = ""
    diagnostic_code: str | None = None
    status: str | None = None


class _Bounce(Struct, frozen=True, rename="camel"):
    timestamp: str
    bounce_type: str = ""
    bounce_sub_type: str = ""
    bounced_recipients: list[_Recipient] = []


class _Complaint(Struct, frozen=True, rename="camel"):
    timestamp: str
    complained_recipients: list[_Recipient] = []
    complaint_feedback_type: str | None = None


class _Delivery(Struct, frozen=True):
    timestamp: str
    recipients: list[str] = []


class _Delay(Struct, frozen=True, rename="camel"):
    timestamp: str
    delayed_recipients: list[_Recipient] = []


class _Seen(Struct, frozen=True, rename="camel"):
    timestamp: str
    user_agent: str | None = None


class _Topic(Struct, frozen=True, rename="camel"):
    topic_name: str = ""
    subscription_status: str = ""


class _Preferences(Struct, frozen=True, rename="camel"):
    unsubscribe_all: bool = False
    topic_subscription_status: list[_Topic] = []


class _Subscription(Struct, frozen=True, rename="camel"):
    timestamp: str
    new_topic_preferences: _Preferences = _Preferences()
    old_topic_preferences: _Preferences = _Preferences()


class _Mail(Struct, frozen=True, rename="camel"):
    message_id: str = ""
    timestamp: str = ""
    destination: list[str] = []


class _Event(Struct, frozen=True, rename="camel"):
    event_type: str = ""
    notification_type: str = ""
    mail: _Mail = _Mail()
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None
    delivery: _Delivery | None = None
    delivery_delay: _Delay | None = None
    open: _Seen | None = None
    click: _Seen | None = None
    subscription: _Subscription | None = None


def certificate_url(body: bytes) -> str | Refusal:
    """Where the certificate is to be fetched: a host of SNS over https, and a file of its own."""
    found = decoded(body, _Envelope)
    if isinstance(found, Refusal):
        return found
    url = urlsplit(found.cert_url)
    plain = not url.query and not url.fragment and url.netloc == url.hostname
    if url.scheme != "https" or not plain or not _HOST.fullmatch(url.netloc) or not url.path.endswith(".pem"):
        return unsigned("SigningCertURL is not an address of Amazon SNS.")
    return found.cert_url


def read_ses(hook: Hook, certificates: Sequence[str]) -> Outcome:
    """`certificates` is the one that `certificate_url` named, as PEM."""
    found = decoded(hook.body, _Envelope)
    if isinstance(found, Refusal):
        return found
    if found.type not in _TYPES or found.signature_version not in ("1", "2"):
        return malformed("The message is not one of SNS: raw message delivery has to be off, since it signs nothing.")
    signed, sha1 = _signed_text(found).encode("utf-8", "surrogatepass"), found.signature_version == "1"
    if not any(certificate_matches(each, signed, found.signature, sha1=sha1, now=hook.now) for each in certificates):
        return unsigned("The signature is not Amazon's.")
    sent = moment_of(found.timestamp)
    if sent is None or abs(hook.now - sent) > _HOLDS:
        return Refusal(RefusalKind.STALE, "The message was signed more than a day ago.")
    if found.type == _CONFIRMATION:
        return _confirmation(found)
    if found.type != _NOTIFICATION:
        return Told(())
    return _told(found)


def _confirmation(found: _Envelope) -> Outcome:
    url = urlsplit(found.subscribe_url or "")
    if url.scheme != "https" or url.netloc != url.hostname or not _HOST.fullmatch(url.netloc):
        return unsigned("SubscribeURL is not an address of Amazon SNS.")
    return Told((), confirm=found.subscribe_url)


def _signed_text(found: _Envelope) -> str:
    """The lines that are signed: names and values in alphabetical order, each ended by a line feed."""
    parts = {"Message": found.message, "MessageId": found.message_id}
    if found.type == _NOTIFICATION:
        if found.subject is not None:
            parts["Subject"] = found.subject
    else:
        parts |= {"SubscribeURL": found.subscribe_url or "", "Token": found.token or ""}
    order = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    parts |= {"Timestamp": found.timestamp, "TopicArn": found.topic_arn, "Type": found.type}
    return "".join(f"{name}\n{parts[name]}\n" for name in order if name in parts)


def _told(envelope: _Envelope) -> Outcome:
    if envelope.message.startswith(_ANNOUNCED):
        return Told(())
    event = decoded(envelope.message.encode("utf-8", "surrogatepass"), _Event)
    if isinstance(event, Refusal):
        return malformed("The notification is none of SES: a topic for SES events is needed, for nothing else.")
    stamp = _stamp(event)
    at = moment_of(stamp or event.mail.timestamp or envelope.timestamp)
    if at is None:
        return malformed("The event's timestamp is none.")
    return Told(
        tuple(
            _event(envelope, event, number, kind, recipient, topic, at)
            for number, (kind, recipient, topic) in enumerate(_recipients(event))
        )
    )


def _event(
    envelope: _Envelope, event: _Event, number: int, kind: EventKind, recipient: _Recipient, topic: str, at: datetime
) -> MailEvent:
    seen = event.open or event.click
    return told_event(
        "ses",
        made_id(envelope.message_id, number, recipient.email_address),
        kind,
        recipient.email_address,
        at,
        bounce_class=_class_of(event.bounce) if event.bounce is not None else None,
        reply=recipient.diagnostic_code or recipient.status,
        topic=topic,
        message_id=event.mail.message_id,
        automatic=seen is not None and is_automatic(seen.user_agent),
    )


def _recipients(event: _Event) -> list[tuple[EventKind, _Recipient, str]]:
    """Whom the event is about, what happened to each, and the topic that it is of ("" for all)."""
    everybody = [_Recipient(email) for email in event.mail.destination]
    name = event.event_type or event.notification_type
    if name == "Subscription" and event.subscription is not None:
        opts = _opts(event.subscription)
        return [(kind, recipient, topic) for kind, topic in opts for recipient in everybody]
    return [(kind, recipient, "") for kind, recipient in _happened(name, event, everybody)]


def _happened(name: str, event: _Event, everybody: list[_Recipient]) -> list[tuple[EventKind, _Recipient]]:
    match name:
        case "Bounce" if event.bounce is not None:
            own = event.bounce.bounce_sub_type in _OWN_LIST
            return [(EventKind.REJECTED if own else EventKind.BOUNCED, r) for r in event.bounce.bounced_recipients]
        case "Complaint" if event.complaint is not None:
            if event.complaint.complaint_feedback_type in _NO_COMPLAINTS:
                return []
            return [(EventKind.COMPLAINED, r) for r in event.complaint.complained_recipients]
        case "Delivery" if event.delivery is not None:
            return [(EventKind.DELIVERED, _Recipient(email)) for email in event.delivery.recipients]
        case "DeliveryDelay" if event.delivery_delay is not None:
            return [(EventKind.DEFERRED, r) for r in event.delivery_delay.delayed_recipients]
        case _:
            kind = _TO_EVERYBODY.get(name)
            return [(kind, recipient) for recipient in everybody] if kind is not None else []


def _opts(change: _Subscription) -> list[tuple[EventKind, str]]:
    """What the recipient has changed of his choices: all mail, or topics of the contact list."""
    new, old = change.new_topic_preferences, change.old_topic_preferences
    if new.unsubscribe_all:
        return [(EventKind.UNSUBSCRIBED, "")]
    before = {topic.topic_name: topic.subscription_status for topic in old.topic_subscription_status}
    back = [(EventKind.SUBSCRIBED, "")] if old.unsubscribe_all else []
    return back + [
        (_OPTS[topic.subscription_status], topic.topic_name)
        for topic in new.topic_subscription_status
        if topic.topic_name
        and topic.subscription_status in _OPTS
        and before.get(topic.topic_name) != topic.subscription_status
    ]


def _stamp(event: _Event) -> str:
    parts = (event.bounce, event.complaint, event.delivery, event.delivery_delay, event.open, event.click)
    return next((part.timestamp for part in (*parts, event.subscription) if part is not None), "")


def _class_of(bounce: _Bounce) -> BounceClass:
    if bounce.bounce_sub_type in _BLOCKS:
        return BounceClass.BLOCK
    return _CLASSES.get(bounce.bounce_type, BounceClass.UNDETERMINED)
