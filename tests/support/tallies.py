"""A TallyStore in memory."""

from collections.abc import Mapping, Sequence

from verifier.core.harvest import Tally


class MemoryTallies:
    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Tally] = {}

    async def tallies(self, client: str, domains: Sequence[str]) -> Mapping[str, Tally]:
        known = {domain: self._known.get((client, domain)) for domain in domains}
        return {domain: Tally(dict(tally.names)) for domain, tally in known.items() if tally is not None}

    async def remember(self, client: str, tallies: Mapping[str, Tally]) -> None:
        for domain, tally in tallies.items():
            self._known.setdefault((client, domain), Tally({})).take_in(tally)

    async def forget(self, domain: str, key: str) -> None:
        for (_, counted), tally in self._known.items():
            if counted == domain:
                tally.remove(key)
