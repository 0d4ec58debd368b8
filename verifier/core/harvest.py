"""The harvest guard: whether somebody who asks about a domain verifies a list, or tries names until some exist.

Law: 50 names of one domain within 24 hours, more than 60 % of them unknown there, are a harvest; fewer never are.
What is kept of a name is a short hash of its mailbox's keyed hash, of at most SAMPLE names: those with the smallest
hashes, which are a fair sample of all, however many there were (a k-minimum-values sketch).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b

from msgspec import Struct

from verifier.core.lists import DomainList

NAMES = 50
SAMPLE = 200
WINDOW = timedelta(hours=24)
_UNKNOWN_PERCENT = 60
_HASH_BYTES = 7  # fits what MessagePack calls an integer


class Count(Struct, frozen=True):
    """How many names were asked for in the window, as far as they are kept, and how many are unknown."""

    names: int
    unknown: int

    @property
    def is_harvest(self) -> bool:
        return self.names >= NAMES and 100 * self.unknown > _UNKNOWN_PERCENT * self.names


class Tally(Struct, array_like=True):
    """Who was asked for at one domain by one client: the hash of each name to 2 × the second when, plus 1 if the host
    did not know it.
    """

    names: dict[int, int]

    def add(self, mailbox_key: str, at: datetime, *, unknown: bool) -> None:
        """One request; the latest about a name counts."""
        self._put(name_of(mailbox_key), 2 * int(at.timestamp()) + unknown)

    def take_in(self, other: "Tally") -> None:
        """What another knows of the same client and domain: in whatever order, the outcome is the same."""
        for name, mark in other.names.items():
            self._put(name, mark)

    def remove(self, mailbox_key: str) -> None:
        """Nobody asked for this mailbox."""
        self.names.pop(name_of(mailbox_key), None)

    def count(self, now: datetime) -> Count:
        """What the last 24 hours held."""
        oldest = 2 * int((now - WINDOW).timestamp()) + 1
        marks = [mark for mark in self.names.values() if mark > oldest]
        return Count(len(marks), sum(mark & 1 for mark in marks))

    def without_old(self, now: datetime) -> "Tally":
        """Only what still counts."""
        oldest = 2 * int((now - WINDOW).timestamp()) + 1
        return Tally({name: mark for name, mark in self.names.items() if mark > oldest})

    def _put(self, name: int, mark: int) -> None:
        names = self.names
        known = names.get(name)
        if known is not None:
            names[name] = max(known, mark)
            return
        names[name] = mark
        if len(names) > SAMPLE:
            del names[max(names)]


class Lifts(Struct, frozen=True):
    """The lists that an operator let pass: for each list's name the domains where the guard does not stop it."""

    by_list: Mapping[str, DomainList]

    @classmethod
    def parse(cls, lines: Iterable[str]) -> "Lifts":
        """`DOMAIN LIST` a line; `#` after a blank begins a comment. Lines without both are left out."""
        domains: dict[str, list[str]] = {}
        for line in lines:
            domain, _, name = f" {line}".partition(" #")[0].strip().partition(" ")
            if name.strip():
                domains.setdefault(name.strip(), []).append(domain)
        return cls({name: DomainList.parse(listed) for name, listed in domains.items()})

    def cover(self, domain: str, list_name: str) -> bool:
        return bool(list_name) and domain in self.by_list.get(list_name, _NOBODY)


_NOBODY = DomainList(frozenset())


def name_of(mailbox_key: str) -> int:
    """What a tally keeps of a mailbox's keyed hash."""
    return int.from_bytes(blake2b(mailbox_key.encode(), digest_size=_HASH_BYTES).digest())
