"""GET /lists/{id}: one list on its way, and the parts of it that move."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from msgspec import Struct

from verifier.core.address import Address, parse_address
from verifier.core.api_keys import Scope
from verifier.core.forecast import OTHERS
from verifier.core.list_jobs import ListJob, Preview
from verifier.core.list_states import FINISHED, ListState
from verifier.core.presets import PRESETS
from verifier.edges.http.pages.list_rows import has_rows, rows_of
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.routing import Call, Route

_MIX = 6
_MOST_ALSO = 9


class Part(Struct, frozen=True):
    """A part of a whole; `share` is 0.0-1.0 of it."""

    name: str
    count: int
    share: float


async def list_page(call: Call[None]) -> web.StreamResponse:
    job = await _found(call)
    rows = await rows_of(call, job) if has_rows(job) else None
    told = await call.site.desk.lists.telling.told(job)
    host = urlsplit(told.url).hostname if told is not None else ""
    return render(
        call.request, "list.html", rows=rows, presets=list(PRESETS), told_of=told, told_at=host, **_shown(call, job)
    )


async def progress(call: Call[None]) -> web.StreamResponse:
    """The part of the page that changes while somebody looks at it."""
    return render(call.request, "list_progress.html", **_shown(call, await _found(call)))


async def look(call: Call[None]) -> web.StreamResponse:
    """Who receives the list's mail, which a closer look changes."""
    return render(call.request, "list_look.html", **_shown(call, await _found(call)))


async def _found(call: Call[None]) -> ListJob:
    return await call.site.desk.lists.lists.get(call.caller.workspace, call.request.match_info["id"])


def _shown(call: Call[None], job: ListJob) -> dict[str, Any]:
    counts = job.counts
    reasons = sorted(counts.by_reason.items(), key=lambda item: -item[1])
    return {
        "job": job,
        "state": job.state.value,
        "moves": job.state not in FINISHED and job.state is not ListState.READY,
        "verdicts": parts([(verdict.value, count) for verdict, count in counts.by_verdict.items()]),
        "reasons": parts([(reason.value, count) for reason, count in reasons]),
        "mix": _mix(job),
        "also": also_addresses(job.preview) if job.preview is not None else [],
        "look": call.site.desk.lists.lists.look(job) if job.state is ListState.READY else None,
        "now": call.site.clock.now(),
    }


def also_addresses(preview: Preview) -> list[int]:
    """The columns beside the chosen one that hold addresses, as far as the first rows show: 0-based."""
    columns = [column for column in range(len(preview.columns)) if column not in preview.email_columns[:1]]
    found = []
    for column in columns if preview.email_columns else ():
        cells = [row[column] for row in preview.first_rows if column < len(row) and row[column].strip()]
        if 2 * sum(1 for cell in cells if isinstance(parse_address(cell), Address)) > len(cells):
            found.append(column)
    return found[:_MOST_ALSO]


def parts(counted: Sequence[tuple[str, int]]) -> list[Part]:
    """What each is of all together."""
    whole = sum(count for _, count in counted) or 1
    return [Part(name, count, count / whole) for name, count in counted]


def _mix(job: ListJob) -> list[Part]:
    """Who receives the list's mail: the largest by name, the rest as `others`."""
    if job.preview is None:
        return []
    known = dict(job.preview.addresses)
    others = known.pop(OTHERS, 0)
    largest = sorted(known.items(), key=lambda item: -item[1])
    others += sum(count for _, count in largest[_MIX:])
    return parts([*largest[:_MIX], *([(OTHERS, others)] if others else [])])


ROUTES = (
    Route("GET", "/lists/{id}", list_page, "A list", scope=Scope.LISTS, page=True),
    Route("GET", "/lists/{id}/look", look, "Who receives its mail", scope=Scope.LISTS, page=True),
    Route("GET", "/lists/{id}/progress", progress, "How far it is", scope=Scope.LISTS, page=True),
)
