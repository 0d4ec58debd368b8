"""A closer look at a list before it is started: its providers by their mail exchanges, and a few rows for a sample."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from verifier.core.address import Address, parse_address
from verifier.core.forecast import OTHERS, Sample, sample_of
from verifier.core.list_jobs import ListJob
from verifier.core.names import Names
from verifier.core.reasons import Verdict
from verifier.list_ports import Sheets
from verifier.service.domains import Domains
from verifier.service.harvest_guard import Client
from verifier.service.mailboxes import Asking
from verifier.service.verify import Verification

SAMPLE_ROWS = 200
_SAMPLE_BLOCKS = 20
_MOST_NAMES = 200_000
_T = TypeVar("_T")


class ListLook:
    """Asks the network, and leaves nothing but what the fact store remembers."""

    def __init__(self, sheets: Sheets, domains: Domains, verification: Verification, names: Names) -> None:
        self._sheets = sheets
        self._domains = domains
        self._verification = verification
        self._names = names

    async def providers(self, job: ListJob) -> dict[str, int]:
        """Unique addresses by the provider of their domain's exchange; every domain is looked up."""
        counts: Counter[str] = Counter()
        known: dict[str, str] = {}
        for number in range(job.blocks):
            texts = (await self._sheets.texts(job.id, number)).texts
            domains = Counter(a.domain for a in map(parse_address, texts) if isinstance(a, Address))
            new = [domain for domain in domains if domain not in known]
            for domain, facts in (await self._domains.facts_for(new)).items():
                provider = self._names.provider(domain, facts.route)
                known[domain] = provider.name if provider is not None else OTHERS
            for domain, count in domains.items():
                counts[known[domain]] += count
            if len(known) > _MOST_NAMES:
                known.clear()
        return dict(counts)

    async def sample(self, job: ListJob, rows: int = SAMPLE_ROWS) -> Sample:
        """What so many rows, spread evenly over the list, come to when they are verified."""
        texts = await self._spread(job, rows)
        asking = Asking(stages=job.options.stages, source=job.id, client=Client(job.client, job.name))
        found = await self._verification.assess(texts, asking)
        return sample_of(
            [assessment.bounce_risk for assessment in found],
            sum(1 for assessment in found if assessment.verdict is Verdict.UNDELIVERABLE),
            sum(1 for assessment in found if assessment.verdict is Verdict.UNKNOWN),
        )

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
