"""/v1/campaigns: a whole send looked at before it goes out, from addresses, a file, or lists that are there already."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta, Struct, structs

from verifier.campaign_wiring import KEEPS
from verifier.core.api_keys import Scope
from verifier.core.campaigns import COUNTED, CampaignOrder, CampaignState, campaign_record
from verifier.core.campaigns import Campaign as CampaignJob
from verifier.core.gate_words import GateDecision, MessageClass
from verifier.core.list_jobs import ListOptions
from verifier.core.list_orders import Order, as_lines
from verifier.core.presets import PRESETS
from verifier.core.projection import Basis
from verifier.core.record import Timestamp, word
from verifier.edges.http.api.lists import disposition
from verifier.edges.http.api.uploads import upload_of
from verifier.edges.http.bodies import read_json
from verifier.edges.http.openapi import BYTES, MULTIPART
from verifier.edges.http.problems import invalid
from verifier.edges.http.routing import JSON, Call, Route, json_response, route_of, write

_JSON_BYTES = 32 << 20
_WAIT_SECONDS = 5
_MOST_WAIT = 60
_MOST_LISTS = 20
Name = Annotated[str, Meta(max_length=200)]
Column = Annotated[str, Meta(max_length=200, description="A heading or a 1-based number; else guessed by heading.")]
AnyColumn = Annotated[str, Meta(description="A heading or a 1-based number; else guessed by heading.")]
"""In a path, whose length the server bounds."""
FromDomain = Annotated[str, Meta(description="Of the From line: warns where its SPF, DKIM, DMARC or MX lack.")]
Test = Annotated[bool, Meta(description="A trial: decided like any other, never released, nothing of it is counted.")]
SendAt = Annotated[
    datetime,
    Meta(tz=True, description="When it is to go out: two hours before, stale rows are asked again and decided anew."),
]
Wait = Annotated[int, Meta(ge=0, le=_MOST_WAIT, description="Seconds for which the answer waits for the campaign.")]


class CampaignQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How a campaign is to be looked at; a file is sent with these as parameters, or as fields of its form. JSON says
    all but `wait` itself.
    """

    name: str = ""
    message_class: MessageClass = MessageClass.MARKETING
    sender: str = ""
    policy: str = ""
    profile: str = ""
    topic: str = ""
    quota_used: Annotated[int, Meta(ge=0)] | None = None
    unsubscribed_column: AnyColumn = ""
    selected_column: AnyColumn = ""
    from_domain: FromDomain = ""
    dkim_selector: str = ""
    test: Test = False
    send_at: SendAt | None = None
    column: Annotated[str, Meta(description="The e-mail column of a file; else guessed.")] = ""
    wait: Wait = _WAIT_SECONDS


class CampaignRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses, or the ids of lists that were handed in; the rest as in the parameters."""

    emails: Annotated[list[str], Meta(min_length=1)] | None = None
    lists: Annotated[list[str], Meta(min_length=1, max_length=_MOST_LISTS)] | None = None
    name: Name = ""
    message_class: MessageClass = MessageClass.MARKETING
    sender: Name = ""
    policy: Name = ""
    profile: Name = ""
    topic: Name = ""
    quota_used: Annotated[int, Meta(ge=0)] | None = None
    unsubscribed_column: Column = ""
    selected_column: Column = ""
    from_domain: FromDomain = ""
    dkim_selector: str = ""
    test: Test = False
    send_at: SendAt | None = None


class ReleaseRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Who lets a held campaign go, and why: both are kept."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    reason: Annotated[str, Meta(min_length=1, max_length=2000)]


class WaitQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How long to wait for it."""

    wait: Wait = 0


class CutQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows, in which form."""

    keep: Annotated[str, word(*KEEPS)] = "planned"
    preset: Annotated[str, Meta(description="What a sending service imports: its name."), word("", *PRESETS)] = ""


class QuotaRecord(Struct, frozen=True):
    """The sender's month; null is no limit."""

    limit: int | None
    used: int
    remaining: int | None


class ByReason(Struct, frozen=True):
    """The planned rows of one reason."""

    reason: str
    rows: int
    hard_bounce_rate: float
    interval_95: list[float]


class Projected(Struct, frozen=True):
    """Hard bounces to expect of the planned rows, 0.0-1.0, with 95 % bounds; `n`: mails that the risks stand on."""

    hard_bounce_rate: float
    unfiltered_hard_bounce_rate: float
    interval_95: list[float]
    basis: Annotated[str, word(*Basis)]
    n: int
    by_reason: list[ByReason]


class ReleaseRecord(Struct, frozen=True):
    """Who let it go, and why; `key` is the id of the key that asked."""

    name: str
    reason: str
    at: Timestamp
    key: str


class RecheckRecord(Struct, frozen=True):
    """What came of asking stale rows again before the send: before and after, where they differ."""

    at: Timestamp
    rows: Annotated[int, Meta(description="How many addresses were asked again.")]
    changed: Annotated[int, Meta(description="How many rows have another fate now.")]
    counts: dict[str, list[int]]
    decision: list[str]
    hard_bounce_rate: list[float]
    error: str | None


class CampaignAnswer(Struct, frozen=True, omit_defaults=True):
    """A campaign: its state, and once it is decided the counts of its rows, what to expect, and whether it may go."""

    id: str
    name: str
    status: Annotated[str, word(*CampaignState)]
    error: str | None
    lists: list[str]
    message_class: Annotated[str, word(*MessageClass)]
    sender: str | None
    created_at: Timestamp
    finished_at: Timestamp | None
    releases: list[ReleaseRecord]
    test: bool
    send_at: Timestamp | None
    recheck: RecheckRecord | None
    quota: QuotaRecord | None = None
    counts: Annotated[dict[str, int], Meta(description="; ".join(COUNTED))] | None = None
    projected: Projected | None = None
    waves: Annotated[list[int], Meta(description="Planned rows of each wave; the first are proven.")] | None = None
    decision: Annotated[str, word(*GateDecision)] | None = None
    rule: str | None = None
    warnings: list[str] | None = None
    policy: str | None = None
    profile: str | None = None
    stale: int | None = None
    downloads: dict[str, str] | None = None


class CampaignPage(Struct, frozen=True):
    """The newest campaigns."""

    campaigns: list[CampaignAnswer]


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
        query = _with_fields(query, upload.fields)
        order = _list_order(call, query.name or upload.name, query.column)
        job, _ = await call.site.desk.lists.lists.upload(order, upload.pieces)
        list_ids, said = (job.id,), query
    campaigns = call.site.desk.campaigns.campaigns
    campaign = await campaigns.create(
        CampaignOrder(
            call.caller.workspace,
            list_ids,
            said.message_class,
            said.sender or None,
            said.policy or None,
            said.profile or None,
            said.topic or None,
            said.name,
            said.quota_used,
            said.unsubscribed_column,
            said.selected_column,
            said.from_domain.lower(),
            said.dkim_selector,
            said.test,
            said.send_at,
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
    response = web.StreamResponse(headers={"Content-Disposition": disposition(name)})
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    async with aclosing(service.download(campaign, query.keep, query.preset)) as pieces:
        async for piece in pieces:
            await write(call, response, piece)
    if not response.prepared:
        await response.prepare(call.request)
    await response.write_eof()
    return response


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


def _with_fields(query: CampaignQuery, fields: dict[str, str]) -> CampaignQuery:
    known = {name: value for name, value in fields.items() if name in CampaignQuery.__struct_fields__}
    try:
        return msgspec.convert(structs.asdict(query) | known, type=CampaignQuery, strict=False)
    except msgspec.ValidationError as error:
        raise invalid("", str(error)) from None


def _answer(call: Call[Any], campaign: CampaignJob) -> dict[str, Any]:
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
