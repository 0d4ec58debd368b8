"""A list that looks like a customer's, row by row, each row with what is true of it. Pure: row n needs no other row.

Every fifth row shows the next personality in turn, so that 5 × their number of rows hold them all; the others follow
the weights. Some cells are misspelt, blank, repeated or dressed up, as people leave them.
"""

import csv
import io
from bisect import bisect
from collections.abc import Iterator
from itertools import accumulate

from msgspec import Struct

from verifier.world.chance import draw, share
from verifier.world.geography import a_label, domain_name
from verifier.world.host_kinds import HOST_KINDS
from verifier.world.people import FIRST_NAMES, LAST_NAMES, ROLES, without_accents
from verifier.world.personalities import PERSONALITIES, Personality
from verifier.world.truth import INVALID, Truth
from verifier.world.world import World

COLUMNS = ("id", "first name", "last name", "email", "company", "signup date")

_LISTED = tuple(p for p in PERSONALITIES.values() if p.listed)
_LIMITS = tuple(accumulate(p.weight for p in _LISTED))
_STRIDE = 5
_PARADE_DOMAINS = 2
_SETTLED = 50
"""Rows before the first duplicate."""
_DUPLICATES = 0.015
_DIRTY = (
    (0.006, ""),
    (0.004, "{first}.{last}"),
    (0.004, "{first}.{last}@"),
    (0.003, "@{domain}"),
    (0.004, "{first} {last}@{domain}"),
    (0.003, "{first}@@{domain}"),
    (0.003, "{first}..{last}@{domain}"),
    (0.002, ".{first}@{domain}"),
    (0.003, "{first}.{last}@localhost"),
    (0.002, "{first}@-{domain}"),
    (0.002, "{first}@[192.0.2.7]"),
    (0.002, "{first}@acme..example"),
    (0.002, "{first}(at){domain}"),
    (0.002, "n/a"),
    (0.001, "-"),
)
"""Shares and shapes of cells that hold no address."""
_DRESSED = (
    (0.025, "{upper}"),
    (0.015, " {address}"),
    (0.010, "{address} "),
    (0.008, "\u00a0{address}"),
    (0.004, "\ufeff{address}"),
    (0.004, "{address}\u200b"),
    (0.006, "mailto:{address}"),
    (0.006, "<{address}>"),
    (0.008, "{First} {Last} <{address}>"),
    (0.004, "{address}."),
    (0.004, "{address},"),
    (0.003, '"{address}"'),
)
"""Shares and shapes of cells that hold an address, dressed up."""
_LOCALS = (
    (0.50, "{first}.{last}"),
    (0.15, "{initial}{last}"),
    (0.10, "{first}"),
    (0.07, "{first}_{last}"),
    (0.05, "{last}.{first}"),
    (0.06, "{first}.{last}{number}"),
    (0.03, "{first}+news"),
    (0.04, "{role}"),
)
_COMPANIES = ("{name}", "{name} Ltd", "{name}, Inc.", "{name} & Söhne GmbH", 'The "{name}" Company', "{name} S.à r.l.")
_PARTICLES = ("{last}", "{last}", "{last}", "{last}, Jr.", "O'{last}", "de {last}", '{last} "the one"')


class Row(Struct, frozen=True):
    """One data row: its number from 1, its cells, the e-mail cell as it stands, and the address in it, if any."""

    number: int
    cells: tuple[str, ...]
    email: str
    address: str | None
    personality: str

    def truth(self, world: World, *, waited: bool = True) -> Truth:
        """The right verdicts for the row."""
        return INVALID if self.address is None else world.truth(self.address, waited=waited)


def row(world: World, number: int) -> Row:
    """Row `number` of the world's list, from 1."""
    key = str(number)
    if number > _SETTLED and share(world.seed, "duplicate", key) < _DUPLICATES:
        return _duplicate(world, number)
    first = _pick(world, FIRST_NAMES, "first", key)
    last = _pick(world, LAST_NAMES, "last", key)
    personality = _personality(world, number)
    domain = domain_name(personality.name, _domain_number(world, number, personality))
    words = {"first": first, "last": last, "domain": domain, "First": first.title(), "Last": last.title()}
    shape = _chosen(share(world.seed, "dirty", key), _DIRTY)
    if shape is not None:
        return _row(world, number, words, shape.format(**words), None, personality)
    if share(world.seed, "spelling", key) < 0.5:
        domain = a_label(domain)
    address = f"{_local(world, number, personality, words)}@{domain}"
    dress = _chosen(share(world.seed, "dressed", key), _DRESSED) or "{address}"
    email = dress.format(address=address, upper=_upper(address), **words)
    return _row(world, number, words, email, address, personality)


def write_list(world: World, size: int) -> Iterator[str]:
    """The list as CSV (RFC 4180, line ends of \\n): the header, then `size` rows, a line at a time."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in world.rows(size):
        yield _drained(buffer)
        writer.writerow(each.cells)
    yield _drained(buffer)


def _drained(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _row(
    world: World, number: int, words: dict[str, str], email: str, address: str | None, personality: Personality
) -> Row:
    key = str(number)
    company = _pick(world, _COMPANIES, "company", key).format(name=words["domain"].partition(".")[0].title())
    surname = _pick(world, _PARTICLES, "particle", key).format(last=words["Last"])
    day = draw(world.seed, "day", key)
    date = f"{2019 + day % 7}-{1 + day // 7 % 12:02}-{1 + day // 84 % 28:02}"
    cells: tuple[str, ...] = (key, words["First"], surname, email, company, date)
    shape = share(world.seed, "shape", key)
    if shape < 0.003:
        return Row(number, cells[:3], "", None, personality.name)
    if shape < 0.006:
        cells = (*cells, "x", "")
    elif shape < 0.010:
        cells = cells[:4]
    return Row(number, cells, email, address, personality.name)


def _duplicate(world: World, number: int) -> Row:
    earlier = row(world, 1 + draw(world.seed, "original", str(number)) % (number - 1))
    if earlier.address is None:
        return Row(number, (str(number), *earlier.cells[1:]), earlier.email, None, earlier.personality)
    twist = draw(world.seed, "twist", str(number)) % 3
    email = (earlier.address, _upper(earlier.address), f" {earlier.address}")[twist]
    cells = (str(number), *earlier.cells[1:3], email, *earlier.cells[4:])
    return Row(number, cells, email, earlier.address, earlier.personality)


def _personality(world: World, number: int) -> Personality:
    turn, rest = divmod(number, _STRIDE)
    if rest == 0:
        return _LISTED[turn % len(_LISTED)]
    return _LISTED[bisect(_LIMITS, draw(world.seed, "personality", str(number)) % _LIMITS[-1])]


def _domain_number(world: World, number: int, personality: Personality) -> int:
    """Few domains have many addresses, many have few."""
    count = max(1, world.domains * personality.weight // _LIMITS[-1])
    if number % _STRIDE == 0:
        count = min(count, _PARADE_DOMAINS)
    return int(count * share(world.seed, "domain", str(number)) ** 2)


def _local(world: World, number: int, personality: Personality, words: dict[str, str]) -> str:
    key = str(number)
    shape = _chosen(share(world.seed, "local", key), _LOCALS) or "{first}.{last}"
    local = shape.format(
        initial=words["first"][0],
        number=draw(world.seed, "number", key) % 90 + 1,
        role=_pick(world, ROLES, "role", key),
        **words,
    )
    kind = personality.exchanges[0][1] if personality.exchanges else ""
    international = kind in HOST_KINDS and share(world.seed, "international", key) < 0.25
    return local if international else without_accents(local)


def _upper(address: str) -> str:
    local, _, domain = address.partition("@")
    return f"{local.title()}@{domain.upper()}" if domain.isascii() else f"{local.title()}@{domain}"


def _pick(world: World, choices: tuple[str, ...], *what: str) -> str:
    return choices[draw(world.seed, *what) % len(choices)]


def _chosen(number: float, shares: tuple[tuple[float, str], ...]) -> str | None:
    """The entry that a number in [0, 1) falls on, None beyond them all."""
    for part, entry in shares:
        if number < part:
            return entry
        number -= part
    return None
