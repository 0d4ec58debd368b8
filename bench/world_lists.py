"""Lists for the benchmarks that probe: addresses at domains whose hosts answer, the same for the same world."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain, repeat

from verifier.world import World
from verifier.world.chance import draw
from verifier.world.people import FIRST_NAMES, LAST_NAMES, without_accents

ANSWERING = {"postfix": 50, "exim": 22, "sendmail": 10, "catchall": 9, "starttls": 5, "opensmtpd": 4}
"""Personalities whose hosts answer every question at once and set no rate, with their parts of a list in percent."""

KINDS = (*ANSWERING, "gmail", "exchange", "yahoo", "icloud", "provider")
"""The kinds of hosts that such a list meets, and those whose banners are looked at before port 25 is believed in."""

_TURNS = tuple(chain.from_iterable(repeat(name, part) for name, part in ANSWERING.items()))


def addresses(world: World, size: int, domains: int, turns: Sequence[str] = _TURNS) -> Iterator[str]:
    """`size` different addresses at `domains` domains, spread evenly; `turns` are the personalities by hundredths."""
    for number in range(size):
        place = number % domains
        personality = turns[place * 37 % len(turns)]
        first = FIRST_NAMES[draw(world.seed, "first", str(number)) % len(FIRST_NAMES)]
        last = LAST_NAMES[draw(world.seed, "last", str(number)) % len(LAST_NAMES)]
        local = without_accents(f"{first}.{last}{number // domains}")
        yield f"{local}@{world.domain(personality, place)}"


def list_text(world: World, size: int, domains: int, turns: Sequence[str] = _TURNS) -> str:
    """The addresses as a customer's CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", "email", "note"))
    writer.writerows(
        (number, address, "kept, as it is") for number, address in enumerate(addresses(world, size, domains, turns), 1)
    )
    return text.getvalue()
