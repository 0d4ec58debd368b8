"""FactStore in Redis, shared by every process that has the same secret and asks the same resolver.

Keys are keyed hashes and carry the resolver's identity; values are msgpack and expire by themselves. While Redis is
away facts are kept in memory, and brought there when it is back.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TypeVar

import msgspec
from redis.asyncio import Redis
from redis.exceptions import WatchError

from verifier.adapters.memory_store import MemoryStore
from verifier.adapters.redis_link import RedisAway, RedisLink
from verifier.core.evidence import Finding, retained, retained_until
from verifier.core.facts import DomainFacts, holds_until, merge_facts, unexpired
from verifier.core.faults import ServiceUnavailable
from verifier.core.keys import keyed_hash, subkey
from verifier.ports import Clock

_SLICE = 100  # keys of one transaction: more would hold the event loop for over 2 ms
_TRIES = 5  # against others that write the same keys; then the facts are forgotten, which a store may
_ASIDE = 20_000  # domains, and mailboxes, remembered while Redis is away

_Value = TypeVar("_Value")
_Item = TypeVar("_Item")
_encode = msgspec.msgpack.Encoder().encode
_decode_facts = msgspec.msgpack.Decoder(DomainFacts).decode
_decode_findings = msgspec.msgpack.Decoder(tuple[Finding, ...]).decode


class RedisStore:
    """Facts learned through the resolver `identity`, under keys made with `secret`."""

    def __init__(self, link: RedisLink, clock: Clock, identity: str, secret: bytes) -> None:
        self._link = link
        self._clock = clock
        self._key = subkey(secret, "redis")
        self._scope = keyed_hash(self._key, identity)
        self._aside = MemoryStore(clock, _ASIDE)
        self._has_aside = False

    async def domains(self, names: Sequence[str]) -> Mapping[str, DomainFacts]:
        await self._bring_back()
        known: dict[str, DomainFacts] = {}
        try:
            for some in _slices(names):
                blobs = await self._link.ask(partial(_mget, keys=[self._domain_key(name) for name in some]))
                for name, blob in zip(some, blobs, strict=True):
                    facts = _read_facts(blob, name, self._clock.now())
                    if facts is not None:
                        known[name] = facts
        except RedisAway:
            return {**known, **await self._aside.domains(names)}
        return known

    async def remember_domains(self, facts: Sequence[DomainFacts]) -> None:
        await self._bring_back()
        for some in _slices(facts):
            new = {self._domain_key(fact.domain): fact.domain for fact in some}
            try:
                await self._update(list(new), partial(self._merge_domains, some))
            except RedisAway:
                self._has_aside = True
                await self._aside.remember_domains(some)

    async def mailboxes(self, keys: Sequence[str]) -> Mapping[str, tuple[Finding, ...]]:
        await self._bring_back()
        known: dict[str, tuple[Finding, ...]] = {}
        try:
            for some in _slices(keys):
                blobs = await self._link.ask(partial(_mget, keys=[self._mailbox_key(self._scope, key) for key in some]))
                for key, blob in zip(some, blobs, strict=True):
                    findings = _read_findings(blob, self._clock.now())
                    if findings:
                        known[key] = findings
        except RedisAway:
            return {**known, **await self._aside.mailboxes(keys)}
        return known

    async def remember_mailboxes(self, findings: Sequence[tuple[str, Finding]]) -> None:
        await self._bring_back()
        for some in _slices(findings):
            keys = list({self._mailbox_key(self._scope, key): None for key, _ in some})
            try:
                await self._update(keys, partial(self._merge_mailboxes, some))
            except RedisAway:
                self._has_aside = True
                await self._aside.remember_mailboxes(some)

    async def forget(self, key: str) -> None:
        """Erases the mailbox under every identity. Raises ServiceUnavailable where that cannot be promised."""
        await self._aside.forget(key)
        try:
            scopes = await self._link.ask(partial(_members, key=self._scopes_key))
            await self._link.ask(partial(_delete, keys=[self._mailbox_key(scope, key) for scope in scopes]))
        except RedisAway:
            raise ServiceUnavailable("Redis does not answer, nothing was erased there: try again later.") from None

    async def _bring_back(self) -> None:
        """Writes to Redis what was kept aside while it was away."""
        if self._has_aside and self._link.may_answer:
            self._has_aside = False
            domains, findings = self._aside.drain()
            await self.remember_domains(domains)
            await self.remember_mailboxes(findings)

    async def _update(self, keys: list[str], merge: Callable[[Mapping[str, bytes]], "_Values"]) -> None:
        for _ in range(_TRIES):
            try:
                return await self._link.ask(partial(self._update_once, keys, merge))
            except WatchError:
                continue
        return None

    async def _update_once(
        self, keys: list[str], merge: Callable[[Mapping[str, bytes]], "_Values"], redis: Redis
    ) -> None:
        async with redis.pipeline(transaction=True) as pipe:
            await pipe.watch(*keys)
            blobs = await pipe.mget(keys)
            old = {key: blob for key, blob in zip(keys, blobs, strict=True) if isinstance(blob, bytes)}
            pipe.multi()  # type: ignore[no-untyped-call]  # the library's own gap
            pipe.sadd(self._scopes_key, self._scope)
            for key, (blob, lifetime) in merge(old).items():
                pipe.set(key, blob, px=lifetime)
            await pipe.execute()

    def _merge_domains(self, facts: Sequence[DomainFacts], old: Mapping[str, bytes]) -> "_Values":
        now = self._clock.now()
        merged: dict[str, DomainFacts] = {}
        for new in facts:
            key = self._domain_key(new.domain)
            held = merged.get(key) or _read_facts(old.get(key), new.domain, now)
            merged[key] = new if held is None else merge_facts(held, new, now)
        return _expiring(((key, known, holds_until(known)) for key, known in merged.items()), now)

    def _merge_mailboxes(self, findings: Sequence[tuple[str, Finding]], old: Mapping[str, bytes]) -> "_Values":
        now = self._clock.now()
        merged: dict[str, tuple[Finding, ...]] = {}
        for name, finding in findings:
            key = self._mailbox_key(self._scope, name)
            held = merged.get(key) or _read_findings(old.get(key), now)
            merged[key] = retained((*held, finding), now)
        return _expiring(
            ((key, kept, max(map(retained_until, kept), default=None)) for key, kept in merged.items()), now
        )

    @property
    def _scopes_key(self) -> str:
        return f"{self._link.prefix}1:scopes"

    def _domain_key(self, name: str) -> str:
        return f"{self._link.prefix}1:{self._scope}:d:{keyed_hash(self._key, name)}"

    def _mailbox_key(self, scope: str, key: str) -> str:
        return f"{self._link.prefix}1:{scope}:m:{keyed_hash(self._key, key)}"


_Values = Mapping[str, tuple[bytes, int]]
"""Blobs by key, each with its lifetime in milliseconds."""


def _expiring(known: Iterable[tuple[str, _Value, datetime | None]], now: datetime) -> _Values:
    values: dict[str, tuple[bytes, int]] = {}
    for key, value, until in known:
        lifetime = 0 if until is None else (until - now) // timedelta(milliseconds=1)
        if lifetime > 0:
            values[key] = (_encode(value), lifetime)
    return values


def _read_facts(blob: bytes | None, domain: str, now: datetime) -> DomainFacts | None:
    if blob is None:
        return None
    try:
        facts = _decode_facts(blob)
    except msgspec.MsgspecError:  # written by another version: forgotten
        return None
    return unexpired(facts, now) if facts.domain == domain else None


def _read_findings(blob: bytes | None, now: datetime) -> tuple[Finding, ...]:
    if blob is None:
        return ()
    try:
        return retained(_decode_findings(blob), now)
    except msgspec.MsgspecError:  # written by another version: forgotten
        return ()


async def _mget(redis: Redis, keys: list[str]) -> list[bytes | None]:
    return [blob if isinstance(blob, bytes) else None for blob in await redis.mget(keys)]


async def _members(redis: Redis, key: str) -> list[str]:
    return [member.decode() for member in await redis.smembers(key) if isinstance(member, bytes)]


async def _delete(redis: Redis, keys: list[str]) -> None:
    if keys:
        await redis.delete(*keys)


def _slices(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    source = iter(items)
    while some := list(islice(source, _SLICE)):
        yield some
