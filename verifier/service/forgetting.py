"""Everything that is known of an address is erased, wherever it is kept."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from verifier.core.address import Address
from verifier.core.faults import ServiceUnavailable
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
        """Afterwards nothing is known. Raises ServiceUnavailable where one of the places cannot promise it; in all the
        others the address is erased all the same.
        """
        key = self._judging.key_of(address)
        fault: ServiceUnavailable | None = None
        erasures: list[Callable[[], Awaitable[None]]] = [partial(place, address, key) for place in self._places]
        erasures += [partial(self._store.forget, key), partial(self._guard.forget, address.domain, key)]
        for erase in erasures:
            try:
                await erase()
            except ServiceUnavailable as unable:
                fault = fault or unable
        self._at_hand.forget()
        if fault is not None:
            raise fault
