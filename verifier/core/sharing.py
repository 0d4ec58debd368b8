"""How processes that ask the same hosts share what a host bears: pure arithmetic."""

from collections.abc import Collection
from enum import StrEnum
from hashlib import blake2b

from msgspec import Struct

TURN_SECONDS = 300
"""A group that only one process at a time may work on changes hands so often."""


class Flow(StrEnum):
    """What is counted by the minute."""

    CONNECTIONS = "connections"
    RECIPIENTS = "recipients"


class Rate(Struct, frozen=True):
    """How fast a group may be asked, over everybody who asks it; 0 = no limit. `per_second` holds in every second."""

    flow: Flow
    per_minute: int = 0
    per_second: int = 0

    @property
    def burst(self) -> int:
        """How many may go at once under the minute's limit, which is not 0."""
        return max(1, self.per_minute // 6)


def share_of(limit: int, group: str, me: str, processes: Collection[str]) -> int:
    """How many of `limit` are this process's while nobody can be asked: floor(limit / processes); where that is 0 all
    of them belong to one process, by rendezvous hash (Thaler & Ravishankar, 1998). `me` counts as one of them.

    Law: over processes that know of the same processes the shares add up to `limit` at most.
    """
    everybody = {*processes, me}
    even = limit // len(everybody)
    if even:
        return even
    return limit if max(everybody, key=lambda process: _weight(process, group)) == me else 0


def _weight(process: str, group: str) -> tuple[bytes, str]:
    return blake2b(f"{process}\0{group}".encode(), digest_size=8).digest(), process
