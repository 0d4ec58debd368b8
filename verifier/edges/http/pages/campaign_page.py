"""GET and POST /campaigns, GET /campaigns/{id} and POST …/release: a send before it goes out, in one look."""

import re
from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import web

from verifier.core.api_keys import Scope
from verifier.core.campaign_counts import PARTS
from verifier.core.campaign_cut import WAVE_KEEPS
from verifier.core.campaigns import Campaign, CampaignOrder, CampaignState
from verifier.core.gate_words import GateDecision, MessageClass
from verifier.core.list_jobs import ListJob, ListOptions
from verifier.core.list_orders import Order
from verifier.core.list_states import ListState
from verifier.core.presets import PRESETS
from verifier.core.profiles import PROFILES
from verifier.edges.http.api.uploads import PASTED, Upload, upload_of
from verifier.edges.http.pages.forms import fields_of
from verifier.edges.http.pages.list_page import parts
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.problems import invalid
from verifier.edges.http.routing import Call, Route

_PARTED = re.compile(r"[\r\n,;]+")
_SHOWN = 20
_SOON_SECONDS = 3
_COLOURS = {
    "sendable": "deliverable",
    "held": "risky",
    "disposable": "risky",
    "empty": "unknown",
    "duplicates": "unknown",
}
"""Of the chart's bars; every other bucket is of people who must not be mailed."""


async def campaigns(call: Call[None]) -> web.StreamResponse:
    gate = call.site.desk.gate
    lists, _ = await call.site.desk.lists.lists.lists(call.caller.workspace)
    return render(
        call.request,
        "campaigns.html",
        campaigns=await call.site.desk.campaigns.campaigns.campaigns(call.caller.workspace, _SHOWN),
        lists=[job for job in lists if job.state is ListState.COMPLETED],
        senders=[sender.name for sender in gate.senders.senders],
        policies=list(gate.gate.policies),
        profiles=list(PROFILES),
        classes=[each.value for each in MessageClass],
        now=call.site.clock.now(),
    )


async def look(call: Call[None]) -> web.StreamResponse:
    """A list that was cleaned, addresses that were pasted, or a file with its choices before it; leads on to the
    campaign's page.
    """
    upload = await upload_of(call.request)
    fields, workspace = upload.fields, call.caller.workspace
    message_class = fields.get("message_class", MessageClass.MARKETING)
    if message_class not in tuple(MessageClass):
        raise invalid("message_class", f"can be {', '.join(MessageClass)}")
    job = await _list_of(call, upload)
    made = await call.site.desk.campaigns.campaigns.create(
        CampaignOrder(
            workspace,
            (job.id,),
            MessageClass(message_class),
            sender=fields.get("sender") or None,
            policy=fields.get("policy") or None,
            profile=fields.get("profile") or None,
            name=job.name,
            from_domain=fields.get("from_domain", "").strip().lower(),
        )
    )
    await call.site.desk.campaigns.campaigns.settled(workspace, made.id, _SOON_SECONDS)
    raise web.HTTPSeeOther(f"/campaigns/{made.id}")


async def _list_of(call: Call[None], upload: Upload) -> ListJob:
    lists, workspace, pasted = call.site.desk.lists.lists, call.caller.workspace, upload.fields.get(PASTED, "")
    if upload.fields.get("list"):
        return await lists.get(workspace, upload.fields["list"])
    name, pieces = upload.name, upload.pieces
    if pasted.strip() and not name:
        name, pieces = "addresses.txt", _pieces(pasted)
    options = ListOptions(retention=call.site.settings.lists_retention, start=True)
    job, _ = await lists.upload(Order(workspace, call.caller.id, name or "campaign", options), pieces)
    return job


async def _pieces(pasted: str) -> AsyncGenerator[bytes, None]:
    """One address a line, however they were parted."""
    yield "\n".join(filter(None, (each.strip() for each in _PARTED.split(pasted)))).encode()


async def one(call: Call[None]) -> web.StreamResponse:
    campaign = await call.site.desk.campaigns.campaigns.get(call.caller.workspace, call.request.match_info["id"])
    return render(call.request, "campaign.html", **_shown(campaign))


async def release(call: Call[None]) -> web.StreamResponse:
    fields = await fields_of(call.request)
    name, reason = fields.get("name", "").strip()[:200], fields.get("reason", "").strip()[:2000]
    for field, text in (("name", name), ("reason", reason)):
        if not text:
            raise invalid(field, "is kept, so it cannot be empty")
    campaign_id = call.request.match_info["id"]
    await call.site.desk.campaigns.campaigns.release(call.caller.workspace, campaign_id, name, reason, call.caller.id)
    raise web.HTTPSeeOther(f"/campaigns/{campaign_id}")


def _shown(campaign: Campaign) -> dict[str, Any]:
    summary = campaign.summary or {}
    counts: dict[str, int] = summary.get("counts", {})
    buckets = parts([(name, counts.get(name, 0)) for name in ("sendable", *(p for p in PARTS if p != "sendable"))])
    return {
        "campaign": campaign,
        "summary": summary,
        "counts": counts,
        "moves": campaign.state in (CampaignState.VERIFYING, CampaignState.DECIDING),
        "failed": campaign.state is CampaignState.FAILED,
        "decision": campaign.decision.value if campaign.decision is not None else "",
        "held": campaign.decision is GateDecision.HOLD,
        "buckets": [part for part in buckets if part.count],
        "colours": {part.name: _COLOURS.get(part.name, "undeliverable") for part in buckets},
        "waves": [(keep, count) for keep, count in zip(WAVE_KEEPS, summary.get("waves", ()), strict=False) if count],
        "presets": list(PRESETS),
    }


ROUTES = (
    Route("GET", "/campaigns", campaigns, "Campaigns", scope=Scope.LISTS, page=True),
    Route("POST", "/campaigns", look, "Look at a send", scope=Scope.LISTS, page=True),
    Route("GET", "/campaigns/{id}", one, "A campaign", scope=Scope.LISTS, page=True),
    Route("POST", "/campaigns/{id}/release", release, "Let a campaign go", scope=Scope.LISTS, page=True),
)
