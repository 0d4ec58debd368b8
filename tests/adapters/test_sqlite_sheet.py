"""The rows of a list in a file: they come out as they were put in, and counts are those of what is settled."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.lists import assessed
from verifier.adapters.sqlite_sheet import SqliteSheet
from verifier.core.faults import InputError, ServiceUnavailable
from verifier.core.list_counts import Counts, counted, total
from verifier.core.list_rows import Block, Settled
from verifier.core.reasons import Reason
from verifier.core.table import ABSENT, NULL, JsonText, Layout, TableKind

_CELLS = st.one_of(st.text(st.characters(), max_size=8), st.sampled_from([JsonText("12"), ABSENT, NULL, "\ud800x"]))
_BLOCKS = st.lists(st.lists(st.lists(_CELLS, max_size=4), min_size=1, max_size=5), max_size=30)


def layout(rows: int) -> Layout:
    return Layout(TableKind.CSV, "utf-8", False, ",", "\n", True, ("a", "b", "c", "d"), 4, rows, (0,))


def settled(number: int, reasons: Sequence[Reason]) -> Settled:
    assessments = [assessed(reason) for reason in reasons]
    return Settled(number, [assessments], counted(assessments, [0] * len(assessments)))


def kinds(cells: Sequence[str]) -> list[object]:
    return [(type(cell), cell is NULL, cell is ABSENT) for cell in cells]


@given(blocks=_BLOCKS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_rows_come_back(tmp_path: Path, blocks: list[list[list[str]]]) -> None:
    """Cell by cell, ragged rows ragged, JSON values as such, even what is no valid Unicode; by number and by row."""
    path = tmp_path / "rows.sqlite"
    with SqliteSheet(path, anew=True) as sheet:
        for rows in blocks:
            sheet.append(rows, list(range(len(rows))))
        sheet.seal(layout(sum(map(len, blocks))))
    row = 1
    with SqliteSheet(path) as sheet:
        for number, rows in enumerate(blocks):
            found = sheet.block(number)
            assert found == Block(number, row, rows, list(range(len(rows))))
            assert list(map(kinds, rows)) == list(map(kinds, found.rows))
            assert [number] * len(rows) == [sheet.first_at(row + place) for place in range(len(rows))]
            row += len(rows)
        assert (sheet.block(len(blocks)), sheet.first_at(row)) == (None, None)


def test_counts_are_of_what_is_settled(tmp_path: Path) -> None:
    """A block that is settled again replaces what it counted; others stay; a restart changes nothing."""
    path = tmp_path / "rows.sqlite"
    with SqliteSheet(path, anew=True) as sheet:
        for _ in range(3):
            sheet.append([["x"], ["y"]], [0, 0])
        sheet.seal(layout(6))
        first = settled(0, [Reason.ACCEPTED, Reason.GREYLISTED])
        second = settled(2, [Reason.ACCEPTED, Reason.ACCEPTED])
        assert sheet.settle([first, second]) == total([first.counts, second.counts])
    with SqliteSheet(path) as sheet:
        again = settled(0, [Reason.ACCEPTED, Reason.MAILBOX_NOT_FOUND])
        assert sheet.settle([again]) == total([again.counts, second.counts]) == sheet.settle([])
        assert sheet.settled(0) == again
        assert sheet.settled(1) is None
        assert sheet.reasons(0, 2) == {0: frozenset({Reason.ACCEPTED, Reason.MAILBOX_NOT_FOUND})}
        sheet.unsettle()
        assert (sheet.settle([]), sheet.settled(0), sheet.reasons(0, 9)) == (Counts(), None, {})


def test_a_block_can_be_changed(tmp_path: Path) -> None:
    """Its rows and repeats; the file holds nothing of what it was."""
    path = tmp_path / "rows.sqlite"
    with SqliteSheet(path, anew=True) as sheet:
        sheet.append([["ann"], ["bob"]], [0, 0])
        sheet.seal(layout(2))
        sheet.change(Block(0, 1, [[""], ["bob"]], [0, 1]))
        assert sheet.block(0) == Block(0, 1, [[""], ["bob"]], [0, 1])


def test_what_is_not_whole_is_no_sheet(tmp_path: Path) -> None:
    """A file that was never sealed, or is not there, is told in a sentence; beginning anew empties it."""
    path = tmp_path / "rows.sqlite"
    with pytest.raises(InputError, match="not there any more"):
        SqliteSheet(path)
    with SqliteSheet(path, anew=True) as sheet:
        sheet.append([["x"]], [0])
        with pytest.raises(InputError, match="not there any more"):
            _ = sheet.layout
        sheet.seal(layout(1))
    with SqliteSheet(path, anew=True) as sheet:
        sheet.seal(layout(0))
        assert sheet.block(0) is None


def test_rows_of_a_list_that_was_deleted_meanwhile(tmp_path: Path) -> None:
    """Whoever still reads its upload is told to stop."""
    path = tmp_path / "rows.sqlite"
    with SqliteSheet(path, anew=True) as sheet:
        path.unlink()
        with pytest.raises(InputError, match="not there any more"):
            sheet.seal(layout(0))


@pytest.mark.parametrize("begin", [0, 4096])
def test_damaged_rows_are_said_to_be(tmp_path: Path, begin: int) -> None:
    """Whole or in their middle: no fault of ours, and not taken for rows that are gone, which nobody need forget."""
    path = tmp_path / "a1" / "rows.sqlite"
    path.parent.mkdir()
    with SqliteSheet(path, anew=True) as sheet:
        for number in range(200):
            sheet.append([[f"row {number} {place}" for place in range(20)]], [0])
        sheet.seal(layout(200))
    content = bytearray(path.read_bytes())
    content[begin:] = b"\xa5" * (len(content) - begin)
    path.write_bytes(content)
    damaged = r"The rows of list a1 are damaged .*: delete that list"
    with pytest.raises(ServiceUnavailable, match=damaged), SqliteSheet(path) as sheet:
        sheet.block(150)
