"""The short road of `POST /v1/verify`, `/v1/gate` and of what senders tell: what is ordinary is answered before the
long one.

Law: it gives the answer that the long road would give, head and body, or none; and whatever it does not know to be
ordinary (a header, a method, a body that is not whole or not right) is the long road's. So it refuses nobody.
"""

import asyncio
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from typing import Any, Protocol

import msgspec
import structlog
from aiohttp import HttpVersion11, web
from aiohttp.hdrs import AUTHORIZATION, CONTENT_TYPE, HOST
from msgspec import Struct
from structlog.contextvars import bind_contextvars

from verifier.core.api_keys import ApiKey, Scope
from verifier.core.faults import OperatorError
from verifier.core.reasons import ALL_STAGES
from verifier.edges.http.api import feedback, gate, verify
from verifier.edges.http.feedback_at_hand import HookTarget, Telling, events_query, hook_target, is_ordinary_hook
from verifier.edges.http.middlewares.answer_headers import headers_of_json
from verifier.edges.http.middlewares.authentication import PROXIED, names_this_machine
from verifier.edges.http.middlewares.limits import limit_headers
from verifier.edges.http.middlewares.observing import HEADER, Running, number_of, tell
from verifier.edges.http.routing import JSON, NDJSON, SMALL_BODY
from verifier.edges.http.site import BODY, Site
from verifier.edges.outgoing import Outgoing
from verifier.service.access import LOCAL
from verifier.service.harvest_guard import Client
from verifier.service.realtime import TooBusy

_log = structlog.get_logger("verifier.http")
_ORDINARY = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        HEADER.lower(),
    }
)
"""What a request may have beside its body without being looked at more closely."""


class _Written(web.StreamResponse):
    """An answer that is written already, head and body in one piece."""

    def __init__(self, content: bytes, outgoing: Outgoing) -> None:
        super().__init__()
        self._content = content
        self._outgoing = outgoing

    async def prepare(self, request: web.BaseRequest) -> None:
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("whoever asked went away")
        self._keep_alive = True
        self._outgoing.send(transport, self._content)

    async def write_eof(self, data: bytes = b"") -> None:
        """It was written whole."""


def take_short_road(server: web.Server, site: Site, running: Running) -> None:
    """From now on the server takes the short road where it can, and else the one that it took before."""
    telling, outgoing = Telling(site), Outgoing()
    road, long_road = _ShortRoad(site, running, telling), server.request_handler
    ways: dict[str, _Way] = {verify.PATH: _Verify(site, running), gate.PATH: _Gate(site)}

    async def answer_request(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST":
            content, path = None, request.raw_path
            way = ways.get(path)
            if way is not None:
                content = await road.answer(request, way)
            elif (query := events_query(path)) is not None:
                content = await road.answer(request, _Events(site, running, telling, query))
            elif (target := hook_target(path)) is not None:
                content = await road.answer_hook(request, target)
            if content is not None:
                return _Written(content, outgoing)
        return await long_road(request)

    server.request_handler = answer_request


class _Asked(Struct, frozen=True):
    """Who asks, in what language and form, in which request, since when (seconds of the clock)."""

    caller: ApiKey
    languages: str
    media_type: str
    number: str
    began: float


class _Way(Protocol):
    """One route's own part of the short road: `answer` is None where the question is not ordinary."""

    path: str
    scope: Scope
    takes: tuple[str, ...]

    @property
    def read(self) -> Callable[[bytes], Any]: ...
    async def answer(self, question: Any, asked: _Asked) -> bytes | None: ...


class _Verify:
    path, scope = verify.PATH, Scope.VERIFY
    takes: tuple[str, ...] = (JSON,)

    def __init__(self, site: Site, running: Running) -> None:
        self._site = site
        self._running = running
        self.read = msgspec.json.Decoder(verify.VerifyRequest).decode

    async def answer(self, question: verify.VerifyRequest, asked: _Asked) -> bytes | None:
        if question.stages != ALL_STAGES:
            return None
        desk, client = self._site.desk, Client(asked.caller.id)
        assessment = desk.realtime.at_hand(question.email, ALL_STAGES, client, asked.began)
        desk.allowances.take(asked.caller, 1)
        if assessment is None:
            bind_contextvars(request_id=asked.number)
            self._running.count += 1
            try:
                budget = question.timeout_ms / 1000
                assessment = await desk.realtime.ask(question.email, ALL_STAGES, client, budget, asked.began)
            finally:
                self._running.count -= 1
        return verify.answer(question, assessment, asked.languages, self._site.clock)


class _Gate:
    path, scope = gate.PATH, Scope.GATE
    takes: tuple[str, ...] = (JSON,)

    def __init__(self, site: Site) -> None:
        self._site = site
        self.read = msgspec.json.Decoder(gate.GateRequest).decode

    async def answer(self, question: gate.GateRequest, asked: _Asked) -> bytes | None:
        if question.email is None or question.emails is not None:
            return None
        desk = self._site.desk
        if question.policy is not None and question.policy not in desk.gate.gate.policies:
            return None
        desk.allowances.take(asked.caller, 1)
        return await gate.answer(desk.gate.gate, question, question.email)


class _Events:
    path, scope = feedback.EVENTS_PATH, Scope.FEEDBACK
    takes: tuple[str, ...] = (JSON, NDJSON)
    read = bytes

    def __init__(self, site: Site, running: Running, telling: Telling, query: feedback.EventsQuery) -> None:
        self._site = site
        self._running = running
        self._telling = telling
        self._query = query

    async def answer(self, question: bytes, asked: _Asked) -> bytes | None:
        self._running.count += 1
        try:
            content = await self._telling.events(question, asked.media_type, self._query)
        finally:
            self._running.count -= 1
        if content is not None:
            self._site.desk.allowances.take(asked.caller, 1)
        return content


class _ShortRoad:
    def __init__(self, site: Site, running: Running, telling: Telling) -> None:
        self._site = site
        self._running = running
        self._telling = telling
        self._clock = site.clock
        headers = headers_of_json(site) | {"Content-Type": JSON}
        self._head = "HTTP/1.1 200 OK\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._date, self._date_holds = "", 0.0
        self._turn_began: float | None = None

    async def answer(self, request: web.BaseRequest, way: _Way) -> bytes | None:
        """Head and body; None where the long road has to be taken."""
        began, headers = self._begun(), request.headers
        content = request.content
        if request.version != HttpVersion11 or not request.keep_alive or not content.is_eof():
            return None
        for name in headers:
            if name.lower() not in _ORDINARY:
                return None
        caller = self._caller(headers)
        if caller is None or caller.daily_quota or not caller.may(way.scope):
            return None
        if headers.get(CONTENT_TYPE) not in way.takes:
            return None
        body, written = content.read_nowait(), None
        try:
            written = await self._answer(headers, body, way, caller, began)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TooBusy, OperatorError):
            pass  # said on the long road
        except Exception as error:  # noqa: BLE001 an edge: whatever it is, the long road tells who asks, or answers
            _log.error("a fault of this program", exc_info=error)
        if written is None:
            request[BODY] = body
        return written

    async def answer_hook(self, request: web.BaseRequest, target: HookTarget) -> bytes | None:
        """The same of a webhook whose URL brings its key."""
        began, headers, content = self._begun(), request.headers, request.content
        ordinary = request.version == HttpVersion11 and request.keep_alive and content.is_eof()
        if not ordinary or not is_ordinary_hook(headers):
            return None
        request[BODY] = body = content.read_nowait()
        if len(body) > SMALL_BODY:
            return None
        number, told = number_of(headers, self._clock), None
        self._running.count += 1
        try:
            told = await self._telling.hook(target, body, request.raw_path, headers)
        except OperatorError:
            pass  # said on the long road
        except Exception as error:  # noqa: BLE001 an edge: the long road tells who asks
            _log.error("a fault of this program", exc_info=error)
        finally:
            self._running.count -= 1
        if told is None:
            return None
        caller = self._caller(headers) if not any(name in headers for name in PROXIED) else None
        ended, key = self._clock.monotonic(), None if caller is None else caller.id
        tell(self._site, number, "POST", feedback.HOOK_PATTERN, 200, ended - began, key)
        return self._written_head(caller, number, len(told), ended) + told

    async def _answer(
        self, headers: Mapping[str, str], body: bytes, way: _Way, caller: ApiKey, began: float
    ) -> bytes | None:
        if len(body) > SMALL_BODY or not self._site.desk.allowances.has_room(caller):
            return None
        question, number = way.read(body), number_of(headers, self._clock)
        languages, media_type = headers.get("Accept-Language", ""), headers[CONTENT_TYPE]
        content = await way.answer(question, _Asked(caller, languages, media_type, number, began))
        if content is None:
            return None
        ended = self._clock.monotonic()
        tell(self._site, number, "POST", way.path, 200, ended - began, caller.id)
        return self._written_head(caller, number, len(content), ended) + content

    def _begun(self) -> float:
        """When this turn of the loop was begun with: requests that were read together wait for each other, and that is
        part of their time.
        """
        if self._turn_began is None:
            self._turn_began = self._clock.monotonic()
            asyncio.get_running_loop().call_soon(self._end_turn)
        return self._turn_began

    def _end_turn(self) -> None:
        self._turn_began = None

    def _caller(self, headers: Mapping[str, str]) -> ApiKey | None:
        """As authentication finds him, for whom nobody has to be asked: no cookie, no proxy and no page came along."""
        authorization = headers.get(AUTHORIZATION)
        if authorization is not None:
            is_bearer = authorization.startswith("Bearer ")
            return self._site.desk.access.at_hand(authorization[7:].strip()) if is_bearer else None
        is_local = not self._site.keys_required and names_this_machine(headers.get(HOST, ""))
        return LOCAL if is_local else None

    def _written_head(self, caller: ApiKey | None, number: str, length: int, now: float) -> bytes:
        if now >= self._date_holds:
            today = self._clock.now()
            self._date, self._date_holds = format_datetime(today, usegmt=True), now + 1 - today.microsecond / 1e6
        limits = limit_headers(self._site, caller) if caller is not None and caller.rate else {}
        told = "".join(f"{name}: {value}\r\n" for name, value in limits.items()) if limits else ""
        head = f"{self._head}Date: {self._date}\r\n{HEADER}: {number}\r\n{told}Content-Length: {length}\r\n\r\n"
        return head.encode()
