"""open_campaigns: where campaigns meet their lists, the gate, and their store."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from msgspec import Struct

from verifier.adapters.sqlite_campaigns import SqliteCampaigns
from verifier.core.campaigns import Campaign
from verifier.core.gate_words import GateDecision
from verifier.core.projection import Evidence, Group
from verifier.gate_wiring import GateService
from verifier.list_wiring import ListService
from verifier.service.campaigns import Campaigns
from verifier.wiring import Verifier
from verifier.writers.campaign_writer import decided_rows, preset_rows

CAMPAIGNS_FILE = "campaigns.sqlite"


class CampaignService(Struct, frozen=True):
    """What an edge works with."""

    campaigns: Campaigns

    async def download(self, campaign: Campaign, keep: str, preset: str) -> AsyncGenerator[bytes, None]:
        """The rows as CSV: `sendable`, `rejected` or `full`; with a preset the sendable ones as a service imports them.

        Raises CampaignNotThere before the campaign is decided.
        """
        heading = True
        async for job, rows in self.campaigns.rows(campaign):
            assert job.preview is not None
            header, column = job.preview.columns, (job.columns or job.preview.email_columns or (0,))[0]
            sent = [not isinstance(fate, str) and fate[0] is GateDecision.ALLOW for _, fate in rows]
            if preset:
                chosen = [row for (row, _), goes in zip(rows, sent, strict=True) if goes]
                yield preset_rows(preset, header, column, chosen, heading=heading)
            else:
                wanted = {"sendable": (True,), "rejected": (False,)}.get(keep, (True, False))
                yield decided_rows(
                    header, [each for each, goes in zip(rows, sent, strict=True) if goes in wanted], heading=heading
                )
            heading = False


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
    campaigns = Campaigns(store, lists.lists, lists.reading, gate.equipment, evidence, report_fault)
    try:
        await campaigns.open()
        yield CampaignService(campaigns)
    finally:
        await campaigns.close()
        await store.close()
