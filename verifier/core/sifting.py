"""What of other people's lists of disposable domains may be believed.

Law: no public suffix, no shared name, no academic, government or military domain, nothing on the list of what is never
disposable, and nothing malformed gets through, whoever lists it: a false "disposable" is worse than a missed one.
"""

import re
from collections.abc import Callable, Iterable

from verifier.core.lists import DomainList

_INSTITUTION = re.compile(
    r"(?:^|\.)(?:(?:edu|gov|mil|int|museum|post)|(?:ac|edu|gov|gob|gouv|govt|gub|mil|sch|k12)\.[a-z]{2}|k12\.[a-z]{2}\.us)$"
)
_HOST_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})")


def sift(
    names: Iterable[str], never: DomainList, shared: frozenset[str], registrable: Callable[[str], str | None]
) -> frozenset[str]:
    """The names that may be taken for disposable, as lower-case A-labels, none lying under another.

    `registrable` gives the registrable domain of a name, None for a public suffix (private section included).
    """
    well_formed = {name for name in DomainList.parse(names).domains if len(name) <= 253 and _HOST_NAME.fullmatch(name)}
    kept = DomainList(
        frozenset(
            name
            for name in well_formed
            if name not in shared and not _INSTITUTION.search(name) and name not in never and registrable(name)
        )
    )
    return frozenset(name for name in kept.domains if name.partition(".")[2] not in kept)
