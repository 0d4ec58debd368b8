"""What every command that verifies begins with: settings, warnings, the folder's lock, an open verifier."""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from verifier.adapters.folder_lock import FolderLock
from verifier.adapters.prober_socket import ProberServer, Record, Request, socket_path
from verifier.adapters.structlog_log import configure
from verifier.adapters.system_clock import SystemClock
from verifier.config import Settings, find_settings_file, load_settings
from verifier.core.faults import OperatorError
from verifier.core.identity import identity_faults
from verifier.core.reasons import ALL_STAGES, StageName
from verifier.core.record import to_record
from verifier.edges.cli.terminal import remarks
from verifier.service.mailboxes import Asking
from verifier.service.probing import Timeouts
from verifier.wiring import Verifier, open_verifier

_ANSWER_CHUNK = 500
_SMTP = 25


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
async def probing(settings: Settings, command: str, timeouts: Timeouts | None = None) -> AsyncIterator[Verifier]:
    """An open verifier that holds the data folder; other commands may ask it meanwhile. Raises FolderBusy."""
    configure("warning", "console")
    log = structlog.get_logger()
    lock = FolderLock.acquire(settings.data_dir, command, SystemClock())
    try:
        async with open_verifier(
            settings,
            timeouts=timeouts,
            warn=lambda sentence: log.warning(sentence),
            report_fault=lambda fault: log.error("a fault of this program", exc_info=fault),
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


def _warn_of_identity(settings: Settings, verifier: Verifier) -> None:
    """A false name is said before anybody hears it; on another port than 25 nobody out there does."""
    if settings.smtp_enabled and settings.smtp_port == _SMTP:
        for fault in identity_faults(settings.helo, settings.mail_from, verifier.reference.free):
            say(f"Warning: {fault}")


async def _answer(verifier: Verifier, request: Request) -> AsyncGenerator[Record, None]:
    """What another command asks of the process that holds the folder: `assess` addresses."""
    emails, stages = request.get("emails"), request.get("stages", list(ALL_STAGES))
    if request.get("op") != "assess" or not isinstance(emails, list) or not isinstance(stages, list):
        raise OperatorError("the request is not understood: this process is of another version")
    chosen = tuple(StageName(stage) for stage in stages)
    texts = [str(email) for email in emails]
    for start in range(0, len(texts), _ANSWER_CHUNK):
        asking = Asking(stages=chosen, interactive=True)
        for assessment in await verifier.verification.assess(texts[start : start + _ANSWER_CHUNK], asking):
            yield to_record(assessment)
