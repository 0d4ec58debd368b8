"""Mustering: a host is called once for many of a list, and nobody waits long for it."""

import pytest

from tests.support.mail_host import Host, mailboxes
from tests.support.probing import Bench
from verifier.service.mustering import PATIENCE_SECONDS
from verifier.service.probing import Ahead

KNOWN = mailboxes([f"u{number}" for number in range(100)])


async def test_a_list_of_which_more_comes_is_asked_together() -> None:
    """Parts that come one after the other go over one connection, as soon as they are worth one."""
    ahead = Ahead(parts=1)
    async with Bench(Host(rcpt=KNOWN)) as bench:
        targets = [bench.target(f"u{number}@a.example", ahead=ahead) for number in range(10)]
        for first in range(0, 10, 2):
            bench.lanes.submit(targets[first : first + 2])
            await bench.until(lambda: bench.clock.sleeping > 0)
        await bench.until_done(targets, patience=1.0)
        assert [len(visit.recipients) for visit in bench.host.visits] == [10]


async def test_nobody_is_put_off_for_longer_than_the_patience() -> None:
    """A host for which no more comes is called all the same."""
    ahead = Ahead(parts=1)
    async with Bench(Host(rcpt=KNOWN)) as bench:
        target = bench.target("u1@a.example", ahead=ahead)
        bench.lanes.submit([target])
        await bench.until(lambda: bench.clock.monotonic() >= PATIENCE_SECONDS - 1)
        assert bench.host.visits == []
        await bench.until_done([target], patience=2.0)


async def test_nobody_waits_once_nothing_more_comes() -> None:
    """When the last part of the list is on its way, all that was put off begins."""
    ahead = Ahead(parts=1)
    async with Bench(Host(rcpt=KNOWN)) as bench:
        target = bench.target("u1@a.example", ahead=ahead)
        bench.lanes.submit([target])
        ahead.parts = 0
        await bench.until_done([target], patience=1.0)
        assert target.future.done() and bench.clock.monotonic() < PATIENCE_SECONDS


@pytest.mark.parametrize("interactive", [True, False])
async def test_another_does_not_wait_for_the_list(*, interactive: bool) -> None:
    """A single check, and a list that is all there, call the host at once and take along who was put off."""
    ahead = Ahead(parts=1)
    async with Bench(Host(rcpt=KNOWN)) as bench:
        put_off = bench.target("u1@a.example", ahead=ahead)
        bench.lanes.submit([put_off])
        other = bench.target(
            "u2@a.example", source="other", interactive=interactive, ahead=ahead if interactive else None
        )
        bench.lanes.submit([other])
        await bench.until_done([put_off, other], patience=PATIENCE_SECONDS / 2)
        assert bench.clock.monotonic() < PATIENCE_SECONDS
        assert len(bench.host.visits) == 1


async def test_a_busy_host_is_not_kept_from_going_on() -> None:
    """Who comes while a session talks to the host goes over that session."""
    ahead = Ahead(parts=1)
    async with Bench(Host(rcpt=KNOWN)) as bench:
        first = bench.target("u1@a.example", source="other")
        bench.lanes.submit([first])
        later = bench.target("u2@a.example", ahead=ahead)
        bench.lanes.submit([later])
        await bench.until_done([first, later], patience=PATIENCE_SECONDS / 2)
        assert len(bench.host.visits) == 1


async def test_lanes_close_while_somebody_is_put_off() -> None:
    """No task outlives the lanes, and the future is cancelled."""
    async with Bench(Host(rcpt=KNOWN)) as bench:
        target = bench.target("u1@a.example", ahead=Ahead(parts=1))
        bench.lanes.submit([target])
    assert target.future.cancelled()
    assert bench.faults == []
