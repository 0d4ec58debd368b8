"""A whole send before it goes out: what is asked of it, and where it is on its way."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from verifier.core.campaign_summary import CampaignRule
from verifier.core.gate_words import GateDecision, MessageClass
from verifier.core.record import timestamp

RECHECK_LEAD = timedelta(hours=2)
"""So long before a send its stale rows are asked again: as a rule greylisting takes an hour at most."""


class CampaignState(StrEnum):
    """Where a campaign is on its way."""

    VERIFYING = "verifying"
    DECIDING = "deciding"
    COMPLETED = "completed"
    FAILED = "failed"


class CampaignOrder(Struct, frozen=True):
    """What is asked: the lists whose rows are to be mailed, and how. Columns are headings or 1-based numbers; ""
    guesses by heading.
    """

    workspace: str
    lists: tuple[str, ...]
    message_class: MessageClass = MessageClass.MARKETING
    sender: str | None = None
    policy: str | None = None
    profile: str | None = None
    topic: str | None = None
    name: str = ""
    quota_used: int | None = None
    unsubscribed_column: str = ""
    selected_column: str = ""
    from_domain: str = ""
    dkim_selector: str = ""
    test: bool = False
    send_at: datetime | None = None


class Recheck(Struct, frozen=True):
    """What came of asking again, before the send, whoever was stale by then: `rows` of them, `changed` rows whose fate
    is another one now; the counts that differ, the decision and the rate to expect, each before and after. With an
    `error` the campaign stands as it was decided first.
    """

    at: datetime
    rows: int = 0
    changed: int = 0
    counts: dict[str, tuple[int, int]] = {}
    decision: tuple[str, str] = ("", "")
    hard_bounce_rate: tuple[float, float] = (0.0, 0.0)
    error: str = ""


def recheck_of(before: dict[str, Any], after: dict[str, Any], at: datetime, rows: int, changed: int) -> Recheck:
    """What differs between two summaries of the same campaign."""
    counts = {
        name: (count, after["counts"][name])
        for name, count in before["counts"].items()
        if count != after["counts"][name]
    }
    rates = before["projected"]["hard_bounce_rate"], after["projected"]["hard_bounce_rate"]
    return Recheck(at, rows, changed, counts, (before["decision"], after["decision"]), rates)


class Release(Struct, frozen=True):
    """Who let a held campaign go, and why; kept for ever beside it."""

    name: str
    reason: str
    at: datetime
    key: str


class Campaign(Struct, frozen=True):
    """One campaign, written down at every change. `summary` is what the wire has, None until it was decided."""

    id: str
    order: CampaignOrder
    created: datetime
    state: CampaignState
    error: str = ""
    finished: datetime | None = None
    summary: dict[str, Any] | None = None
    releases: tuple[Release, ...] = ()
    recheck_list: str = ""
    """The list of the rows that are asked again before the send, once it was made."""
    recheck: Recheck | None = None

    @property
    def decision(self) -> GateDecision | None:
        """With a release, allow; but what is blocked since it was released is blocked."""
        if self.summary is None:
            return None
        decided = GateDecision(self.summary["decision"])
        return GateDecision.ALLOW if self.releases and decided is not GateDecision.BLOCK else decided

    @property
    def recheck_at(self) -> datetime | None:
        """When whoever is stale is asked again; None where nobody will be, or was already."""
        send_at = self.order.send_at
        decided = self.state is CampaignState.COMPLETED
        return None if send_at is None or not decided or self.recheck is not None else send_at - RECHECK_LEAD


def campaign_record(campaign: Campaign) -> dict[str, Any]:
    """The campaign as the wire has it."""
    record: dict[str, Any] = {
        "id": campaign.id,
        "name": campaign.order.name,
        "status": campaign.state.value,
        "error": campaign.error or None,
        "lists": list(campaign.order.lists),
        "message_class": campaign.order.message_class.value,
        "sender": campaign.order.sender,
        "created_at": timestamp(campaign.created),
        "finished_at": timestamp(campaign.finished),
        "test": campaign.order.test,
        "send_at": timestamp(campaign.order.send_at),
        "recheck": None if campaign.recheck is None else _recheck_record(campaign.recheck),
        **(campaign.summary or {}),
        "releases": [
            {"name": each.name, "reason": each.reason, "at": timestamp(each.at), "key": each.key}
            for each in campaign.releases
        ],
    }
    if campaign.releases and campaign.decision is GateDecision.ALLOW:
        record |= {"decision": GateDecision.ALLOW.value, "rule": CampaignRule.RELEASED.value}
    return record


def _recheck_record(recheck: Recheck) -> dict[str, Any]:
    return {
        "at": timestamp(recheck.at),
        "rows": recheck.rows,
        "changed": recheck.changed,
        "counts": {name: list(pair) for name, pair in recheck.counts.items()},
        "decision": list(recheck.decision),
        "hard_bounce_rate": list(recheck.hard_bounce_rate),
        "error": recheck.error or None,
    }
