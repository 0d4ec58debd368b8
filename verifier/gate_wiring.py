"""open_gate(verifier): where the gate meets its adapters, and how others reach its stores beside it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from verifier.adapters.gate_policy_files import load_policies
from verifier.adapters.layered_store import LayeredStore
from verifier.adapters.secret_file import load_secret
from verifier.adapters.sqlite_decisions import SqliteDecisions
from verifier.adapters.sqlite_senders import SqliteSenders
from verifier.adapters.sqlite_suppressions import SqliteSuppressions
from verifier.adapters.suppression_memory import SuppressionMemory
from verifier.adapters.system_clock import SystemClock
from verifier.adapters.unmetered import Unmetered
from verifier.config import Settings
from verifier.core.address import Address
from verifier.core.faults import OperatorError, ServiceUnavailable
from verifier.core.gate_record import gate_record
from verifier.core.gate_words import GateQuestion
from verifier.core.keys import keyed_hash, subkey
from verifier.core.suppression_keys import SuppressionKeys
from verifier.gate_ports import ActivitySource, DecisionLog, SuppressionStore, UseStore
from verifier.ports import Clock
from verifier.service.gate_knowledge import GateKnowledge
from verifier.service.gating import Equipment, Gate, UnknownPolicy
from verifier.service.realtime import RealTime
from verifier.service.refreshing import Refreshing
from verifier.service.sender_book import SenderBook
from verifier.service.suppressing import Suppressing
from verifier.wiring import Verifier

SUPPRESSIONS_FILE = "suppressions.sqlite"
FRONT_FILE = "suppressions.front"
SENDERS_FILE = "senders.sqlite"
DECISIONS_FILE = "decisions.sqlite"
ASK = "gate"
"""The operation of the prober's socket."""
COMMAND_SECONDS = 2.0
"""The deadline of a command, which has just opened its files."""
_LOOK_SECONDS = 1.0
_BEHIND_SECONDS = 8.0


class GateService(Struct, frozen=True):
    """What an edge works with: the gate, whom not to mail, who sends, and what was decided."""

    gate: Gate
    suppressing: Suppressing
    suppressions: SuppressionStore
    keys: SuppressionKeys
    senders: SenderBook
    uses: UseStore
    log: DecisionLog
    equipment: Equipment


@asynccontextmanager
async def open_gate(
    verifier: Verifier,
    realtime: RealTime | None = None,
    *,
    report_fault: Callable[[BaseException], None],
    warn: Callable[[str], None],
    activity: ActivitySource | None = None,
) -> AsyncIterator[GateService]:
    """The gate of a data folder, whose lock the verifier holds. What the verifier forgets is erased here too, and other
    commands ask it over the prober's socket. Without a `realtime` it has one of its own, whose checks get some seconds
    to end.

    Raises ServiceUnavailable where the suppressions cannot be read: nobody would know whom not to mail.
    """
    settings, clock = verifier.settings, verifier.clock
    policies = load_policies(settings.data_dir)
    suppressions = suppression_store(settings, verifier.secret)
    memory = SuppressionMemory(settings.data_dir / FRONT_FILE, suppressions)
    store = SqliteSenders(settings.data_dir / SENDERS_FILE, clock)
    log = SqliteDecisions(settings.data_dir / DECISIONS_FILE, clock, warn)
    keys = _keys(verifier.secret)
    book = SenderBook(store)
    own = realtime is None
    realtime = realtime or RealTime(
        verifier.verification, clock, Unmetered(), called=verifier.lanes.called, report_fault=report_fault
    )
    refreshing = Refreshing(realtime, clock)
    judging = verifier.verification.judging
    knowledge = GateKnowledge(
        judging=judging,
        names=verifier.names,
        mailboxes=verifier.mailboxes,
        store=verifier.store,
        glance=verifier.store if isinstance(verifier.store, LayeredStore) else None,
        egress=verifier.egress,
        smtp_enabled=settings.smtp_enabled,
        clock=clock,
    )
    suppressing = Suppressing(suppressions, keys, clock, memory.note)
    equipment = Equipment(
        judging=judging,
        remembered=knowledge,
        keys=keys,
        front=memory,
        suppressions=suppressions,
        senders=book,
        uses=store,
        policies=policies,
        log=log,
        refresh=refreshing.ask,
        clock=clock,
        report_fault=report_fault,
        activity=activity,
    )
    gate = Gate(equipment)

    async def forget(address: Address, _: str) -> None:
        await suppressing.forget_address(address)
        gate.forget()
        recipient = keys.exact(address)
        await store.forget(recipient)
        await log.forget(recipient)

    following: asyncio.Task[None] | None = None
    try:
        await memory.open()
        await book.look()
        verifier.forgetting.reach(forget)
        verifier.further[ASK] = partial(_answer, gate)
        following = asyncio.get_running_loop().create_task(_follow(memory, book, clock, warn, report_fault))
        yield GateService(gate, suppressing, suppressing, keys, book, store, log, equipment)
    finally:
        if following is not None:
            following.cancel()
            await asyncio.wait([following])
        verifier.further.pop(ASK, None)
        await gate.close()
        if own:
            await refreshing.settled()
            await realtime.close(_BEHIND_SECONDS)
        await log.close()
        await store.close()
        await suppressions.close()


def suppression_store(settings: Settings, secret: bytes) -> SqliteSuppressions:
    """The suppressions of a data folder, which are found with the secret that they were made with alone."""
    mark = keyed_hash(subkey(secret, "mark"), SUPPRESSIONS_FILE)
    return SqliteSuppressions(settings.data_dir / SUPPRESSIONS_FILE, mark)


@asynccontextmanager
async def open_suppressions(settings: Settings) -> AsyncIterator[Suppressing]:
    """Suppressions by themselves, beside a service that may be running: it takes in within a second what is added."""
    clock = SystemClock()
    secret = load_secret(settings.data_dir, settings.secret_key, clock)
    store = suppression_store(settings, secret)
    try:
        yield Suppressing(store, _keys(secret), clock)
    finally:
        await store.close()


async def prepare_memory(settings: Settings) -> None:
    """Writes the file from which a service starts fast, where much was added: it would have to read all of it."""
    store = suppression_store(settings, load_secret(settings.data_dir, settings.secret_key, SystemClock()))
    try:
        await SuppressionMemory(settings.data_dir / FRONT_FILE, store).open()
    finally:
        await store.close()


@asynccontextmanager
async def open_decisions(settings: Settings) -> AsyncIterator[DecisionLog]:
    """What was decided, beside a service that may be running."""
    log = SqliteDecisions(settings.data_dir / DECISIONS_FILE, SystemClock(), lambda _: None)
    try:
        yield log
    finally:
        await log.close()


async def _answer(gate: Gate, request: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """What another command asks of this process: questions as values, and their answers' records."""
    try:
        questions = msgspec.convert(request.get("questions"), list[GateQuestion])
        answers = await gate.decide(questions, deadline_seconds=COMMAND_SECONDS)
    except (msgspec.ValidationError, UnknownPolicy) as error:
        raise OperatorError(f"That cannot be asked: {error}.") from None
    for answer in answers:
        yield msgspec.to_builtins(gate_record(answer))


def _keys(secret: bytes) -> SuppressionKeys:
    return SuppressionKeys(subkey(secret, "suppression"))


async def _follow(
    memory: SuppressionMemory,
    book: SenderBook,
    clock: Clock,
    warn: Callable[[str], None],
    report_fault: Callable[[BaseException], None],
) -> None:
    """What other processes change holds here a second later."""
    failing = False
    while True:
        await clock.sleep(_LOOK_SECONDS)
        try:
            await memory.look()
            await book.look()
            failing = False
        except ServiceUnavailable as fault:
            if not failing:
                warn(f"Suppressions that other processes add are not seen: {fault}")
            failing = True
        except OSError as fault:
            report_fault(fault)
