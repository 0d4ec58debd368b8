"""Campaigns: lists verified first, then every row decided, then the whole; held ones released, by name and reason.

What is written down is a campaign's record at each step, so a process that is killed is followed by one that begins its
undone ones again: nothing has been sent, so nothing is done twice.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from hashlib import blake2b
from typing import Protocol

from msgspec import structs

from verifier.core.address import Address, parse_address
from verifier.core.campaign_columns import is_yes, selected_column, unsubscribed_column
from verifier.core.campaign_faults import CampaignNotThere, UnknownCampaign
from verifier.core.campaigns import (
    Accounts,
    Campaign,
    CampaignOrder,
    CampaignState,
    Quota,
    Release,
    RowFacts,
    RowFate,
    code_of,
    fate_of,
    summary_of,
    wave_of,
)
from verifier.core.faults import OperatorError
from verifier.core.gate_policies import BALANCED, Policy
from verifier.core.gate_rules import Rule
from verifier.core.gate_words import GateDecision
from verifier.core.list_counts import is_blank
from verifier.core.list_faults import BadRequest
from verifier.core.list_jobs import ListJob
from verifier.core.list_rows import ShownRow
from verifier.core.list_states import READABLE, ListState
from verifier.core.profiles import PROFILES
from verifier.core.projection import Evidence, Group
from verifier.core.reasons import StageName
from verifier.core.sender_domain import warnings_of
from verifier.core.senders import Sender
from verifier.gate_ports import CampaignStore
from verifier.ports import Resolver
from verifier.service.campaign_rows import RowDeciding, RowQuestion, is_authoritative
from verifier.service.gating import Equipment
from verifier.service.list_reading import ListReading
from verifier.service.lists import Lists
from verifier.service.sender_domain import examine_sender

_ID_LENGTH = 26
_PAGE = 250
_SELECTOR = re.compile(r"[A-Za-z0-9._-]{1,63}")
_DONE = (CampaignState.COMPLETED, CampaignState.FAILED)
_WAITING = (ListState.UPLOADED, ListState.PARSING, ListState.RUNNING, ListState.PAUSED, ListState.RECHECKING)


class RiskEvidence(Protocol):
    """On how many mails each group's risk stands, where feedback has told."""

    def __call__(self) -> Mapping[Group, Evidence]: ...


class Campaigns:
    """`open` takes up what was undone, `close` leaves it for the next process."""

    def __init__(
        self,
        store: CampaignStore,
        lists: Lists,
        reading: ListReading,
        equipment: Equipment,
        evidence: RiskEvidence,
        resolver: Resolver,
        report_fault: Callable[[BaseException], None],
    ) -> None:
        self._store = store
        self._lists = lists
        self._reading = reading
        self._equipment = equipment
        self._evidence = evidence
        self._resolver = resolver
        self._report_fault = report_fault
        self._running: dict[str, asyncio.Task[None]] = {}

    async def open(self) -> None:
        """Whatever was not done is begun again."""
        for campaign in await self._store.campaigns(limit=1000):
            if campaign.state not in _DONE:
                self._start(campaign)

    async def close(self) -> None:
        """Ends all work at once."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def create(self, order: CampaignOrder) -> Campaign:
        """The campaign, at work. Raises BadRequest for what cannot be, UnknownList for a list that is not there."""
        self._policy(order)
        if order.profile is not None and order.profile not in PROFILES:
            raise BadRequest("profile", f"there is no profile of this name: known are {', '.join(PROFILES)}")
        if order.from_domain and not isinstance(parse_address(f"a@{order.from_domain}"), Address):
            raise BadRequest("from_domain", "that is no domain, such as shop.example")
        if order.dkim_selector and _SELECTOR.fullmatch(order.dkim_selector) is None:
            raise BadRequest("dkim_selector", "a selector has letters, digits, dots, - and _")
        for list_id in order.lists:
            await self._lists.get(order.workspace, list_id)
        now = self._equipment.clock.now()
        campaign = Campaign(self._equipment.clock.token(_ID_LENGTH), order, now, CampaignState.VERIFYING)
        await self._store.put(campaign)
        self._start(campaign)
        return campaign

    async def get(self, workspace: str, campaign_id: str) -> Campaign:
        """Raises UnknownCampaign for another workspace's, too."""
        campaign = await self._store.get(campaign_id)
        if campaign is None or campaign.order.workspace != workspace:
            raise UnknownCampaign
        return campaign

    async def campaigns(self, workspace: str, limit: int = 100) -> Sequence[Campaign]:
        """The newest first."""
        return await self._store.campaigns(workspace, limit=limit)

    async def settled(self, workspace: str, campaign_id: str, seconds: float) -> Campaign:
        """The campaign once it is done, or as it is when the time is up."""
        task = self._running.get(campaign_id)
        if task is not None and seconds > 0:
            await asyncio.wait([task], timeout=seconds)
        return await self.get(workspace, campaign_id)

    async def release(self, workspace: str, campaign_id: str, name: str, reason: str, key: str) -> Campaign:
        """Lets a held campaign go. Raises CampaignNotThere for one that is not held."""
        campaign = await self.get(workspace, campaign_id)
        if campaign.decision is not GateDecision.HOLD:
            said = campaign.decision.value if campaign.decision is not None else campaign.state.value
            raise CampaignNotThere(f"Only a campaign that is held can be released; this one is: {said}.")
        release = Release(name, reason, self._equipment.clock.now(), key)
        campaign = structs.replace(campaign, releases=(*campaign.releases, release))
        await self._store.put(campaign)
        return campaign

    async def rows(
        self, campaign: Campaign
    ) -> AsyncGenerator[tuple[ListJob, list[tuple[ShownRow, tuple[GateDecision, Rule] | RowFate]]], None]:
        """Every row with what became of it, list by list, some at a time. Raises CampaignNotThere before it is done."""
        if campaign.summary is None:
            raise CampaignNotThere("The campaign is not decided yet.")
        for list_id in campaign.order.lists:
            job = await self._lists.get(campaign.order.workspace, list_id)
            fates = await self._store.fates(campaign.id, list_id)
            async for rows in self._pages(job):
                yield job, [(row, fate_of(fates[row.number - 1])) for row in rows if row.number <= len(fates)]

    def _start(self, campaign: Campaign) -> None:
        task = asyncio.get_running_loop().create_task(self._run(campaign))
        self._running[campaign.id] = task
        task.add_done_callback(lambda _: self._running.pop(campaign.id, None))

    async def _run(self, campaign: Campaign) -> None:
        try:
            await self._work(campaign)
        except OperatorError as fault:
            await self._fail(campaign, str(fault))
        except Exception as fault:  # noqa: BLE001 nobody waits for it: it is told here or nowhere
            self._report_fault(fault)
            await self._fail(campaign, "A fault of this program ended it.")

    async def _fail(self, campaign: Campaign, sentence: str) -> None:
        try:
            await self._store.put(structs.replace(campaign, state=CampaignState.FAILED, error=sentence))
        except OperatorError as fault:
            self._report_fault(fault)

    async def _work(self, campaign: Campaign) -> None:
        order = campaign.order
        jobs = [await self._verified(order.workspace, list_id) for list_id in order.lists]
        campaign = structs.replace(campaign, state=CampaignState.DECIDING)
        await self._store.put(campaign)
        policy, sender = self._policy(order)
        quota = await self._quota(order)
        accounts, seen = Accounts.empty(), _Seen(len(jobs) > 1)
        for job in jobs:
            asked = StageName.SMTP in job.options.stages
            deciding = RowDeciding(self._equipment, order, policy, sender, asked=asked)
            fates = await self._decide(job, order, deciding, accounts, quota, seen)
            await self._store.keep_fates(campaign.id, job.id, fates)
        profile = order.profile or (sender.profile if sender is not None else None)
        warnings = await self._warnings(order)
        summary = summary_of(accounts, quota, dict(self._evidence()), profile, policy.name, warnings)
        now = self._equipment.clock.now()
        await self._store.put(structs.replace(campaign, state=CampaignState.COMPLETED, finished=now, summary=summary))

    async def _verified(self, workspace: str, list_id: str) -> ListJob:
        """The list once all of its rows have their verdicts; one that waits for its start is started."""
        job = await self._lists.get(workspace, list_id)
        if job.state in (ListState.UPLOADED, ListState.PARSING):
            job = await self._lists.read(workspace, list_id)
        if job.state is ListState.READY and not job.options.start:
            job = await self._lists.start(workspace, list_id)
        async with aclosing(self._lists.events(list_id, job.revision)) as events:
            while job.state in _WAITING or _starts_by_itself(job):
                await anext(events, None)
                job = await self._lists.get(workspace, list_id)
        if job.state not in READABLE or job.started is None:
            raise CampaignNotThere(f"The list {list_id} is {job.state}: {job.error or 'its rows cannot be read'}.")
        return job

    async def _decide(
        self,
        job: ListJob,
        order: CampaignOrder,
        deciding: RowDeciding,
        accounts: Accounts,
        quota: Quota,
        seen: "_Seen",
    ) -> bytes:
        """A byte a row; counts them on the way."""
        assert job.preview is not None
        header = job.preview.columns
        left = unsubscribed_column(header, order.unsubscribed_column)
        wanted = selected_column(header, order.selected_column)
        fates = bytearray()
        now = self._equipment.clock.now()
        async for rows in self._pages(job):
            skipped = [_skipped(row, wanted, seen) for row in rows]
            open_rows = [row for row, fate in zip(rows, skipped, strict=True) if fate is None]
            rulings = iter(
                await deciding.decide([RowQuestion(row.assessment, _is_yes(row, left)) for row in open_rows])
            )
            for row, fate in zip(rows, skipped, strict=True):
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

    async def _pages(self, job: ListJob) -> AsyncGenerator[Sequence[ShownRow], None]:
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

    def _policy(self, order: CampaignOrder) -> tuple[Policy, Sender | None]:
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


def _starts_by_itself(job: ListJob) -> bool:
    """It was read and goes on in a moment, unless nobody can tell which column holds its addresses."""
    known = job.preview is not None and bool(job.preview.email_columns)
    return job.state is ListState.READY and job.options.start and known


class _Seen:
    """Addresses of earlier lists of the same campaign, as short hashes; nothing is kept where there is one list."""

    def __init__(self, several: bool) -> None:
        self._several = several
        self._hashes: set[bytes] = set()

    def repeats(self, text: str) -> bool:
        """It was there before; from now on it is."""
        if not self._several:
            return False
        parsed = parse_address(text)
        if not isinstance(parsed, Address):
            return False
        digest = blake2b(parsed.comparison.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        if digest in self._hashes:
            return True
        self._hashes.add(digest)
        return False


def _skipped(row: ShownRow, wanted: int | None, seen: _Seen) -> RowFate | None:
    """What becomes of a row that nobody has to decide about."""
    if wanted is not None and not _is_yes(row, wanted):
        return RowFate.NOT_SELECTED
    if is_blank(row.assessment):
        return RowFate.EMPTY
    if row.duplicate_of or seen.repeats(row.assessment.email):
        return RowFate.DUPLICATE
    return None


def _is_yes(row: ShownRow, column: int | None) -> bool:
    return column is not None and column < len(row.cells) and is_yes(row.cells[column])
