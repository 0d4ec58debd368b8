"""Completion webhooks as Standard Webhooks has them (standardwebhooks.com, specification 1.0): pure signing and pace.

Law: the receiver can tell that a message is ours, is whole, and is not an old one sent again: id, time and body are
signed together (HMAC-SHA256), and a repeated delivery has the same id. No address and no row stands in one.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b, sha256
from typing import Any

import msgspec
from msgspec import Struct

from verifier.core.keys import subkey
from verifier.core.record import timestamp

_PREFIX = "whsec_"
_TOLERANCE = timedelta(minutes=5)
RETRIES = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
"""Seconds after each attempt that failed; after the last of them it is given up."""

_MOST_JITTER = 0.1
_LONGEST_WAIT = 86400.0
_LONGEST_FAILURE = 200
_GONE = 410


class WebhookState(StrEnum):
    """What became of telling a receiver."""

    WAITING = "waiting"
    """There is nothing to be told yet."""
    PENDING = "pending"
    """It is being sent, or will be again."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up."""
    NOT_SENT = "not_sent"
    """Nothing was to be told: somebody stopped the list."""


class Delivery(Struct, frozen=True):
    """One message to one receiver. `id` is the webhook-id; `due` is when a pending one is sent (again).

    The rest tells of its attempts since it was last handed in: how many, and of the latest the HTTP status, or None and
    why not, and when that was.
    """

    id: str
    list_id: str
    url: str
    secret: str
    body: bytes
    due: datetime
    attempts: int = 0
    state: WebhookState = WebhookState.PENDING
    status: int | None = None
    failure: str = ""
    attempted: datetime | None = None


class Posted(Struct, frozen=True):
    """What became of one attempt: the HTTP status, or None and why not; `retry_after` in seconds, if it was said."""

    status: int | None = None
    failure: str = ""
    retry_after: float | None = None

    @property
    def delivered(self) -> bool:
        """Only 2xx is; a redirect is not followed and counts as a failure."""
        return self.status is not None and 200 <= self.status < 300


def secret_for(root: bytes, name: str) -> str:
    """The secret of that name as its receiver is given it: `whsec_` and 32 bytes in base64."""
    return _PREFIX + base64.b64encode(subkey(root, f"webhook:{name}")).decode()


def signed_headers(secret: str, webhook_id: str, sent: datetime, body: bytes) -> dict[str, str]:
    """The headers of one attempt. Raises ValueError where `secret` is no `whsec_` secret."""
    seconds = str(int(sent.timestamp()))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{_signature(secret, webhook_id, seconds, body)}",
        "content-type": "application/json",
    }


def verified(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether a message with these headers (names in lower case) was signed with the secret, within five minutes."""
    webhook_id, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not seconds.isascii() or not seconds.isdigit() or abs(now.timestamp() - int(seconds)) > _TOLERANCE.seconds:
        return False
    expected = _signature(secret, webhook_id, seconds, body)
    given = [part.removeprefix("v1,") for part in headers.get("webhook-signature", "").split(" ")]
    return any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in given)


def message(kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """The body: `{"type", "timestamp", "data"}`."""
    return msgspec.json.encode({"type": kind, "timestamp": timestamp(at), "data": data})


def message_id(list_id: str, kind: str, revision: int) -> str:
    """The webhook-id: the same change of a list is the same message, however often it is made."""
    digest = blake2b(f"{list_id}:{kind}:{revision}".encode(), digest_size=16, person=b"verifier.webhook").hexdigest()
    return f"msg_{digest}"


def after(delivery: Delivery, posted: Posted, now: datetime, chance: float) -> Delivery:
    """The delivery after an attempt: delivered; or put off; or failed, where the receiver is gone (410) or has
    had every chance.

    `chance` (0.0-1.0) spreads attempts by up to a tenth. A `Retry-After` that asks for longer is honoured, for a day.
    """
    state, due = WebhookState.PENDING, delivery.due
    if posted.delivered:
        state = WebhookState.DELIVERED
    elif posted.status == _GONE or delivery.attempts >= len(RETRIES):
        state = WebhookState.FAILED
    else:
        wait = RETRIES[delivery.attempts] * (1 + _MOST_JITTER * chance)
        if posted.retry_after is not None:
            wait = max(wait, min(posted.retry_after, _LONGEST_WAIT))
        due = now + timedelta(seconds=wait)
    return msgspec.structs.replace(
        delivery,
        attempts=delivery.attempts + 1,
        due=due,
        state=state,
        status=posted.status,
        failure=posted.failure[:_LONGEST_FAILURE],
        attempted=now,
    )


def once_more(delivery: Delivery, now: datetime) -> Delivery:
    """The same message, to be sent now, with every chance; what is known of the latest attempt stays."""
    return msgspec.structs.replace(delivery, attempts=0, due=now, state=WebhookState.PENDING)


def _signature(secret: str, webhook_id: str, seconds: str, body: bytes) -> str:
    if not secret.startswith(_PREFIX):
        raise ValueError("a webhook secret begins with whsec_")
    key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    content = f"{webhook_id}.{seconds}.".encode() + body
    return base64.b64encode(hmac.digest(key, content, sha256)).decode()
