"""/v1/lists: a list started, watched, read, downloaded, deleted; `list_intake` takes it in."""

import asyncio
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp import web
from msgspec import structs

from verifier.core.api_keys import Scope
from verifier.core.list_jobs import ListJob, ListOptions, Webhook, list_record
from verifier.core.list_orders import Order
from verifier.core.reasons import ALL_STAGES
from verifier.core.row_filter import RowFilter, parse_filter
from verifier.core.table import TableKind
from verifier.edges.http.api.checking import require_prefix
from verifier.edges.http.api.list_shapes import (
    DownloadQuery,
    EventsQuery,
    ListAnswer,
    ListPage,
    ListsQuery,
    LookRequest,
    PageQuery,
    ResultsPage,
    ResultsQuery,
    StartRequest,
    answer_of,
    stages_of,
    words_of,
)
from verifier.edges.http.problems import invalid
from verifier.edges.http.routing import Call, Route, json_response, write
from verifier.list_wiring import ListService

EVENT_STREAM = "text/event-stream"
_LOOK_SECONDS = 5.0
"""For which an answer waits for the preview."""
_BEAT_SECONDS = 1.0
_BEATS_A_COMMENT = 15
_AGAIN_MS = 2000


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


async def events(call: Call[None]) -> web.StreamResponse:
    """Until the list is finished or gone, or the service stops."""
    job = await found(call)
    given = call.request.headers.get("Last-Event-ID", "")
    after = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else call.query.after
    response = web.StreamResponse(headers={"X-Accel-Buffering": "no"})
    response.content_type = EVENT_STREAM
    await write(call, response, b"retry: %d\n\n" % _AGAIN_MS)
    async with aclosing(service(call).lists.events(job.id, after)) as told:
        coming = asyncio.ensure_future(anext(told, None))
        try:
            beats = 0
            while not call.site.desk.readiness.draining:
                done, _ = await asyncio.wait([coming], timeout=_BEAT_SECONDS)
                if not done:
                    beats += 1
                    if beats % _BEATS_A_COMMENT == 0:
                        await write(call, response, b": still here\n\n")
                    continue
                event = coming.result()
                if event is None:
                    break
                data = msgspec.json.encode(event.data)
                await write(
                    call, response, b"id: %d\nevent: %b\ndata: %b\n\n" % (event.number, event.kind.encode(), data)
                )
                coming = asyncio.ensure_future(anext(told, None))
        finally:
            coming.cancel()
            await asyncio.wait([coming])
    await response.write_eof()
    return response


async def results(call: Call[None]) -> web.StreamResponse:
    query: ResultsQuery = call.query
    wanted = parse_filter(
        verdict=words_of(query.verdict), reason=words_of(query.reason), flag=words_of(query.flag), text=query.q
    )
    page = await service(call).reading.results(await found(call), wanted, query.cursor, query.limit)
    return json_response({"rows": page.rows, "cursor": page.cursor})


async def download(call: Call[None]) -> web.StreamResponse:
    """The head is sent with the first bytes, so that what cannot be made is still said."""
    query: DownloadQuery = call.query
    kind = _kind(query.format)
    job = await found(call)
    made = await service(call).reading.download(job, kind, _keep(query), query.preset)
    response = web.StreamResponse(headers={"Content-Disposition": disposition(made.name)})
    response.headers["Content-Type"] = made.media_type
    async with aclosing(made.chunks) as chunks:
        async for chunk in chunks:
            await write(call, response, chunk)
    if not response.prepared:
        await response.prepare(call.request)
    await response.write_eof()
    return response


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


def disposition(name: str) -> str:
    """RFC 6266: a plain name for old programs, the true one for all others."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _kind(text: str) -> TableKind | None:
    if not text:
        return None
    kinds = {kind.value: kind for kind in (TableKind.CSV, TableKind.XLSX, TableKind.JSONL)}
    if text not in kinds:
        raise invalid("format", f"There is no format {text!r}; there are {', '.join(kinds)}.")
    return kinds[text]


def _keep(query: DownloadQuery) -> RowFilter | None:
    """None where nothing is asked for, so that the list's own rule holds."""
    if not (query.keep or query.reason or query.flag or query.q):
        return None
    return parse_filter(
        keep=words_of(query.keep), reason=words_of(query.reason), flag=words_of(query.flag), text=query.q
    )


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
    Route(
        "GET",
        "/v1/lists/{id}/events",
        events,
        "Watch a list",
        scope=Scope.LISTS,
        query=EventsQuery,
        also=(EVENT_STREAM,),
        problems=_ONE,
        tag="Lists",
        description=(
            "Server-sent events, `state` and `progress`, each the list's whole record without its preview. Numbers only"
            " grow; `Last-Event-ID` goes on behind one. It ends with the list."
        ),
    ),
    Route(
        "GET",
        "/v1/lists/{id}/results",
        results,
        "Rows of a list",
        scope=Scope.LISTS,
        query=ResultsQuery,
        responds=ResultsPage,
        problems=(*_ONE, "list_state"),
        tag="Lists",
        description="While it runs too: what is not known yet is `not_probed`.",
    ),
    Route(
        "GET",
        "/v1/lists/{id}/download",
        download,
        "The cleaned file",
        scope=Scope.LISTS,
        query=DownloadQuery,
        also=("*/*",),
        problems=(*_ONE, "list_state", "conflict"),
        tag="Lists",
        description="As `verifier clean` writes it; with a `preset` what that sending service imports.",
    ),
)
