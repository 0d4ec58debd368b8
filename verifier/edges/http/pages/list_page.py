"""GET /lists/{id}: one list on its way, and the part of it that moves."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct

from verifier.core.api_keys import Scope
from verifier.core.forecast import OTHERS
from verifier.core.list_jobs import ListJob
from verifier.core.list_states import FINISHED, READABLE, ListState
from verifier.core.presets import PRESETS
from verifier.core.reasons import Reason, Verdict
from verifier.core.row_filter import LONGEST_TEXT, parse_filter
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.routing import Call, Route

_ROWS = 50
_MIX = 6
_WITH_ROWS = READABLE - {ListState.RUNNING, ListState.PAUSED}
"""While mailboxes are being asked, most rows would say that they were not."""


class Part(Struct, frozen=True):
    """A part of a whole, for a bar: `start` and `width` in per cent of it."""

    name: str
    count: int
    share: float
    start: float

    @property
    def width(self) -> float:
        return 100 * self.share


async def list_page(call: Call[None]) -> web.StreamResponse:
    job = await _found(call)
    rows = await _rows(call, job) if job.state in _WITH_ROWS and job.started is not None else None
    return render(call.request, "list.html", rows=rows, presets=list(PRESETS), **_shown(call, job))


async def progress(call: Call[None]) -> web.StreamResponse:
    """The part of the page that changes while somebody looks at it."""
    return render(call.request, "list_progress.html", **_shown(call, await _found(call)))


async def _found(call: Call[None]) -> ListJob:
    return await call.site.desk.lists.lists.get(call.caller.workspace, call.request.match_info["id"])


def _shown(call: Call[None], job: ListJob) -> dict[str, Any]:
    counts = job.counts
    reasons = sorted(counts.by_reason.items(), key=lambda item: -item[1])
    return {
        "job": job,
        "state": job.state.value,
        "moves": job.state not in FINISHED and job.state is not ListState.READY,
        "unfinished": job.state not in FINISHED,
        "verdicts": parts([(verdict.value, count) for verdict, count in counts.by_verdict.items()]),
        "reasons": parts([(reason.value, count) for reason, count in reasons]),
        "reason_of": {reason.value: reason for reason in Reason},
        "mix": _mix(job),
        "now": call.site.clock.now(),
    }


def parts(counted: Sequence[tuple[str, int]]) -> list[Part]:
    """One after another, as they lie in a bar."""
    whole = sum(count for _, count in counted) or 1
    found, start = [], 0
    for name, count in counted:
        found.append(Part(name, count, count / whole, 100 * start / whole))
        start += count
    return found


def _mix(job: ListJob) -> list[Part]:
    """Who receives the list's mail: the largest by name, the rest as `others`."""
    if job.preview is None:
        return []
    known = dict(job.preview.addresses)
    others = known.pop(OTHERS, 0)
    largest = sorted(known.items(), key=lambda item: -item[1])
    others += sum(count for _, count in largest[_MIX:])
    return parts([*largest[:_MIX], *([(OTHERS, others)] if others else [])])


async def _rows(call: Call[None], job: ListJob) -> dict[str, Any]:
    query = call.request.query
    wanted = {name: query.get(name, "") for name in ("verdict", "reason", "q")}
    verdict = wanted["verdict"] if wanted["verdict"] in tuple(Verdict) else ""
    reason = wanted["reason"] if wanted["reason"] in tuple(Reason) else ""
    text = wanted["q"][:LONGEST_TEXT]
    filter_ = parse_filter(verdict=(verdict,) if verdict else (), reason=(reason,) if reason else (), text=text)
    page = await call.site.desk.lists.reading.results(job, filter_, query.get("cursor", ""), _ROWS)
    chosen = {name: value for name, value in (("verdict", verdict), ("reason", reason), ("q", text)) if value}
    return {
        "rows": page.rows,
        "next": f"?{urlencode(chosen | {'cursor': page.cursor})}#rows" if page.cursor else "",
        "verdict": verdict,
        "reason": reason,
        "q": text,
        "filtered": bool(chosen),
        "further": bool(query.get("cursor")),
        "verdicts": list(Verdict),
        "reasons": [each for each in Reason if each in job.counts.by_reason],
    }


ROUTES = (
    Route("GET", "/lists/{id}", list_page, "A list", scope=Scope.LISTS, page=True),
    Route("GET", "/lists/{id}/progress", progress, "How far it is", scope=Scope.LISTS, page=True),
)
