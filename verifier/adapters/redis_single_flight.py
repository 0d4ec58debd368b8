"""SingleFlight over all processes that share a Redis; over this process alone while Redis is away."""

from functools import partial

from redis.asyncio import Redis

from verifier.adapters.memory_single_flight import MemorySingleFlight
from verifier.adapters.redis_link import RedisAway, RedisLink
from verifier.core.keys import keyed_hash, subkey
from verifier.ports import Clock

# Ours already where the answer to an earlier try was lost on the way: within this process claims are single anyway.
_CLAIM = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class RedisSingleFlight:
    """Claims expire by themselves and hold a token of this process, which is compared before one is given back.

    Those who ask another resolver `identity` do not wait for each other: they could not use each other's facts.
    """

    def __init__(self, link: RedisLink, clock: Clock, identity: str, secret: bytes) -> None:
        self._link = link
        self._here = MemorySingleFlight(clock)
        self._key = subkey(secret, "single-flight")
        self._identity = identity
        self._token = clock.token(24)

    async def claim(self, key: str, seconds: float) -> bool:
        if not await self._here.claim(key, seconds):
            return False
        try:
            claimed = await self._link.ask(
                partial(
                    _set_if_free, key=self._name(key), token=self._token, milliseconds=max(1, round(seconds * 1000))
                )
            )
        except RedisAway:
            return True
        if not claimed:
            await self._here.release(key)
        return claimed

    async def release(self, key: str) -> None:
        await self._here.release(key)
        try:
            await self._link.ask(partial(_compare_and_delete, key=self._name(key), token=self._token))
        except RedisAway:
            return

    def _name(self, key: str) -> str:
        return f"{self._link.prefix}1:flight:{keyed_hash(self._key, self._identity + chr(0) + key)}"


async def _set_if_free(redis: Redis, key: str, token: str, milliseconds: int) -> bool:
    return bool(await redis.eval(_CLAIM, 1, key, token, milliseconds))


async def _compare_and_delete(redis: Redis, key: str, token: str) -> None:
    await redis.eval(_RELEASE, 1, key, token)
