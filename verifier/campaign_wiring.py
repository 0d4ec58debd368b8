"""open_campaigns: where campaigns meet their lists, the gate, and their store."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from msgspec import Struct, structs

from verifier.adapters.sqlite_campaigns import SqliteCampaigns
from verifier.core.campaign_columns import shared_columns
from verifier.core.campaigns import WAVES, Campaign, RowFate, wave_of
from verifier.core.gate_words import GateDecision
from verifier.core.list_jobs import ListJob
from verifier.core.list_rows import ShownRow
from verifier.core.projection import Evidence, Group
from verifier.gate_wiring import GateService
from verifier.list_wiring import ListService
from verifier.service.campaign_deciding import CampaignDeciding
from verifier.service.campaigns import Campaigns
from verifier.wiring import Verifier
from verifier.writers.campaign_writer import decided_rows, preset_rows

CAMPAIGNS_FILE = "campaigns.sqlite"
WAVE_KEEPS = tuple(f"wave-{wave}" for wave in range(1, WAVES + 1))
KEEPS = ("planned", "sendable", "rejected", "full", *WAVE_KEEPS)
"""What of a campaign can be downloaded; `planned` is `sendable` as far as the quota goes, the waves are its parts."""


class CampaignService(Struct, frozen=True):
    """What an edge works with."""

    campaigns: Campaigns

    async def download(self, campaign: Campaign, keep: str, preset: str) -> AsyncGenerator[bytes, None]:
        """The rows as CSV: one of KEEPS; with a preset, those that are sent as a service imports them.

        Raises CampaignNotThere before the campaign is decided.
        """
        heading, left = True, campaign.summary["counts"]["planned"] if campaign.summary is not None else 0
        jobs = await self.campaigns.lists(campaign)
        numbers = {job.id: number for number, job in enumerate(jobs)}
        columns = shared_columns([_columns_of(job) for job in jobs])
        separator = (jobs[0].preview.separator if jobs[0].preview is not None else "") or ","
        async for job, rows in self.campaigns.rows(campaign):
            chosen = []
            for row, fate in rows:
                goes = not isinstance(fate, RowFate) and fate[0] is GateDecision.ALLOW
                planned = goes and left > 0
                left -= planned
                if _wanted(keep, goes, planned, row):
                    placed = columns.placed(numbers[job.id], row.cells)
                    chosen.append((structs.replace(row, cells=placed), fate))
            if preset:
                shown = [row for row, _ in chosen]
                yield preset_rows(preset, columns.header, columns.address, shown, heading=heading)
            else:
                yield decided_rows(columns.header, chosen, separator, heading=heading)
            heading = False


def _columns_of(job: ListJob) -> tuple[tuple[str, ...], int]:
    """Its heading, and the place of its e-mail column."""
    assert job.preview is not None
    return job.preview.columns, (job.columns or job.preview.email_columns or (0,))[0]


def _wanted(keep: str, goes: bool, planned: bool, row: ShownRow) -> bool:
    match keep:
        case "full":
            return True
        case "rejected":
            return not goes
        case "sendable":
            return goes
        case "planned":
            return planned
        case _:
            return planned and keep == f"wave-{wave_of(row.assessment.verdict, row.assessment.email)}"


@asynccontextmanager
async def open_campaigns(
    verifier: Verifier,
    lists: ListService,
    gate: GateService,
    *,
    report_fault: Callable[[BaseException], None],
    evidence: Callable[[], Mapping[Group, Evidence]] = dict,
) -> AsyncIterator[CampaignService]:
    """The campaigns of a data folder; what was undone is begun again. `evidence`: what feedback knows of the risks."""
    store = SqliteCampaigns(verifier.settings.data_dir / CAMPAIGNS_FILE)
    deciding = CampaignDeciding(lists.reading, gate.equipment, evidence, verifier.resolver)
    campaigns = Campaigns(store, lists.lists, deciding, gate.equipment, report_fault)
    try:
        await campaigns.open()
        yield CampaignService(campaigns)
    finally:
        await campaigns.close()
        await store.close()
