"""Suppressions by people and files: texts in, entries kept; and the store itself, which memory follows at once."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.faults import InputError
from verifier.core.suppression_keys import SuppressionKeys
from verifier.core.suppressions import Removal, Suppression, SuppressionKind
from verifier.gate_ports import SuppressionStore, SuppressionWish
from verifier.ports import Clock

MANUAL = "manual"
_is_other_digest = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}").fullmatch
_is_digest = re.compile(r"[0-9a-fA-F]{64}").fullmatch
_ANYBODY = "anybody"


class Scope(Struct, frozen=True):
    """For which mail an entry holds; None is all of it."""

    sender: str | None = None
    message_class: str | None = None
    topic: str | None = None


EVERYTHING = Scope()


class Suppressing:
    """A SuppressionStore that tells memory (`note`) what it has committed, and the verbs of people.

    A text is an address, `@domain`, or the SHA-256 (64 hexadecimal digits) of an address in lower case.
    """

    def __init__(
        self,
        store: SuppressionStore,
        keys: SuppressionKeys,
        clock: Clock,
        note: Callable[[Sequence[Suppression]], None] | None = None,
    ) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._note = note

    async def add(self, suppressions: Sequence[Suppression]) -> int:
        new = await self._store.add(suppressions)
        if self._note is not None:
            self._note(suppressions)
        return new

    async def remove(self, removals: Sequence[Removal]) -> int:
        return await self._store.remove(removals)

    async def under(self, keys: Sequence[str]) -> Mapping[str, tuple[Suppression, ...]]:
        return await self._store.under(keys)

    async def page(self, wish: SuppressionWish) -> Sequence[tuple[int, Suppression]]:
        return await self._store.page(wish)

    async def forget(self, keys: Sequence[str]) -> None:
        await self._store.forget(keys)

    def entry(
        self,
        text: str,
        kind: SuppressionKind,
        scope: Scope = EVERYTHING,
        *,
        source: str = MANUAL,
        at: datetime | None = None,
        expires: datetime | None = None,
    ) -> Suppression:
        """The entry that a text stands for, as of `at`, now at the latest: one of tomorrow would outweigh whatever is
        told until then. A hard bounce is everybody's, whoever tells it.

        Raises InputError for a text that is none of the three.
        """
        key, address = self._place(text, kind)
        now = self._clock.now()
        if kind is SuppressionKind.HARD_BOUNCE:
            scope = EVERYTHING
        return Suppression(
            key=key,
            kind=kind,
            at=now if at is None else min(at, now),
            source=source,
            sender=scope.sender,
            message_class=scope.message_class,
            topic=scope.topic,
            expires=expires,
            address=address,
        )

    async def lift(
        self, texts: Iterable[str], kinds: Iterable[SuppressionKind] = SuppressionKind, *, sender: str | None = None
    ) -> int:
        """Ends the entries of these kinds, of a sender (None: whosever), and gives how many there were.

        Raises InputError for a text that is neither an address nor a domain nor a digest.
        """
        each = tuple(kinds)
        removals = [
            Removal(self._place(text, kind)[0], frozenset({kind}), sender=sender, any_scope=True)
            for text in texts
            for kind in each
        ]
        return await self.remove(removals)

    def keys_of(self, text: str) -> tuple[str, ...]:
        """Everywhere that something about the text may stand. Raises InputError."""
        parsed = parse_address(text)
        if isinstance(parsed, Address):
            return self._keys.sought(parsed)
        return (self._place(text, SuppressionKind.MANUAL_BLOCK)[0],)

    async def forget_address(self, address: Address) -> None:
        """What stands under the address keeps its hash alone; what is said of its domain stays."""
        domain = self._keys.domain(address.domain)
        await self.forget([key for key in self._keys.sought(address) if key != domain])

    def _place(self, text: str, kind: SuppressionKind) -> tuple[str, str | None]:
        """The key, and the text to keep."""
        text = text.strip()
        if _is_digest(text):
            return self._keys.digest(text), None
        parsed = parse_address(f"{_ANYBODY}{text}" if text.startswith("@") else text)
        if isinstance(parsed, SyntaxFault):
            if _is_other_digest(text):
                raise InputError(
                    "That is an MD5 or SHA-1, which cannot be looked up: the SHA-256 of the address in lower case can."
                )
            raise InputError(
                f"That is neither an address nor a domain (written @shop.example) nor a SHA-256: {parsed.sentence}"
            )
        if text.startswith("@"):
            return self._keys.domain(parsed.domain), f"@{parsed.domain}"
        return self._keys.kept(parsed, kind), parsed.normalized
