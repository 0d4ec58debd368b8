"""Holds over a restart: what was first held then is held no longer for it."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from tests.support.clock import START, FakeClock
from verifier.adapters.sqlite_holds import SqliteHolds
from verifier.core.holding import MAX_HOLD, Holds
from verifier.core.keys import keyed_hash

MAIL = ("news@shop.example", "jane@example.com", "marketing")
HOUR = timedelta(hours=1)
NAME = partial(keyed_hash, b"k" * 32)


def raising(fault: BaseException) -> None:
    raise fault


async def restarted(path: Path, clock: FakeClock, most: int = 10) -> tuple[SqliteHolds, Holds]:
    store = SqliteHolds(path, clock, raising, most)
    return store, Holds(known=await store.known(), name=NAME, begun=store.note)


async def test_a_restart_does_not_lengthen_a_hold(tmp_path: Path) -> None:
    """Three hours before it and one after are four; a new hold begins a day after the first, and is known too."""
    path, clock = tmp_path / "holds.sqlite", FakeClock()
    for hours, is_over in ((0, False), (3, False), (4, True), (23, True), (24, False), (27, False), (28, True)):
        await clock.advance((START + hours * HOUR - clock.now()).total_seconds())
        store, holds = await restarted(path, clock)
        assert holds.is_over(MAIL, clock.now()) is is_over, hours
        await store.close()


async def test_it_names_nobody_and_forgets(tmp_path: Path) -> None:
    """Neither address stands in it, and a day later nothing does; of too many the oldest are gone."""
    path, clock = tmp_path / "holds.sqlite", FakeClock()
    store, holds = await restarted(path, clock, most=3)
    for number in range(5):
        assert not holds.is_over((*MAIL, str(number)), clock.now())
    await store.close()
    content = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    assert b"jane" not in content and b"shop" not in content
    store, holds = await restarted(path, clock, most=3)
    assert len(await store.known()) == 3
    assert [holds.is_over((*MAIL, str(n)), clock.now() + MAX_HOLD) for n in (4, 3, 2)] == [True] * 3
    await clock.advance(24 * 3600)
    assert await store.known() == {}
    await store.close()


async def test_a_file_that_is_broken_holds_up_no_mail(tmp_path: Path) -> None:
    """It is reported, and memory alone remembers."""
    path, faults = tmp_path / "holds.sqlite", list[BaseException]()
    path.write_bytes(b"no database " * 1000)
    store = SqliteHolds(path, FakeClock(), faults.append)
    holds = Holds(known=await store.known(), begun=store.note)
    assert not holds.is_over(MAIL, START) and holds.is_over(MAIL, START + MAX_HOLD)
    await store.close()
    assert [str(fault).startswith(str(path)) for fault in faults] == [True, True]
