"""The worker process: every call is answered or raises, whatever becomes of the process."""

import asyncio
import csv
import io
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.support.list_service import OFFLINE, desk, order, pieces
from verifier.adapters.sheet_calls import CALLS, OURS, fault_name, fault_of
from verifier.adapters.sheet_worker import SheetWorker, WorkerDied
from verifier.core.faults import DiskFull, InputError, OperatorError, ServiceUnavailable
from verifier.core.list_faults import BadRequest, UnknownList
from verifier.core.list_rows import Cut, PageWish
from verifier.core.row_filter import parse_filter
from verifier.core.table import TableKind
from verifier.list_ports import Sheets, SheetViews

ID = "a1b2c3d4e5f6a7b8c9d0e1f2g3"
OTHER = "a1b2c3d4e5f6a7b8c9d0e1f2g4"
LIST = b"email,n\n" + b"".join(b"user%d@shop.example,%d\n" % (n, n) for n in range(1200))


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[SheetWorker]:
    (tmp_path / "list-jobs" / ID).mkdir(parents=True)
    (tmp_path / "list-jobs" / ID / "upload.csv").write_bytes(LIST)
    made = SheetWorker(tmp_path, b"secret", tmp_path / "spool")
    yield made
    await made.close()


def child_of(worker: SheetWorker) -> int:
    process = worker._process
    assert process is not None
    return process.child.pid


async def test_every_verb_is_done(worker: SheetWorker) -> None:
    """Each of both protocols, over the pipe and back."""
    survey = await worker.survey(ID, "shop.csv", ".csv", [])
    assert (survey.preview.rows, survey.blocks, survey.preview.columns) == (1200, 3, ("email", "n"))
    assert len((await worker.texts(ID, 0)).texts) == 500
    assert (await worker.judge(ID, 0, 9, OFFLINE)).rows == 1200
    page = await worker.page(ID, PageWish(parse_filter(text="user7@"), stages=OFFLINE))
    assert [row.number for row in page.rows] == [8]
    assert (await worker.render(ID, Cut(stages=OFFLINE), 0, 9)).count(b"\n") == 1201
    name = f"{ID}.xlsx"
    await worker.workbook(ID, Cut(kind=TableKind.XLSX, stages=OFFLINE), name)
    assert (await worker.piece(ID, name, 0))[:2] == b"PK"
    await worker.discard(ID, name)
    assert await worker.piece(ID, name, 0) == b""
    counts = await worker.forget(ID, "user7@shop.example", OFFLINE)
    assert counts is not None and (counts.rows, counts.blank) == (1200, 1)
    assert (await worker.mark(ID, [1])).email_columns == (1,)
    verbs = {name for kind in (Sheets, SheetViews) for name in vars(kind) if not name.startswith("_")}
    assert verbs == set(CALLS)


async def test_a_fault_arrives_as_it_was(worker: SheetWorker) -> None:
    """The operator's with its sentence, ours with its trace."""
    with pytest.raises(InputError, match="The rows of this list are not there any more"):
        await worker.texts(ID, 0)
    with pytest.raises(UnknownList):
        await worker.texts("../x", 0)
    await worker.survey(ID, "shop.csv", ".csv", [])
    with pytest.raises(RuntimeError, match="KeyError: 'nonsense'"):
        await worker.render(ID, Cut(preset="nonsense"), 0, 1)


@pytest.mark.parametrize("fault", [InputError("a"), OperatorError("b"), DiskFull("c"), ServiceUnavailable("d")])
def test_faults_keep_their_names(fault: OperatorError) -> None:
    """And one that has no name of its own there is what it is a kind of."""
    again = fault_of(fault_name(fault), str(fault))
    assert (type(again), str(again)) == (type(fault), str(fault))
    assert type(fault_of(fault_name(BadRequest("f", "s")), "s")) is OperatorError
    assert fault_name(KeyError("x")) == OURS


async def test_a_dead_process_is_replaced(worker: SheetWorker) -> None:
    """Whoever waited is answered by the next one; so is whoever asks later."""
    await worker.survey(ID, "shop.csv", ".csv", [])
    first = child_of(worker)
    calls = [asyncio.create_task(worker.judge(ID, 0, 9, OFFLINE)) for _ in range(5)]
    await asyncio.sleep(0)
    os.kill(first, signal.SIGKILL)
    assert [counts.rows for counts in await asyncio.gather(*calls)] == [1200] * 5
    assert child_of(worker) != first


async def test_a_call_that_kills_is_found_out(worker: SheetWorker) -> None:
    """After some attempts it raises, and nobody else does. (A method that does not exist ends the process.)"""
    await worker.survey(ID, "shop.csv", ".csv", [])
    killer = asyncio.create_task(worker._call("die", ID))
    others = [asyncio.create_task(worker.judge(ID, 0, 9, OFFLINE)) for _ in range(5)]
    with pytest.raises(WorkerDied, match="dies of `die`"):
        await killer
    assert [counts.rows for counts in await asyncio.gather(*others)] == [1200] * 5


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not claim():
            await asyncio.sleep(0.02)


def lives(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


async def relieved(tmp_path: Path) -> SheetWorker:
    """One whose process has grown too large already, and done so much that it has said so."""
    (tmp_path / "list-jobs" / ID).mkdir(parents=True)
    (tmp_path / "list-jobs" / ID / "upload.csv").write_bytes(LIST)
    worker = SheetWorker(tmp_path, b"secret", tmp_path / "spool", most_grown=-(1 << 40), least_age=0.0)
    await worker.survey(ID, "shop.csv", ".csv", [])
    return worker


async def test_a_process_that_has_grown_is_relieved(tmp_path: Path) -> None:
    """By one that is ready, while calls go on; each of them is answered, and the old one ends."""
    worker = await relieved(tmp_path)
    first = child_of(worker)
    rows = set()
    async with asyncio.timeout(20):
        while child_of(worker) == first:
            rows |= {counts.rows for counts in await asyncio.gather(*(worker.judge(ID, 0, 9, OFFLINE) for _ in "ab"))}
    assert rows == {1200}
    assert (await worker.judge(ID, 0, 9, OFFLINE)).rows == 1200
    await until(lambda: not lives(first))
    await worker.close()


async def test_two_processes_are_never_at_one_list(tmp_path: Path) -> None:
    """What is asked about a list that the old one works on is asked of that, were it only for a caller who has gone
    away; about all others the new one is asked. The old one ends with its work.
    """
    worker = await relieved(tmp_path)
    first = child_of(worker)
    os.kill(first, signal.SIGSTOP)
    left = asyncio.create_task(worker.judge(ID, 0, 9, OFFLINE))
    await asyncio.sleep(0)
    await until(lambda: worker._relieved is not None)
    worker._least_age = 3600.0
    assert child_of(worker) != first
    left.cancel()
    await asyncio.wait([left])
    waiting = asyncio.create_task(worker.judge(ID, 0, 9, OFFLINE))
    with pytest.raises(InputError, match="not there any more"):
        await worker.texts(OTHER, 0)
    assert not waiting.done() and lives(first)
    os.kill(first, signal.SIGCONT)
    assert (await waiting).rows == 1200
    await until(lambda: worker._relieved is None and not lives(first))
    assert (await worker.judge(ID, 0, 9, OFFLINE)).rows == 1200
    await worker.close()


async def test_who_dies_while_he_is_relieved_is_followed(tmp_path: Path) -> None:
    """Whoever waited for the old one is answered by the new one."""
    worker = await relieved(tmp_path)
    first = child_of(worker)
    os.kill(first, signal.SIGSTOP)
    waiting = asyncio.create_task(worker.judge(ID, 0, 9, OFFLINE))
    await until(lambda: worker._relieved is not None)
    os.kill(first, signal.SIGKILL)
    assert (await waiting).rows == 1200
    await worker.close()


async def test_who_has_not_grown_stays(worker: SheetWorker) -> None:
    """Reading a list leaves nothing behind that is worth a new process."""
    await worker.survey(ID, "shop.csv", ".csv", [])
    first = worker._process
    assert first is not None and 0 < first._began_with < first._began_with + first.grown
    for _ in range(3):
        await worker.judge(ID, 0, 9, OFFLINE)
    assert worker._relief is None and worker._process is first


async def test_a_young_process_stays(tmp_path: Path) -> None:
    """What always needs so much must not cost a start for every call."""
    worker = await relieved(tmp_path)
    worker._least_age = 3600.0
    first = child_of(worker)
    await until(lambda: child_of(worker) != first and worker._relief is None)
    young = child_of(worker)
    for _ in range(3):
        await worker.judge(ID, 0, 9, OFFLINE)
    assert worker._relief is None and child_of(worker) == young
    await worker.close()


async def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """Closed, or killed with its pipe: the process does not outlive us."""
    worker = SheetWorker(tmp_path, b"secret", tmp_path / "spool")
    with pytest.raises(InputError):
        await worker.texts(ID, 0)
    assert worker._process is not None
    process = worker._process
    process._requests.close()
    await until(lambda: process.child.returncode is not None)
    assert process.child.returncode == 0
    await worker.close()


async def test_the_service_works_with_it(tmp_path: Path) -> None:
    """A list from upload to download, its rows worked on elsewhere."""
    async with desk(tmp_path / "data", apart=True) as shop:
        job, _ = await shop.lists.upload(order(), pieces(LIST))
        done = await shop.done(job)
        rows = list(csv.reader(io.StringIO((await shop.text(done)).decode(), newline="")))
        assert (len(rows), done.counts.rows) == (1201, 1200)


async def test_a_long_call_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Whatever it is doing in whatever thread, it ends with its service; one that does not is killed."""
    folder = tmp_path / "list-jobs" / ID
    folder.mkdir(parents=True)
    rows = b"".join(b"user%d@shop%d.example\n" % (n, n) for n in range(300_000))
    (folder / "upload.csv").write_bytes(b"email\n" + rows)
    worker = SheetWorker(tmp_path, b"secret", tmp_path / "spool")
    reading = asyncio.create_task(worker.survey(ID, "shop.csv", ".csv", []))
    async with asyncio.timeout(20):
        while not (folder / "rows.sqlite").exists():
            await asyncio.sleep(0.02)
    began = time.monotonic()
    await worker.close()
    assert time.monotonic() - began < 2
    with pytest.raises(asyncio.CancelledError):
        await reading
