"""`verifier serve`: the HTTP service and its workers, until SIGTERM or Ctrl-C."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click
import msgspec
import structlog
from aiohttp import web

from verifier.adapters.prometheus_meter import PrometheusMeter
from verifier.config import Settings
from verifier.core.api_keys import Scope
from verifier.core.faults import ConfigError, ServiceUnavailable
from verifier.core.holding import Holds
from verifier.edges.cli.collecting import collect_in_time
from verifier.edges.cli.event_loop import run_async
from verifier.edges.cli.session import SERVE, probing, read_settings, report_fault, say
from verifier.edges.gate_listeners import gate_listeners
from verifier.edges.gatekeeping import Gatekeeper, Note
from verifier.edges.http.app import make_app
from verifier.edges.http.at_hand import take_short_road
from verifier.edges.http.middlewares.observing import RUNNING
from verifier.edges.http.server_log import server_logger
from verifier.edges.http.service_runner import ServiceRunner
from verifier.edges.http.site import Site, login_link, site_of
from verifier.edges.relay.listener import DRAIN_SECONDS as RELAY_SECONDS
from verifier.service.probing import Timeouts
from verifier.serving import FrontDesk, open_front_desk, open_holds

ADMIN = "admin"
_DRAIN_SECONDS = 10.0
_ANSWER_SECONDS = 5.0
"""Within which whoever waits for a verdict has his answer, before what is left is cut off."""
_BEHIND_SECONDS = 5.0
_KEEP_ALIVE_SECONDS = 75.0
_BACKLOG = 1024


@click.command("serve")
def serve_command() -> None:
    """Serve the HTTP interface at VERIFIER_HTTP_HOST and _PORT; SIGTERM or Ctrl-C end it in good order."""
    run_async(serve_until_stopped(read_settings()))


async def serve_until_stopped(settings: Settings, timeouts: Timeouts | None = None) -> None:
    """The service, until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    async with serving(settings, timeouts) as site:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        say(f"Listening at {site.public_url} (documentation: {site.public_url}/docs). Ctrl-C ends it.")
        await stopped.wait()
        seconds = RELAY_SECONDS + _DRAIN_SECONDS + _BEHIND_SECONDS
        say(f"Stopping: what was begun is finished, for at most {seconds:.0f} seconds.")


@asynccontextmanager
async def serving(settings: Settings, timeouts: Timeouts | None = None) -> AsyncIterator[Site]:
    """The service, listening; at the end it takes no new requests and finishes those that it has.

    Raises ConfigError where others could reach it without a key, ServiceUnavailable where it cannot listen.
    """
    meter = PrometheusMeter()
    async with (
        probing(settings, SERVE, timeouts, log_level="info", meter=meter) as verifier,
        open_front_desk(verifier, meter, report_fault=report_fault, warn=say) as desk,
    ):
        site = site_of(settings, desk)
        if site.keys_required:
            await _require_keys(desk, site.public_url)
        app = make_app(site)
        runner = ServiceRunner(
            app,
            access_log=None,
            logger=server_logger(),
            handle_signals=False,
            shutdown_timeout=_DRAIN_SECONDS,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
        )
        await runner.setup()
        server, running = runner.server, app[RUNNING]
        assert server is not None
        take_short_road(server, site, running)
        try:
            await _listen(runner, settings)
            async with open_holds(verifier, report_fault) as holds:
                keeper = _gatekeeper(settings, desk, holds)
                async with gate_listeners(
                    settings, keeper, verifier.clock, desk.access, verifier.secret, report_fault
                ) as said:
                    collecting = asyncio.get_running_loop().create_task(
                        collect_in_time(
                            lambda: running.count > 0 or desk.realtime.waiting > 0,
                            lambda: server.requests_count + keeper.asked,
                            site.clock.sleep,
                        )
                    )
                    try:
                        for sentence in said:
                            say(sentence)
                        yield site
                    finally:
                        collecting.cancel()
        finally:
            desk.readiness.draining = True
            desk.realtime.hasten(_ANSWER_SECONDS)
            await runner.cleanup()
            await desk.realtime.close(_BEHIND_SECONDS)


def _gatekeeper(settings: Settings, desk: FrontDesk, holds: Holds) -> Gatekeeper:
    log = structlog.get_logger()

    def note(noted: Note) -> None:
        log.info("gate", **msgspec.structs.asdict(noted))

    return Gatekeeper(
        desk.gate.gate,
        desk.verifier.clock,
        enforce=settings.gate_enforce,
        holds=holds,
        note=note,
        warn=log.warning,
        report_fault=report_fault,
    )


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    site = web.TCPSite(runner, settings.http_host, settings.http_port, backlog=_BACKLOG)
    try:
        await site.start()
    except OSError as error:
        raise ServiceUnavailable(
            f"{settings.http_host}:{settings.http_port} cannot be listened at: {error.strerror or error}."
            " VERIFIER_HTTP_HOST and VERIFIER_HTTP_PORT choose another address."
        ) from None


async def _require_keys(desk: FrontDesk, public_url: str) -> None:
    """Nobody can reach a service that others can reach without a key; who administers it logs in by a link."""
    now = desk.verifier.clock.now()
    keys = [key for key in await desk.access.keys() if key.holds(now)]
    if not keys:
        raise ConfigError(
            "Others than this machine could reach the service, and there is no key: make one first, with"
            " `verifier keys create NAME --scope verify`, or `verifier keys invite NAME --scope admin` for yourself."
        )
    if not any(key.name == ADMIN or (key.is_person and key.may(Scope.ADMIN)) for key in keys):
        granted = await desk.access.invite(ADMIN, {Scope.ADMIN})
        say(f"Log in once as administrator: {login_link(public_url, granted.token)}")
