"""GET /health, POST /health/examine: how the service is, what the doctor says of this host, and its settings.

The examination asks name servers and mail hosts, so it runs beside the requests, one at a time, and its latest result
is kept until the service ends.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import structlog
from aiohttp import web

from verifier.config import SETTINGS, shown_value
from verifier.core.api_keys import Scope
from verifier.core.diagnosis import Check, Health, usable
from verifier.edges.host_examination import examine_host
from verifier.edges.http.pages.rendering import render
from verifier.edges.http.routing import Call, Route
from verifier.edges.http.site import Site

_SOON_SECONDS = 2.0
"""For which the button waits: a healthy host is examined in less."""
_log = structlog.get_logger("verifier.http")


class Examination:
    """The latest examination of this host, and the one that runs."""

    def __init__(self) -> None:
        self.checks: tuple[Check, ...] = ()
        self.at: datetime | None = None
        self.failed = False
        self._running: asyncio.Task[None] | None = None

    @property
    def runs(self) -> bool:
        return self._running is not None and not self._running.done()

    async def begin(self, site: Site) -> None:
        """Examine, unless that is being done; returns when it is through, or is going to take longer."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._examine(site))
        await asyncio.wait([self._running], timeout=_SOON_SECONDS)

    async def close(self) -> None:
        """Nobody waits for it any more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _examine(self, site: Site) -> None:
        try:
            self.checks = await examine_host(site.desk.verifier, site.settings)
            self.at, self.failed = site.clock.now(), False
        except Exception as fault:  # noqa: BLE001 nobody waits for it: it is told here or nowhere
            self.failed = True
            _log.error("this host could not be examined", exc_info=fault)


EXAMINATION = web.AppKey("examination", Examination)


async def keep_examination(app: web.Application) -> AsyncIterator[None]:
    """For the cleanup of the application."""
    yield
    await app[EXAMINATION].close()


async def health(call: Call[None]) -> web.StreamResponse:
    examination = call.request.app[EXAMINATION]
    settings = call.site.settings
    return render(
        call.request,
        "health.html",
        parts=await call.site.desk.readiness.look(),
        draining=call.site.desk.readiness.draining,
        examination=examination,
        open_points=sum(check.health is not Health.OK for check in examination.checks),
        usable=usable(examination.checks),
        settings=[
            (setting, shown_value(settings, setting.name), settings.origins[setting.name]) for setting in SETTINGS
        ],
        file=settings.file,
        warnings=settings.warnings,
    )


async def examine(call: Call[None]) -> web.StreamResponse:
    await call.request.app[EXAMINATION].begin(call.site)
    raise web.HTTPSeeOther("/health")


ROUTES = (
    Route("GET", "/health", health, "Health and settings", scope=Scope.ADMIN, page=True),
    Route("POST", "/health/examine", examine, "Examine this host", scope=Scope.ADMIN, page=True),
)
