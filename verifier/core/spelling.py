"""The domain that was probably meant by a misspelt one.

Law: a domain that works is never corrected, unless a person put it on the list of look-alikes; nor is one of which
nobody knows whether it works, unless its top-level domain does not exist. No domain is its own correction.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import lru_cache

from msgspec import Struct
from rapidfuzz import process
from rapidfuzz.distance import OSA

from verifier.core.address import Address

_CACHED_DOMAINS = 65_536
_CACHED_TLDS = 1024
_FARTHEST = 2  # edits
_DISTINCTIVE = 5  # letters from which on a name says whose it is, whatever follows its dot
_LONG = 7  # letters from which on a name may have two edits
_LONG_DOMAIN = 9  # characters from which on a misplaced dot is one edit of a whole domain
_ANY = 253  # edits: more than a domain has characters
_COMMON_TLDS = ("com", "net", "org")


class Spelling:
    """Corrects domains by what people mean most often.

    `targets`: domains worth meaning, the most popular first. `lookalikes`: misspelt to meant domain, curated.
    `tlds`: the top-level domains that exist. All are lower-case A-labels. Distances are optimal string alignment: one
    edit is an insertion, a deletion, a substitution or a swap of neighbours.
    """

    def __init__(self, targets: Iterable[str], lookalikes: Mapping[str, str], tlds: Container[str]) -> None:
        self._targets = tuple(dict.fromkeys(targets))
        self._rank = {domain: rank for rank, domain in enumerate(self._targets)}
        self._lookalikes = {typed: meant for typed, meant in lookalikes.items() if typed != meant}
        self._tlds = tlds
        self._suffixes: dict[str, list[str]] = {}
        self._by_letters: dict[str, list[str]] = {}
        for domain in self._targets:
            self._by_letters.setdefault(domain.replace(".", ""), []).append(domain)
            name, _, suffix = domain.partition(".")
            self._suffixes.setdefault(name, []).append(suffix)
        self._names = tuple(self._suffixes)
        self._tld_counts = Counter(domain.rpartition(".")[2] for domain in self._targets) + Counter(_COMMON_TLDS)
        self._meant = lru_cache(maxsize=_CACHED_DOMAINS)(self._nearest)
        self._real_tld = lru_cache(maxsize=_CACHED_TLDS)(self._nearest_tld)

    def lookalike(self, domain: str) -> str | None:
        """The domain that a curated look-alike imitates, whether or not mail is accepted there."""
        return self._lookalikes.get(domain)

    def suggestion(self, address: Address, domain_works: bool | None) -> str | None:
        """The whole address that was probably meant, with the local part as it is.

        `domain_works`: True where the domain can receive mail, False where it plainly cannot, None where nobody asked.
        """
        domain = address.domain
        meant = self._lookalikes.get(domain)
        if meant is None:
            if domain_works or (domain_works is None and domain.rpartition(".")[2] in self._tlds):
                return None
            meant = self._meant(domain)
        return None if meant is None else f"{address.local}@{meant}"

    def _nearest(self, domain: str) -> str | None:
        """The correction of a domain that does not work."""
        if domain in self._rank:
            return None
        if domain.removeprefix("www.") in self._rank:
            return domain.removeprefix("www.")
        tld_exists = domain.rpartition(".")[2] in self._tlds
        repaired = None if tld_exists else self._with_real_tld(domain)
        if repaired in self._lookalikes:
            return self._lookalikes[repaired]
        candidates = self._candidates(domain, tld_exists, _ANY if repaired is None else 1)
        best = min(candidates, key=lambda candidate: candidate.order, default=None)
        return repaired if best is None else best.domain

    def _candidates(self, domain: str, tld_exists: bool, farthest_suffix: int) -> Iterator["_Candidate"]:
        name, _, suffix = domain.partition(".")
        for known, edits, _ in process.extract(
            name, self._names, scorer=OSA.distance, score_cutoff=_FARTHEST, limit=None
        ):
            if not _plausible(name, known, edits):
                continue
            farthest = min(farthest_suffix, _farthest_suffix(name, known, edits, tld_exists))
            for known_suffix in self._suffixes[known]:
                suffix_edits = OSA.distance(suffix, known_suffix)
                replaced = "." not in suffix or suffix.startswith(f"{known_suffix}.")
                if suffix_edits <= farthest and (suffix_edits <= 1 or replaced):
                    yield self._candidate(f"{known}.{known_suffix}", edits + suffix_edits, domain)
        if len(domain) >= _LONG_DOMAIN:
            for known in self._by_letters.get(domain.replace(".", ""), ()):
                if OSA.distance(domain, known) <= 1:
                    yield self._candidate(known, 1, domain)

    def _candidate(self, known: str, edits: int, typed: str) -> "_Candidate":
        return _Candidate(known, (edits, not known.startswith(typed), self._rank[known]))

    def _with_real_tld(self, domain: str) -> str | None:
        """The domain with the top-level domain that was meant by one that does not exist."""
        head, _, tld = domain.rpartition(".")
        real = self._real_tld(tld)
        return None if real is None else f"{head}.{real}"

    def _nearest_tld(self, tld: str) -> str | None:
        """The top-level domain an edit away (`.con`): a swap first, then the longer, the most used."""
        near = sorted(
            ((_swapped(tld, known), len(known), count, known) for known, count in self._tlds_meant(tld)), reverse=True
        )
        if not near or (len(near) > 1 and near[0][:3] == near[1][:3]):
            return None
        return near[0][3]

    def _tlds_meant(self, tld: str) -> Iterator[tuple[str, int]]:
        """Top-level domains of the targets, with their number, an edit away from one of three letters and more."""
        if len(tld) > 2:
            yield from ((known, count) for known, count in self._tld_counts.items() if OSA.distance(tld, known) == 1)


class _Candidate(Struct, frozen=True):
    """A domain that may have been meant; the least `order` is the likeliest: edits, not just cut short, rank."""

    domain: str
    order: tuple[int, bool, int]


def _plausible(name: str, known: str, edits: int) -> bool:
    """Whether so many edits make one name of the other: the shorter the name, the less it may differ."""
    if edits == 0:
        return True
    if len(known) <= 3:
        return edits == 1 and (_swapped(name, known) or _doubled(name, known))
    if len(known) == 4:
        return edits == 1 and (_swapped(name, known) or len(name) != len(known))
    return edits == 1 or (len(known) >= _LONG and name[0] == known[0])


def _farthest_suffix(name: str, known: str, edits: int, tld_exists: bool) -> int:
    """The edits that what follows the name may have beside those of the name itself."""
    distinctive = len(known) >= _DISTINCTIVE
    if edits == 0:
        return _ANY if distinctive else 1
    return int(distinctive and name[0] == known[0] and (edits == 1 or not tld_exists))


def _swapped(name: str, known: str) -> bool:
    return len(name) == len(known) and sorted(name) == sorted(known)


def _doubled(name: str, known: str) -> bool:
    return any(name == known[:i] + known[i] + known[i:] for i in range(len(known)))
