"""What senders tell, on the short road: events in our own form, and webhooks whose key stands in their URL.

Law: as for at_hand.py: what is not ordinary, or not right, is the long road's, which then says so.
"""

from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec import Struct
from multidict import CIMultiDictProxy
from yarl import URL

from verifier.core.api_keys import Scope
from verifier.core.feedback.hook import Hook, Refusal
from verifier.core.feedback.sources import SOURCES, Proof, Source
from verifier.edges.http.api import feedback
from verifier.edges.http.site import Site

_NOT_ORDINARY = frozenset({"authorization", "cookie", "content-encoding", "expect", "upgrade", "x-reacher-secret"})
"""Headers by which a webhook is somebody else's, or its body something else."""
_Query = TypeVar("_Query")


class HookTarget(Struct, frozen=True):
    """What the URL of a webhook says."""

    source: Source
    query: feedback.HookQuery


class Telling:
    """Events and webhooks, answered in one piece; None where the long road has to be taken."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def events(self, body: bytes, media_type: str, query: feedback.EventsQuery) -> bytes | None:
        hook = Hook(
            body, {"content-type": media_type}, self._site.public_url + feedback.EVENTS_PATH, self._site.clock.now()
        )
        return await self._answer(feedback.GENERIC, hook, query)

    async def hook(
        self, target: HookTarget, body: bytes, raw_path: str, headers: CIMultiDictProxy[str]
    ) -> bytes | None:
        key = self._site.desk.access.at_hand(target.query.key)
        if key is None or not key.may(Scope.FEEDBACK):
            return None
        told = {name.lower(): value for name, value in headers.items()}
        hook = Hook(body, told, self._site.public_url + raw_path, self._site.clock.now())
        return await self._answer(target.source, hook, target.query)

    async def _answer(
        self, source: Source, hook: Hook, query: feedback.EventsQuery | feedback.HookQuery
    ) -> bytes | None:
        outcome = await self._site.desk.feedback.hooks.receive(
            source, hook, keyed=True, sender=query.sender or None, message_class=query.message_class
        )
        return None if isinstance(outcome, Refusal) else feedback.receipt(outcome)


def is_ordinary_hook(headers: CIMultiDictProxy[str]) -> bool:
    """Nothing in the head makes it more than a message with its key in the URL."""
    return not any(name.lower() in _NOT_ORDINARY for name in headers)


@lru_cache(maxsize=256)
def hook_target(raw_path: str) -> HookTarget | None:
    """The source that a path with its query names, where it brings a key and needs nothing else."""
    path, _, query = raw_path.partition("?")
    source = SOURCES.get(path.removeprefix(feedback.HOOKS_PATH)) if path.startswith(feedback.HOOKS_PATH) else None
    found = _query(query, feedback.HookQuery)
    if source is None or source.proof is not Proof.KEY or found is None or not found.key:
        return None
    return HookTarget(source, found)


@lru_cache(maxsize=256)
def events_query(raw_path: str) -> feedback.EventsQuery | None:
    """The parameters of a path that is that of events."""
    path, _, query = raw_path.partition("?")
    return _query(query, feedback.EventsQuery) if path == feedback.EVENTS_PATH else None


def _query(text: str, shape: type[_Query]) -> _Query | None:
    found = URL(f"/?{text}", encoded=True).query
    if len(found) != len(set(found)):
        return None
    try:
        return msgspec.convert(dict(found), shape, strict=False)
    except msgspec.ValidationError:
        return None
