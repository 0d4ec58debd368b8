"""Faults of whoever works with campaigns, as those of lists (core/list_faults.py)."""

from typing import ClassVar

from verifier.core.list_faults import ListFault


class UnknownCampaign(ListFault):
    """Nobody but its workspace learns that a campaign exists."""

    code: ClassVar[str] = "campaign_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such campaign.")


class CampaignNotThere(ListFault):
    """The campaign is not where this can be done."""

    code: ClassVar[str] = "campaign_state"
