"""Messages of every source of feedback, made from its provider's documentation, and signed with keys of our own."""

import base64
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID
from msgspec import Struct, structs

from verifier.core.feedback.hook import Hook
from verifier.core.mail_events import BounceClass, EventKind

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
STAMP = int(NOW.timestamp())
URL = "https://mail.example.com/v1/webhooks/source?key=vfk_x"
SNS_HOST = "https://sns.eu-west-1.amazonaws.com"
Expected = tuple[EventKind, str, BounceClass | None]


class Vector(Struct, frozen=True):
    """One message of a source, and what it says. `sign` makes the headers of another body or time."""

    source: str
    body: bytes
    expected: tuple[Expected, ...]
    secrets: tuple[str, ...] = ()
    sign: Callable[[bytes, int], dict[str, str]] | None = None
    media_type: str = "application/json"
    label: str = ""

    def hook(self, *, now: datetime = NOW, signed_at: int = STAMP) -> Hook:
        headers = {"content-type": self.media_type, **(self.sign(self.body, signed_at) if self.sign else {})}
        return Hook(self.body, headers, URL, now)


def hook_of(body: bytes, media_type: str = "application/json", **headers: str) -> Hook:
    return Hook(body, {"content-type": media_type, **headers}, URL, NOW)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


@lru_cache(maxsize=1)
def sendgrid_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def sendgrid_public() -> str:
    der = (
        sendgrid_key()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return base64.b64encode(der).decode()


def sign_sendgrid(body: bytes, at: int) -> dict[str, str]:
    signature = sendgrid_key().sign(str(at).encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
        "x-twilio-email-event-webhook-timestamp": str(at),
    }


@lru_cache(maxsize=1)
def sns_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache(maxsize=8)
def sns_certificate(until: datetime = NOW + timedelta(days=300)) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(sns_key().public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(until)
        .sign(sns_key(), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def sns_message(
    message: Any, *, version: str = "2", kind: str = "Notification", at: datetime = NOW, **changes: str
) -> dict[str, str]:
    """A message of SNS, signed as its documentation says; `changes` are made before it is signed."""
    envelope = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:feedback",
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": f"{SNS_HOST}/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem",
        "UnsubscribeURL": f"{SNS_HOST}/?Action=Unsubscribe",
    } | changes
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    if kind != "Notification":
        envelope |= {"Token": "2336412f37", "SubscribeURL": f"{SNS_HOST}/?Action=ConfirmSubscription"} | changes
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = sns_key().sign(text.encode(), padding.PKCS1v15(), digest)
    return envelope | {"Signature": base64.b64encode(signature).decode()}


SES_BOUNCE = {
    "eventType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {
                "emailAddress": "jane@example.com",
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 <jane@example.com>: Recipient address rejected: User unknown",
            },
            {"emailAddress": "joe@example.org"},
        ],
        "timestamp": "2026-11-22T09:59:58.000Z",
        "feedbackId": "0100017a-1",
        "reportingMTA": "dns; a1.eu-west-1.amazonses.com",
    },
    "mail": {
        "timestamp": "2026-11-22T09:59:50.000Z",
        "messageId": "0100017a-message",
        "destination": ["jane@example.com", "joe@example.org"],
        "source": "shop@example.net",
    },
}

MAILGUN_KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"


def mailgun_body(event: dict[str, Any], *, token: str = "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0") -> bytes:
    return _mailgun(event, STAMP, token)


def _mailgun(event: dict[str, Any], at: int, token: str) -> bytes:
    mac = hmac.digest(MAILGUN_KEY.encode(), f"{at}{token}".encode(), "sha256").hex()
    return as_json({"signature": {"timestamp": str(at), "token": token, "signature": mac}, "event-data": event})


MAILGUN_FAILED = {
    "event": "failed",
    "id": "G9Bn5sl1TC6nu79C8C0bwg",
    "timestamp": STAMP - 5.08,
    "severity": "permanent",
    "reason": "bounce",
    "recipient": "jane@example.com",
    "delivery-status": {
        "attempt-no": 1,
        "code": 550,
        "message": "5.1.1 The email account that you tried to reach does not exist.",
        "description": "",
    },
    "message": {"headers": {"message-id": "20130503192659.13651.20287@example.com"}},
}

MANDRILL_KEY = "mandrill-key-1"
MANDRILL_EVENTS = [
    {
        "event": "hard_bounce",
        "_id": "exampleaaaaaaaaaaaaaaaaaaaaaaaaa2",
        "ts": STAMP - 9,
        "msg": {
            "email": "jane@example.com",
            "state": "bounced",
            "diag": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
            "bounce_description": "bad_mailbox",
        },
    },
    {"event": "spam", "_id": "b", "ts": STAMP - 8, "msg": {"email": "joe@example.org"}},
    {"type": "blacklist", "action": "add", "ts": STAMP - 7, "reject": {"email": "ann@example.org", "reason": "unsub"}},
    {"type": "blacklist", "action": "remove", "ts": STAMP, "reject": {"email": "bob@example.org", "reason": "unsub"}},
]


def sign_mandrill(body: bytes, _at: int) -> dict[str, str]:
    from urllib.parse import parse_qsl

    text = URL + "".join(name + value for name, value in sorted(parse_qsl(body.decode(), keep_blank_values=True)))
    mac = hmac.digest(MANDRILL_KEY.encode(), text.encode(), "sha1")
    return {"x-mandrill-signature": base64.b64encode(mac).decode()}


INSIDER_SECRET = "insider-secret"


def sign_insider(body: bytes, _at: int) -> dict[str, str]:
    return {"x-ins-auth": hmac.digest(INSIDER_SECRET.encode(), body, "sha1").hex()}


STANDARD_KEY = b"0123456789abcdef0123456789abcdef"
STANDARD_SECRET = "whsec_" + base64.b64encode(STANDARD_KEY).decode()
WEBHOOK_ID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"


def sign_standard(body: bytes, at: int) -> dict[str, str]:
    mac = hmac.digest(STANDARD_KEY, f"{WEBHOOK_ID}.{at}.".encode() + body, "sha256")
    return {
        "webhook-id": WEBHOOK_ID,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,bm90IHRoaXM= v1,{base64.b64encode(mac).decode()}",
    }


ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STANDARD_PUBLIC = "whpk_" + base64.b64encode(ED25519.public_key().public_bytes_raw()).decode()


def sign_standard_v1a(body: bytes, at: int) -> dict[str, str]:
    signature = ED25519.sign(f"{WEBHOOK_ID}.{at}.".encode() + body)
    return {
        "svix-id": WEBHOOK_ID,
        "svix-timestamp": str(at),
        "svix-signature": f"v1a,{base64.b64encode(signature).decode()}",
    }


HARD, SOFT, BLOCK = BounceClass.HARD, BounceClass.SOFT, BounceClass.BLOCK
_RESEND = {
    "type": "email.bounced",
    "created_at": "2026-11-22T09:59:00.000Z",
    "data": {
        "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
        "from": "Shop <shop@example.net>",
        "to": ["jane@example.com"],
        "bounce": {"message": "550 5.1.1 User unknown", "subType": "General", "type": "Permanent"},
    },
}

VECTORS: Sequence[Vector] = (
    Vector(
        "generic",
        as_json(
            {
                "source": "shop",
                "id": "8f3a",
                "event": "bounced",
                "email": "jane@example.com",
                "at": "2026-11-22T09:00:00Z",
                "bounce_class": "hard",
                "reply": "550 5.1.1 User unknown",
            }
        ),
        ((EventKind.BOUNCED, "jane@example.com", HARD),),
        label="object",
    ),
    Vector(
        "generic",
        as_json([{"event": e, "email": f"{e}@example.com", "at": "2026-11-22T09:00:00+01:00"} for e in EventKind]),
        tuple((e, f"{e}@example.com", BounceClass.UNDETERMINED if e is EventKind.BOUNCED else None) for e in EventKind),
        label="array",
    ),
    Vector(
        "mailjet",
        as_json(
            [
                {
                    "event": "sent",
                    "time": STAMP - 50,
                    "MessageID": 19421777835146490,
                    "Message_GUID": "1ab23cd4-e567-8901-2345-6789f0gh1i2j",
                    "email": "ann@example.org",
                    "mj_campaign_id": 7257,
                    "mj_contact_id": 4,
                    "customcampaign": "",
                    "mj_message_id": "19421777835146490",
                    "smtp_reply": "sent (250 2.0.0 OK 4567 fa5si855896wjc.199 - gsmtp)",
                    "CustomID": "helloworld",
                    "Payload": "",
                },
                {
                    "event": "bounce",
                    "time": STAMP - 40,
                    "MessageID": 19421777835146490,
                    "email": "jane@example.com",
                    "mj_campaign_id": 7257,
                    "blocked": False,
                    "hard_bounce": True,
                    "error_related_to": "recipient",
                    "error": "user unknown",
                    "comment": "Host or domain name not found. Name service error for name=lbjsnrftlsiuvbsren.com",
                },
                {
                    "event": "bounce",
                    "time": STAMP - 30,
                    "email": "full@example.com",
                    "hard_bounce": False,
                    "error_related_to": "mailbox",
                    "error": "quota exceeded",
                },
                {
                    "event": "bounce",
                    "time": STAMP - 30,
                    "email": "joe@example.com",
                    "hard_bounce": True,
                    "error_related_to": "spam",
                    "error": "policy issue",
                },
                {"event": "blocked", "time": STAMP - 20, "email": "no@example.com", "error": "preblocked"},
                {"event": "spam", "time": STAMP - 10, "email": "angry@example.com", "source": "JMRPP"},
                {"event": "unsub", "time": STAMP, "email": "gone@example.com", "mj_list_id": 1, "ip": "192.0.2.1"},
                {"event": "open", "time": STAMP, "email": "ann@example.org", "agent": "Mozilla/5.0 (X11) Firefox/9"},
            ]
        ),
        (
            (EventKind.DELIVERED, "ann@example.org", None),
            (EventKind.BOUNCED, "jane@example.com", HARD),
            (EventKind.BOUNCED, "full@example.com", SOFT),
            (EventKind.BOUNCED, "joe@example.com", BLOCK),
            (EventKind.REJECTED, "no@example.com", None),
            (EventKind.COMPLAINED, "angry@example.com", None),
            (EventKind.UNSUBSCRIBED, "gone@example.com", None),
            (EventKind.OPENED, "ann@example.org", None),
        ),
    ),
    Vector(
        "ses",
        as_json(sns_message(SES_BOUNCE)),
        ((EventKind.BOUNCED, "jane@example.com", HARD), (EventKind.BOUNCED, "joe@example.org", HARD)),
        (sns_certificate(),),
        label="signature 2",
    ),
    Vector(
        "ses",
        as_json(
            sns_message(
                {
                    "notificationType": "Complaint",
                    "complaint": {
                        "complainedRecipients": [{"emailAddress": "jane@example.com"}],
                        "timestamp": "2026-11-22T09:00:00.000Z",
                        "complaintFeedbackType": "abuse",
                    },
                    "mail": {"messageId": "m", "destination": ["jane@example.com"]},
                },
                version="1",
                Subject="Amazon SES Email Event Notification",
            )
        ),
        ((EventKind.COMPLAINED, "jane@example.com", None),),
        (sns_certificate(),),
        label="signature 1",
    ),
    Vector(
        "brevo",
        as_json(
            {
                "event": "hard_bounce",
                "email": "jane@example.com",
                "id": 9999999,
                "date": "2026-11-22 10:59:00",
                "ts": STAMP - 60,
                "ts_event": STAMP - 60,
                "ts_epoch": (STAMP - 60) * 1000,
                "message-id": "<201803011158.9876543210@smtp-relay.mailin.fr>",
                "subject": "Hello",
                "reason": " RecipientError: 550 5.5.0 Requested action not taken: mailbox unavailable.",
                "tag": '["a"]',
                "tags": ["a"],
                "template_id": 12,
            }
        ),
        ((EventKind.BOUNCED, "jane@example.com", HARD),),
    ),
    Vector(
        "brevo",
        as_json(
            [
                {"event": "softBounce", "email": "a@example.com", "ts_epoch": STAMP * 1000, "message-id": "<1>"},
                {"event": "complaint", "email": "b@example.com", "id": "xxxxx", "ts": STAMP, "ts_event": STAMP},
                {"event": "unsubscribe", "email": ["c@example.com"], "ts_event": STAMP, "camp_id": 5},
                {"event": "unique_proxy_open", "email": "d@example.com", "ts_epoch": STAMP * 1000},
                {"event": "list_addition", "email": ["e@example.com"], "ts": STAMP},
            ]
        ),
        (
            (EventKind.BOUNCED, "a@example.com", SOFT),
            (EventKind.COMPLAINED, "b@example.com", None),
            (EventKind.UNSUBSCRIBED, "c@example.com", None),
            (EventKind.OPENED, "d@example.com", None),
        ),
        label="array",
    ),
    Vector(
        "sendgrid",
        as_json(
            [
                {
                    "email": "jane@example.com",
                    "timestamp": STAMP - 60,
                    "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
                    "event": "bounce",
                    "category": ["cat facts"],
                    "sg_event_id": "6g4ZI7SA-xmRDv57GoPIPw==",
                    "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
                    "reason": "550 5.1.1 The email account that you tried to reach does not exist",
                    "status": "5.1.1",
                    "type": "bounce",
                    "bounce_classification": "Invalid Address",
                },
                {
                    "email": "joe@example.com",
                    "timestamp": STAMP,
                    "event": "bounce",
                    "sg_event_id": "2",
                    "type": "blocked",
                    "reason": "550 5.7.1 blocked",
                },
                {"email": "x@example.com", "timestamp": STAMP, "event": "dropped", "reason": "Bounced Address"},
                {
                    "email": "y@example.com",
                    "timestamp": STAMP,
                    "event": "group_unsubscribe",
                    "asm_group_id": 10,
                    "sg_event_id": "4",
                },
            ]
        ),
        (
            (EventKind.BOUNCED, "jane@example.com", HARD),
            (EventKind.BOUNCED, "joe@example.com", BLOCK),
            (EventKind.REJECTED, "x@example.com", None),
            (EventKind.UNSUBSCRIBED, "y@example.com", None),
        ),
        (sendgrid_public(),),
        sign_sendgrid,
    ),
    Vector(
        "mailgun",
        mailgun_body(MAILGUN_FAILED),
        ((EventKind.BOUNCED, "jane@example.com", HARD),),
        ("old-key", MAILGUN_KEY),
    ),
    Vector(
        "postmark",
        as_json(
            {
                "RecordType": "Bounce",
                "MessageStream": "outbound",
                "ID": 4323372036854775807,
                "Type": "HardBounce",
                "TypeCode": 1,
                "Name": "Hard bounce",
                "Tag": "Test",
                "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
                "Metadata": {"a_key": "a_value"},
                "ServerID": 23,
                "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
                "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
                "Email": "jane@example.com",
                "From": "shop@example.net",
                "BouncedAt": "2026-11-22T09:33:54.9070259Z",
                "DumpAvailable": True,
                "Inactive": True,
                "CanActivate": True,
                "Subject": "Test subject",
                "Content": "<Full dump of bounce>",
            }
        ),
        ((EventKind.BOUNCED, "jane@example.com", HARD),),
    ),
    Vector(
        "mailchimp",
        urlencode(
            {
                "type": "cleaned",
                "fired_at": "2026-11-22 09:01:18",
                "data[list_id]": "a6b5da1054",
                "data[campaign_id]": "4fjk2ma9xd",
                "data[reason]": "hard",
                "data[email]": "jane@example.com",
            }
        ).encode(),
        ((EventKind.BOUNCED, "jane@example.com", HARD),),
        media_type="application/x-www-form-urlencoded",
    ),
    Vector(
        "mandrill",
        urlencode({"mandrill_events": json.dumps(MANDRILL_EVENTS)}).encode(),
        (
            (EventKind.BOUNCED, "jane@example.com", HARD),
            (EventKind.COMPLAINED, "joe@example.org", None),
            (EventKind.UNSUBSCRIBED, "ann@example.org", None),
        ),
        (MANDRILL_KEY,),
        sign_mandrill,
        media_type="application/x-www-form-urlencoded",
    ),
    Vector(
        "insider",
        as_json(
            {
                "campaign_id": 12,
                "timestamp": STAMP - 3,
                "event": "bounce",
                "email": "jane@example.com",
                "msg-id": "abc",
                "event_type": "blocked",
                "link_clicked": "",
                "reason": "unable to get mx info: lookup <nil>: unrecognized address",
                "campaign_name": "c",
                "variation_id": 0,
                "url_offset": None,
            }
        ),
        ((EventKind.BOUNCED, "jane@example.com", BLOCK),),
        (INSIDER_SECRET,),
        sign_insider,
    ),
    Vector(
        "standard",
        as_json(_RESEND),
        ((EventKind.BOUNCED, "jane@example.com", HARD),),
        (STANDARD_SECRET,),
        sign_standard,
        label="v1",
    ),
    Vector(
        "standard",
        as_json(_RESEND | {"type": "email.complained"}),
        ((EventKind.COMPLAINED, "jane@example.com", None),),
        (STANDARD_PUBLIC,),
        sign_standard_v1a,
        label="v1a",
    ),
)


def relabelled(vector: Vector, body: bytes) -> Vector:
    return structs.replace(vector, body=body)
