"""open_campaigns: where campaigns meet their lists, the gate, and their store."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from msgspec import Struct

from verifier.adapters.sqlite_campaigns import SqliteCampaigns
from verifier.core.projection import Evidence, Group
from verifier.gate_wiring import GateService
from verifier.list_wiring import ListService
from verifier.service.campaign_deciding import CampaignDeciding
from verifier.service.campaign_downloads import CampaignDownloads
from verifier.service.campaigns import Campaigns
from verifier.wiring import Verifier
from verifier.writers import campaign_writer

CAMPAIGNS_FILE = "campaigns.sqlite"


class CampaignService(Struct, frozen=True):
    """What an edge works with."""

    campaigns: Campaigns
    downloads: CampaignDownloads


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
        yield CampaignService(campaigns, CampaignDownloads(campaigns, campaign_writer))
    finally:
        await campaigns.close()
        await store.close()
