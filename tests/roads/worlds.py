"""Worlds for the road tests, and holding a cleaned list against their truth and against the list that went in."""

import csv
import io
from collections.abc import Sequence

from tests.support.command import rows_of
from verifier.core.reasons import Verdict
from verifier.core.table import OUR_COLUMNS
from verifier.world import World
from verifier.world.sample import write_list

TIMES = ("ev_retry_after", "ev_checked_at")


def quick_world(seed: int, **options: object) -> World:
    """A world of few hosts in which waiting costs little."""
    defaults: dict[str, object] = {"hosts": 3, "domains": 60, "grey_delay": 0.6, "slowness": 0.02, "hang": 0.3}
    return World(seed, **{**defaults, **options})  # type: ignore[arg-type]


def list_text(world: World, size: int) -> str:
    """The world's list."""
    return "".join(write_list(world, size))


def cells_of(content: str) -> list[list[str]]:
    """All rows of a CSV text, the heading too."""
    return list(csv.reader(io.StringIO(content, newline="")))


def untouched(given: str, cleaned: str) -> list[tuple[list[str], list[str]]]:
    """The rows whose original cells are not what they were, nor where they were; empty where the law is kept."""
    before, after = cells_of(given), cells_of(cleaned)
    width = max(map(len, before))
    assert len(before) == len(after), (len(before), len(after))
    assert [width + len(OUR_COLUMNS)] == sorted({len(row) for row in after})
    padded = [row + [""] * (width - len(row)) for row in before]
    return [(row, found[:width]) for row, found in zip(padded, after, strict=True) if row != found[:width]]


def wrong_rows(world: World, cleaned: str, *, waited: bool = True) -> list[tuple[str, str, Sequence[str]]]:
    """The rows whose reason is not one of those that are right: address, reason, the right ones."""
    found = rows_of(cleaned)
    return [
        (row.email, given["ev_reason"], tuple(truth.reasons))
        for row, given in zip(world.rows(len(found)), found, strict=True)
        if given["ev_reason"] not in (truth := row.truth(world, waited=waited)).reasons
    ]


def wrongly_removed(world: World, cleaned: str) -> list[tuple[str, str]]:
    """Rows that are called undeliverable for a reason that would not be right on an open, honest network."""
    honest = World(**{**world.options, "egress": "open", "honesty": "honest"})  # type: ignore[arg-type]
    found = rows_of(cleaned)
    return [
        (row.email, given["ev_reason"])
        for row, given in zip(honest.rows(len(found)), found, strict=True)
        if given["ev_verdict"] == Verdict.UNDELIVERABLE and given["ev_reason"] not in row.truth(honest).reasons
    ]


def without_times(cleaned: str) -> list[dict[str, str]]:
    """The rows without what tells when they were asked."""
    return [{name: cell for name, cell in row.items() if name not in TIMES} for row in rows_of(cleaned)]
