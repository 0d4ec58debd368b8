"""The server's own log: what others do wrong on the wire is answered, or cut off, and is no fault of this program."""

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

_THEIRS = (ConnectionError, HttpProcessingError, web.RequestPayloadError)


class _OursAlone(logging.Filter):
    """Lets pass what is not known to be somebody else's."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], _THEIRS))


def server_logger() -> logging.Logger:
    """For aiohttp's server, which tells a traceback whenever a client breaks off or speaks no HTTP."""
    logger = logging.getLogger("aiohttp.server")
    if not any(isinstance(known, _OursAlone) for known in logger.filters):
        logger.addFilter(_OursAlone())
    return logger
