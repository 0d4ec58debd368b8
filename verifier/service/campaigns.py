"""Campaigns: lists verified first, then every row decided, then the whole; held ones released, by name and reason.

What is written down is a campaign's record at each step, so a process that is killed is followed by one that begins its
undone ones again: nothing has been sent, so nothing is done twice.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from msgspec import structs

from verifier.core.address import Address, parse_address
from verifier.core.campaign_counts import Fate, fate_of
from verifier.core.campaign_faults import CampaignNotThere, UnknownCampaign
from verifier.core.campaigns import Campaign, CampaignOrder, CampaignState, Recheck, Release, recheck_of
from verifier.core.faults import OperatorError
from verifier.core.gate_words import GateDecision
from verifier.core.list_faults import BadRequest
from verifier.core.list_jobs import ListJob, ListOptions
from verifier.core.list_orders import Order, as_lines
from verifier.core.list_rows import ShownRow
from verifier.core.list_states import READABLE, ListState
from verifier.core.profiles import PROFILES
from verifier.gate_ports import CampaignStore
from verifier.service.campaign_deciding import CampaignDeciding
from verifier.service.campaign_rows import (
    FreshRows,
    to_ask_again,
)
from verifier.service.gating import Equipment
from verifier.service.lists import Lists

_ID_LENGTH = 26
_PAGE = 250
_SELECTOR = re.compile(r"[A-Za-z0-9._-]{1,63}")
_DONE = (CampaignState.COMPLETED, CampaignState.FAILED)
_WAITING = (ListState.UPLOADED, ListState.PARSING, ListState.RUNNING, ListState.PAUSED, ListState.RECHECKING)


class Campaigns:
    """`open` takes up what was undone, `close` leaves it for the next process."""

    def __init__(
        self,
        store: CampaignStore,
        lists: Lists,
        deciding: CampaignDeciding,
        equipment: Equipment,
        report_fault: Callable[[BaseException], None],
    ) -> None:
        self._store = store
        self._lists = lists
        self._deciding = deciding
        self._equipment = equipment
        self._report_fault = report_fault
        self._running: dict[str, asyncio.Task[None]] = {}
        self._awaiting: dict[str, asyncio.Task[None]] = {}

    async def open(self) -> None:
        """Whatever was not done is begun again."""
        for campaign in await self._store.campaigns(limit=1000):
            if campaign.state not in _DONE:
                self._start(campaign)
            elif campaign.recheck_at is not None:
                self._await(campaign)

    async def close(self) -> None:
        """Ends all work at once."""
        tasks = [*self._running.values(), *self._awaiting.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def create(self, order: CampaignOrder) -> Campaign:
        """The campaign, at work. Raises BadRequest for what cannot be, UnknownList for a list that is not there."""
        self._deciding.policy_of(order)
        if order.profile is not None and order.profile not in PROFILES:
            raise BadRequest("profile", f"there is no profile of this name: known are {', '.join(PROFILES)}")
        if order.from_domain and not isinstance(parse_address(f"a@{order.from_domain}"), Address):
            raise BadRequest("from_domain", "that is no domain, such as shop.example")
        if order.dkim_selector and _SELECTOR.fullmatch(order.dkim_selector) is None:
            raise BadRequest("dkim_selector", "a selector has letters, digits, dots, - and _")
        for list_id in order.lists:
            job = await self._lists.get(order.workspace, list_id)
            if order.send_at is not None and order.send_at >= job.expires:
                raise BadRequest("send_at", "the rows are deleted before: keep the list longer, or send earlier")
        now = self._equipment.clock.now()
        if order.send_at is not None and order.send_at <= now:
            raise BadRequest("send_at", "that is over: give a time to come")
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
        if campaign.order.test:
            raise CampaignNotThere("This was a test: there is nothing to let go.")
        if campaign.decision is not GateDecision.HOLD:
            said = campaign.decision.value if campaign.decision is not None else campaign.state.value
            raise CampaignNotThere(f"Only a campaign that is held can be released; this one is: {said}.")
        release = Release(name, reason, self._equipment.clock.now(), key)
        campaign = structs.replace(campaign, releases=(*campaign.releases, release))
        await self._store.put(campaign)
        return campaign

    async def lists(self, campaign: Campaign) -> list[ListJob]:
        """Its lists, in order. Raises ListNotThere where one has been deleted."""
        return [await self._lists.get(campaign.order.workspace, list_id) for list_id in campaign.order.lists]

    async def rows(self, campaign: Campaign) -> AsyncGenerator[tuple[ListJob, list[tuple[ShownRow, Fate]]], None]:
        """Every row with what became of it, list by list, some at a time. Raises CampaignNotThere before it is done."""
        if campaign.summary is None:
            raise CampaignNotThere("The campaign is not decided yet.")
        fresh = await self._fresh(campaign) if campaign.recheck is not None else FreshRows()
        for job in await self.lists(campaign):
            fates = await self._store.fates(campaign.id, job.id)
            async for rows in self._deciding.pages(job):
                yield (
                    job,
                    [
                        (row, fate_of(fates[row.number - 1]))
                        for row in fresh.freshened(rows)
                        if row.number <= len(fates)
                    ],
                )

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
        jobs = [await self._verified(campaign.order.workspace, list_id) for list_id in campaign.order.lists]
        campaign = structs.replace(campaign, state=CampaignState.DECIDING)
        await self._store.put(campaign)
        summary, fates = await self._deciding.decided(campaign.order, jobs, FreshRows())
        for list_id, some in fates.items():
            await self._store.keep_fates(campaign.id, list_id, some)
        now = self._equipment.clock.now()
        campaign = structs.replace(campaign, state=CampaignState.COMPLETED, finished=now, summary=summary)
        await self._store.put(campaign)
        if campaign.recheck_at is not None:
            self._await(campaign)

    def _await(self, campaign: Campaign) -> None:
        """Before it goes out it is looked at once more."""
        task = asyncio.get_running_loop().create_task(self._recheck(campaign))
        self._awaiting[campaign.id] = task
        task.add_done_callback(lambda _: self._awaiting.pop(campaign.id, None))

    async def _recheck(self, campaign: Campaign) -> None:
        clock, due = self._equipment.clock, campaign.recheck_at
        assert due is not None
        await clock.sleep(max(0.0, (due - clock.now()).total_seconds()))
        try:
            await self._decide_again(campaign.id)
        except OperatorError as fault:
            await self._fail_recheck(campaign.id, str(fault))
        except Exception as fault:  # noqa: BLE001 nobody waits for it: it is told here or nowhere
            self._report_fault(fault)
            await self._fail_recheck(campaign.id, "A fault of this program ended it.")

    async def _fail_recheck(self, campaign_id: str, sentence: str) -> None:
        try:
            campaign = await self._known(campaign_id)
            recheck = Recheck(self._equipment.clock.now(), error=sentence)
            await self._store.put(structs.replace(campaign, recheck=recheck))
        except OperatorError as fault:
            self._report_fault(fault)

    async def _decide_again(self, campaign_id: str) -> None:
        """Asks whoever is stale again, as a list of their own, and decides everybody anew."""
        campaign = await self._known(campaign_id)
        workspace = campaign.order.workspace
        jobs = [await self._lists.get(workspace, list_id) for list_id in campaign.order.lists]
        if not campaign.recheck_list:
            campaign = await self._ask_again(campaign, jobs)
        rows = 0
        if campaign.recheck_list:
            again = await self._verified(workspace, campaign.recheck_list)
            rows = again.preview.rows if again.preview is not None else 0
        summary, fates = await self._deciding.decided(campaign.order, jobs, await self._fresh(campaign))
        changed = 0
        for list_id, some in fates.items():
            before = await self._store.fates(campaign.id, list_id)
            changed += sum(one != other for one, other in zip(before, some, strict=True))
            await self._store.keep_fates(campaign.id, list_id, some)
        campaign = await self._known(campaign_id)  # somebody may have released it meanwhile
        assert campaign.summary is not None
        recheck = recheck_of(campaign.summary, summary, self._equipment.clock.now(), rows, changed)
        await self._store.put(structs.replace(campaign, summary=summary, recheck=recheck))

    async def _ask_again(self, campaign: Campaign, jobs: Sequence[ListJob]) -> Campaign:
        """The campaign with the list of its stale rows, as it is where there are none."""
        now, stale = self._equipment.clock.now(), []
        async for _, rows in self.rows(campaign):
            stale += [row.assessment.email for row, fate in rows if to_ask_again(row, fate, now)]
        if not stale:
            return campaign
        options = ListOptions(retention=jobs[0].options.retention, start=True)
        order = Order(campaign.order.workspace, jobs[0].client, f"{campaign.id}.jsonl", options)
        job, _ = await self._lists.upload(order, _lines_of(stale))
        campaign = structs.replace(await self._known(campaign.id), recheck_list=job.id)
        await self._store.put(campaign)
        return campaign

    async def _fresh(self, campaign: Campaign) -> FreshRows:
        """What the second look has found."""
        fresh = FreshRows()
        if campaign.recheck_list:
            job = await self._lists.get(campaign.order.workspace, campaign.recheck_list)
            async for rows in self._deciding.pages(job):
                fresh.learn(rows)
        return fresh

    async def _known(self, campaign_id: str) -> Campaign:
        campaign = await self._store.get(campaign_id)
        if campaign is None:
            raise UnknownCampaign
        return campaign

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
            raise CampaignNotThere(_why_unreadable(job))
        return job


def _why_unreadable(job: ListJob) -> str:
    if job.error:
        return job.error
    if job.state is ListState.READY:
        return f"The list {job.id} has no column of e-mail addresses that is known as such: name it by `column`."
    return f"The list {job.id} is {job.state}: its rows cannot be read."


def _starts_by_itself(job: ListJob) -> bool:
    """It was read and goes on in a moment, unless nobody can tell which column holds its addresses."""
    known = job.preview is not None and bool(job.preview.email_columns)
    return job.state is ListState.READY and job.options.start and known


async def _lines_of(emails: Sequence[str]) -> AsyncGenerator[bytes, None]:
    for some in as_lines(emails):
        yield some
        await asyncio.sleep(0)
