"""/v1/lists: what is done with a list; `list_intake` takes it in, `list_results` hands out what it came to."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
from aiohttp import web
from msgspec import structs

from verifier.core.api_keys import Scope
from verifier.core.list_jobs import ListJob, ListOptions, Webhook, list_record
from verifier.core.list_orders import Order
from verifier.core.reasons import ALL_STAGES
from verifier.edges.http.api.checking import require_prefix
from verifier.edges.http.api.list_shapes import (
    ListAnswer,
    ListPage,
    ListsQuery,
    LookRequest,
    PageQuery,
    StartRequest,
    answer_of,
    stages_of,
    words_of,
)
from verifier.edges.http.problems import invalid
from verifier.edges.http.routing import Call, Route, json_response
from verifier.list_wiring import ListService

_LOOK_SECONDS = 5.0
"""For which an answer waits for the preview."""


async def start(call: Call[StartRequest]) -> web.StreamResponse:
    body = call.body
    job = await found(call)
    changes: dict[str, Any] = {}
    if body.stages is not None:
        require_prefix(body.stages)
        changes["stages"] = body.stages
    if body.keep is not None:
        changes["keep"] = tuple(body.keep)
    if body.max_wait_s is not None:
        changes["max_wait"] = timedelta(seconds=body.max_wait_s)
    if body.retention_s is not None:
        changes["retention"] = timedelta(seconds=body.retention_s)
    if body.webhook_url is not None:
        changes["webhook"] = webhook_to(call, body.webhook_url)
    columns = [*([body.column] if body.column is not None else []), *body.columns]
    options = structs.replace(job.options, **changes)
    return await answered(call, await service(call).lists.start(job.workspace, job.id, columns, options), status=202)


async def look(call: Call[LookRequest]) -> web.StreamResponse:
    body = call.body
    job = await service(call).lists.examine(call.caller.workspace, list_id(call), mx=body.mx, sample=body.sample)
    return await answered(call, job, status=202)


async def tell_again(call: Call[None]) -> web.StreamResponse:
    job = await service(call).telling.tell_again(call.caller.workspace, list_id(call))
    return await answered(call, job, status=202)


async def cancel(call: Call[None]) -> web.StreamResponse:
    return await answered(call, await service(call).lists.cancel(call.caller.workspace, list_id(call)))


async def delete(call: Call[None]) -> web.StreamResponse:
    await service(call).lists.delete(call.caller.workspace, list_id(call))
    return web.Response(status=204)


async def every(call: Call[None]) -> web.StreamResponse:
    jobs, cursor = await service(call).lists.lists(call.caller.workspace, call.query.cursor, call.query.limit)
    return json_response({"lists": [list_record(job) for job in jobs], "cursor": cursor})


async def one(call: Call[None]) -> web.StreamResponse:
    return await answered(call, await found(call))


def service(call: Call[Any]) -> ListService:
    return call.site.desk.lists


async def answered(call: Call[Any], job: ListJob, status: int = 200) -> web.Response:
    """The list as JSON."""
    lists, telling = service(call).lists, service(call).telling
    answer = answer_of(job, lists.look(job), await telling.told(job), telling.secret)
    return json_response(answer, status=status)


def webhook_to(call: Call[Any], url: str) -> Webhook | None:
    """Who is told; signed with the secret of the caller's workspace."""
    return Webhook(url, call.caller.workspace) if url else None


def list_id(call: Call[Any]) -> str:
    return call.request.match_info["id"]


async def found(call: Call[Any]) -> ListJob:
    """The list that the path names. Raises UnknownList for another workspace's, too."""
    return await service(call).lists.get(call.caller.workspace, list_id(call))


async def soon_read(call: Call[Any], job: ListJob) -> ListJob:
    """The list with its preview, where reading it takes no longer than somebody wants to wait."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_SECONDS):
            return await service(call).lists.read(job.workspace, job.id)
    return await service(call).lists.get(job.workspace, job.id)


def order_of(call: Call[Any], query: ListsQuery) -> Order:
    """What was asked for beside the file itself. Raises Problem."""
    try:
        stages = stages_of(query.stages)
    except msgspec.ValidationError:
        raise invalid("stages", f"must be the first so many of {','.join(ALL_STAGES)}") from None
    require_prefix(stages)
    retention = call.site.settings.lists_retention
    if query.retention_s is not None:
        retention = timedelta(seconds=query.retention_s)
    options = ListOptions(
        columns=words_of(query.column),
        stages=stages,
        max_wait=timedelta(seconds=query.max_wait_s),
        retention=retention,
        keep=words_of(query.keep),
        start=query.start,
        webhook=webhook_to(call, query.webhook_url),
    )
    key = call.request.headers.get("Idempotency-Key", "")
    return Order(call.caller.workspace, call.caller.id, query.name, options, key)


_ONE = ("list_not_found",)
ROUTES = (
    Route("GET", "/v1/lists", every, "The lists", scope=Scope.LISTS, query=PageQuery, responds=ListPage, tag="Lists"),
    Route("GET", "/v1/lists/{id}", one, "One list", scope=Scope.LISTS, responds=ListAnswer, problems=_ONE, tag="Lists"),
    Route(
        "POST",
        "/v1/lists/{id}/start",
        start,
        "Start a list",
        scope=Scope.LISTS,
        request=StartRequest,
        responds=ListAnswer,
        status=202,
        problems=(*_ONE, "list_state", "conflict"),
        tag="Lists",
        body_optional=True,
        example={"column": "email"},
        description="A list that is `ready`; without a body as it was handed in, with the column that was guessed.",
    ),
    Route(
        "POST",
        "/v1/lists/{id}/look",
        look,
        "Look closer at a list",
        scope=Scope.LISTS,
        request=LookRequest,
        responds=ListAnswer,
        status=202,
        problems=(*_ONE, "list_state"),
        tag="Lists",
        body_optional=True,
        example={"sample": 200},
        description=(
            "Of a list that is `ready`, before it is started: its providers by their mail exchanges, and with them what"
            " share can be proved from here, what share providers never tell, and how long it will take"
            " (`preview.forecast`); and what some rows of it come to when they are verified, the expected bounce rate"
            " with its bounds (`preview.sample`). It goes on behind the answer, a minute for each at most:"
            " `preview.look` says how it stands. It ends with the list's start or end. What a sample learns counts"
            " against the quota, and not again when the list is worked on."
        ),
    ),
    Route(
        "POST",
        "/v1/lists/{id}/webhook",
        tell_again,
        "Tell a list's receiver again",
        scope=Scope.LISTS,
        responds=ListAnswer,
        status=202,
        problems=(*_ONE, "list_state", "no_webhook"),
        tag="Lists",
        description=(
            "Of a list that is `completed` or `failed`: the same message, with the same `webhook-id`, is sent at once,"
            " and again as after its end where that fails. `webhook.state` says what becomes of it: `waiting` for the"
            " list's end, `pending`, `delivered`, `failed` (given up), `not_sent` (the list was stopped)."
        ),
    ),
    Route(
        "POST",
        "/v1/lists/{id}/cancel",
        cancel,
        "Stop a list",
        scope=Scope.LISTS,
        responds=ListAnswer,
        problems=(*_ONE, "list_state"),
        tag="Lists",
        description="What was learned until then can be read.",
    ),
    Route(
        "DELETE",
        "/v1/lists/{id}",
        delete,
        "Delete a list",
        scope=Scope.LISTS,
        status=204,
        problems=_ONE,
        tag="Lists",
        description="List, results and upload are gone when it is answered.",
    ),
)
