"""/v1/campaigns: a whole send looked at before it goes out, from addresses, a file, or lists that are there already."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from aiohttp import web
from msgspec import structs

from verifier.core.api_keys import Scope
from verifier.core.campaign_cut import KEEPS
from verifier.core.campaigns import Campaign, CampaignOrder, campaign_record
from verifier.core.list_jobs import ListOptions
from verifier.core.list_orders import Order, as_lines
from verifier.core.presets import PRESETS
from verifier.edges.http.api.campaign_shapes import (
    CampaignAnswer,
    CampaignPage,
    CampaignQuery,
    CampaignRequest,
    CutQuery,
    ReleaseRequest,
    WaitQuery,
)
from verifier.edges.http.api.uploads import upload_of
from verifier.edges.http.bodies import changed, read_json
from verifier.edges.http.downloads import CSV, send_file
from verifier.edges.http.openapi import BYTES, MULTIPART
from verifier.edges.http.problems import invalid
from verifier.edges.http.routing import JSON, Call, Route, json_response, route_of

_JSON_BYTES = 32 << 20


async def create(call: Call[None]) -> web.StreamResponse:
    """Body as a form, as JSON, or by itself."""
    query: CampaignQuery = call.query
    if call.request.content_type == JSON:
        route = route_of(call.request)
        assert route is not None
        _require_no_parameters(query)
        body: CampaignRequest = await read_json(call.request, route)
        list_ids = await _lists_of(call, body)
        said: Any = body
    else:
        upload = await upload_of(call.request)
        known = {name: value for name, value in upload.fields.items() if name in CampaignQuery.__struct_fields__}
        query = changed(query, known, strict=False)
        order = _list_order(call, query.name or upload.name, query.column)
        job, _ = await call.site.desk.lists.lists.upload(order, upload.pieces)
        list_ids, said = (job.id,), query
    campaigns = call.site.desk.campaigns.campaigns
    campaign = await campaigns.create(
        CampaignOrder(
            workspace=call.caller.workspace,
            lists=list_ids,
            message_class=said.message_class,
            sender=said.sender or None,
            policy=said.policy or None,
            profile=said.profile or None,
            topic=said.topic or None,
            name=said.name,
            quota_used=said.quota_used,
            unsubscribed_column=said.unsubscribed_column,
            selected_column=said.selected_column,
            from_domain=said.from_domain.lower(),
            dkim_selector=said.dkim_selector,
            test=said.test,
            send_at=said.send_at,
        )
    )
    campaign = await campaigns.settled(campaign.order.workspace, campaign.id, query.wait)
    return json_response(_answer(call, campaign), status=202)


async def every(call: Call[None]) -> web.StreamResponse:
    found = await call.site.desk.campaigns.campaigns.campaigns(call.caller.workspace)
    return json_response({"campaigns": [_answer(call, each) for each in found]})


async def one(call: Call[None]) -> web.StreamResponse:
    campaigns = call.site.desk.campaigns.campaigns
    campaign = await campaigns.settled(call.caller.workspace, call.request.match_info["id"], call.query.wait)
    return json_response(_answer(call, campaign))


async def release(call: Call[ReleaseRequest]) -> web.StreamResponse:
    body, caller = call.body, call.caller
    campaign = await call.site.desk.campaigns.campaigns.release(
        caller.workspace, call.request.match_info["id"], body.name, body.reason, caller.id
    )
    return json_response(_answer(call, campaign))


async def download(call: Call[None]) -> web.StreamResponse:
    query: CutQuery = call.query
    if query.keep not in KEEPS:
        raise invalid("keep", f"can be {', '.join(KEEPS)}")
    if query.preset and query.preset not in PRESETS:
        raise invalid("preset", f"there is no preset of this name: known are {', '.join(PRESETS)}")
    service = call.site.desk.campaigns
    campaign = await service.campaigns.get(call.caller.workspace, call.request.match_info["id"])
    name = f"{campaign.order.name or 'campaign'}.{query.preset or query.keep}.csv"
    return await send_file(call, name, CSV, service.downloads.file(campaign, query.keep, query.preset))


def _require_no_parameters(query: CampaignQuery) -> None:
    """JSON says all of it by itself: a parameter beside it would be one that nobody reads. Raises Problem."""
    for name, default in structs.asdict(CampaignQuery()).items():
        if name != "wait" and getattr(query, name) != default:
            raise invalid(name, "is a parameter beside a file: with JSON say it in the body")


async def _lists_of(call: Call[None], body: CampaignRequest) -> tuple[str, ...]:
    if (body.emails is None) == (body.lists is None):
        raise invalid("/emails", "give `emails`, or `lists`, and not both")
    if body.lists is not None:
        return tuple(dict.fromkeys(body.lists))
    order = _list_order(call, f"{body.name or 'campaign'}.jsonl", "")
    job, _ = await call.site.desk.lists.lists.upload(order, _lines_of(body.emails or []))
    return (job.id,)


async def _lines_of(emails: Sequence[str]) -> AsyncGenerator[bytes, None]:
    for some in as_lines(emails):
        yield some
        await asyncio.sleep(0)


def _list_order(call: Call[None], name: str, column: str) -> Order:
    """The list of a campaign is verified at once, and kept like any other."""
    retention = call.site.settings.lists_retention
    options = ListOptions(columns=(column,) if column else (), retention=retention, start=True)
    return Order(call.caller.workspace, call.caller.id, name or "campaign", options)


def _answer(call: Call[Any], campaign: Campaign) -> dict[str, Any]:
    record = campaign_record(campaign)
    if campaign.summary is not None:
        path = f"{call.site.public_url}/v1/campaigns/{campaign.id}/download"
        record["downloads"] = {keep: f"{path}?keep={keep}" for keep in KEEPS} | {
            preset: f"{path}?preset={preset}" for preset in PRESETS
        }
    return record


_ONE = ("campaign_not_found",)
ROUTES = (
    Route(
        "POST",
        "/v1/campaigns",
        create,
        "Look at a whole send before it goes out",
        scope=Scope.LISTS,
        request=CampaignRequest,
        query=CampaignQuery,
        responds=CampaignAnswer,
        status=202,
        problems=("list_not_found", "upload_too_large", "upload_incomplete"),
        tag="Campaigns",
        body_limit=_JSON_BYTES,
        streamed=True,
        takes=(MULTIPART, BYTES),
        example={"emails": ["accepted@verifier.test", "mailbox_not_found@verifier.test"], "profile": "mailjet"},
        description=(
            "A file as the field `file` of a form or as the body itself, addresses as JSON, or the ids of lists; JSON"
            " says all but `wait` in the body. Rows are verified first, then each"
            " is decided by the policy, then the whole by the bounce rate to expect. The"
            " answer has it where that takes less than `wait` seconds."
        ),
    ),
    Route("GET", "/v1/campaigns", every, "The campaigns", scope=Scope.LISTS, responds=CampaignPage, tag="Campaigns"),
    Route(
        "GET",
        "/v1/campaigns/{id}",
        one,
        "One campaign",
        scope=Scope.LISTS,
        query=WaitQuery,
        responds=CampaignAnswer,
        problems=_ONE,
        tag="Campaigns",
    ),
    Route(
        "POST",
        "/v1/campaigns/{id}/release",
        release,
        "Let a held campaign go",
        scope=Scope.LISTS,
        request=ReleaseRequest,
        responds=CampaignAnswer,
        problems=(*_ONE, "campaign_state"),
        tag="Campaigns",
        example={"name": "Ann", "reason": "New customers, confirmed by phone"},
        description="By whom and why is kept for ever. One that is blocked cannot be released: clean its list.",
    ),
    Route(
        "GET",
        "/v1/campaigns/{id}/download",
        download,
        "The rows of a campaign",
        scope=Scope.LISTS,
        query=CutQuery,
        also=("text/csv",),
        problems=(*_ONE, "campaign_state", "list_not_found", "list_state"),
        tag="Campaigns",
        description=(
            "`planned` (what the quota has room for), `sendable`, `rejected` with the reason of each, `full`, or a"
            " `wave-1` to `wave-4` of the planned ones; with a `preset` as a sending service imports them."
        ),
    ),
)
