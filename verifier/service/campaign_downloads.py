"""The rows of a decided campaign as files: all with what was decided of each, or as a sending service imports them."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from msgspec import structs

from verifier.core.campaign_columns import shared_columns
from verifier.core.campaign_counts import Fate
from verifier.core.campaign_cut import CampaignCut
from verifier.core.campaigns import Campaign
from verifier.core.list_jobs import ListJob
from verifier.core.list_rows import ShownRow
from verifier.service.campaigns import Campaigns


class CampaignForms(Protocol):
    """Writes rows as a part of a file; the first part has the `heading`."""

    def decided_rows(
        self, header: Sequence[str], rows: Sequence[tuple[ShownRow, Fate]], separator: str, *, heading: bool
    ) -> bytes: ...
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
        jobs = await self._campaigns.lists(campaign)
        numbers = {job.id: number for number, job in enumerate(jobs)}
        columns = shared_columns([_columns_of(job) for job in jobs])
        separator = (jobs[0].preview.separator if jobs[0].preview is not None else "") or ","
        heading = True
        async for job, rows in self._campaigns.rows(campaign):
            number = numbers[job.id]
            kept = [
                (structs.replace(row, cells=columns.placed(number, row.cells)), fate)
                for row, fate in rows
                if cut.keeps(row, fate)
            ]
            if preset:
                shown = [row for row, _ in kept]
                yield self._forms.preset_rows(preset, columns.header, columns.address, shown, heading=heading)
            else:
                yield self._forms.decided_rows(columns.header, kept, separator, heading=heading)
            heading = False


def _columns_of(job: ListJob) -> tuple[tuple[str, ...], int]:
    """Its heading, and the place of its e-mail column."""
    assert job.preview is not None
    return job.preview.columns, (job.columns or job.preview.email_columns or (0,))[0]
