"""What is told at once of whoever is asked about again is what would be worked out anew, at any time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.desk import NAMES, Desk
from tests.support.facts import control, replied, route
from tests.support.facts import facts as facts_about
from tests.support.gating import RISKS
from tests.support.knowledge import facts, findings, turns
from tests.support.mail_host import Host
from tests.support.probing import Bench
from tests.support.tallies import MemoryTallies
from verifier.core.address import Address, parse_address
from verifier.core.evidence import Finding
from verifier.core.facts import DomainFacts
from verifier.core.harvest import Tally
from verifier.core.reasons import Reason
from verifier.core.replies import ReplyClass
from verifier.core.verdict import BounceRisks
from verifier.service.asking import COMMAND_LINE, Asking
from verifier.service.at_hand import AtHand
from verifier.service.judging import Judging

EMAIL = "jane@shop.example"


class Known:
    """A desk where something is known of one mailbox."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._tallies = MemoryTallies()
        self.desk = Desk(bench, tallies=self._tallies)
        self.desk.guard.remembers = lambda *_: True  # type: ignore[method-assign]
        self.judging = Judging(NAMES, RISKS, bench.clock)

    def at_hand(self) -> AtHand:
        return AtHand(self.judging, self.desk.mailboxes, self.bench.clock)

    async def learn(self, known: DomainFacts, found: list[Finding]) -> None:
        address = parse_address(EMAIL)
        assert isinstance(address, Address)
        await self.desk.store.remember_domains([known])
        await self.desk.store.remember_mailboxes([(self.judging.key_of(address), finding) for finding in found])

    async def written_down(self) -> Mapping[str, Tally]:
        """What the harvest guard has counted at the domain."""
        await self.desk.guard.close()
        return await self._tallies.tallies(COMMAND_LINE.key, ["shop.example"])


@asynccontextmanager
async def knowing() -> AsyncIterator[Known]:
    async with Bench(Host()) as bench:
        yield Known(bench)


@settings(max_examples=100, deadline=None)
@given(facts, st.lists(findings(), min_size=1, max_size=3), st.lists(findings(), max_size=1))
def test_it_is_what_would_be_worked_out_anew(known: DomainFacts, found: list[Finding], later: list[Finding]) -> None:
    """Asked again and again, also at the very moment at which something expires or is forgotten, and when more is
    learned.
    """

    async def ask() -> None:
        async with knowing() as bench:
            await bench.learn(known, found)
            remembering, asking = bench.at_hand(), Asking(interactive=True)
            moments = turns(known, [*found, *later])
            for place, moment in enumerate(moments):
                bench.bench.clock.move((moment - bench.bench.clock.now()).total_seconds())
                if place == len(moments) // 2:
                    await bench.learn(known, later)
                assert remembering.of(EMAIL, asking) == bench.at_hand().of(EMAIL, asking)

    asyncio.run(ask())


async def test_newer_lists_and_risks_hold_at_once() -> None:
    """Whatever was told by the older ones."""
    async with knowing() as bench:
        await bench.learn(facts_of_a_good_host(), [replied(ReplyClass.ACCEPTED)])
        at_hand, asking = bench.at_hand(), Asking(interactive=True)
        before = at_hand.of(EMAIL, asking)
        assert before is not None and before.bounce_risk == 0.25
        bench.judging.recalibrate(BounceRisks(dict.fromkeys(Reason, 0.5)))
        after = at_hand.of(EMAIL, asking)
        assert after is not None and after.bounce_risk == 0.5


async def test_who_is_told_again_is_counted_again() -> None:
    """The harvest guard knows when each name was asked for last, however it was answered."""
    async with knowing() as bench:
        await bench.learn(facts_of_a_good_host(), [replied(ReplyClass.ACCEPTED)])
        at_hand, asking = bench.at_hand(), Asking(interactive=True)
        counted = []
        for _ in range(3):
            bench.bench.clock.move(60)
            assert at_hand.of(EMAIL, asking) is not None
            tally = (await bench.written_down())["shop.example"]
            counted.append(*tally.names.values())
        assert counted == sorted(set(counted)) and len(counted) == 3


async def test_nothing_is_remembered_of_whom_was_forgotten() -> None:
    """Not even his text."""
    async with knowing() as bench:
        await bench.learn(facts_of_a_good_host(), [replied(ReplyClass.ACCEPTED)])
        at_hand = bench.at_hand()
        assert at_hand.of(EMAIL, Asking(interactive=True)) is not None
        assert at_hand.text.cache_info().currsize == 1
        at_hand.forget()
        assert at_hand.text.cache_info().currsize == 0


def facts_of_a_good_host() -> DomainFacts:
    return facts_about("shop.example", route(), control(False))
