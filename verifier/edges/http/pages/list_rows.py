"""GET /lists/{id}/rows: rows of a list, searched and filtered, each with why it got its verdict.

What has no verdict yet while the list is worked on is judged by what is known by now.
"""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from verifier.core.api_keys import Scope
from verifier.core.list_jobs import ListJob
from verifier.core.list_states import FINISHED, READABLE
from verifier.core.reasons import Reason, StageName, Verdict
from verifier.core.row_filter import LONGEST_TEXT, parse_filter
from verifier.core.verdict import Flags
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.problems import Problem
from verifier.edges.http.routing import Call, Route

_ROWS = 50
_CONDITIONS: dict[str, tuple[str, ...]] = {
    "verdict": tuple(Verdict),
    "reason": tuple(Reason),
    "flag": tuple(word for name in Flags.__struct_fields__ for word in (name, f"-{name}")),
}


async def rows(call: Call[None]) -> web.StreamResponse:
    """The part of the page below its filter."""
    job = await call.site.desk.lists.lists.get(call.caller.workspace, call.request.match_info["id"])
    if not has_rows(job):
        raise Problem("list_state", "This list has no rows to show.")
    return render(call.request, "list_rows.html", job=job, rows=await rows_of(call, job))


def has_rows(job: ListJob) -> bool:
    """Rows can be shown, whole or as far as they are known."""
    return job.state in READABLE and job.started is not None and job.preview is not None


async def rows_of(call: Call[None], job: ListJob) -> dict[str, Any]:
    """What the templates know of the rows. A word that does not exist filters nothing."""
    query = call.request.query
    chosen = {name: query.get(name, "") for name in _CONDITIONS}
    chosen = {name: word for name, word in chosen.items() if word in _CONDITIONS[name]}
    text = query.get("q", "")[:LONGEST_TEXT].strip()
    words = {name: (chosen[name],) if name in chosen else () for name in _CONDITIONS}
    filter_ = parse_filter(verdict=words["verdict"], reason=words["reason"], flag=words["flag"], text=text)
    page = await call.site.desk.lists.reading.results(job, filter_, query.get("cursor", ""), _ROWS)
    if text:
        chosen["q"] = text
    moves = job.state not in FINISHED
    return {
        "rows": page.rows,
        "next": f"?{urlencode(chosen | {'cursor': page.cursor})}" if page.cursor else "",
        "chosen": dict.fromkeys((*_CONDITIONS, "q"), "") | chosen,
        "filtered": bool(chosen),
        "further": bool(query.get("cursor")),
        "verdicts": list(Verdict),
        "reasons": [each for each in Reason if each in job.counts.by_reason],
        "flags": Flags.__struct_fields__,
        "moves": moves,
        "open": Reason.NOT_PROBED.value if moves and StageName.SMTP in job.options.stages else "",
        "may_check": call.caller.may(Scope.VERIFY),
    }


ROUTES = (Route("GET", "/lists/{id}/rows", rows, "Rows of a list", scope=Scope.LISTS, page=True),)
