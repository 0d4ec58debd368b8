"""What becomes of lists when something goes wrong: the list pauses and goes on, or fails with a sentence, alone."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec import structs

from tests.support.clock import FakeClock
from tests.support.list_jobs import job
from tests.support.memory_jobs import MemoryJobs
from verifier.core.faults import DiskFull, InputError, ServiceUnavailable
from verifier.core.list_counts import Counts
from verifier.core.list_jobs import ListJob, ListOptions
from verifier.core.list_states import ListState, PauseCode
from verifier.core.providers import ProviderTable
from verifier.core.reasons import StageName
from verifier.service.list_book import ListBook
from verifier.service.list_runner import ListRunner
from verifier.service.list_work import Equipment

OFFLINE = ListOptions(stages=(StageName.SYNTAX, StageName.DISPOSABLE))


@dataclass
class Sheets:
    """Judges at once; raises what it is told to, each once."""

    faults: list[Exception] = field(default_factory=list)
    judged: int = 0

    async def judge(self, *_: Any) -> Counts:
        self.judged += 1
        if self.faults:
            raise self.faults.pop(0)
        return Counts(rows=4)

    async def survey(self, *_: Any) -> Any:
        raise self.faults.pop(0)


class Folder:
    def __init__(self) -> None:
        self.removed: list[str] = []

    async def remove(self, list_id: str) -> None:
        self.removed.append(list_id)

    async def parsed(self, list_id: str, suffix: str) -> None: ...
    async def discard(self, list_id: str) -> None: ...


class Runner:
    """A runner over fakes, its clock moved by hand."""

    def __init__(self, *faults: Exception) -> None:
        self.clock, self.store, self.sheets = FakeClock(), MemoryJobs(), Sheets(list(faults))
        self.told: list[BaseException] = []
        self.folder = Folder()
        self.book = ListBook(self.store, self.store, self.clock, lambda: None)
        self.runner = ListRunner(self._equip, self.store, self.told.append)

    def _equip(self, share: Callable[[], int]) -> Equipment:
        folder: Any = self.folder
        sheets: Any = self.sheets
        nobody: Any = None
        providers = ProviderTable()
        return Equipment(self.book, folder, folder, sheets, nobody, nobody, nobody, providers, False, self.clock, share)

    async def begin(self, **changes: Any) -> None:
        await self.store.add(job(**{"state": ListState.RUNNING, "options": OFFLINE, **changes}))
        self.runner.start(job().id)
        await self.clock.advance(0)

    async def list(self) -> ListJob:
        return await self.book.get(job().id)


async def test_a_list_runs_to_its_end() -> None:
    """Nothing in the way: completed, all rows judged."""
    runner = Runner()
    await runner.begin()
    done = await runner.list()
    assert (done.state, done.counts.rows, done.progress.judged) == (ListState.COMPLETED, 4, 4)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (DiskFull("The disk is full."), PauseCode.DISK_FULL),
        (ServiceUnavailable("Redis is away."), PauseCode.STORE_UNAVAILABLE),
    ],
)
async def test_what_is_in_the_way_pauses_it(fault: Exception, code: PauseCode) -> None:
    """With its code and sentence; it goes on by itself, each pause longer than the last, and both are gone then."""
    runner = Runner(fault, fault)
    await runner.begin()
    paused = await runner.list()
    assert (paused.state, paused.pause, paused.error) == (ListState.PAUSED, code, str(fault))
    await runner.clock.advance(5)
    paused = await runner.list()
    assert (paused.state, paused.faults) == (ListState.PAUSED, 2)
    await runner.clock.advance(9)
    assert (await runner.list()).state is ListState.PAUSED
    await runner.clock.advance(1)
    done = await runner.list()
    assert (done.state, done.pause, done.error, done.faults) == (ListState.COMPLETED, None, "", 0)
    assert runner.told == []


async def test_a_paused_list_goes_on_after_a_restart() -> None:
    """With what it was doing: asking, or asking the greylisted again."""
    runner = Runner()
    await runner.store.add(job(state=ListState.PAUSED, options=OFFLINE, pause=PauseCode.DISK_FULL, faults=1))
    await runner.runner.resume()
    await runner.clock.advance(5)
    assert (await runner.list()).state is ListState.COMPLETED


async def test_a_fault_of_ours_is_told_and_tried_again() -> None:
    """Three times; then the list fails, and only that list."""
    runner = Runner(*[RuntimeError(str(n)) for n in range(9)])
    await runner.begin()
    other = structs.replace(job(), id="z" * 26, state=ListState.RUNNING, options=OFFLINE)
    for _ in range(4):
        await runner.clock.advance(5)
    failed = await runner.list()
    assert (failed.state, failed.error_code) == (ListState.FAILED, "internal_error")
    assert [str(error) for error in runner.told] == ["0", "1", "2", "3"]
    runner.sheets.faults.clear()
    await runner.store.add(other)
    runner.runner.start(other.id)
    await runner.clock.advance(0)
    assert (await runner.book.get(other.id)).state is ListState.COMPLETED


@pytest.mark.parametrize(
    ("fault", "code"), [(InputError("It is no list."), "bad_list"), (DiskFull("The disk is full."), "disk_full")]
)
async def test_an_upload_that_cannot_be_read_fails(fault: Exception, code: str) -> None:
    """With the sentence: it has to be sent again, and nothing of it is kept."""
    runner = Runner(fault)
    await runner.begin(state=ListState.UPLOADED, preview=None)
    failed = await runner.list()
    assert (failed.state, failed.error_code, failed.error) == (ListState.FAILED, code, str(fault))
    assert runner.folder.removed == [job().id]


async def test_what_rests_is_left_alone() -> None:
    """Resuming touches neither finished lists nor those that wait for somebody; one that was to be started is."""
    runner = Runner()
    for number, (state, start, columns) in enumerate(
        [
            (ListState.COMPLETED, True, (1,)),
            (ListState.READY, False, (1,)),
            (ListState.READY, True, ()),
            (ListState.READY, True, (1,)),
        ]
    ):
        options = structs.replace(OFFLINE, start=start)
        await runner.store.add(job(id=str(number) * 26, state=state, options=options, columns=columns))
    await runner.runner.resume()
    await runner.clock.advance(0)
    states = [(await runner.book.get(str(number) * 26)).state for number in range(4)]
    assert states == [ListState.COMPLETED, ListState.READY, ListState.READY, ListState.COMPLETED]


async def test_a_list_that_vanishes_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleted while it was worked on: no fault of anybody."""
    runner = Runner()

    async def vanish(*_: Any) -> Counts:
        await runner.store.remove(job().id)
        return Counts(rows=4)

    monkeypatch.setattr(runner.sheets, "judge", vanish)
    await runner.begin()
    await asyncio.sleep(0)
    assert (await runner.store.get(job().id), runner.told) == (None, [])


async def test_a_stopped_list_is_taken_up_again() -> None:
    """`close` ends the work where it is; the state stays, and resuming finishes it."""
    runner = Runner(DiskFull("full"))
    await runner.begin()
    await runner.runner.close()
    assert (await runner.list()).state is ListState.PAUSED
    await runner.runner.resume()
    await runner.clock.advance(5)
    assert (await runner.list()).state is ListState.COMPLETED


@pytest.mark.parametrize(
    ("fault", "code"), [(DiskFull("The disk is full."), "disk_full"), (ServiceUnavailable("away"), "store_unavailable")]
)
async def test_a_pause_that_cannot_be_written_is_shown(
    monkeypatch: pytest.MonkeyPatch, fault: ServiceUnavailable, code: str
) -> None:
    """To whoever asks, until something is written again; then the list goes on from where it was."""
    runner = Runner(fault, fault)
    real = runner.store.put

    async def unwritten(*_: object) -> bool:
        raise fault

    monkeypatch.setattr(runner.store, "put", unwritten)
    await runner.begin()
    shown = await runner.book.shown(job().id, "w")
    assert (shown.state, shown.pause, shown.error) == (ListState.PAUSED, PauseCode(code), str(fault))
    assert (await runner.list()).state is ListState.RUNNING
    monkeypatch.setattr(runner.store, "put", real)
    await runner.clock.advance(600)
    assert (await runner.book.shown(job().id, "w")).state is ListState.COMPLETED
