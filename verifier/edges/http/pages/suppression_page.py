"""GET and POST /suppressions, POST …/remove and …/import, GET …/export: whom not to mail, for administrators."""

import asyncio
import csv
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import web

from verifier.core.api_keys import Scope
from verifier.core.faults import InputError
from verifier.core.list_orders import suffix_of
from verifier.core.suppression_rows import COLUMNS, cells_of
from verifier.core.suppressions import SuppressionKind
from verifier.edges.http.api.lists import disposition
from verifier.edges.http.api.suppressions import SuppressionQuery
from verifier.edges.http.api.uploads import upload_of
from verifier.edges.http.pages.forms import fields_of
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.problems import invalid
from verifier.edges.http.routing import Call, Route, write
from verifier.edges.suppression_files import take_in
from verifier.gate_ports import SuppressionWish
from verifier.service.suppressing import Scope as MailScope

_SHOWN = 50
_EXPORTED = 500
_MOST_BYTES = 8 << 20
_SHOWN_FAULTS = 10


async def suppressions(call: Call[None]) -> web.StreamResponse:
    return await _page(call, call.query)


async def add(call: Call[None]) -> web.StreamResponse:
    """Addresses or domains, apart by spaces or lines: all of them, or none."""
    fields, suppressing = await fields_of(call.request), call.site.desk.gate.suppressing
    kind, scope = _kind(fields), MailScope(fields.get("sender", "").strip()[:200] or None)
    try:
        entries = [suppressing.entry(text, kind, scope) for text in fields.get("emails", "").split()]
    except InputError as error:
        return await _page(call, SuppressionQuery(), fault=str(error))
    if not entries:
        raise invalid("emails", "names nobody: give an address, or a domain as @shop.example")
    await suppressing.add(entries)
    raise web.HTTPSeeOther(f"/suppressions?{urlencode({'kind': kind.value})}")


async def remove(call: Call[None]) -> web.StreamResponse:
    fields, suppressing = await fields_of(call.request), call.site.desk.gate.suppressing
    kind = _kind(fields)
    try:
        await suppressing.lift([fields.get("email", "")], [kind], sender=fields.get("sender") or None)
    except InputError as error:
        return await _page(call, SuppressionQuery(), fault=str(error))
    raise web.HTTPSeeOther("/suppressions")


async def take(call: Call[None]) -> web.StreamResponse:
    """A file with its kind before it; what was left out of it is said."""
    upload = await upload_of(call.request)
    kind = _kind(upload.fields)
    content = bytearray()
    async for piece in upload.pieces:
        content += piece
        if len(content) > _MOST_BYTES:
            raise invalid("file", "is too large for a page: use `verifier suppress import`")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"list{suffix_of(upload.name)}"
        await asyncio.to_thread(file.write_bytes, content)
        try:
            taken = await take_in(call.site.desk.gate.suppressing, str(file), kind, None, None, "import")
        except InputError as error:
            return await _page(call, SuppressionQuery(), fault=str(error).replace(str(file), upload.name))
    return await _page(call, SuppressionQuery(kind=kind), taken=taken)


async def export(call: Call[None]) -> web.StreamResponse:
    query: SuppressionQuery = call.query
    kind, after = query.kind, 0
    name = f"suppressions.{kind.value}.csv" if kind is not None else "suppressions.csv"
    response = web.StreamResponse(headers={"Content-Disposition": disposition(name)})
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    await write(call, response, _lines([list(COLUMNS)]))
    while page := await call.site.desk.gate.suppressing.page(SuppressionWish(kind, after=after, limit=_EXPORTED)):
        after = page[-1][0]
        await write(call, response, _lines([cells for _, entry in page if (cells := cells_of(entry)) is not None]))
    await response.write_eof()
    return response


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


async def _page(
    call: Call[None], query: SuppressionQuery, *, taken: tuple[int, int, list[str]] | None = None, fault: str = ""
) -> web.StreamResponse:
    gate, text = call.site.desk.gate, (query.email or "").strip()
    keys = None
    try:
        keys = gate.suppressing.keys_of(text) if text else None
    except InputError as error:
        fault = fault or str(error)
    wish = SuppressionWish(query.kind, query.sender, keys, query.cursor, _SHOWN)
    page = await gate.suppressing.page(wish)
    following = {"cursor": str(page[-1][0])} if len(page) == _SHOWN else {}
    if following and query.kind is not None:
        following["kind"] = query.kind.value
    return render(
        call.request,
        "suppressions.html",
        status=422 if fault else 200,
        entries=[entry for _, entry in page],
        kinds=[kind.value for kind in SuppressionKind],
        kind=query.kind.value if query.kind is not None else "",
        email=text,
        following=f"/suppressions?{urlencode(following)}" if following else "",
        senders=[sender.name for sender in gate.senders.senders],
        taken=taken,
        faults=taken[2][:_SHOWN_FAULTS] if taken is not None else [],
        fault=fault,
    )


def _kind(fields: dict[str, str]) -> SuppressionKind:
    try:
        return SuppressionKind(fields.get("kind", ""))
    except ValueError:
        raise invalid("kind", f"is one of {', '.join(SuppressionKind)}") from None


ROUTES = (
    Route("GET", "/suppressions", suppressions, "Suppressions", scope=Scope.ADMIN, page=True, query=SuppressionQuery),
    Route("POST", "/suppressions", add, "Suppress", scope=Scope.ADMIN, page=True),
    Route("POST", "/suppressions/remove", remove, "End a suppression", scope=Scope.ADMIN, page=True),
    Route("POST", "/suppressions/import", take, "Suppress a file", scope=Scope.ADMIN, page=True),
    Route("GET", "/suppressions/export", export, "All of them", scope=Scope.ADMIN, page=True, query=SuppressionQuery),
)
