"""Mailboxes: what is fresh is not asked again, what is in the way is no verdict, nobody is asked twice at a time."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.support.desk import DAY, Desk
from tests.support.facts import control, hindered, replied
from tests.support.mail_host import Host
from tests.support.probing import Bench
from tests.support.tallies import MemoryTallies
from verifier.adapters.memory_single_flight import MemorySingleFlight
from verifier.core.egress import EgressState
from verifier.core.evidence import Finding, Obstacle, merge
from verifier.core.facts import DomainFacts, MailHost
from verifier.core.replies import ReplyClass
from verifier.service.harvest_guard import Client
from verifier.service.mailboxes import Policy


def classes(findings: dict[str, tuple[Finding, ...]]) -> dict[str, ReplyClass | None]:
    return {key: found[-1].reply_class for key, found in findings.items()}


async def test_an_answer_is_kept_and_not_asked_for_again() -> None:
    """Within its freshness a mailbox is asked once; the store and whoever asked know what was found."""
    host = Host(rcpt=lambda _, path: "250 OK" if path.startswith("ann@") else "550 5.1.1 User unknown")
    async with Bench(host) as bench:
        desk = Desk(bench)
        first = await desk.ask("ann@shop.example", "bob@shop.example")
        asked = list(host.asked)
        second = await desk.ask("ann@shop.example", "bob@shop.example", accepts_all=control(False))
        assert classes(first) == {
            "ann@shop.example": ReplyClass.ACCEPTED,
            "bob@shop.example": ReplyClass.MAILBOX_NOT_FOUND,
        }
        assert classes(first) == classes(second)
        assert asked == host.asked
        assert {"ann@shop.example", "bob@shop.example"} == {key for key, _ in desk.recorded}


async def test_an_acceptance_without_a_control_is_asked_again() -> None:
    """An acceptance outlives its control by weeks: it does not count alone, or a catch-all would turn good."""
    host = Host()
    async with Bench(host) as bench:
        desk = Desk(bench)
        await desk.store.remember_mailboxes([("ann@shop.example", replied(ReplyClass.ACCEPTED))])
        await desk.ask("ann@shop.example", accepts_all=control(True))
        assert host.asked == []
        await desk.ask("ann@shop.example", accepts_all=None)
        assert host.asked[0] == "ann@shop.example"
        assert len(host.asked) == 2


async def test_an_undetermined_control_is_not_repeated_at_once() -> None:
    """A control that failed an hour ago or less is not tried again, and the acceptance stands."""
    host = Host()
    async with Bench(host) as bench:
        desk = Desk(bench)
        await desk.store.remember_mailboxes([("ann@shop.example", replied(ReplyClass.ACCEPTED))])
        found = await desk.ask("ann@shop.example", accepts_all=control(None, lasts=3600))
        assert classes(found) == {"ann@shop.example": ReplyClass.ACCEPTED}
        assert host.asked == []


async def test_what_was_inconclusive_waits_its_time_unless_its_turn_has_come() -> None:
    """A greylisted mailbox is left alone until it may be asked, but for those whose round has come."""
    host = Host(rcpt="550 5.1.1 User unknown")
    grey = replied(ReplyClass.GREYLISTED, code=450)
    async with Bench(host) as bench:
        desk = Desk(bench)
        await desk.store.remember_mailboxes([("ann@shop.example", grey)])
        assert classes(await desk.ask("ann@shop.example")) == {"ann@shop.example": ReplyClass.GREYLISTED}
        assert host.asked == []
        found = await desk.ask("ann@shop.example", again=True)
        assert classes(found) == {"ann@shop.example": ReplyClass.MAILBOX_NOT_FOUND}


@pytest.mark.parametrize("egress", [EgressState.OPEN, EgressState.BLOCKED])
async def test_who_wants_it_anew_has_the_mailbox_asked_and_loses_nothing(egress: EgressState) -> None:
    """What is known does not keep it from being asked; and what was known still speaks where no answer came."""
    host = Host(rcpt="451 4.3.0 try later")
    async with Bench(host) as bench:
        desk = Desk(bench, egress=egress)
        known = replied(ReplyClass.MAILBOX_NOT_FOUND, code=550)
        await desk.store.remember_mailboxes([("ann@shop.example", known)])
        found = (await desk.ask("ann@shop.example", anew=True))["ann@shop.example"]
        assert (found[0], len(found), bool(host.asked)) == (known, 2, egress is EgressState.OPEN)
        assert merge(found, bench.clock.now()) == known


@pytest.mark.parametrize(
    ("state", "obstacle"),
    [
        (EgressState.BLOCKED, Obstacle.EGRESS_BLOCKED),
        (EgressState.INTERCEPTED, Obstacle.EGRESS_INTERCEPTED),
    ],
)
async def test_a_shut_way_out_is_said_and_nobody_is_contacted(state: EgressState, obstacle: Obstacle) -> None:
    """Behind a closed port 25 no mailbox is asked, nothing is stored of it, and whoever asked knows why."""
    host = Host()
    async with Bench(host) as bench:
        desk = Desk(bench, egress=state)
        found = await desk.ask("ann@shop.example")
        assert [obstacle] == [finding.obstacle for finding in found["ann@shop.example"]]
        assert host.visits == []
        assert await desk.store.mailboxes(["ann@shop.example"]) == {}
        assert desk.recorded == [("ann@shop.example", found["ann@shop.example"][0])]


async def test_providers_that_tell_nothing_are_not_asked() -> None:
    """Yahoo accepts everybody at RCPT, outlook.com calls asking namespace mining: both are unverifiable by default."""
    host = Host()
    yahoo = (MailHost("mta5.am0.yahoodns.net", 1, ("192.0.2.1",)),)
    outlook = (MailHost("outlook-com.olc.protection.outlook.com", 5, ("192.0.2.1",)),)
    async with Bench(host) as bench:
        desk = Desk(bench)
        for email, hosts in (("ann@yahoo.com", yahoo), ("ann@outlook.com", outlook)):
            found = await desk.ask(email, hosts=hosts)
            assert [Obstacle.PROVIDER_UNVERIFIABLE] == [finding.obstacle for finding in found[email]]
        assert host.visits == []
        found = await Desk(bench, policy=Policy(probe_opt_in=True)).ask("ann@outlook.com", hosts=outlook)
        assert classes(found) == {"ann@outlook.com": ReplyClass.ACCEPTED}


async def test_with_smtp_switched_off_nothing_is_found_and_nobody_contacted() -> None:
    """VERIFIER_SMTP_ENABLED=false ends the road after MX."""
    host = Host()
    async with Bench(host) as bench:
        assert await Desk(bench, policy=Policy(smtp_enabled=False)).ask("ann@shop.example") == {}
        assert host.visits == []


async def test_what_another_process_asks_is_waited_for() -> None:
    """One holder a mailbox over all processes: its finding is taken over, and nobody asks a second time."""
    host = Host()
    async with Bench(host) as bench:
        flights = MemorySingleFlight(bench.clock)
        assert await flights.claim("ann@shop.example", 120)
        desk = Desk(bench, flights=flights)
        asking = asyncio.create_task(desk.ask("ann@shop.example"))
        await asyncio.sleep(0)
        await desk.store.remember_mailboxes([("ann@shop.example", replied(ReplyClass.MAILBOX_NOT_FOUND, seen=1))])
        found = await asking
        assert classes(found) == {"ann@shop.example": ReplyClass.MAILBOX_NOT_FOUND}
        assert host.visits == []


async def test_a_holder_that_died_is_replaced() -> None:
    """A claim runs out: whoever waited for its holder asks itself."""
    host = Host(rcpt="550 5.1.1 User unknown")
    async with Bench(host) as bench:
        flights = MemorySingleFlight(bench.clock)
        assert await flights.claim("ann@shop.example", 30)
        found = await Desk(bench, flights=flights).ask("ann@shop.example")
        assert classes(found) == {"ann@shop.example": ReplyClass.MAILBOX_NOT_FOUND}
        assert host.asked == ["ann@shop.example"]


async def test_an_expired_answer_is_asked_for_again() -> None:
    """Beyond its authoritative age an answer no longer stands for the mailbox."""
    host = Host(rcpt="250 OK")
    async with Bench(host) as bench:
        desk = Desk(bench)
        await desk.store.remember_mailboxes([("ann@shop.example", replied(ReplyClass.MAILBOX_NOT_FOUND, code=550))])
        bench.clock.move(4 * DAY)
        found = await desk.ask("ann@shop.example")
        assert classes(found)["ann@shop.example"] is ReplyClass.ACCEPTED
        assert hindered(Obstacle.TIMEOUT).conclusive is False


async def test_what_was_answered_before_the_claim_is_taken_over() -> None:
    """Between looking into the store and holding the claim another process may have finished: nobody is asked again,
    and what it learned of the domain is known here too.
    """
    host = Host()

    class Finished(MemorySingleFlight):
        """The other process ends just before each claim is given."""

        async def claim(self, key: str, seconds: float) -> bool:
            await desk.store.remember_domains([DomainFacts("shop.example", accepts_all=control(True))])
            await desk.store.remember_mailboxes([(key, replied(ReplyClass.ACCEPTED))])
            return await super().claim(key, seconds)

    async with Bench(host) as bench:
        desk = Desk(bench, flights=Finished(bench.clock))
        found = await desk.ask("ann@shop.example")
        assert classes(found) == {"ann@shop.example": ReplyClass.ACCEPTED}
        assert host.visits == []
        assert desk.facts["shop.example"].accepts_all == control(True)


async def at_desk(desk: Desk, email: str, accepts_all: bool | None = False) -> None:
    """The domain's facts stand in the store, as the look-up of domains leaves them."""
    domain = email.rpartition("@")[2]
    await desk.store.remember_domains([DomainFacts(domain, desk.facts[domain].route, control(accepts_all))])


async def test_what_is_at_hand_is_what_asking_would_find() -> None:
    """Once it was asked, and while it is fresh; what has to be asked is never at hand."""
    host = Host(rcpt=lambda _, path: "250 OK" if path.startswith("ann@") else "550 5.1.1 User unknown")
    emails = ("ann@shop.example", "bob@shop.example")
    async with Bench(host) as bench:
        desk = Desk(bench)
        assert [desk.at_hand(email) for email in emails] == [None, None]
        await desk.ask(*emails)
        await at_desk(desk, emails[0])
        asked = list(host.asked)
        again = await desk.ask(*emails, accepts_all=control(False))
        assert {email: desk.at_hand(email) for email in emails} == again
        assert asked == host.asked
        bench.clock.move(400 * DAY)
        assert [desk.at_hand(email) for email in emails] == [None, None]


async def test_an_acceptance_without_a_control_is_not_at_hand() -> None:
    """It is asked for again, so nothing is said before."""
    async with Bench(Host()) as bench:
        desk = Desk(bench)
        await desk.ask("ann@shop.example", accepts_all=control(True))
        await at_desk(desk, "ann@shop.example", True)
        assert desk.at_hand("ann@shop.example") is not None
        await desk.store.forget("ann@shop.example")
        await desk.store.remember_mailboxes([("ann@shop.example", replied(ReplyClass.ACCEPTED))])
        bench.clock.move(8 * DAY)
        assert desk.at_hand("ann@shop.example") is None


async def test_who_looks_at_what_is_at_hand_is_counted() -> None:
    """A client of whom nothing was recalled yet takes the long way once; after it he is counted here too."""
    host = Host(rcpt=lambda *_: "550 5.1.1 User unknown")
    async with Bench(host) as bench:
        tallies = MemoryTallies()
        desk, form = Desk(bench, tallies=tallies), Client("form")
        await desk.ask("bob@shop.example")
        await at_desk(desk, "bob@shop.example")
        assert desk.at_hand("bob@shop.example", form) is None
        await desk.ask("bob@shop.example", client=form)
        assert desk.at_hand("bob@shop.example", form) is not None
        desk.guard.heard(form, "shop.example", "other", replied(ReplyClass.MAILBOX_NOT_FOUND), bench.clock.now())
        bench.clock.move(6)
        assert desk.at_hand("bob@shop.example", form) is not None
        await asyncio.sleep(0)  # by then it is due to be written down, behind whoever asked
        (tally,) = (await tallies.tallies("form", ["shop.example"])).values()
        assert len(tally.names) == 2


async def test_what_a_host_answers_to_many_chunks_is_written_at_once() -> None:
    """A group is made up of a list's chunks as they come: who keeps its answers is waited for once, not for each."""
    emails = [f"u{number}@shop.example" for number in range(6)]
    async with Bench(Host()) as bench:
        desk = Desk(bench)
        written: list[list[str]] = []

        async def slow(findings: Sequence[tuple[str, Finding]], _: Sequence[DomainFacts]) -> None:
            await bench.clock.sleep(1)
            written.append(sorted(key for key, _ in findings))

        desk.record = slow  # type: ignore[method-assign]
        await asyncio.gather(*(desk.ask(email, accepts_all=control(False)) for email in emails))
        assert written == [emails]
