"""What of other people's lists of disposable domains may be believed.

Law: no public suffix, no shared name, no academic, government or military domain, nothing on the list of what is never
disposable, nothing above such a name, and nothing malformed gets through, whoever lists it: a false "disposable" is
worse than a missed one.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from verifier.core.lists import DomainList

_INSTITUTION = re.compile(
    r"(?:^|\.)(?:(?:edu|gov|mil|int|museum|post)|(?:ac|edu|gov|gob|gouv|govt|gub|mil|sch|k12)\.[a-z]{2}|k12\.[a-z]{2}\.us)$"
)
_HOST_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})")

_TELLING = re.compile(
    r"te?mp[-.]?(?:e?mail|inbox|box)|e?mail[-.]?te?mp|trash|fake|dispos|throw|burner|minute|spam|junk|anonym|guerr?illa"
    r"|mailinator|yopmail|wegwerf|jetable|10m|hour|inboxe?s?\.|mailbox\d"
)
_CHEAP = re.compile(
    r"\.(?:tk|ml|ga|cf|gq|xyz|top|site|online|store|website|space|fun|icu|shop|click|buzz|pw|cyou|sbs|bond|lol|monster"
    r"|rest|quest|cfd|club|live|life|today|world|uno|host|press|stream|download|review|bid|win|loan|date|trade|men|party"
    r"|work)$"
)
_SHORT = re.compile(
    r"[a-z]{1,5}\.(?:com|net|org|de|fr|it|es|nl|be|ch|at|se|no|dk|fi|pl|cz|eu|io|ca|in|us|co\.uk|com\.br|com\.au)"
)


def tells_throw_away(name: str) -> bool:
    """The name itself speaks of temporary, fake or unwanted mail."""
    return _TELLING.search(name) is not None


def is_cheap(name: str) -> bool:
    """Its top-level domain costs next to nothing, and throw-away services live there."""
    return _CHEAP.search(name) is not None


def brands_of(never: DomainList) -> frozenset[str]:
    """The first labels of well-known domains: `yahoo` of `yahoo.co.uk`."""
    return frozenset(domain.partition(".")[0] for domain in never.domains)


def looks_established(name: str, brands: frozenset[str]) -> bool:
    """Short enough to be a company's acronym, or a brand under another ending: one list's word is not enough."""
    if tells_throw_away(name):
        return False
    return _SHORT.fullmatch(name) is not None or (name.partition(".")[0] in brands and not is_cheap(name))


def sift(
    names: Iterable[str], never: DomainList, shared: frozenset[str], registrable: Callable[[str], str | None]
) -> frozenset[str]:
    """The names that may be taken for disposable, as lower-case A-labels, none lying under another.

    `registrable` gives the registrable domain of a name, None for a public suffix (private section included).
    """
    well_formed = {name for name in DomainList.parse(names).domains if len(name) <= 253 and _HOST_NAME.fullmatch(name)}
    above = {parent for name in never.domains for parent in _parents(name)}
    kept = DomainList(
        frozenset(
            name
            for name in well_formed
            if name not in shared
            and name not in above
            and not _INSTITUTION.search(name)
            and name not in never
            and registrable(name)
        )
    )
    return frozenset(name for name in kept.domains if name.partition(".")[2] not in kept)


def _parents(name: str) -> Iterator[str]:
    parent = name.partition(".")[2]
    while parent:
        yield parent
        parent = parent.partition(".")[2]
