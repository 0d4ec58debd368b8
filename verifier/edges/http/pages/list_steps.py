"""What the buttons of a list's page do: hand in, look closer, start, tell again, stop, delete. Each leads on to a
page, so that it is safe to load that page again.
"""

from datetime import timedelta

from aiohttp import web
from msgspec import structs

from verifier.core.api_keys import Scope
from verifier.core.reasons import ALL_STAGES, StageName
from verifier.edges.http.api.list_shapes import MOST_WAIT_S, ListsQuery
from verifier.edges.http.api.lists import order_of, soon_read
from verifier.edges.http.api.uploads import upload_of
from verifier.edges.http.pages.forms import fields_of
from verifier.edges.http.problems import invalid
from verifier.edges.http.routing import Call, Route
from verifier.service.list_look import SAMPLE_ROWS

_ALSO = "also_"
"""What the boxes of further columns are called, the column's number behind."""


async def hand_in(call: Call[None]) -> web.StreamResponse:
    order = order_of(call, ListsQuery())
    upload = await upload_of(call.request)
    job, _ = await call.site.desk.lists.lists.upload(structs.replace(order, name=upload.name), upload.pieces)
    job = await soon_read(call, job)
    raise web.HTTPSeeOther(f"/lists/{job.id}")


async def start(call: Call[None]) -> web.StreamResponse:
    fields = await fields_of(call.request)
    lists, list_id = call.site.desk.lists.lists, call.request.match_info["id"]
    job = await lists.get(call.caller.workspace, list_id)
    wait = fields.get("max_wait_s", "")
    options = job.options
    if wait:
        if not (wait.isascii() and wait.isdigit() and len(wait) < 9 and int(wait) <= MOST_WAIT_S):
            raise invalid("max_wait_s", f"is a number of seconds up to {MOST_WAIT_S}")
        options = structs.replace(options, max_wait=timedelta(seconds=int(wait)))
    last = fields.get("stages", "")
    if last:
        if last not in ALL_STAGES:
            raise invalid("stages", f"is one of {', '.join(ALL_STAGES)}")
        options = structs.replace(options, stages=ALL_STAGES[: ALL_STAGES.index(StageName(last)) + 1])
    column = fields.get("column", "")
    also = [name.removeprefix(_ALSO) for name in fields if name.startswith(_ALSO)]
    await lists.start(job.workspace, job.id, (column, *also) if column else (), options)
    raise web.HTTPSeeOther(f"/lists/{job.id}")


async def look(call: Call[None]) -> web.StreamResponse:
    """It goes on behind the page, whose events tell when it knows more."""
    lists = call.site.desk.lists.lists
    job = await lists.get(call.caller.workspace, call.request.match_info["id"])
    sampled = "sample" in await fields_of(call.request)
    await lists.examine(job.workspace, job.id, mx=True, sample=SAMPLE_ROWS if sampled else 0)
    raise web.HTTPSeeOther(f"/lists/{job.id}#look")


async def tell_again(call: Call[None]) -> web.StreamResponse:
    job = await call.site.desk.lists.telling.tell_again(call.caller.workspace, call.request.match_info["id"])
    raise web.HTTPSeeOther(f"/lists/{job.id}#webhook")


async def cancel(call: Call[None]) -> web.StreamResponse:
    job = await call.site.desk.lists.lists.cancel(call.caller.workspace, call.request.match_info["id"])
    raise web.HTTPSeeOther(f"/lists/{job.id}")


async def delete(call: Call[None]) -> web.StreamResponse:
    await call.site.desk.lists.lists.delete(call.caller.workspace, call.request.match_info["id"])
    raise web.HTTPSeeOther("/")


ROUTES = (
    Route("POST", "/lists", hand_in, "Hand in a list", scope=Scope.LISTS, page=True),
    Route("POST", "/lists/{id}/start", start, "Start a list", scope=Scope.LISTS, page=True),
    Route("POST", "/lists/{id}/look", look, "Look closer at a list", scope=Scope.LISTS, page=True),
    Route("POST", "/lists/{id}/webhook", tell_again, "Tell its receiver again", scope=Scope.LISTS, page=True),
    Route("POST", "/lists/{id}/cancel", cancel, "Stop a list", scope=Scope.LISTS, page=True),
    Route("POST", "/lists/{id}/delete", delete, "Delete a list", scope=Scope.LISTS, page=True),
)
