"""A SuppressionStore in memory, for tests; it passes the contract suite."""

from collections.abc import Mapping, Sequence

from msgspec import structs

from verifier.core.suppressions import FORGOTTEN_WHOLE, Removal, Suppression
from verifier.gate_ports import SuppressionWish


class MemorySuppressions:
    def __init__(self) -> None:
        self._entries: dict[tuple[object, ...], tuple[int, Suppression]] = {}
        self._numbers = 0

    async def add(self, suppressions: Sequence[Suppression]) -> int:
        return sum(self._add(each) for each in suppressions)

    async def remove(self, removals: Sequence[Removal]) -> int:
        ended = [n for n, (_, e) in self._entries.items() if any(removal.ends(e) for removal in removals)]
        for name in ended:
            del self._entries[name]
        return len(ended)

    async def under(self, keys: Sequence[str]) -> Mapping[str, tuple[Suppression, ...]]:
        found: dict[str, tuple[Suppression, ...]] = {}
        for _, entry in sorted(self._entries.values(), key=lambda item: item[0]):
            if entry.key in keys:
                found[entry.key] = (*found.get(entry.key, ()), entry)
        return found

    async def page(self, wish: SuppressionWish) -> Sequence[tuple[int, Suppression]]:
        found = [
            (number, entry)
            for number, entry in sorted(self._entries.values(), key=lambda item: item[0])
            if number > wish.after
            and wish.kind in (None, entry.kind)
            and wish.sender in (None, entry.sender)
            and (wish.keys is None or entry.key in wish.keys)
        ]
        return found[: wish.limit]

    async def forget(self, keys: Sequence[str]) -> None:
        for name, (number, entry) in list(self._entries.items()):
            if entry.key in keys:
                self._entries[name] = (number, structs.replace(entry, address=None))
                if entry.kind in FORGOTTEN_WHOLE:
                    del self._entries[name]

    async def close(self) -> None:
        pass

    def _add(self, entry: Suppression) -> bool:
        name = (entry.key, entry.kind, entry.sender, entry.message_class, entry.topic)
        number, held = self._entries.get(name, (0, None))
        if held is not None and held.at >= entry.at:
            return False
        if held is not None and entry.address is None:
            entry = structs.replace(entry, address=held.address)
        if held is None:
            self._numbers += 1
            number = self._numbers
        self._entries[name] = (number, entry)
        return held is None
