"""What every command that verifies begins with: settings, warnings, the folder's lock, an open verifier."""

import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from verifier.adapters.folder_lock import FolderLock
from verifier.adapters.prober_socket import ProberServer, Record, Request, socket_path
from verifier.adapters.structlog_log import configure
from verifier.adapters.system_clock import SystemClock
from verifier.config import Settings, find_settings_file, load_settings
from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.faults import InputError, OperatorError
from verifier.core.identity import identity_faults
from verifier.core.reasons import ALL_STAGES, StageName
from verifier.core.record import to_record
from verifier.edges.cli.terminal import remarks
from verifier.ports import Meter
from verifier.service.asking import Asking
from verifier.service.probing import Timeouts
from verifier.wiring import Verifier, open_verifier

_ANSWER_CHUNK = 500
_SMTP = 25
SERVE = "verifier serve"
"""The name under which a running service holds the folder."""


def read_settings() -> Settings:
    """The effective settings; what is odd about them is said on stderr."""
    settings = load_settings(os.environ, find_settings_file(Path.cwd()))
    for warning in settings.warnings:
        say(f"Warning: {warning}")
    return settings


def say(sentence: str) -> None:
    """One line for people, on stderr."""
    remarks().print(sentence, markup=False, soft_wrap=True)


@asynccontextmanager
async def probing(
    settings: Settings,
    command: str,
    timeouts: Timeouts | None = None,
    *,
    log_level: str = "warning",
    meter: Meter | None = None,
) -> AsyncIterator[Verifier]:
    """An open verifier that holds the data folder; other commands may ask it meanwhile. Raises FolderBusy."""
    configure(log_level, "console" if log_level == "warning" or sys.stderr.isatty() else "json")
    log = structlog.get_logger()
    lock = FolderLock.acquire(settings.data_dir, command, SystemClock())
    try:
        async with open_verifier(
            settings,
            timeouts=timeouts,
            warn=lambda sentence: log.warning(sentence),
            report_fault=report_fault,
            meter=meter,
        ) as verifier:
            _warn_of_identity(settings, verifier)

            async def answer(request: Request) -> AsyncGenerator[Record, None]:
                async for record in _answer(verifier, request):
                    yield record

            server = ProberServer(socket_path(settings.data_dir), answer)
            await server.start()
            try:
                yield verifier
            finally:
                await server.close()
    finally:
        lock.release()


def report_fault(fault: BaseException) -> None:
    """What ended nothing but what it happened to: a sentence where the operator can mend it, else the details."""
    log = structlog.get_logger()
    if isinstance(fault, OperatorError):
        log.error("a part that is needed does not work", fault=str(fault))
    else:
        log.error("a fault of this program", exc_info=fault)


def _warn_of_identity(settings: Settings, verifier: Verifier) -> None:
    """A false name is said before anybody hears it; on another port than 25 nobody out there does."""
    if settings.smtp_enabled and settings.smtp_port == _SMTP:
        for fault in identity_faults(settings.helo, settings.mail_from, verifier.reference.free):
            say(f"Warning: {fault}")


async def _answer(verifier: Verifier, request: Request) -> AsyncGenerator[Record, None]:
    """What another command asks of the process that holds the folder: `assess` addresses, or `forget` them."""
    emails, stages = request.get("emails"), request.get("stages", list(ALL_STAGES))
    if not isinstance(emails, list) or not isinstance(stages, list):
        raise _not_understood()
    texts = [str(email) for email in emails]
    match request.get("op"):
        case "assess":
            async for record in _assess(verifier, texts, tuple(StageName(stage) for stage in stages)):
                yield record
        case "forget":
            for text in texts:
                await verifier.forgetting.forget(address_or_fault(text))
        case str() as operation if operation in verifier.further:
            async for record in verifier.further[operation](request):
                yield record
        case _:
            raise _not_understood()


async def _assess(verifier: Verifier, texts: list[str], stages: tuple[StageName, ...]) -> AsyncGenerator[Record, None]:
    for start in range(0, len(texts), _ANSWER_CHUNK):
        asking = Asking(stages=stages, interactive=True)
        for assessment in await verifier.verification.assess(texts[start : start + _ANSWER_CHUNK], asking):
            yield to_record(assessment)


def address_or_fault(text: str) -> Address:
    """The address. Raises InputError where it is none."""
    address = parse_address(text)
    if isinstance(address, SyntaxFault):
        raise InputError(f"That is not an address: {address.sentence}")
    return address


def _not_understood() -> OperatorError:
    return OperatorError("the request is not understood: this process is of another version")
