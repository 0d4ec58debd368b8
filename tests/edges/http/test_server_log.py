"""The server's own log: what others do wrong is not called a fault of ours."""

import pytest
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from verifier.edges.http.server_log import server_logger


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (ConnectionResetError("Connection lost"), False),
        (BadHttpMessage("Invalid character in chunk size"), False),
        (web.RequestPayloadError("Can not decode content-encoding: gzip"), False),
        (ValueError("ours"), True),
    ],
)
def test_only_our_own_faults_are_told(caplog: pytest.LogCaptureFixture, fault: Exception, told: bool) -> None:
    """A client that breaks off, or speaks no HTTP, is no line in the log; however often the logger is asked for."""
    server_logger()
    logger = server_logger()
    logger.error("Error handling request", exc_info=fault)
    assert [bool(caplog.records), len(logger.filters)] == [told, 1]
