"""What goes in and comes out of /v1/campaigns, as types: the OpenAPI document is made from these."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from verifier.core.campaign_counts import COUNTED
from verifier.core.campaign_cut import KEEPS
from verifier.core.campaigns import CampaignState
from verifier.core.gate_words import GateDecision, MessageClass
from verifier.core.presets import PRESETS
from verifier.core.projection import Basis
from verifier.core.record import Timestamp, word

_WAIT_SECONDS = 5
_MOST_WAIT = 60
_MOST_LISTS = 20
Name = Annotated[str, Meta(max_length=200)]
Column = Annotated[str, Meta(max_length=200, description="A heading or a 1-based number; else guessed by heading.")]
AnyColumn = Annotated[str, Meta(description="A heading or a 1-based number; else guessed by heading.")]
"""In a path, whose length the server bounds."""
FromDomain = Annotated[str, Meta(description="Of the From line: warns where its SPF, DKIM, DMARC or MX lack.")]
Test = Annotated[bool, Meta(description="A trial: decided like any other, never released, nothing of it is counted.")]
SendAt = Annotated[
    datetime,
    Meta(tz=True, description="When it is to go out: two hours before, stale rows are asked again and decided anew."),
]
Wait = Annotated[int, Meta(ge=0, le=_MOST_WAIT, description="Seconds for which the answer waits for the campaign.")]


class CampaignQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How a campaign is to be looked at; a file is sent with these as parameters, or as fields of its form. JSON says
    all but `wait` itself.
    """

    name: str = ""
    message_class: MessageClass = MessageClass.MARKETING
    sender: str = ""
    policy: str = ""
    profile: str = ""
    topic: str = ""
    quota_used: Annotated[int, Meta(ge=0)] | None = None
    unsubscribed_column: AnyColumn = ""
    selected_column: AnyColumn = ""
    from_domain: FromDomain = ""
    dkim_selector: str = ""
    test: Test = False
    send_at: SendAt | None = None
    column: Annotated[str, Meta(description="The e-mail column of a file; else guessed.")] = ""
    wait: Wait = _WAIT_SECONDS


class CampaignRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses, or the ids of lists that were handed in; the rest as in the parameters."""

    emails: Annotated[list[str], Meta(min_length=1)] | None = None
    lists: Annotated[list[str], Meta(min_length=1, max_length=_MOST_LISTS)] | None = None
    name: Name = ""
    message_class: MessageClass = MessageClass.MARKETING
    sender: Name = ""
    policy: Name = ""
    profile: Name = ""
    topic: Name = ""
    quota_used: Annotated[int, Meta(ge=0)] | None = None
    unsubscribed_column: Column = ""
    selected_column: Column = ""
    from_domain: FromDomain = ""
    dkim_selector: str = ""
    test: Test = False
    send_at: SendAt | None = None


class ReleaseRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Who lets a held campaign go, and why: both are kept."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    reason: Annotated[str, Meta(min_length=1, max_length=2000)]


class WaitQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How long to wait for it."""

    wait: Wait = 0


class CutQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows, in which form."""

    keep: Annotated[str, word(*KEEPS)] = "planned"
    preset: Annotated[str, Meta(description="What a sending service imports: its name."), word("", *PRESETS)] = ""


class QuotaRecord(Struct, frozen=True):
    """The sender's month; null is no limit."""

    limit: int | None
    used: int
    remaining: int | None


class ByReason(Struct, frozen=True):
    """The planned rows of one reason."""

    reason: str
    rows: int
    hard_bounce_rate: float
    interval_95: list[float]


class Projected(Struct, frozen=True):
    """Hard bounces to expect of the planned rows, 0.0-1.0, with 95 % bounds; `n`: mails that the risks stand on."""

    hard_bounce_rate: float
    unfiltered_hard_bounce_rate: float
    interval_95: list[float]
    basis: Annotated[str, word(*Basis)]
    n: int
    by_reason: list[ByReason]


class ReleaseRecord(Struct, frozen=True):
    """Who let it go, and why; `key` is the id of the key that asked."""

    name: str
    reason: str
    at: Timestamp
    key: str


class RecheckRecord(Struct, frozen=True):
    """What came of asking stale rows again before the send: before and after, where they differ."""

    at: Timestamp
    rows: Annotated[int, Meta(description="How many addresses were asked again.")]
    changed: Annotated[int, Meta(description="How many rows have another fate now.")]
    counts: dict[str, list[int]]
    decision: list[str]
    hard_bounce_rate: list[float]
    error: str | None


class CampaignAnswer(Struct, frozen=True, omit_defaults=True):
    """A campaign: its state, and once it is decided the counts of its rows, what to expect, and whether it may go."""

    id: str
    name: str
    status: Annotated[str, word(*CampaignState)]
    error: str | None
    lists: list[str]
    message_class: Annotated[str, word(*MessageClass)]
    sender: str | None
    created_at: Timestamp
    finished_at: Timestamp | None
    releases: list[ReleaseRecord]
    test: bool
    send_at: Timestamp | None
    recheck: RecheckRecord | None
    quota: QuotaRecord | None = None
    counts: Annotated[dict[str, int], Meta(description="; ".join(COUNTED))] | None = None
    projected: Projected | None = None
    waves: Annotated[list[int], Meta(description="Planned rows of each wave; the first are proven.")] | None = None
    decision: Annotated[str, word(*GateDecision)] | None = None
    rule: str | None = None
    warnings: list[str] | None = None
    policy: str | None = None
    profile: str | None = None
    stale: int | None = None
    downloads: dict[str, str] | None = None


class CampaignPage(Struct, frozen=True):
    """The newest campaigns."""

    campaigns: list[CampaignAnswer]
