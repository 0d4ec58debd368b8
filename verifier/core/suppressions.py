"""Suppressions: whom not to mail, or whom to mail whatever else is known, and for which mail that holds."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class SuppressionKind(StrEnum):
    """Why an address is on the list; never a reason of a verdict."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCE_LIMIT = "soft_bounce_limit"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"
    MANUAL_BLOCK = "manual_block"
    MANUAL_ALLOW = "manual_allow"
    NO_CONSENT = "no_consent"


class Suppression(Struct, frozen=True):
    """One entry. `key` is the keyed hash that it stands under (of a whole address, its Gmail-normal form, or a domain).

    `sender`, `message_class` and `topic` narrow it; None is all of them. `source` says who told us ("manual",
    "mailjet", "dsn", …); `expires` None is never. A hard bounce is everybody's: its `sender` is None.
    """

    key: str
    kind: SuppressionKind
    at: datetime
    source: str
    sender: str | None = None
    message_class: str | None = None
    topic: str | None = None
    expires: datetime | None = None
