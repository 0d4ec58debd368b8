"""Who is left alone, who is stopped, and which refusals are not believed at once."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from tests.support.desk import DAY, NAMES, Desk
from tests.support.facts import at, control, replied
from tests.support.mail_host import Host, mailboxes
from tests.support.probing import Bench, hosts_at
from tests.support.tallies import MemoryTallies
from verifier.adapters.data_files import assemble_names, load_reference_data, shipped_folder
from verifier.core.evidence import Finding, Obstacle, expires_at
from verifier.core.facts import MailHost
from verifier.core.harvest import NAMES as HARVEST
from verifier.core.harvest import Lifts, Tally
from verifier.core.lists import DomainList
from verifier.core.names import Names
from verifier.core.outage import OUTAGE_RULE
from verifier.core.replies import ReplyClass
from verifier.service.harvest_guard import Client

NOBODY = "550 5.1.1 User unknown"
MICROSOFT = hosts_at(("shop-example.mail.protection.outlook.com", 0, "192.0.2.1"))
DENIED = "550 5.4.1 Recipient address rejected: Access denied. [AM0EUR02FT011.eop-EUR02.prod.protection.outlook.com]"


def names_without(*opted_out: str) -> Names:
    reference = load_reference_data(None, shipped_folder())
    return assemble_names(
        type(reference)(
            **{field: getattr(reference, field) for field in reference.__struct_fields__}
            | {"opted_out": DomainList.parse(opted_out)}
        )
    )


def people(count: int, domain: str = "shop.example") -> list[str]:
    return [f"person{number}@{domain}" for number in range(count)]


def obstacles(found: dict[str, tuple[Finding, ...]]) -> set[tuple[Obstacle | None, str | None]]:
    return {(finding.obstacle, finding.detail) for findings in found.values() for finding in findings[-1:]}


def stopped(found: dict[str, tuple[Finding, ...]]) -> list[str]:
    return [key for key, findings in found.items() if findings[-1].obstacle is Obstacle.NOT_PROBED]


@pytest.mark.parametrize(
    ("opted_out", "email", "hosts"),
    [
        ("shop.example", "ann@shop.example", hosts_at(("mx.example", 10, "192.0.2.1"))),
        ("shop.example", "ann@sales.shop.example", hosts_at(("mx.example", 10, "192.0.2.1"))),
        ("mx.quiet.example", "ann@shop.example", hosts_at(("mx.quiet.example", 10, "192.0.2.1"))),
        (
            "quiet.example",
            "ann@shop.example",
            hosts_at(("mx.example", 10, "192.0.2.1"), ("eu.quiet.example", 20, "192.0.2.2")),
        ),
        ("yahoodns.net", "ann@yahoo.com", hosts_at(("mta5.am0.yahoodns.net", 1, "192.0.2.1"))),
    ],
)
async def test_who_opted_out_is_not_contacted(opted_out: str, email: str, hosts: tuple[MailHost, ...]) -> None:
    """A listed domain, what lies under it, and any domain that a listed exchange answers for: not probed, and said."""
    host = Host()
    async with Bench(host) as bench:
        desk = Desk(bench, names=names_without(opted_out))
        found = await desk.ask(email, hosts=hosts)
        assert obstacles(found) == {(Obstacle.NOT_PROBED, "opt-out")}
        assert host.visits == []
        assert desk.recorded == [(email, found[email][0])]
        assert await desk.store.mailboxes([email]) == {}


async def test_an_opt_out_that_is_taken_back_counts_no_more() -> None:
    """Not having probed is no observation: whoever may be asked now is asked at once."""
    host = Host(rcpt=NOBODY)
    async with Bench(host) as bench:
        desk = Desk(bench)
        await desk.store.remember_mailboxes([("ann@shop.example", Finding(at(0), obstacle=Obstacle.NOT_PROBED))])
        found = await desk.ask("ann@shop.example")
        assert [ReplyClass.MAILBOX_NOT_FOUND] == [finding.reply_class for finding in found["ann@shop.example"]]


async def test_trying_out_names_is_stopped() -> None:
    """Behind 50 names of which more than 60 % are unknown the domain's others are not asked; it is said once, whoever
    asked knows of each, and what was found stays."""
    host = Host(rcpt=mailboxes(["person3", "person17"]))
    everybody = people(200)
    async with Bench(host) as bench:
        desk = Desk(bench)
        found = await desk.ask(*everybody)
        assert set(everybody) == set(found) == {key for key, _ in desk.recorded}
        left_out = stopped(found)
        assert obstacles({key: found[key] for key in left_out}) == {(Obstacle.NOT_PROBED, "harvest_guard")}
        assert HARVEST <= len(everybody) - len(left_out) <= HARVEST + 30
        assert len(host.asked) <= HARVEST + 40
        assert set(left_out).isdisjoint(await desk.store.mailboxes(everybody))
        [report] = desk.reports
        assert "shop.example" in report
        asked = list(host.asked)
        again = await desk.ask(*everybody, accepts_all=control(False))
        assert {key: found[key] for key in found if key not in left_out} == {
            key: again[key] for key in again if key not in left_out
        }
        assert (stopped(again), host.asked, len(desk.reports)) == (left_out, asked, 1)


async def test_a_harvest_by_single_checks_is_stopped_too() -> None:
    """The 51st request is not asked, after a restart neither; the next day it is; other domains and keys always."""
    host = Host(rcpt=NOBODY)
    tallies = MemoryTallies()
    async with Bench(host) as bench:
        for email in people(HARVEST):
            desk = Desk(bench, tallies=tallies)
            assert stopped(await desk.ask(email)) == []
            await desk.guard.close()
        desk = Desk(bench, tallies=tallies)
        assert stopped(await desk.ask("new@shop.example")) == ["new@shop.example"]
        assert stopped(await desk.ask("new@town.example")) == []
        assert stopped(await desk.ask("newer@shop.example", client=Client("key 2"))) == []
        bench.clock.move(DAY)
        assert stopped(await desk.ask("new@shop.example")) == []


async def test_a_list_of_one_company_is_not_stopped() -> None:
    """60 employees of whom a few have left, or even half of them: all are asked."""
    for staying in (55, 30):
        host = Host(rcpt=mailboxes([f"person{number}" for number in range(0, 2 * staying, 1)][:staying]))
        async with Bench(host) as bench:
            desk = Desk(bench)
            found = await desk.ask(*people(60))
            assert (stopped(found), desk.reports) == ([], [])


async def test_providers_own_domains_are_not_guarded() -> None:
    """An old list has hundreds of dead addresses at webmail; a customer's domain at the same host is guarded."""
    host = Host(rcpt=NOBODY)
    webmail = "gmx.de"
    assert NAMES.is_providers_own(webmail)
    async with Bench(host) as bench:
        desk = Desk(bench)
        assert stopped(await desk.ask(*people(120, webmail))) == []
        assert len(stopped(await desk.ask(*people(120)))) > 30


async def test_an_operator_may_let_a_list_pass() -> None:
    """By the name of the list and at that domain only; each is said."""
    host = Host(rcpt=NOBODY)
    async with Bench(host) as bench:
        desk = Desk(bench, lifts=Lifts.parse(["shop.example dead.csv"]))
        assert stopped(await desk.ask(*people(120), client=Client("cli", "dead.csv"))) == []
        [said] = desk.reports
        assert "dead.csv" in said
        assert stopped(await desk.ask("new@shop.example", client=Client("cli", "other.csv"))) == ["new@shop.example"]
        assert stopped(await desk.ask("newer@shop.example", client=Client("cli", "dead.csv"))) == []
        assert len(stopped(await desk.ask(*people(120, "town.example"), client=Client("cli", "dead.csv")))) > 30


async def test_all_chunks_of_a_list_are_stopped_together() -> None:
    """However many chunks wait for the domain at a time, no more are asked than of one."""
    host = Host(rcpt=NOBODY)
    everybody = people(1000)
    async with Bench(host) as bench:
        desk = Desk(bench)
        chunks = [everybody[start : start + 50] for start in range(0, 1000, 50)]
        found = await asyncio.gather(*(desk.ask(*chunk) for chunk in chunks))
        assert [len(chunk) for chunk in chunks] == [len(part) for part in found]
        assert len(host.asked) <= HARVEST + 40


async def test_who_else_waits_for_a_stopped_mailbox_gets_his_answer() -> None:
    """A harvester's being stopped takes nothing from another key that asks for the same name."""
    host = Host(rcpt=NOBODY)
    everybody = people(120)
    async with Bench(host) as bench:
        desk = Desk(bench)
        harvest = asyncio.create_task(desk.ask(*everybody))
        await asyncio.sleep(0)
        other = await desk.ask(everybody[-1], client=Client("key 2"))
        assert [ReplyClass.MAILBOX_NOT_FOUND] == [finding.reply_class for finding in other[everybody[-1]]]
        assert len(stopped(await harvest)) > 30


class HangingTallies(MemoryTallies):
    """Writes nothing before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = asyncio.Event()
        self.waiting = 0

    async def remember(self, client: str, tallies: Mapping[str, Tally]) -> None:
        self.waiting += 1
        await self.goes_on.wait()
        await super().remember(client, tallies)


async def test_what_was_counted_is_written_down_now_and_then() -> None:
    """A process that is killed forgets some seconds of counting, no more."""
    tallies = MemoryTallies()
    async with Bench(Host(rcpt=NOBODY)) as bench:
        desk = Desk(bench, tallies=tallies)
        await desk.ask("ann@shop.example")
        bench.clock.move(10)
        await desk.ask("bob@town.example")
        await asyncio.sleep(0)  # behind whoever asked
        assert {"shop.example", "town.example"} == set(await tallies.tallies("cli", ["shop.example", "town.example"]))


async def test_nobody_waits_for_what_is_written_down() -> None:
    """A store that hangs delays no answer; at the end everything is written all the same."""
    tallies = HangingTallies()
    async with Bench(Host(rcpt=NOBODY)) as bench:
        desk = Desk(bench, tallies=tallies)
        for name in ("ann", "bob", "cat"):
            bench.clock.move(10)
            await desk.ask(f"{name}@shop.example")
        await asyncio.sleep(0)
        assert tallies.waiting == 1
        tallies.goes_on.set()
        await desk.guard.close()
        (tally,) = (await tallies.tallies("cli", ["shop.example"])).values()
        assert len(tally.names) == 3


async def test_yesterdays_names_make_room_for_todays() -> None:
    """A service that runs for weeks sees today's harvest behind yesterday's big, good list."""
    host = Host()
    async with Bench(host) as bench:
        desk = Desk(bench)
        assert stopped(await desk.ask(*people(400))) == []
        host.rcpt = NOBODY
        bench.clock.move(DAY)
        assert len(stopped(await desk.ask(*[f"guess{number}@shop.example" for number in range(300)]))) > 100


async def test_what_is_forgotten_is_not_counted() -> None:
    """`forget` reaches the guard's memory, and what it wrote down."""
    host, tallies = Host(rcpt=NOBODY), MemoryTallies()
    async with Bench(host) as bench:
        desk = Desk(bench, tallies=tallies)
        await desk.ask(*people(HARVEST))
        await desk.guard.close()
        await desk.guard.forget("shop.example", "person0@shop.example")
        assert [HARVEST - 1] == [len(t.names) for t in (await tallies.tallies("cli", ["shop.example"])).values()]
        assert stopped(await desk.ask("new@shop.example")) == []


async def test_exchange_onlines_refusal_is_looked_at_twice() -> None:
    """A name that is not in the directory is undeliverable at once, believed for a day, and from the second look on for
    three days."""
    host = Host(rcpt=DENIED)
    async with Bench(host) as bench:
        desk = Desk(bench)
        first = (await desk.ask("ann@shop.example", hosts=MICROSOFT))["ann@shop.example"][-1]
        assert (first.reply_class, expires_at(first)) == (
            ReplyClass.MAILBOX_NOT_FOUND,
            first.observed_at + timedelta(days=1),
        )
        asked = list(host.asked)
        bench.clock.move(DAY - 60)
        await desk.ask("ann@shop.example", hosts=MICROSOFT)
        assert host.asked == asked
        bench.clock.move(60)
        second = (await desk.ask("ann@shop.example", hosts=MICROSOFT))["ann@shop.example"][-1]
        assert len(host.asked) > len(asked)
        assert expires_at(second) == second.observed_at + timedelta(days=3)


async def test_a_directory_that_is_back_clears_the_refusal() -> None:
    """Whoever is accepted at the second look is deliverable."""
    host = Host(rcpt=DENIED)
    async with Bench(host) as bench:
        desk = Desk(bench)
        await desk.ask("ann@shop.example", hosts=MICROSOFT)
        host.rcpt = mailboxes(["ann"])
        bench.clock.move(DAY)
        found = await desk.ask("ann@shop.example", hosts=MICROSOFT)
        assert found["ann@shop.example"][-1].reply_class is ReplyClass.ACCEPTED


class Town:
    """A domain with proven mailboxes whose controls have run out, so that they are asked again."""

    def __init__(self, desk: Desk, proven: int, others: int = 0) -> None:
        self.desk = desk
        self.proven = people(proven)
        self.others = [f"other{number}@shop.example" for number in range(others)]

    async def accepted(self) -> None:
        """Nine days ago."""
        found = [(email, replied(ReplyClass.ACCEPTED)) for email in self.proven]
        await self.desk.store.remember_mailboxes(found)
        self.desk.bench.clock.move(9 * DAY)

    async def ask(self) -> dict[str, ReplyClass | None]:
        found = await self.desk.ask(*self.others, *self.proven)
        return {email: findings[-1].reply_class for email, findings in found.items()}


async def test_in_an_outage_nobody_is_undeliverable() -> None:
    """Proven mailboxes refused together: the domain's refusals are withdrawn, kept as such, and asked after a day."""
    host = Host(rcpt=NOBODY)
    async with Bench(host) as bench:
        town = Town(Desk(bench), proven=5, others=30)
        await town.accepted()
        assert set((await town.ask()).values()) == {ReplyClass.TEMP_ERROR}
        stored = await town.desk.store.mailboxes(town.others)
        assert {(f.rule, f.conclusive) for kept in stored.values() for f in kept} == {(OUTAGE_RULE, False)}
        assert set(town.others) | set(town.proven) == {key for key, _ in town.desk.recorded}
        assert {ReplyClass.TEMP_ERROR} == {finding.reply_class for _, finding in town.desk.recorded}
        asked = list(host.asked)
        bench.clock.move(DAY - 60)
        assert set((await town.ask()).values()) == {ReplyClass.TEMP_ERROR}
        assert host.asked == asked
        bench.clock.move(60)
        assert set((await town.ask()).values()) == {ReplyClass.MAILBOX_NOT_FOUND}


async def test_an_outage_that_is_over_leaves_nothing_behind() -> None:
    """A day later the mailboxes are there again, and those that never were are not."""
    host = Host(rcpt=NOBODY)
    async with Bench(host) as bench:
        town = Town(Desk(bench), proven=4, others=2)
        await town.accepted()
        await town.ask()
        host.rcpt = mailboxes([email.partition("@")[0] for email in town.proven])
        bench.clock.move(DAY)
        found = await town.ask()
        assert {ReplyClass.ACCEPTED} == {found[email] for email in town.proven}
        assert {ReplyClass.MAILBOX_NOT_FOUND} == {found[email] for email in town.others}


async def test_who_is_new_during_an_outage_is_not_undeliverable_either() -> None:
    """Another process, hours later: what waits for its second look shows that the outage goes on."""
    host = Host(rcpt=NOBODY)
    async with Bench(host) as bench:
        town = Town(Desk(bench), proven=3)
        await town.accepted()
        await town.ask()
        later = Desk(bench, store=town.desk.store)
        bench.clock.move(3600)
        found = await later.ask("newcomer@shop.example", *town.proven)
        assert found["newcomer@shop.example"][-1].reply_class is ReplyClass.TEMP_ERROR


@pytest.mark.parametrize(("proven", "still_there"), [(2, 0), (10, 3), (3, 1)])
async def test_people_who_leave_are_no_outage(proven: int, still_there: int) -> None:
    """Fewer than three, or less than 80 % of the proven ones: their mailboxes are gone."""
    host = Host(rcpt=mailboxes([f"person{number}" for number in range(still_there)]))
    async with Bench(host) as bench:
        town = Town(Desk(bench), proven=proven, others=5)
        await town.accepted()
        found = await town.ask()
        assert {ReplyClass.MAILBOX_NOT_FOUND} == {found[email] for email in town.others}
        gone = [found[email] for email in town.proven[still_there:]]
        assert [ReplyClass.MAILBOX_NOT_FOUND] * len(gone) == gone
        assert set(town.others) <= {key for key, _ in town.desk.recorded}


async def test_chunks_of_one_list_see_the_same_outage() -> None:
    """The proven mailboxes of a domain are spread over a list: together they are enough."""
    host = Host(rcpt=NOBODY)
    async with Bench(host) as bench:
        town = Town(Desk(bench), proven=6)
        await town.accepted()
        parts = await asyncio.gather(*(town.desk.ask(email) for email in town.proven))
        assert {ReplyClass.TEMP_ERROR} == {
            part[email][-1].reply_class for part, email in zip(parts, town.proven, strict=True)
        }
