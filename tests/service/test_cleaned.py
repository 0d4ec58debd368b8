"""The cleaned copy: law 4 of the contract, whatever the rows hold."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from tests.support.judging import judging
from verifier.adapters.duplicates import DuplicateIndex
from verifier.core.address import Address, parse_address
from verifier.core.keep import Keep, parse_keep
from verifier.core.reasons import StageName
from verifier.core.summary import Summary
from verifier.core.table import OUR_COLUMNS, Layout, TableKind
from verifier.service.cleaned import CleanedList
from verifier.service.cleaning import Job
from verifier.writers.columns import cells_of

_ROWS = st.lists(
    st.lists(
        st.sampled_from(
            ["", " ", "jane", "jane@shop.example", "Jane@SHOP.example", "joe@trash.example", "=1", "jöe@x.de"]
        ),
        max_size=3,
    ),
    max_size=30,
)
_VERDICT, _REPEATS = OUR_COLUMNS.index("ev_verdict"), OUR_COLUMNS.index("ev_duplicate_of")


class _Rows:
    """A list in memory, in chunks of three rows, so that chunks have borders."""

    def __init__(self, rows: Sequence[list[str]], columns: tuple[int, ...]) -> None:
        header = ("a", "b", "c")
        self.layout = Layout(TableKind.CSV, "utf-8", False, ",", "\n", True, header, 3, len(rows), columns)
        self._rows = rows

    def chunks(self, size: int) -> Iterator[list[list[str]]]:
        rows = iter(self._rows)
        while chunk := [list(row) for row in islice(rows, min(size, 3))]:
            yield chunk


class _Written:
    """A writer that remembers."""

    def __init__(self) -> None:
        self.rows: list[Sequence[str]] = []
        self.ours: list[Sequence[str]] = []

    def write_rows(self, rows: Sequence[Sequence[str]], ours: Sequence[Sequence[str]]) -> None:
        self.rows.extend(rows)
        self.ours.extend(ours)

    def commit(self) -> None: ...
    def abort(self) -> None: ...


async def _cleaned(
    rows: Sequence[list[str]], columns: tuple[int, ...] = (0,), keep: Keep | None = None
) -> tuple[_Written, Summary, CleanedList]:
    job = Job("list", (StageName.SYNTAX, StageName.DISPOSABLE), timedelta(0))
    cleaned = CleanedList(
        judging(),
        table=_Rows(rows, columns),
        journal=None,
        job=job,
        render=cells_of,
        duplicates=DuplicateIndex(),
        keep=keep,
    )
    written, done = _Written(), list[int]()
    summary = await cleaned.write(written, done.append)
    assert len(rows) == sum(done)
    return written, summary, cleaned


@given(_ROWS, st.sampled_from([(0,), (2,), (0, 1)]))
async def test_every_row_in_is_one_row_out(rows: list[list[str]], columns: tuple[int, ...]) -> None:
    """Same rows, same order, cells untouched; ours beside them for every e-mail column."""
    written, summary, cleaned = await _cleaned(rows, columns)
    assert rows == written.rows
    assert [len(OUR_COLUMNS) * len(columns)] * len(rows) == [len(cells) for cells in written.ours]
    assert (len(rows), len(rows)) == (summary.submitted, cleaned.kept)


@given(_ROWS)
async def test_rows_are_blank_or_repeated_or_counted(rows: list[list[str]]) -> None:
    """A row whose first e-mail column is blank, or repeats an earlier mailbox, is counted as that and nowhere else."""
    written, summary, _ = await _cleaned(rows)
    first: dict[str, int] = {}
    repeats, blank = [], 0
    for number, row in enumerate(rows, 1):
        parsed = parse_address(row[0] if row else "")
        blank += not parsed.raw.strip()
        earlier = first.setdefault(parsed.comparison, number) if isinstance(parsed, Address) else number
        repeats.append(str(earlier) if earlier < number else "")
    assert repeats == [cells[_REPEATS] for cells in written.ours]
    assert (blank, len(rows) - repeats.count("")) == (summary.blank, summary.duplicates)


@given(_ROWS)
async def test_keep_only_leaves_rows_out(rows: list[list[str]]) -> None:
    """What is kept is what was asked for, in order; the summary is of the whole list."""
    written, summary, cleaned = await _cleaned(rows)
    some, same, kept = await _cleaned(rows, keep=parse_keep("risky,unknown"))
    wanted = [place for place, cells in enumerate(written.ours) if cells[_VERDICT] in ("risky", "unknown")]
    assert [rows[place] for place in wanted] == some.rows
    assert [written.ours[place] for place in wanted] == some.ours
    assert (len(wanted), len(rows)) == (kept.kept, cleaned.kept)
    assert summary.by_reason() == same.by_reason()
