"""What a list came to: its progress as server-sent events, its rows page by page, and the cleaned file."""

import asyncio
from contextlib import aclosing

import msgspec
from aiohttp import web

from verifier.core.api_keys import Scope
from verifier.core.row_filter import RowFilter, parse_filter
from verifier.core.table import TableKind
from verifier.edges.http.api.list_shapes import DownloadQuery, ResultsPage, ResultsQuery, WatchQuery, words_of
from verifier.edges.http.api.lists import found, service
from verifier.edges.http.downloads import send_file
from verifier.edges.http.problems import invalid
from verifier.edges.http.routing import Call, Route, json_response, write

EVENT_STREAM = "text/event-stream"
_BEAT_SECONDS = 1.0
_BEATS_A_COMMENT = 15
_AGAIN_MS = 2000


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
    query: DownloadQuery = call.query
    kind = _kind(query.format)
    job = await found(call)
    made = await service(call).reading.download(job, kind, _keep(query), query.preset, bom=query.bom)
    return await send_file(call, made.name, made.media_type, made.chunks)


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
    Route(
        "GET",
        "/v1/lists/{id}/events",
        events,
        "Watch a list",
        scope=Scope.LISTS,
        query=WatchQuery,
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
