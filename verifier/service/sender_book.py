"""Senders, known at once: read from their store now and then, since other processes change them too."""

from collections.abc import Sequence

from verifier.core.senders import Sender
from verifier.gate_ports import SenderStore


class SenderBook:
    """`look` before anything else, and every few seconds."""

    def __init__(self, store: SenderStore) -> None:
        self._store = store
        self._senders: dict[str, Sender] = {}

    async def look(self) -> None:
        """Take in what was changed. Raises ServiceUnavailable."""
        self._senders = {sender.name: sender for sender in await self._store.senders()}

    def sender(self, name: str) -> Sender | None:
        return self._senders.get(name)

    @property
    def senders(self) -> Sequence[Sender]:
        """All, by name."""
        return [self._senders[name] for name in sorted(self._senders)]

    async def put(self, sender: Sender) -> None:
        """Add one, or replace the one of that name."""
        await self._store.put(sender)
        self._senders[sender.name] = sender

    async def remove(self, name: str) -> bool:
        """False where there is none of that name."""
        self._senders.pop(name, None)
        return await self._store.remove(name)
