"""The rows of a list as they are kept and handed on: in blocks, in order, with what is known of them."""

from collections.abc import Sequence

from msgspec import Struct

from verifier.core.list_counts import Counts
from verifier.core.list_jobs import Preview
from verifier.core.reasons import ALL_STAGES, Reason, StageName
from verifier.core.row_filter import RowFilter
from verifier.core.table import TableKind
from verifier.core.verdict import Assessment

Row = list[str]


class Block(Struct, frozen=True):
    """Consecutive rows; `first` is the 1-based number of the first. `repeats`: for each the earlier row that its first
    e-mail column repeats, or 0.
    """

    number: int
    first: int
    rows: list[Row]
    repeats: list[int]


class Settled(Struct, frozen=True):
    """A block with its verdicts: for each e-mail column those of all rows."""

    number: int
    assessments: list[list[Assessment]]
    counts: Counts

    @property
    def reasons(self) -> frozenset[Reason]:
        return frozenset(assessment.reason for column in self.assessments for assessment in column)


class Survey(Struct, frozen=True):
    """What reading a whole upload gave; `blocks` is how many there are, numbered from 0."""

    preview: Preview
    blocks: int


class Texts(Struct, frozen=True):
    """What is to be asked of a block: the addresses as they stand, and how many rows they are of."""

    block: int
    texts: list[str]
    rows: int


class PageWish(Struct, frozen=True):
    """A page of rows: those after the row `after` that pass, at most `limit`."""

    filter: RowFilter = RowFilter()
    after: int = 0
    limit: int = 100
    stages: tuple[StageName, ...] = ALL_STAGES


class ShownRow(Struct, frozen=True):
    """One row: its 1-based number, its own cells, and what is known of its first e-mail column."""

    number: int
    cells: tuple[str, ...]
    duplicate_of: int
    assessment: Assessment


class Page(Struct, frozen=True):
    """`after` is where the next page begins, None behind the last row. A page may be short and not the last: a page
    looks at so many rows and no more.
    """

    rows: list[ShownRow]
    after: int | None


class Cut(Struct, frozen=True):
    """What of a list is downloaded, and in which form: `kind` None is the list's own, `preset` names one of
    core/presets.py. `bom`: separated text begins with a byte order mark whatever the list began with.
    """

    filter: RowFilter = RowFilter()
    kind: TableKind | None = None
    preset: str = ""
    stages: tuple[StageName, ...] = ALL_STAGES
    bom: bool = False


def shown(row: Sequence[str], width: int) -> tuple[str, ...]:
    """A row's cells, padded to the list's width, as text that every encoder takes."""
    return (*map(encodable, row), *[""] * (width - len(row)))


def encodable(text: str) -> str:
    """The text, with ? for what is no valid Unicode."""
    return text.encode("utf-8", "replace").decode()
