"""The clocks: the machine's, and the one that tests move by hand."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.clock import START, FakeClock
from verifier.adapters.system_clock import SystemClock, local_zone


async def test_the_machines_clock_tells_utc_and_chance() -> None:
    """Times are tz-aware UTC, monotonic never goes back, tokens are letters and digits and differ."""
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    before = clock.monotonic()
    await clock.sleep(0)
    assert clock.monotonic() >= before
    assert [0 <= clock.random() < 1 for _ in range(100)] == [True] * 100
    tokens = {clock.token(24) for _ in range(100)}
    assert len(tokens) == 100
    assert [token for token in tokens if not re.fullmatch("[a-z0-9]{24}", token)] == []


async def test_sleepers_of_the_fake_clock_wake_in_turn() -> None:
    """`advance` lets time pass sleeper by sleeper, each at its own moment, and nobody wakes too early."""
    clock = FakeClock()
    woke: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woke.append((name, clock.monotonic()))
        await clock.sleep(seconds)
        woke.append((name, clock.monotonic()))

    tasks = [asyncio.create_task(sleeper("slow", 30)), asyncio.create_task(sleeper("fast", 10))]
    await clock.advance(45)
    assert woke == [("fast", 10), ("fast", 20), ("slow", 30)]
    assert clock.now() == START + timedelta(seconds=45)
    assert clock.sleeping == 1
    await clock.advance(15)
    await asyncio.gather(*tasks)
    assert woke[-1] == ("slow", 60)


def test_the_machine_s_zone_has_its_summer_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the variable, by the file that it names, by /etc/localtime; nonsense leaves an offset."""
    summer, winter = datetime(2026, 7, 1), datetime(2026, 1, 1)  # noqa: DTZ001 - the zone is what is looked at
    monkeypatch.setenv("TZ", ":Europe/Paris")
    assert (local_zone().utcoffset(summer), local_zone().utcoffset(winter)) == (timedelta(hours=2), timedelta(hours=1))
    monkeypatch.setenv("TZ", str(tmp_path / "none"))
    assert local_zone().utcoffset(summer) is not None
    monkeypatch.setenv("TZ", "no such zone")
    assert local_zone().utcoffset(summer) is not None
    monkeypatch.delenv("TZ")
    assert local_zone().utcoffset(summer) is not None
