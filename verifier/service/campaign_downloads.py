"""The rows of a decided campaign as files: all with what was decided of each, or as a sending service imports them."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from verifier.core.campaign_counts import Fate
from verifier.core.campaign_cut import CampaignCut
from verifier.core.campaigns import Campaign
from verifier.core.list_rows import ShownRow
from verifier.service.campaigns import Campaigns


class CampaignForms(Protocol):
    """Writes rows as a part of a file; the first part has the `heading`."""

    def decided_rows(self, header: Sequence[str], rows: Sequence[tuple[ShownRow, Fate]], *, heading: bool) -> bytes: ...
    def preset_rows(
        self, name: str, header: Sequence[str], column: int, rows: Sequence[ShownRow], *, heading: bool
    ) -> bytes: ...


class CampaignDownloads:
    """For campaigns that the caller has asked `Campaigns` for: whose they are is settled by then."""

    def __init__(self, campaigns: Campaigns, forms: CampaignForms) -> None:
        self._campaigns = campaigns
        self._forms = forms

    async def file(self, campaign: Campaign, keep: str, preset: str = "") -> AsyncGenerator[bytes, None]:
        """One of KEEPS as CSV; with a preset, as the service of that name imports it.

        Raises CampaignNotThere before the campaign is decided.
        """
        cut = CampaignCut(keep, campaign.summary["counts"]["planned"] if campaign.summary is not None else 0)
        heading = True
        async for job, rows in self._campaigns.rows(campaign):
            assert job.preview is not None
            header = job.preview.columns
            kept = [(row, fate) for row, fate in rows if cut.keeps(row, fate)]
            if preset:
                column = (job.columns or job.preview.email_columns or (0,))[0]
                yield self._forms.preset_rows(preset, header, column, [row for row, _ in kept], heading=heading)
            else:
                yield self._forms.decided_rows(header, kept, heading=heading)
            heading = False
