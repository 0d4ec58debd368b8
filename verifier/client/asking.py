"""The client for asyncio: what is asked, how often, and what holds where there is no answer."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from verifier.client.answers import Advice, ServiceError, ServiceOutOfReach, ServiceRefused, refusal
from verifier.core.gate_record import GateRecord
from verifier.core.gate_rules import Rule
from verifier.core.gate_words import GateDecision, MessageClass
from verifier.core.record import VerdictRecord
from verifier.core.signup import Decision

BATCH = 1000
"""Addresses of one request; longer sequences are sent in so many requests."""
_MARGIN = 2.0
_PAUSE = 0.25
_CALLERS_FAULT = frozenset({400, 413, 415, 422})
"""The question cannot be: asking it of a service that works would not help. A 404 or 405 is none of these: whoever says
that, a balancer without a service, say, is no gate.
"""
_TOO_MANY = 429
_WORTH_REPEATING = frozenset({_TOO_MANY, 502, 503, 504})
_LONGEST_PAUSE = 30.0
_LONGEST_PAUSE_OF_MANY = 1200.0
"""Of many addresses each 1000 may use up a key's rate for minutes: at 600 a minute it is 100 seconds."""
_UNREACHED = (aiohttp.ClientError, OSError, UnicodeError)
"""What aiohttp raises where there is no answer: a TimeoutError is an OSError, a host that is no name a UnicodeError."""


class _Answer(VerdictRecord, frozen=True, kw_only=True):
    decision: str = Decision.ACCEPT
    sentence: str = ""


class _Line(VerdictRecord, frozen=True, kw_only=True):
    index: int


class _Gated(Struct, frozen=True):
    results: list[GateRecord]


class AsyncClient:
    """Use it as a context, or `close` it. `retries` is how often a request that failed is sent again.

    It belongs to the event loop that it is first used in, until it or that loop is closed.
    """

    def __init__(self, url: str, key: str = "", *, retries: int = 2) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._retries = retries
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def verify(self, email: str, *, timeout_ms: int = 8000) -> VerdictRecord:
        """One verdict, within the budget. Raises ServiceError."""
        body = await self._ask("/v1/verify", {"email": email, "timeout_ms": timeout_ms}, timeout_ms, self._retries)
        try:
            return msgspec.json.decode(body, type=VerdictRecord)
        except msgspec.MsgspecError as error:
            raise self._out_of_reach(error) from error

    async def signup(
        self, email: str, *, timeout_ms: int = 3000, lang: str | None = None, strict: bool = False
    ) -> Advice:
        """What a form does with the address. Never raises for what the service does or does not do: a form that cannot
        ask lets people in. It is asked once.
        """
        question = {
            "email": email,
            "timeout_ms": timeout_ms,
            "policy": "signup_strict" if strict else "signup",
            "lang": lang,
        }
        try:
            answer = msgspec.json.decode(await self._ask("/v1/verify", question, timeout_ms, 0), type=_Answer)
        except (ServiceError, msgspec.MsgspecError):
            return Advice(Decision.ACCEPT, "", degraded=True)
        record = msgspec.convert(msgspec.to_builtins(answer), VerdictRecord)
        return Advice(answer.decision, answer.sentence, record)

    async def gate(
        self,
        email: str,
        *,
        message_class: str = MessageClass.MARKETING,
        policy: str | None = None,
        sender: str | None = None,
        topic: str | None = None,
        campaign: str | None = None,
        count: bool = False,
        id: str | None = None,
        deadline_ms: int = 50,
    ) -> GateRecord:
        """Whether mail may go to the address, by `decision`; asked once, with a second for the way.

        Where the service cannot be asked, or refuses us, marketing is held and everything else allowed, `degraded`.
        Raises ServiceRefused for a question that cannot be, such as one for a policy that there is not.
        """
        (record,) = await self.gate_all(
            [email],
            message_class=message_class,
            policy=policy,
            sender=sender,
            topic=topic,
            campaign=campaign,
            count=count,
            id=id,
            deadline_ms=deadline_ms,
        )
        return record

    async def gate_all(
        self,
        emails: Sequence[str],
        *,
        message_class: str = MessageClass.MARKETING,
        policy: str | None = None,
        sender: str | None = None,
        topic: str | None = None,
        campaign: str | None = None,
        count: bool = False,
        id: str | None = None,
        deadline_ms: int = 50,
    ) -> list[GateRecord]:
        """The same for many, in order. Each 1000 are asked about once; where those before them have used up the rate of
        the key, it waits as long as it is told to, for 20 minutes at most: they are not to go unasked for that.
        """
        common = {
            "message_class": message_class,
            "policy": policy,
            "sender": sender,
            "topic": topic,
            "campaign": campaign,
            "count": count,
            "id": id,
            "deadline_ms": deadline_ms,
        }
        records: list[GateRecord] = []
        for first in range(0, len(emails), BATCH):
            some = list(emails[first : first + BATCH])
            try:
                body = await self._ask_gate({**common, "emails": some}, deadline_ms, goes_on=first > 0)
                answered = msgspec.json.decode(body, type=_Gated).results
                if len(answered) != len(some):
                    raise ServiceOutOfReach(f"{self._url} answers, but not as many as it was asked about")
                records += answered
            except ServiceRefused as refused:
                if refused.status in _CALLERS_FAULT:
                    raise
                records += [_unasked(email, message_class) for email in some]
            except (ServiceError, msgspec.MsgspecError):
                records += [_unasked(email, message_class) for email in some]
        return records

    async def _ask_gate(self, question: dict[str, Any], deadline_ms: int, *, goes_on: bool) -> bytes:
        try:
            return await self._ask_once("/v1/gate", question, deadline_ms)
        except ServiceRefused as refused:
            if not goes_on or refused.status != _TOO_MANY or (refused.retry_after or 0.0) > _LONGEST_PAUSE_OF_MANY:
                raise
            await asyncio.sleep(refused.retry_after or _PAUSE)
            return await self._ask_once("/v1/gate", question, deadline_ms)

    async def verify_all(
        self, emails: Sequence[str], *, timeout_ms: int = 60_000
    ) -> AsyncGenerator[tuple[int, VerdictRecord], None]:
        """Each place in `emails` and its verdict, as they come; the budget is that of 1000 addresses.

        Raises ServiceError; where a request broke off, what it had not answered is asked again, and where the key's
        rate is used up it waits as long as it is told to, for 20 minutes at most.
        """
        for first in range(0, len(emails), BATCH):
            open_places = dict(enumerate(emails[first : first + BATCH], first))
            attempt = 0
            while open_places:
                places = list(open_places)
                try:
                    async with aclosing(self._stream(list(open_places.values()), timeout_ms)) as lines:
                        async for line in lines:
                            place = places[line.index] if 0 <= line.index < len(places) else -1
                            if open_places.pop(place, None) is None:
                                raise ServiceOutOfReach(f"{self._url} answers what was not asked: line {line.index}")
                            yield place, msgspec.convert(msgspec.to_builtins(line), VerdictRecord)
                except ServiceError as error:
                    await self._pause_or_raise(error, attempt, self._retries, _LONGEST_PAUSE_OF_MANY)
                    attempt += 1

    async def _stream(self, emails: list[str], timeout_ms: int) -> AsyncGenerator[_Line, None]:
        headers = {"Accept": "application/x-ndjson"}
        question = {"emails": emails, "timeout_ms": timeout_ms}
        try:
            session = await self._opened()
            async with self._post(session, "/v1/verify/batch", question, timeout_ms, headers) as response:
                if response.status >= 400:
                    raise refusal(response.status, response.headers, await response.read())
                count = 0
                async for line in response.content:
                    count += 1
                    yield msgspec.json.decode(line, type=_Line)
                if count < len(emails):
                    raise ServiceOutOfReach("the answer broke off")
        except (*_UNREACHED, msgspec.MsgspecError) as error:
            raise self._out_of_reach(error) from error

    async def _ask(self, path: str, question: dict[str, Any], timeout_ms: int, retries: int) -> bytes:
        attempt = 0
        while True:
            try:
                return await self._ask_once(path, question, timeout_ms)
            except ServiceError as error:
                await self._pause_or_raise(error, attempt, retries, _LONGEST_PAUSE)
                attempt += 1

    async def _ask_once(self, path: str, question: dict[str, Any], timeout_ms: int) -> bytes:
        try:
            session = await self._opened()
            async with self._post(session, path, question, timeout_ms, {}) as response:
                body: bytes = await response.read()
                if response.status >= 400:
                    raise refusal(response.status, response.headers, body)
                return body
        except _UNREACHED as error:
            raise self._out_of_reach(error) from error

    def _out_of_reach(self, error: Exception) -> ServiceOutOfReach:
        if isinstance(error, msgspec.MsgspecError):
            return ServiceOutOfReach(f"{self._url} answers, but not as the service does: {error}")
        return ServiceOutOfReach(f"{self._url} does not answer: {str(error) or 'time is over'}")

    async def _opened(self) -> aiohttp.ClientSession:
        """Its connections: new ones where the loop of the old ones has ended, as after each `asyncio.run`."""
        loop = asyncio.get_running_loop()
        if self._loop is not None and self._loop is not loop and self._loop.is_closed():
            await self.close()
        if self._session is None:
            self._session, self._loop = aiohttp.ClientSession(headers=self._headers), loop
        return self._session

    def _post(
        self,
        session: aiohttp.ClientSession,
        path: str,
        question: dict[str, Any],
        timeout_ms: int,
        headers: dict[str, str],
    ) -> Any:  # aiohttp's request context, whose type is private
        return session.post(
            self._url + path,
            data=msgspec.json.encode(_without_surrogates(question)),
            headers={"Content-Type": "application/json"} | headers,
            timeout=aiohttp.ClientTimeout(total=timeout_ms / 1000 + _MARGIN),
        )

    async def _pause_or_raise(self, error: ServiceError, attempt: int, retries: int, longest: float) -> None:
        wait = min(_PAUSE * 2 ** min(attempt, 20), _LONGEST_PAUSE)
        if isinstance(error, ServiceRefused):
            wait = max(wait, error.retry_after or 0.0)
            if error.status not in _WORTH_REPEATING or wait > longest:
                raise error
        if attempt >= retries:
            raise error
        await asyncio.sleep(wait)


def _without_surrogates(question: Mapping[str, Any]) -> dict[str, Any]:
    """The question with U+FFFD for halves of characters, which file names and command lines bring: JSON has none."""

    def whole(value: Any) -> Any:
        match value:
            case str() if not value.isascii():
                return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
            case list():
                return [whole(each) for each in value]
            case _:
                return value

    return {name: whole(value) for name, value in question.items()}


def _unasked(email: str, message_class: str) -> GateRecord:
    """The service could not be asked: marketing waits, mail that somebody waits for goes out."""
    decision = GateDecision.HOLD if message_class == MessageClass.MARKETING else GateDecision.ALLOW
    return GateRecord(email, decision, Rule.UNAVAILABLE, "", message_class, None, True, None, None, [])
