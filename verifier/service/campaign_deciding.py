"""All rows of a campaign's lists decided, and what they come to: from what is known of them, asking nobody but DNS."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from verifier.core.campaign_columns import selected_column, unsubscribed_column
from verifier.core.campaign_counts import Accounts, Quota, RowFacts, code_of, wave_of
from verifier.core.campaign_summary import summary_of
from verifier.core.campaigns import CampaignOrder
from verifier.core.gate_policies import BALANCED, Policy
from verifier.core.list_faults import BadRequest
from verifier.core.list_jobs import ListJob
from verifier.core.list_rows import ShownRow
from verifier.core.projection import Evidence, Group
from verifier.core.reasons import StageName
from verifier.core.sender_domain import warnings_of
from verifier.core.senders import Sender
from verifier.ports import Resolver
from verifier.service.campaign_rows import (
    FreshRows,
    RowDeciding,
    RowQuestion,
    Seen,
    is_authoritative,
    says_yes,
    skipped,
)
from verifier.service.gating import Equipment
from verifier.service.list_reading import ListReading
from verifier.service.sender_domain import examine_sender

_PAGE = 250


class RiskEvidence(Protocol):
    """On how many mails each group's risk stands, where feedback has told."""

    def __call__(self) -> Mapping[Group, Evidence]: ...


class CampaignDeciding:
    """`decided` for whole campaigns; `pages` for whoever wants their rows."""

    def __init__(self, reading: ListReading, equipment: Equipment, evidence: RiskEvidence, resolver: Resolver) -> None:
        self._reading = reading
        self._equipment = equipment
        self._evidence = evidence
        self._resolver = resolver

    async def decided(
        self, order: CampaignOrder, jobs: Sequence[ListJob], fresh: FreshRows
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The summary, and a byte for each row of each list."""
        policy, sender = self.policy_of(order)
        quota = await self._quota(order)
        accounts, seen = Accounts.empty(), Seen(len(jobs) > 1)
        fates = {}
        for job in jobs:
            asked = StageName.SMTP in job.options.stages
            deciding = RowDeciding(self._equipment, order, policy, sender, asked=asked)
            fates[job.id] = await self._decide(job, order, deciding, accounts, quota, seen, fresh)
        profile = order.profile or (sender.profile if sender is not None else None)
        warnings = await self._warnings(order)
        return summary_of(accounts, quota, dict(self._evidence()), profile, policy.name, warnings), fates

    async def _decide(
        self,
        job: ListJob,
        order: CampaignOrder,
        deciding: RowDeciding,
        accounts: Accounts,
        quota: Quota,
        seen: Seen,
        fresh: FreshRows,
    ) -> bytes:
        """A byte a row; counts them on the way."""
        assert job.preview is not None
        header = job.preview.columns
        left = unsubscribed_column(header, order.unsubscribed_column)
        wanted = selected_column(header, order.selected_column)
        fates = bytearray()
        now = self._equipment.clock.now()
        async for kept in self.pages(job):
            rows = fresh.freshened(kept)
            passed = [skipped(row, wanted, seen) for row in rows]
            open_rows = [row for row, fate in zip(rows, passed, strict=True) if fate is None]
            rulings = iter(
                await deciding.decide([RowQuestion(row.assessment, says_yes(row, left)) for row in open_rows])
            )
            for row, fate in zip(rows, passed, strict=True):
                if fate is not None:
                    accounts.skip(fate)
                    fates.append(code_of(fate))
                    continue
                ruling, assessment = next(rulings), row.assessment
                stale = not is_authoritative(assessment, now)
                wave = wave_of(assessment.verdict, assessment.email)
                facts = RowFacts(assessment.reason, assessment.provider, assessment.bounce_risk, stale, wave)
                accounts.add(ruling.decision, ruling.rule, facts, quota)
                fates.append(code_of((ruling.decision, ruling.rule)))
        return bytes(fates)

    async def pages(self, job: ListJob) -> AsyncGenerator[Sequence[ShownRow], None]:
        """All rows in order; the next ones are read while these are worked on."""
        coming = asyncio.ensure_future(self._reading.rows(job, 0, _PAGE))
        try:
            while True:
                page = await coming
                if page.after is not None:
                    coming = asyncio.ensure_future(self._reading.rows(job, page.after, _PAGE))
                yield page.rows
                if page.after is None:
                    return
        finally:
            coming.cancel()
            await asyncio.wait([coming])

    def policy_of(self, order: CampaignOrder) -> tuple[Policy, Sender | None]:
        """Whose table decides. Raises BadRequest for a policy that there is not."""
        sender = self._equipment.senders.sender(order.sender) if order.sender is not None else None
        name = order.policy or (sender.policy if sender is not None else BALANCED.name)
        policy = self._equipment.policies.get(name)
        if policy is None:
            known = ", ".join(self._equipment.policies)
            raise BadRequest("policy", f"there is no policy {name}: known are {known}")
        return policy, sender

    async def _warnings(self, order: CampaignOrder) -> tuple[str, ...]:
        """What lacks in DNS of the domain that the mail comes from."""
        if not order.from_domain:
            return ()
        return warnings_of(await examine_sender(self._resolver, order.from_domain, order.dkim_selector))

    async def _quota(self, order: CampaignOrder) -> Quota:
        """What is left of the month; `quota_used` may say what was sent outside the gate too."""
        sender = self._equipment.senders.sender(order.sender) if order.sender is not None else None
        used = order.quota_used or 0
        if sender is None:
            return Quota(None, used)
        usage = await self._equipment.uses.usage(sender.name, self._equipment.clock.now(), [])
        return Quota(sender.quota, usage.used if order.quota_used is None else used)
