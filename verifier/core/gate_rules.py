"""The rules of the gate, in the order in which they are asked: a closed list, with what each looks at.

What a policy concludes from a rule is in `gate_policies`; the conditions themselves are in `gate`.
"""

from enum import StrEnum

from msgspec import Struct


class Rule(StrEnum):
    """What spoke. The order of the members is the order in which they are asked."""

    MANUAL_BLOCK = "manual_block"
    INVALID_SYNTAX = "invalid_syntax"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"
    NO_CONSENT = "no_consent"
    MANUAL_ALLOW = "manual_allow"
    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCE_LIMIT = "soft_bounce_limit"
    UNDELIVERABLE = "undeliverable"
    UNDELIVERABLE_RETAINED = "undeliverable_retained"
    UNAVAILABLE = "unavailable"
    FREQUENCY_CAP = "frequency_cap"
    QUOTA = "quota"
    DISPOSABLE = "disposable"
    TYPO_DOMAIN = "typo_domain"
    INACTIVE = "inactive"
    REACTIVATION = "reactivation"
    ROLE = "role"
    NO_REPLY = "no_reply"
    CATCH_ALL = "catch_all"
    MAILBOX_FULL = "mailbox_full"
    UNKNOWN_PROBE = "unknown_probe"
    UNKNOWN_OTHER = "unknown_other"
    STALE = "stale"
    OTHERWISE = "otherwise"


class Bucket(StrEnum):
    """Where a row of a campaign is counted that its rule does not let through; `sendable` where it does."""

    INVALID_SYNTAX = "invalid_syntax"
    MANUAL_BLOCK = "manual_block"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED_BEFORE = "bounced_before"
    UNDELIVERABLE = "undeliverable"
    DISPOSABLE = "disposable"
    HELD = "held"
    SENDABLE = "sendable"


class Row(Struct, frozen=True):
    """One row of the table: when the rule speaks, in words, and the bucket of a campaign that it fills."""

    rule: Rule
    sentence: str
    bucket: Bucket


ROWS: tuple[Row, ...] = (
    Row(Rule.MANUAL_BLOCK, "Somebody put the address or its domain on the block list.", Bucket.MANUAL_BLOCK),
    Row(Rule.INVALID_SYNTAX, "The text is no e-mail address.", Bucket.INVALID_SYNTAX),
    Row(Rule.COMPLAINT, "The recipient complained of this sender's mail.", Bucket.COMPLAINED),
    Row(Rule.UNSUBSCRIBED, "The recipient unsubscribed from this mail.", Bucket.UNSUBSCRIBED),
    Row(Rule.NO_CONSENT, "The recipient is known not to have agreed to this mail.", Bucket.UNSUBSCRIBED),
    Row(Rule.MANUAL_ALLOW, "Somebody put the address on this sender's allow list.", Bucket.SENDABLE),
    Row(Rule.HARD_BOUNCE, "Mail to the address has bounced for good.", Bucket.BOUNCED_BEFORE),
    Row(Rule.SOFT_BOUNCE_LIMIT, "Mail to the address has bounced too often of late.", Bucket.BOUNCED_BEFORE),
    Row(Rule.UNDELIVERABLE, "The address is undeliverable, by evidence that still holds.", Bucket.UNDELIVERABLE),
    Row(
        Rule.UNDELIVERABLE_RETAINED,
        "The address was undeliverable, by evidence that has aged; it is asked again.",
        Bucket.HELD,
    ),
    Row(Rule.UNAVAILABLE, "What is known could not be read in time.", Bucket.HELD),
    Row(Rule.FREQUENCY_CAP, "The recipient has had as much of this sender's mail as he may.", Bucket.HELD),
    Row(Rule.QUOTA, "The sender's quota of the month is used up.", Bucket.HELD),
    Row(Rule.DISPOSABLE, "The address is a throw-away one.", Bucket.DISPOSABLE),
    Row(Rule.TYPO_DOMAIN, "The domain looks like a slip for a well-known one.", Bucket.HELD),
    Row(Rule.INACTIVE, "Nothing was heard of the recipient for as long as the policy says.", Bucket.HELD),
    Row(Rule.REACTIVATION, "Mail to somebody long silent, and no recent verdict; he is asked about.", Bucket.HELD),
    Row(Rule.ROLE, "The address is a role's, such as info@.", Bucket.HELD),
    Row(Rule.NO_REPLY, "The address says that nobody reads it.", Bucket.HELD),
    Row(Rule.CATCH_ALL, "The domain accepts every name, so this one is not proved.", Bucket.HELD),
    Row(Rule.MAILBOX_FULL, "The mailbox exists, but is full.", Bucket.HELD),
    Row(
        Rule.UNKNOWN_PROBE,
        "Nothing is known yet, or only something that a further probe can change; it is asked.",
        Bucket.HELD,
    ),
    Row(Rule.UNKNOWN_OTHER, "It cannot be known: an obstacle of ours or of the provider.", Bucket.HELD),
    Row(Rule.STALE, "The address was good, but that is long ago; it is asked again.", Bucket.HELD),
    Row(Rule.OTHERWISE, "Nothing speaks against it.", Bucket.SENDABLE),
)
BUCKETS: dict[Rule, Bucket] = {row.rule: row.bucket for row in ROWS}
