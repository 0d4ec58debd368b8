"""Everything that is known of an address is erased, wherever it is kept."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from verifier.core.address import Address
from verifier.ports import FactStore
from verifier.service.at_hand import AtHand
from verifier.service.judging import Judging

Erase = Callable[[Address, str], Awaitable[None]]
"""Erases an address, and what stands under its mailbox's key, in one place."""


class Counting(Protocol):
    """Remembers who asked for which names (service/harvest_guard.py)."""

    async def forget(self, domain: str, key: str) -> None: ...


class Forgetting:
    """`places` are further ones than the facts and the harvest guard's counts: journals, lists."""

    def __init__(
        self, judging: Judging, at_hand: AtHand, store: FactStore, guard: Counting, places: Sequence[Erase]
    ) -> None:
        self._judging = judging
        self._at_hand = at_hand
        self._store = store
        self._guard = guard
        self._places = list(places)

    def reach(self, place: Erase) -> None:
        """One more place where addresses are kept."""
        self._places.append(place)

    async def forget(self, address: Address) -> None:
        """Afterwards nothing is known. Raises ServiceUnavailable where one of the places cannot promise it."""
        key = self._judging.key_of(address)
        for erase in self._places:
            await erase(address, key)
        await self._store.forget(key)
        await self._guard.forget(address.domain, key)
        self._at_hand.forget()
