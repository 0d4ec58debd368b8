"""open_feedback(verifier, gate): where feedback meets its adapters; and how others reach its store beside a service."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct

from verifier.adapters.aiohttp_fetcher import AiohttpFetcher
from verifier.adapters.calibration_file import write_calibration
from verifier.adapters.data_files import assemble_names, load_reference_data
from verifier.adapters.reply_rule_file import shipped_rules
from verifier.adapters.secret_file import load_secret
from verifier.adapters.sqlite_events import SqliteEvents
from verifier.adapters.sqlite_senders import SqliteSenders
from verifier.adapters.system_clock import SystemClock
from verifier.adapters.unmetered import Unmetered
from verifier.config import Settings
from verifier.core.calibration import Calibration
from verifier.core.faults import ServiceUnavailable
from verifier.core.keys import subkey
from verifier.feedback_ports import SecretStore
from verifier.gate_ports import SuppressionStore, UseStore
from verifier.gate_wiring import SENDERS_FILE, suppression_store
from verifier.ports import Clock, Meter
from verifier.service.calibrating import Calibrating, Predictions
from verifier.service.feedback import Feedback, Places
from verifier.service.hooks import Hooks
from verifier.service.judging import Judging
from verifier.service.keeping import Keeping
from verifier.wiring import Verifier

EVENTS_FILE = "events.sqlite"
_CALIBRATE_SECONDS = 300.0


class FeedbackService(Struct, frozen=True):
    """What an edge works with."""

    feedback: Feedback
    hooks: Hooks
    calibrating: Calibrating
    secrets: SecretStore


@asynccontextmanager
async def open_events(settings: Settings) -> AsyncIterator[SqliteEvents]:
    """What was told, as a store: EventStore, OutcomeStore, SecretStore and ActivitySource."""
    events = SqliteEvents(settings.data_dir / EVENTS_FILE, SystemClock())
    try:
        yield events
    finally:
        await events.close()


@asynccontextmanager
async def open_feedback(
    verifier: Verifier,
    events: SqliteEvents,
    suppressions: SuppressionStore,
    uses: UseStore,
    *,
    report_fault: Callable[[BaseException], None],
    meter: Meter | None = None,
    at_work: bool = True,
) -> AsyncIterator[FeedbackService]:
    """The feedback of a data folder, whose lock the verifier holds. `at_work`: what others have kept is done too, and
    risks are calibrated as events come. What the verifier forgets from now on is erased here too.
    """
    settings, clock, judging = verifier.settings, verifier.clock, verifier.verification.judging
    fetcher = AiohttpFetcher(verifier.guard.reason)
    feedback = Feedback(
        Places(events, suppressions, uses, verifier.store),
        judging,
        Predictions(judging, verifier.store, verifier.mailboxes.not_asked, clock),
        shipped_rules(),
        secret=verifier.secret,
        clock=clock,
        meter=meter or Unmetered(),
        report_fault=report_fault,
    )

    def keep(calibration: Calibration) -> None:
        write_calibration(settings.data_dir, calibration.risks)

    calibrating = Calibrating(events, verifier.reference.prior_risks, judging, keep)
    verifier.forgetting.reach(feedback.forget)
    running: list[asyncio.Task[None]] = []
    try:
        if at_work:
            running.append(asyncio.create_task(feedback.run()))
            running.append(asyncio.create_task(_calibrate(calibrating, clock, report_fault)))
        yield FeedbackService(feedback, Hooks(feedback, events, fetcher), calibrating, events)
    finally:
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        await feedback.close()
        await fetcher.close()


@asynccontextmanager
async def open_feedback_alone(
    verifier: Verifier, *, report_fault: Callable[[BaseException], None]
) -> AsyncIterator[FeedbackService]:
    """The same for one command that holds the data folder: what events change is done here, and by nobody else."""
    suppressions = suppression_store(verifier.settings, verifier.secret)
    senders = SqliteSenders(verifier.settings.data_dir / SENDERS_FILE, verifier.clock)
    try:
        async with (
            open_events(verifier.settings) as events,
            open_feedback(verifier, events, suppressions, senders, report_fault=report_fault, at_work=False) as service,
        ):
            yield service
            await service.calibrating.calibrate()
    finally:
        await senders.close()
        await suppressions.close()


@asynccontextmanager
async def open_keeping(settings: Settings) -> AsyncIterator[Keeping]:
    """For a command beside a service that holds the folder, and does what is kept a few seconds later."""
    clock = SystemClock()
    reference = load_reference_data(settings.data_dir)
    secret = load_secret(settings.data_dir, settings.secret_key, clock)
    judging = Judging(assemble_names(reference), reference.risks, clock, subkey(secret, "mailbox"))
    async with open_events(settings) as events:
        yield Keeping(events, judging, shipped_rules(), secret=secret, clock=clock)


async def _calibrate(calibrating: Calibrating, clock: Clock, report_fault: Callable[[BaseException], None]) -> None:
    while True:
        try:
            await calibrating.calibrate()
        except (ServiceUnavailable, OSError) as fault:
            report_fault(fault)
        await clock.sleep(_CALIBRATE_SECONDS)
