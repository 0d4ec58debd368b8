"""open_front_desk(verifier): what the HTTP service needs beside the verifier; adapters meet ports here too."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from msgspec import Struct

from verifier.adapters.data_files import assemble_names, load_reference_data, operator_lists_state
from verifier.adapters.host_probes import redis_fault
from verifier.adapters.prometheus_meter import PrometheusMeter
from verifier.adapters.sqlite_file import examine_file
from verifier.adapters.sqlite_holds import SqliteHolds
from verifier.adapters.sqlite_keys import SqliteKeys
from verifier.adapters.system_clock import SystemClock
from verifier.campaign_wiring import CampaignService, open_campaigns
from verifier.config import Settings
from verifier.core.egress import EgressState
from verifier.core.faults import OperatorError, ServiceUnavailable
from verifier.core.holding import Holds
from verifier.core.keys import keyed_hash, subkey
from verifier.core.measures import EGRESS_OPEN, LANES, LEFT_ALONE, SESSIONS, WAITING
from verifier.feedback_ports import EventStore
from verifier.feedback_wiring import EVENTS_FILE, FeedbackService, open_events, open_feedback
from verifier.gate_wiring import GateService, open_gate
from verifier.list_wiring import ListService, open_lists, open_poster
from verifier.service.access import Access
from verifier.service.allowances import Allowances
from verifier.service.list_quotas import ListQuotas
from verifier.service.probe_limits import ProbeLimits
from verifier.service.readiness import Condition, Part, Readiness, dns_part, egress_part
from verifier.service.realtime import RealTime
from verifier.wiring import Verifier

KEYS_FILE = "keys.sqlite"
HOLDS_FILE = "holds.sqlite"
_LOOK_AT_LISTS_SECONDS = 5.0


class FrontDesk(Struct):
    """What the HTTP service works with beside the verifier."""

    verifier: Verifier
    realtime: RealTime
    access: Access
    allowances: Allowances
    probe_limits: ProbeLimits
    readiness: Readiness
    lists: ListService
    gate: GateService
    campaigns: CampaignService
    feedback: FeedbackService
    meter: PrometheusMeter


@asynccontextmanager
async def open_front_desk(
    verifier: Verifier,
    meter: PrometheusMeter,
    *,
    report_fault: Callable[[BaseException], None],
    warn: Callable[[str], None],
) -> AsyncIterator[FrontDesk]:
    """Open the store of keys, put together what answers within seconds, and go on with the lists that are undone."""
    clock, lanes = verifier.clock, verifier.lanes
    async with AsyncExitStack() as stack:
        keys = SqliteKeys(verifier.settings.data_dir / KEYS_FILE, clock)
        stack.push_async_callback(keys.close)
        realtime = RealTime(verifier.verification, clock, meter, called=lanes.called, report_fault=report_fault)
        stack.push_async_callback(realtime.close)
        meter.watch(LANES, lambda: lanes.load().lanes)
        meter.watch(WAITING, lambda: lanes.load().waiting)
        meter.watch(SESSIONS, lambda: lanes.load().sessions)
        meter.watch(LEFT_ALONE, lambda: lanes.load().left_alone)
        meter.watch(EGRESS_OPEN, lambda: float(verifier.egress.last is EgressState.OPEN))
        watching = asyncio.get_running_loop().create_task(_watch_lists(verifier, report_fault))
        stack.callback(watching.cancel)
        access = Access(keys, keys, clock)
        allowances, probe_limits = Allowances(keys, clock), ProbeLimits(clock)
        poster = await stack.enter_async_context(open_poster(verifier))
        lists = await stack.enter_async_context(
            open_lists(
                verifier,
                report_fault=report_fault,
                warn=warn,
                poster=poster,
                quotas=ListQuotas(keys, allowances, clock),
            )
        )
        events = await stack.enter_async_context(open_events(verifier.settings))
        gate = await stack.enter_async_context(
            open_gate(verifier, realtime, report_fault=report_fault, warn=warn, activity=events)
        )
        feedback = await stack.enter_async_context(
            open_feedback(verifier, events, gate.suppressions, gate.uses, report_fault=report_fault, meter=meter)
        )
        calibrating = feedback.calibrating
        campaigns = await stack.enter_async_context(
            open_campaigns(verifier, lists, gate, report_fault=report_fault, evidence=lambda: calibrating.evidence)
        )
        yield FrontDesk(
            verifier,
            realtime,
            access,
            allowances,
            probe_limits,
            _readiness(verifier, access, events),
            lists,
            gate,
            campaigns,
            feedback,
            meter,
        )


@asynccontextmanager
async def open_holds(verifier: Verifier, report_fault: Callable[[BaseException], None]) -> AsyncIterator[Holds]:
    """How long mail has been held, from before this start on; in memory alone where nothing is held."""
    if not verifier.settings.gate_enforce:
        yield Holds()
        return
    store = SqliteHolds(verifier.settings.data_dir / HOLDS_FILE, verifier.clock, report_fault)
    try:
        name = partial(keyed_hash, subkey(verifier.secret, "hold"))
        yield Holds(known=await store.known(), name=name, begun=store.note)
    finally:
        await store.close()


@asynccontextmanager
async def open_access(settings: Settings) -> AsyncIterator[Access]:
    """Keys by themselves, beside a service that may be running."""
    clock = SystemClock()
    keys = SqliteKeys(settings.data_dir / KEYS_FILE, clock)
    try:
        yield Access(keys, keys, clock)
    finally:
        await keys.close()


async def _watch_lists(verifier: Verifier, report_fault: Callable[[BaseException], None]) -> None:
    """What `verifier data` changes beside a running service holds a few seconds later: an opt-out must not wait."""
    data_dir = verifier.settings.data_dir
    known = operator_lists_state(data_dir)
    told = ""
    while True:
        await verifier.clock.sleep(_LOOK_AT_LISTS_SECONDS)
        try:
            state = await asyncio.to_thread(operator_lists_state, data_dir)
            if state != known:
                reference = await asyncio.to_thread(load_reference_data, data_dir)
                verifier.names.renew(assemble_names(reference))
                known = state
            told = ""
        except (OSError, OperatorError) as fault:  # it is looked at again, and what was known holds until then
            if str(fault) != told:
                report_fault(fault)
            told = str(fault)


def _readiness(verifier: Verifier, access: Access, told: EventStore) -> Readiness:
    settings = verifier.settings

    async def database() -> Part:
        try:
            await access.keys()
        except ServiceUnavailable:
            return Part(Condition.FAILED, "the store of keys cannot be read")
        return Part(Condition.OK)

    async def events() -> Part:
        try:
            await told.waiting(1)
            await asyncio.to_thread(examine_file, settings.data_dir / EVENTS_FILE)
        except ServiceUnavailable as fault:
            return Part(Condition.FAILED, str(fault).rstrip("."))
        return Part(Condition.OK)

    async def redis() -> Part:
        fault = await redis_fault(settings.redis_url) if settings.redis_url else None
        return Part(Condition.OK) if fault is None else Part(Condition.DEGRADED, "Redis does not answer")

    async def dns() -> Part:
        return dns_part(verifier.domains.trusted, verifier.domains.doubt)

    async def egress() -> Part:
        return egress_part(await verifier.egress.outcome())

    async def prober_lock() -> Part:
        return Part(Condition.OK)

    return Readiness(
        {
            "database": database,
            "events": events,
            "redis": redis,
            "dns": dns,
            "egress": egress,
            "prober_lock": prober_lock,
        }
    )
