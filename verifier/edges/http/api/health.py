"""GET /healthz, /readyz and /metrics."""

from typing import Annotated

from aiohttp import web
from msgspec import Struct

from verifier.adapters.prometheus_meter import CONTENT_TYPE
from verifier.core.api_keys import Scope
from verifier.core.record import word
from verifier.edges.http.routing import Call, Route, json_response
from verifier.edges.http.site import CALLER
from verifier.service.readiness import Condition, is_ready


class Health(Struct, frozen=True):
    """The process answers."""

    status: Annotated[str, word("ok")]


class PartRecord(Struct, frozen=True):
    """How a part is; what is wrong with it is told to `admin` alone."""

    condition: Annotated[str, word(*Condition)]
    sentence: str


class ReadinessRecord(Struct, frozen=True):
    """Whether it can do its work, and how each part is."""

    status: Annotated[str, word("ready", "not_ready", "draining")]
    parts: dict[str, PartRecord]


async def healthz(call: Call[None]) -> web.StreamResponse:
    return json_response(Health("ok"))


async def readyz(call: Call[None]) -> web.StreamResponse:
    readiness = call.site.desk.readiness
    parts = await readiness.look()
    caller = call.request.get(CALLER)
    told = caller is not None and caller.may(Scope.ADMIN)
    status = "draining" if readiness.draining else "ready" if is_ready(parts) else "not_ready"
    records = {name: PartRecord(part.condition, part.sentence if told else "") for name, part in parts.items()}
    return json_response(ReadinessRecord(status, records), status=200 if status == "ready" else 503)


async def metrics(call: Call[None]) -> web.StreamResponse:
    return web.Response(body=call.site.desk.meter.page(), headers={"Content-Type": CONTENT_TYPE})


ROUTES = (
    Route("GET", "/healthz", healthz, "Is it alive?", responds=Health, tag="Health"),
    Route(
        "GET",
        "/readyz",
        readyz,
        "Is it ready, part by part?",
        responds=ReadinessRecord,
        tag="Health",
        description="503 with the same body where it is not. A closed port 25 or an absent Redis degrade, and no more.",
    ),
    Route(
        "GET",
        "/metrics",
        metrics,
        "Figures for Prometheus",
        scope=Scope.ADMIN,
        tag="Health",
        also=(CONTENT_TYPE.partition(";")[0],),
    ),
)
