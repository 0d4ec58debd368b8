"""The client for programs without asyncio: whoever asks waits for a loop in another thread."""

import asyncio
import os
import selectors
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator, Sequence
from typing import Any, TypeVar
from weakref import WeakSet

from verifier.client.answers import Advice
from verifier.client.asking import AsyncClient
from verifier.core.gate_record import GateRecord
from verifier.core.gate_words import MessageClass
from verifier.core.record import VerdictRecord

_Result = TypeVar("_Result")
_GRACE = 2.0
"""Seconds for which work that was interrupted is waited for."""


class Client:
    """The same for programs without asyncio: an AsyncClient in a thread of its own. May be shared by threads, and used
    on both sides of a fork, each of which has connections of its own.
    """

    _client: AsyncClient
    _lock: threading.Lock
    _loop: asyncio.AbstractEventLoop | None
    _thread: threading.Thread | None
    _open: set[AsyncGenerator[tuple[int, VerdictRecord], None]]

    def __init__(self, url: str, key: str = "", *, retries: int = 2) -> None:
        self._asked = (url, key, retries)
        self._begin_anew()
        _CLIENTS.add(self)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections and end its thread; twice does no harm."""
        with self._lock:
            loop, thread = self._loop, self._thread
            if loop is None or thread is None:
                return
            _waited(loop, self._end())
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
            self._loop = self._thread = None

    def verify(self, email: str, *, timeout_ms: int = 8000) -> VerdictRecord:
        """As AsyncClient.verify."""
        return self._wait(self._client.verify(email, timeout_ms=timeout_ms))

    def signup(self, email: str, *, timeout_ms: int = 3000, lang: str | None = None, strict: bool = False) -> Advice:
        """As AsyncClient.signup."""
        return self._wait(self._client.signup(email, timeout_ms=timeout_ms, lang=lang, strict=strict))

    def gate(self, email: str, *, message_class: str = MessageClass.MARKETING, **question: Any) -> GateRecord:
        """As AsyncClient.gate."""
        return self._wait(self._client.gate(email, message_class=message_class, **question))

    def gate_all(
        self, emails: Sequence[str], *, message_class: str = MessageClass.MARKETING, **question: Any
    ) -> list[GateRecord]:
        """As AsyncClient.gate_all."""
        return self._wait(self._client.gate_all(emails, message_class=message_class, **question))

    def verify_all(self, emails: Sequence[str], *, timeout_ms: int = 60_000) -> Iterator[tuple[int, VerdictRecord]]:
        """As AsyncClient.verify_all."""
        loop, answers = self._running(), self._client.verify_all(emails, timeout_ms=timeout_ms)
        self._open.add(answers)
        try:
            while (answer := _waited(loop, _next_of(answers))) is not None:
                yield answer
                if self._loop is not loop:
                    raise RuntimeError("The client was closed before all was answered.")
        finally:
            if self._loop is loop:
                _waited(loop, answers.aclose())
            self._open.discard(answers)

    async def _end(self) -> None:
        """Nobody is left waiting: what still runs for other threads is cancelled."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for answers in tuple(self._open):
            await answers.aclose()
        await self._client.close()

    def _wait(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return _waited(self._running(), work)

    def _running(self) -> asyncio.AbstractEventLoop:
        """The loop of its thread, begun with the first question."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.SelectorEventLoop(selectors.PollSelector())  # no kernel object is shared by a fork
                self._thread = threading.Thread(target=self._loop.run_forever, name="verifier-client", daemon=True)
                self._thread.start()
            return self._loop

    def _begin_anew(self) -> None:
        """As nobody has asked yet: no thread survives a fork, and connections are the other side's."""
        url, key, retries = self._asked
        self._client = AsyncClient(url, key, retries=retries)
        self._lock, self._loop, self._thread, self._open = threading.Lock(), None, None, set()


_CLIENTS: WeakSet[Client] = WeakSet()
_OTHER_SIDES: list[object] = []
"""What was a parent's before the fork: kept, so that nobody here tidies its connections up."""


def _after_fork() -> None:
    for client in _CLIENTS:
        _OTHER_SIDES.append((client._client, client._loop, client._open))
        client._begin_anew()


os.register_at_fork(after_in_child=_after_fork)


def _waited(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, _Result]) -> _Result:
    """What the work in the loop of another thread comes to. Whoever is interrupted meanwhile ends it."""
    ended = threading.Event()

    async def whole() -> _Result:
        try:
            return await work
        finally:
            ended.set()

    future = asyncio.run_coroutine_threadsafe(whole(), loop)
    try:
        return future.result()
    except BaseException:
        if future.cancel():
            ended.wait(_GRACE)
        raise


async def _next_of(answers: AsyncGenerator[_Result, None]) -> _Result | None:
    return await anext(answers, None)
