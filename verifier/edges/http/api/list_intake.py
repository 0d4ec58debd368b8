"""POST /v1/lists: a list taken in, as a form, as JSON, or as a body by itself."""

from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from msgspec import structs

from verifier.core.api_keys import Scope
from verifier.core.list_faults import UNREADABLE
from verifier.core.list_orders import Order
from verifier.edges.http.api.list_shapes import ListAnswer, ListRequest, ListsQuery
from verifier.edges.http.api.lists import answered, order_of, service, soon_read
from verifier.edges.http.api.uploads import Upload, json_upload_of, upload_of
from verifier.edges.http.bodies import changed, invalid_fields, with_whole_numbers
from verifier.edges.http.openapi import BYTES, MULTIPART
from verifier.edges.http.problems import Problem
from verifier.edges.http.routing import JSON, Call, Route

_ROWS = {"emails": [""]}
"""Stands for the rows where the other members are read."""


async def create(call: Call[None]) -> web.StreamResponse:
    """What was said beside the file is read before it as far as it is there, and whole once the file has come in."""
    request = call.request
    if request.content_type == JSON:
        upload = json_upload_of(request, call.site.settings.lists_max_upload)
        order = partial(_order_by_members, call, upload)
    else:
        upload = await upload_of(request)
        order = partial(_order_by_fields, call, upload)
    lists = service(call).lists
    job, _ = await lists.upload(order(), upload.pieces, order)
    job = await soon_read(call, job)
    if job.preview is None and job.error_code == UNREADABLE:
        await lists.delete(job.workspace, job.id)
        raise Problem("list_unreadable", job.error)
    return await answered(call, job, status=202)


def _order_by_fields(call: Call[Any], upload: Upload) -> Order:
    """Fields of a form say the same as parameters do. Raises Problem."""
    query: ListsQuery = call.query
    if upload.fields:
        query = changed(query, upload.fields, strict=False)
    order = order_of(call, query)
    return structs.replace(order, name=order.name or upload.name)


def _order_by_members(call: Call[Any], upload: Upload) -> Order:
    """Members of an object go before parameters. Raises Problem."""
    query: ListsQuery = call.query
    name = query.name
    if upload.fields:
        given = _converted(upload.fields)
        name = given.pop("name", name)
        query = changed(query, given, strict=True)
    return structs.replace(order_of(call, query), name=_as_lines(name))


def _converted(members: dict[str, Any]) -> dict[str, Any]:
    """What a body says beside its rows, in the types of parameters."""
    try:
        body = msgspec.convert(with_whole_numbers(members) | _ROWS, type=ListRequest)
    except msgspec.ValidationError as error:
        raise invalid_fields(str(error), ListRequest) from None
    given = {name: value for name, value in structs.asdict(body).items() if value is not None and name not in _ROWS}
    for name in ("stages", "keep"):
        if name in given:
            given[name] = ",".join(given[name])
    return given


def _as_lines(name: str) -> str:
    """JSON is kept as lines, whatever it is called."""
    return f"{(name or 'list').removesuffix('.jsonl')}.jsonl"


ROUTES = (
    Route(
        "POST",
        "/v1/lists",
        create,
        "Hand in a list",
        scope=Scope.LISTS,
        request=ListRequest,
        query=ListsQuery,
        responds=ListAnswer,
        status=202,
        problems=("upload_too_large", "upload_incomplete", "list_unreadable", "idempotency_key_reused"),
        tag="Lists",
        streamed=True,
        takes=(MULTIPART, BYTES),
        example={"emails": ["accepted@verifier.test", "mailbox_full@verifier.test"], "start": True},
        description=(
            "A file (CSV, TSV, TXT, XLSX, JSONL, gzipped or not) as the field `file` of a form, or as the body itself"
            " with its `name` or a media type; or addresses or rows as JSON. It is written to the disk as it comes,"
            " up to VERIFIER_LISTS_MAX_UPLOAD. Fields of the form, and members of the JSON, say the same as parameters"
            " do. The answer has the preview where reading takes less than five seconds, or says (422) why it cannot be"
            " read, and nothing of it is kept; what takes longer is `failed` then. `start=true` goes on without"
            " stopping at `ready`, but where no column looks like addresses (`column_needed`).\n\nWith an"
            " `Idempotency-Key` the same upload with the same options sent again is the same list.\n\n"
            "`webhook_url` is told when the list is `completed` or `failed`, in a message that is"
            " signed as Standard Webhooks has it with the `secret` of the answer."
        ),
    ),
)
