"""The log: structlog and the libraries' own logging, to stderr, with every address masked.

Law: no address stands in the log whole, whatever field, traceback or library it came through; and nobody fails because
the log cannot be written.
"""

import asyncio
import atexit
import json
import logging
import os
import re
import sys
from contextlib import suppress
from datetime import datetime
from typing import Any, BinaryIO, Literal

import msgspec
import structlog
from msgspec import Struct
from structlog.typing import EventDict, Processor, WrappedLogger

# Begins only where a word begins, so that a long text without an address costs one pass.
_DOMAIN = r"""\[[^\]\s]+\]|[^\s"'<>()\[\]{},;=/\\@|?&]"""
_ADDRESS = re.compile(
    r'(?:"(?:[^"\\]|\\.)*"|(?<![^\s"<>()\[\],;:/\\@|])([^\s"<>()\[\],;:/\\@|])[^\s"<>()\[\],;:/\\@|]*)'
    rf"""(?:@|%40)(?:(?:[^\s"<>()\[\],;:/\\@|]*@)++((?:{_DOMAIN}+)?)|({_DOMAIN}+))"""
)
_SOON, _TOGETHER = 0.05, 128
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@]+(?=@)")


def mask_addresses(text: str) -> str:
    """`jane@shop.example` becomes `j***@shop.example`; the credentials of a URL become `***`."""
    if "@" not in text and "%40" not in text:
        return text
    return _CREDENTIALS.sub(
        "***", _ADDRESS.sub(lambda match: f"{match[1] or ''}***@{match[2] or match[3] or ''}", text)
    )


class RequestLine(Struct, frozen=True, gc=False):
    """What the log tells of a request that was answered. Law: whoever makes one puts no address into it."""

    method: str
    route: str
    status: int
    ms: float
    key: str | None
    request_id: str
    timestamp: datetime
    event: str = "request"
    level: str = "info"


class _RequestLines:
    """Writes requests' lines where the others go, together and a moment later: most of what a line costs is to change
    from something else to it, and to hand it over.
    """

    def __init__(self, output: "_Lossy") -> None:
        self._output = output
        self._lines: list[RequestLine] = []

    def write(self, line: RequestLine) -> None:
        self._lines.append(line)
        if len(self._lines) == 1:
            asyncio.get_running_loop().call_later(_SOON, self.hand_over)
        elif len(self._lines) >= _TOGETHER:
            self.hand_over()

    def hand_over(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            self._output.write(_LINES.encode_lines(lines))
            self._output.flush()


_LINES = msgspec.json.Encoder()
_request_lines: list[_RequestLines] = []
"""None, or the one that is written to."""


@atexit.register
def _hand_over() -> None:
    for lines in _request_lines:
        lines.hand_over()


def write_request(line: RequestLine) -> None:
    """One line, at once where people read the log, else within 50 ms. Wants a running event loop."""
    if _request_lines:
        _request_lines[0].write(line)
    else:
        structlog.get_logger("verifier.http").info(**msgspec.structs.asdict(line))


def configure(level: str, form: Literal["json", "console"]) -> None:
    """Sends events of at least `level` ("debug", "info", …) to stderr, one a line; colours on a terminal only."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = _as_json
    if form == "console":
        colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        plain = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_event, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(level.upper())
    _request_lines.clear()
    if form == "json":  # without the standard library's records a request's line takes 14 µs instead of 34
        if root.isEnabledFor(logging.INFO):
            _request_lines.append(_RequestLines(_Lossy(sys.stderr.buffer)))
        structlog.configure(
            processors=[*shared, mask_event, _as_json_bytes],
            logger_factory=structlog.BytesLoggerFactory(_Lossy(sys.stderr.buffer)),  # type: ignore[arg-type]
            wrapper_class=structlog.make_filtering_bound_logger(level),
        )
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


class _Lossy:
    """Where lines go: one that cannot be written, on a disk that is full, is lost, and whoever wrote it goes on."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        with suppress(OSError):
            self._stream.write(line)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _as_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    return _as_json_bytes(logger, method, event).decode()


def _as_json_bytes(logger: WrappedLogger, method: str, event: EventDict) -> bytes:
    try:
        return msgspec.json.encode(event)
    except UnicodeEncodeError:  # half a surrogate pair: json writes it as an escape
        return json.dumps(event).encode()


def mask_event(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: the event with the addresses in all its keys and values masked."""
    return {mask_addresses(str(key)): _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return mask_addresses(value)
        case dict():
            return {mask_addresses(str(key)): _masked(part) for key, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_masked(part) for part in value]
        case _:
            return mask_addresses(str(value))
