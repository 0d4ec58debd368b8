"""open_campaigns: where campaigns meet their lists, the gate, and their store."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from msgspec import Struct

from verifier.adapters.sqlite_campaigns import SqliteCampaigns
from verifier.core.campaigns import WAVES, Campaign, RowFate, wave_of
from verifier.core.gate_words import GateDecision
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
        async for job, rows in self.campaigns.rows(campaign):
            assert job.preview is not None
            header, column = job.preview.columns, (job.columns or job.preview.email_columns or (0,))[0]
            chosen = []
            for row, fate in rows:
                goes = not isinstance(fate, RowFate) and fate[0] is GateDecision.ALLOW
                planned = goes and left > 0
                left -= planned
                if _wanted(keep, goes, planned, row):
                    chosen.append((row, fate))
            if preset:
                yield preset_rows(preset, header, column, [row for row, _ in chosen], heading=heading)
            else:
                yield decided_rows(header, chosen, heading=heading)
            heading = False


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
