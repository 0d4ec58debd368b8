"""A whole front desk in a folder of its own that reaches nobody, and its application behind a real socket."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web_app import _cached_build_middleware

from verifier.adapters.prometheus_meter import PrometheusMeter
from verifier.config import load_settings
from verifier.core.api_keys import Scope
from verifier.edges.http.app import make_app
from verifier.edges.http.at_hand import take_short_road
from verifier.edges.http.middlewares.observing import RUNNING
from verifier.edges.http.site import Site, site_of
from verifier.serving import open_front_desk
from verifier.wiring import open_verifier

NOBODY = {"VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1", "VERIFIER_SMTP_PORT": "2525"}
KEYED = {"VERIFIER_HTTP_PUBLIC_URL": "https://verifier.example.org"}
"""Settings under which others than this machine may ask, so that keys are needed."""
HELO = {"VERIFIER_SMTP_HELO": "probe.example.org", "VERIFIER_SMTP_MAIL_FROM": "probe@probe.example.org"}


class Visitor:
    """Asks the application over a socket; `site` is what it knows, `faults` what it blamed itself for."""

    def __init__(self, site: Site, client: "TestClient[object, object]", faults: list[BaseException]) -> None:
        self.site = site
        self.client = client
        self.faults = faults

    async def key(
        self,
        *scopes: Scope,
        rate: int = 600,
        daily_quota: int = 0,
        name: str = "a program",
        origins: Collection[str] = (),
    ) -> str:
        """The token of a new key."""
        granted = await self.site.desk.access.create(
            name, scopes, rate=rate, daily_quota=daily_quota, workspace="default", origins=origins
        )
        return granted.token

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        data: bytes | BinaryIO | None = None,
    ) -> "Answer":
        """One request; its answer, read whole."""
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        response = await self.client.request(method, path, json=json, data=data, headers=sent, allow_redirects=False)
        body = await response.read()
        return Answer(response.status, dict(response.headers), body)


class Answer:
    """Status, headers, body."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@asynccontextmanager
async def visiting(folder: Path, settings: Mapping[str, str] | None = None) -> AsyncIterator[Visitor]:
    """The application with these settings over those that reach nobody."""
    environment = NOBODY | HELO | {"VERIFIER_DATA_DIR": str(folder)} | dict(settings or {})
    faults: list[BaseException] = []
    meter = PrometheusMeter()
    async with (
        open_verifier(
            load_settings(environment, None), warn=lambda _: None, report_fault=faults.append, meter=meter
        ) as verifier,
        open_front_desk(verifier, meter, report_fault=faults.append, warn=lambda _: None) as desk,
    ):
        site = site_of(verifier.settings, desk)
        app = make_app(site)
        async with TestServer(app) as server, TestClient(server) as client:
            assert server.runner is not None and server.runner.server is not None
            take_short_road(server.runner.server, site, app[RUNNING])
            yield Visitor(site, client, faults)
        _cached_build_middleware.cache_clear()  # aiohttp keeps the last 1,024 applications, and with each its lists
