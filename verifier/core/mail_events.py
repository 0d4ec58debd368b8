"""What became of mail that was sent, in one vocabulary, whoever tells it."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class EventKind(StrEnum):
    """What happened to one message for one recipient."""

    SENT = "sent"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    SUBSCRIBED = "subscribed"
    OPENED = "opened"
    CLICKED = "clicked"
    REJECTED = "rejected"


class BounceClass(StrEnum):
    """What a bounce says: the mailbox is gone, it may pass, it is about the sender, or it cannot be told."""

    HARD = "hard"
    SOFT = "soft"
    BLOCK = "block"
    UNDETERMINED = "undetermined"


class MailEvent(Struct, frozen=True):
    """One event. (`source`, `id`) names it: told twice, it counts once.

    `email` is raw text. `reply` is the mail server's text where one was passed on, `proven`: the recipient's own
    exchange said so (not a smarthost), `automatic`: an open or click by a proxy or a bot; `mx_host`: who spoke `reply`.
    """

    source: str
    id: str
    kind: EventKind
    email: str
    at: datetime
    bounce_class: BounceClass | None = None
    reply: str | None = None
    sender: str | None = None
    campaign: str | None = None
    message_class: str | None = None
    topic: str | None = None
    message_id: str | None = None
    provider: str | None = None
    proven: bool = True
    automatic: bool = False
    mx_host: str | None = None
