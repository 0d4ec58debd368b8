"""The cleaned copy of a list: every row in, every row out, in the same order, with what is known of its addresses."""

from collections.abc import Callable, Sequence

from verifier.core.address import Address
from verifier.core.keep import Keep
from verifier.core.summary import Summary
from verifier.core.verdict import Assessment
from verifier.ports import Journal, ListWriter
from verifier.service.cleaning import Job, Table
from verifier.service.judging import Judging
from verifier.service.row_judging import Duplicates, Render, RowJudge

_ROWS = 4000


class CleanedList:
    """Writes a table's rows with their verdicts; without a journal from the lists alone.

    The verdict of a row is that of its first e-mail column: `keep`, duplicates and the summary go by it.
    """

    def __init__(
        self,
        judging: Judging,
        *,
        table: Table,
        journal: Journal | None,
        job: Job,
        render: Render,
        duplicates: Duplicates,
        keep: Keep | None,
    ) -> None:
        self._judge = RowJudge(judging, journal, job.stages, table.layout.email_columns)
        self._table = table
        self._job = job
        self._render = render
        self._duplicates = duplicates
        self._keep = keep
        self._summary = Summary()
        self.kept = 0
        """How many rows were written."""

    async def write(self, writer: ListWriter, written: Callable[[int], None]) -> Summary:
        """Write every row that is kept; `written` is told how many rows were done. The caller commits."""
        for chunk in self._table.chunks(_ROWS):
            rows, ours = await self._judged(chunk)
            writer.write_rows(rows, ours)
            self.kept += len(rows)
            written(len(chunk))
        return self._summary

    async def _judged(self, chunk: list[list[str]]) -> tuple[list[list[str]], list[list[str]]]:
        """The rows of a chunk that are kept, and our cells of each."""
        parsed, judged = await self._judge.judged(chunk)
        first = judged[0]
        repeats = self._duplicates.first_rows([a.comparison if isinstance(a, Address) else "" for a in parsed[0]])
        self._count(first, repeats)
        render, selection = self._render, self._job.selection
        ours = [render(assessment, earlier) for assessment, earlier in zip(first, repeats, strict=True)]
        for further in judged[1:]:
            ours = [[*cells, *render(assessment)] for cells, assessment in zip(ours, further, strict=True)]
        if selection is not None:
            ours = [cells if selection(row) else self._earlier(row) for row, cells in zip(chunk, ours, strict=True)]
        if self._keep is None:
            return chunk, ours
        kept = [place for place, assessment in enumerate(first) if self._keep(assessment)]
        return [chunk[place] for place in kept], [ours[place] for place in kept]

    def _count(self, judged: Sequence[Assessment], repeats: Sequence[int]) -> None:
        unique = [
            assessment
            for assessment, earlier in zip(judged, repeats, strict=True)
            if not earlier and (assessment.normalized is not None or assessment.email.strip())
        ]
        duplicates = len(repeats) - repeats.count(0)
        self._summary.add_many(unique)
        self._summary.add_duplicates(duplicates)
        self._summary.add_blank(len(judged) - len(unique) - duplicates)

    def _earlier(self, row: Sequence[str]) -> list[str]:
        """The cells that an earlier run left in the row."""
        return [row[place] if place < len(row) else "" for place in self._table.layout.our_places]
