"""The way to Redis: short time-outs, and a breaker that keeps an absent server from slowing everything down.

While Redis is away it is asked again every few seconds, by one caller; everybody else is told so at once. Nothing of
this library's is raised from here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, WatchError

from verifier.core.faults import ConfigError
from verifier.ports import Clock

_Result = TypeVar("_Result")

_TIMEOUT = 0.5  # seconds for one step
_PAUSE = 2.0  # seconds between two attempts while Redis is away
_CONNECTIONS = 8


class RedisAway(Exception):
    """Redis does not answer for now: go on without it."""


class RedisLink:
    """Connections to the server at `url`; keys of all its users begin with `prefix`. Raises ConfigError on a bad URL.

    `warn` is told once when Redis goes away, and once when it is back.
    """

    def __init__(self, url: str, prefix: str, clock: Clock, warn: Callable[[str], None]) -> None:
        self.prefix = prefix
        self._clock = clock
        self._warn = warn
        self._away = False
        self._ask_again_at = 0.0
        self._slots = asyncio.Semaphore(_CONNECTIONS)
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=_TIMEOUT,
                socket_timeout=_TIMEOUT,
                socket_connect_timeout=_TIMEOUT,
                # A connection that a restart broke is found out by using it: once more, on a fresh one.
                retry=Retry(NoBackoff(), 1, (RedisConnectionError,)),
            )
        except (ValueError, TypeError) as error:
            raise ConfigError(f"VERIFIER_REDIS_URL is not a Redis URL: {error}.") from None
        self._redis: Redis = Redis(connection_pool=pool)

    @property
    def may_answer(self) -> bool:
        """Redis answered the last time, or it is time to ask it again."""
        return not self._away or self._clock.monotonic() >= self._ask_again_at

    async def ask(self, question: Callable[[Redis], Awaitable[_Result]]) -> _Result:
        """What `question` gets from Redis; raises RedisAway where it does not answer, and lets WatchError pass."""
        async with self._slots:
            if not self.may_answer:
                raise RedisAway
            if self._away:
                self._ask_again_at = self._clock.monotonic() + _PAUSE
            try:
                result = await question(self._redis)
            except WatchError:
                self._back()
                raise
            except (RedisError, OSError, TimeoutError) as error:
                await self._gone(error)
                raise RedisAway from None
            self._back()
            return result

    async def close(self) -> None:
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def _gone(self, error: Exception) -> None:
        self._ask_again_at = self._clock.monotonic() + _PAUSE
        if not self._away:
            self._away = True
            self._warn(
                f"Redis does not answer ({_plain(error)}): working without it, asking again every {_PAUSE:.0f} s."
            )
        await self._redis.connection_pool.disconnect(inuse_connections=False)

    def _back(self) -> None:
        if self._away:
            self._away = False
            self._warn("Redis answers again.")


def _plain(error: Exception) -> str:
    return str(error) or type(error).__name__
