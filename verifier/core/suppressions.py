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
    address: str | None = None
    """The address, or `@domain`, as text; None where only its hash is known: it was forgotten, or came hashed."""

    def holds(self, now: datetime) -> bool:
        """It has not expired."""
        return self.expires is None or now < self.expires


FORGOTTEN_WHOLE = frozenset({SuppressionKind.MANUAL_ALLOW})
"""Of every other kind the hash survives when an address is forgotten, or the person would be mailed again."""


class Removal(Struct, frozen=True):
    """Which entries end: those under `key`, of these kinds, with exactly this scope, told of before `before` (None:
    whenever). `any_scope`: of any class and topic, and where `sender` is None, of any sender.
    """

    key: str
    kinds: frozenset[SuppressionKind] = frozenset(SuppressionKind)
    sender: str | None = None
    message_class: str | None = None
    topic: str | None = None
    any_scope: bool = False
    before: datetime | None = None

    def ends(self, entry: Suppression) -> bool:
        """Whether this entry ends by it."""
        scope = (self.sender, self.message_class, self.topic)
        if self.any_scope:
            in_scope = self.sender in (None, entry.sender)
        else:
            in_scope = scope == (entry.sender, entry.message_class, entry.topic)
        return (
            entry.key == self.key
            and entry.kind in self.kinds
            and in_scope
            and (self.before is None or entry.at < self.before)
        )
