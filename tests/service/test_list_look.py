"""A closer look at a list: its providers by their exchanges, and a sample that is spread over all of it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.clock import FakeClock
from tests.support.facts import facts, route
from tests.support.list_jobs import job
from tests.support.lists import assessed
from verifier.core.facts import DomainFacts, MailRoute
from verifier.core.list_rows import Texts
from verifier.core.providers import Provider
from verifier.core.reasons import Reason
from verifier.core.verdict import Assessment
from verifier.service.asking import Asking
from verifier.service.list_look import ListLook, Mix

BLOCKS = [[f"user{n}@d{n % 3}.example" for n in range(block * 500, block * 500 + 500)] for block in range(30)]


class World:
    """Sheets, domains, names and verification in one: d0 is Big's by its exchange, d1 by its name, d2 nobody's."""

    def __init__(self) -> None:
        self.looked_up: list[str] = []
        self.asked: list[str] = []

    async def texts(self, list_id: str, block: int) -> Texts:
        assert list_id == job().id
        return Texts(block, [*BLOCKS[block], "no address"], 501)

    async def facts_for(self, domains: Sequence[str]) -> Mapping[str, DomainFacts]:
        self.looked_up += domains
        return {name: facts(name, route()) for name in domains}

    def provider(self, domain: str, known: MailRoute | None) -> Provider | None:
        names = {"d1.example": Provider(name="small")}
        if known is None:
            return names.get(domain)
        return {"d0.example": Provider(name="big"), "d1.example": Provider(name="small")}.get(domain)

    async def assess(self, texts: Sequence[str], asking: Asking) -> list[Assessment]:
        assert (asking.source, asking.client.list_name) == (job().id, "customers.csv")
        self.asked += texts
        bad = [len(self.asked) % 10 == 0 for _ in texts]
        return [assessed(Reason.MAILBOX_NOT_FOUND if each else Reason.ACCEPTED) for each in bad]


def look(world: Any, clock: FakeClock | None = None) -> ListLook:
    return ListLook(world, world, world, world, clock or FakeClock())


async def test_providers_are_those_of_the_exchanges() -> None:
    """Every domain is looked up once, every address counted."""
    world = World()
    mix = await look(world).providers(job(blocks=30), 60)
    assert mix == Mix({"big": 5000, "small": 5000, "others": 5000}, True)
    assert sorted(world.looked_up) == ["d0.example", "d1.example", "d2.example"]


async def test_a_sample_is_spread_over_the_list() -> None:
    """So many rows, from beginning to end, no two alike; what they come to is the sample."""
    world = World()
    taken = await look(world).sample(job(blocks=30), 200, 60)
    sample = taken.sample
    assert taken.is_whole and len(taken.assessments) == 200
    assert (sample.asked, sample.undeliverable) == (200, 20)
    assert len(set(world.asked)) == 200
    numbers = [int(text.partition("@")[0].removeprefix("user")) for text in world.asked if "@" in text]
    assert min(numbers) < 500 and max(numbers) > 13_500


async def test_a_short_list_is_its_own_sample() -> None:
    """All of it."""
    world = World()
    sample = (await look(world).sample(job(blocks=1), 2000, 60)).sample
    assert sample.asked == 501


async def test_an_empty_list_tells_nothing() -> None:
    """Bounds of nothing: from 0 to 1."""
    sample = (await look(World()).sample(job(blocks=0), 200, 60)).sample
    assert (sample.asked, sample.at_least, sample.at_most) == (0, 0.0, 1.0)


class Slow(World):
    """Whose name servers never answer, nor hosts but of every second row."""

    async def facts_for(self, domains: Sequence[str]) -> Mapping[str, DomainFacts]:
        await asyncio.Event().wait()
        return {}

    async def assess(self, texts: Sequence[str], asking: Asking) -> list[Assessment]:
        if len(self.asked) % 2:
            self.asked += texts
            await asyncio.Event().wait()
        return await super().assess(texts, asking)


async def test_names_that_are_not_found_in_time_are_guessed() -> None:
    """Every address is counted all the same, by what its domain is called, and the mix says that it is not whole."""
    clock = FakeClock()
    looking = asyncio.create_task(look(Slow(), clock).providers(job(blocks=30), 60))
    await clock.advance(59)
    assert not looking.done()
    await clock.advance(2)
    assert await looking == Mix({"small": 5000, "others": 10000}, False)


async def test_a_sample_ends_in_time() -> None:
    """It is of those that answered, and says that it is not whole; nobody is asked any more."""
    clock = FakeClock()
    sampling = asyncio.create_task(look(Slow(), clock).sample(job(blocks=30), 200, 60))
    await clock.advance(59)
    assert not sampling.done()
    await clock.advance(2)
    taken = await sampling
    assert (taken.sample.asked, taken.is_whole) == (100, False)
    assert len(asyncio.all_tasks()) == 1
