"""A closer look at a list before it is started: its providers by their mail exchanges, and a few rows for a sample."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from msgspec import Struct

from verifier.core.address import Address, parse_address
from verifier.core.forecast import OTHERS, Sample, sample_of
from verifier.core.list_jobs import ListJob
from verifier.core.names import Names
from verifier.core.reasons import Verdict
from verifier.core.verdict import Assessment
from verifier.list_ports import Sheets
from verifier.ports import Clock
from verifier.service.asking import Asking
from verifier.service.domains import Domains
from verifier.service.harvest_guard import Client
from verifier.service.verify import Verification

SAMPLE_ROWS = 200
_SAMPLE_BLOCKS = 20
_MOST_NAMES = 200_000
_T = TypeVar("_T")


class Mix(Struct, frozen=True):
    """Unique addresses by provider; `is_whole`: every domain was looked up in time, no name was guessed by."""

    addresses: dict[str, int]
    is_whole: bool


class Taken(Struct, frozen=True):
    """A sample and its rows' assessments; `is_whole`: every one of them had its answer in time."""

    sample: Sample
    assessments: Sequence[Assessment]
    is_whole: bool


class ListLook:
    """Asks the network, for so many seconds, and leaves nothing but what the fact store remembers."""

    def __init__(
        self, sheets: Sheets, domains: Domains, verification: Verification, names: Names, clock: Clock
    ) -> None:
        self._sheets = sheets
        self._domains = domains
        self._verification = verification
        self._names = names
        self._clock = clock

    async def providers(self, job: ListJob, seconds: float) -> Mix:
        """Unique addresses by the provider of their domain's exchange; past the time by the domain's name."""
        counts: Counter[str] = Counter()
        known: dict[str, str] = {}
        whole, alarm = True, asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            for number in range(job.blocks):
                texts = (await self._sheets.texts(job.id, number)).texts
                domains = Counter(a.domain for a in map(parse_address, texts) if isinstance(a, Address))
                new = [domain for domain in domains if domain not in known]
                facts = await _before(alarm, self._domains.facts_for(new)) if new else {}
                whole = whole and facts is not None
                for domain in new:
                    provider = self._names.provider(domain, facts[domain].route if facts else None)
                    known[domain] = provider.name if provider is not None else OTHERS
                for domain, count in domains.items():
                    counts[known[domain]] += count
                if len(known) > _MOST_NAMES:
                    known.clear()
        finally:
            alarm.cancel()
        return Mix(dict(counts), whole)

    async def sample(self, job: ListJob, rows: int, seconds: float) -> Taken:
        """What so many rows, spread evenly over the list, come to; of those that have no answer in time nothing."""
        texts = await self._spread(job, rows)
        asking = Asking(stages=job.options.stages, source=job.id, client=Client(job.client, job.name))
        alarm = asyncio.ensure_future(self._clock.sleep(seconds))
        asked = [asyncio.create_task(self._verification.assess([text], asking)) for text in texts]
        try:
            answered = await _before(alarm, asyncio.gather(*asked))
            found = [task.result()[0] for task in asked if task.done() and not task.cancelled()]
        finally:
            for task in (alarm, *asked):
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        sample = sample_of(
            [assessment.bounce_risk for assessment in found],
            sum(1 for assessment in found if assessment.verdict is Verdict.UNDELIVERABLE),
            sum(1 for assessment in found if assessment.verdict is Verdict.UNKNOWN),
        )
        return Taken(sample, found, answered is not None)

    async def _spread(self, job: ListJob, rows: int) -> list[str]:
        chosen: list[str] = []
        numbers = _evenly(range(job.blocks), _SAMPLE_BLOCKS)
        for place, number in enumerate(numbers):
            texts = (await self._sheets.texts(job.id, number)).texts
            chosen += _evenly(texts, -(-(rows - len(chosen)) // (len(numbers) - place)))
        return chosen


def _evenly(values: Sequence[_T], count: int) -> list[_T]:
    """At most `count` of the values, at equal distances."""
    if len(values) <= count:
        return list(values)
    return [values[place * len(values) // count] for place in range(count)]


async def _before(alarm: "asyncio.Future[None]", work: Awaitable[_T]) -> _T | None:
    """What the work comes to; None where the alarm goes off before, or has gone off."""
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.wait((doing, alarm), return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() and not alarm.done() else None
    finally:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
