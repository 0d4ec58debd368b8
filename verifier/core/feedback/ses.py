"""Amazon SES over SNS (docs.aws.amazon.com: SES event publishing; SNS, verifying the signatures of messages).

Signed by Amazon with RSA under a certificate that the message names; it is fetched from a host of SNS itself and from
nowhere else. That proves Amazon, not whose topic it is: anybody can have one, so the key in the URL is needed as well.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import SplitResult, urlsplit

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


class _Preferences(Struct, frozen=True, rename="camel"):
    unsubscribe_all: bool = False


class _Subscription(Struct, frozen=True, rename="camel"):
    timestamp: str
    new_topic_preferences: _Preferences = _Preferences()


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
    url = _url_of_sns(found.cert_url)
    if url is None or url.query or url.fragment or not url.path.endswith(".pem"):
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
    if _url_of_sns(found.subscribe_url or "") is None:
        return unsigned("SubscribeURL is not an address of Amazon SNS.")
    return Told((), confirm=found.subscribe_url)


def _url_of_sns(text: str) -> SplitResult | None:
    """Its parts, where it leads to a host of SNS over https and nowhere else."""
    try:
        url = urlsplit(text)
    except ValueError:
        return None
    return url if url.scheme == "https" and url.netloc == url.hostname and _HOST.fullmatch(url.netloc) else None


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
    event = decoded(envelope.message.encode("utf-8", "surrogatepass"), _Event)
    if isinstance(event, Refusal):
        return malformed("The notification is none of SES: a topic for SES events is needed, for nothing else.")
    stamp = _stamp(event)
    at = moment_of(stamp or event.mail.timestamp or envelope.timestamp)
    if at is None:
        return malformed("The event's timestamp is none.")
    return Told(
        tuple(
            _event(envelope, event, number, kind, recipient, at)
            for number, (kind, recipient) in enumerate(_recipients(event))
        )
    )


def _event(
    envelope: _Envelope, event: _Event, number: int, kind: EventKind, recipient: _Recipient, at: datetime
) -> MailEvent:
    seen = event.open or event.click
    return told_event(
        "ses",
        made_id(envelope.message_id, number, recipient.email_address),
        kind,
        recipient.email_address,
        at,
        bounce_class=_class_of(event.bounce) if event.bounce is not None else None,
        reply=recipient.diagnostic_code,
        message_id=event.mail.message_id,
        automatic=seen is not None and is_automatic(seen.user_agent),
    )


def _recipients(event: _Event) -> list[tuple[EventKind, _Recipient]]:
    """Whom the event is about, and what happened to each."""
    everybody = [_Recipient(email) for email in event.mail.destination]
    match event.event_type or event.notification_type:
        case "Bounce" if event.bounce is not None:
            own = event.bounce.bounce_sub_type in _OWN_LIST
            return [(EventKind.REJECTED if own else EventKind.BOUNCED, r) for r in event.bounce.bounced_recipients]
        case "Complaint" if event.complaint is not None:
            if event.complaint.complaint_feedback_type == "not-spam":
                return []
            return [(EventKind.COMPLAINED, r) for r in event.complaint.complained_recipients]
        case "Delivery" if event.delivery is not None:
            return [(EventKind.DELIVERED, _Recipient(email)) for email in event.delivery.recipients]
        case "DeliveryDelay" if event.delivery_delay is not None:
            return [(EventKind.DEFERRED, r) for r in event.delivery_delay.delayed_recipients]
        case "Subscription" if event.subscription is not None:
            left = event.subscription.new_topic_preferences.unsubscribe_all
            return [(EventKind.UNSUBSCRIBED, r) for r in everybody] if left else []
        case "Send":
            return [(EventKind.SENT, r) for r in everybody]
        case "Reject":
            return [(EventKind.REJECTED, r) for r in everybody]
        case "Open":
            return [(EventKind.OPENED, r) for r in everybody]
        case "Click":
            return [(EventKind.CLICKED, r) for r in everybody]
    return []


def _stamp(event: _Event) -> str:
    parts = (event.bounce, event.complaint, event.delivery, event.delivery_delay, event.open, event.click)
    return next((part.timestamp for part in (*parts, event.subscription) if part is not None), "")


def _class_of(bounce: _Bounce) -> BounceClass:
    if bounce.bounce_sub_type in _BLOCKS:
        return BounceClass.BLOCK
    return _CLASSES.get(bounce.bounce_type, BounceClass.UNDETERMINED)
