"""What a few large mail hosts of different operators say about our own way out to port 25.

Law: one that answers proves the way open; only when all are silent is it blocked, and only when all show one and the
same foreign banner is it intercepted. Nothing here is ever about a mailbox.
"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

CANARIES_NEEDED = 3


class EgressState(StrEnum):
    """Whether mail hosts can be reached from here."""

    OPEN = "open"
    BLOCKED = "blocked"
    INTERCEPTED = "intercepted"
    UNTESTED = "untested"


class CanarySighting(Struct, frozen=True):
    """What one canary's exchange answered: its banner line, or None and why not."""

    domain: str
    mx_host: str
    banner: str | None
    failure: str = ""


class Egress(Struct, frozen=True):
    """The state, and one sentence for people."""

    state: EgressState
    sentence: str


def judge_egress(sightings: Sequence[CanarySighting]) -> Egress:
    """What the sightings together prove; fewer than three prove nothing bad."""
    banners = [s for s in sightings if s.banner is not None]
    if len(sightings) < CANARIES_NEEDED:
        return Egress(EgressState.UNTESTED, "Too few of the large mail hosts could be looked up to test port 25.")
    if not banners:
        return Egress(
            EgressState.BLOCKED,
            f"None of {len(sightings)} large mail hosts could be reached: port 25 is closed on the way out of here.",
        )
    names = {_banner_name(s.banner or "") for s in banners}
    if len(banners) >= CANARIES_NEEDED and len(names) == 1:
        name = names.pop()
        if not any(_site(name) == _site(s.mx_host) for s in banners):
            return Egress(
                EgressState.INTERCEPTED,
                f'Every mail host answers as "{name}": a relay or filter on the way out speaks in their place.',
            )
    return Egress(EgressState.OPEN, f"Port 25 is open: {len(banners)} of {len(sightings)} large mail hosts answered.")


def _banner_name(banner: str) -> str:
    """The host name of a greeting: `220 mx.example ESMTP` (RFC 5321 §4.2), else the whole text."""
    words = banner[4:].split()
    return words[0].casefold() if words else banner.strip()


def _site(name: str) -> str:
    return ".".join(name.rstrip(".").rsplit(".", 2)[-2:])
