"""The log: no address stands in it whole."""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from verifier.adapters.structlog_log import RequestLine, configure, mask_addresses, write_request

MOMENT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    configure("warning", "console")
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("jane@shop.example", "j***@shop.example"),
        ("to <Jane.Doe+tag@shop.example>, x", "to <J***@shop.example>, x"),
        ("jürgen@bücher.example", "j***@bücher.example"),
        ('"jane doe"@shop.example', "***@shop.example"),
        ('"ja\\"ne"@shop.example ok', "***@shop.example ok"),
        ("o'brien@shop.example", "o***@shop.example"),
        ("bounce+jane=shop.example@lists.example", "b***@lists.example"),
        ("/v1/addresses/jane%40shop.example?x=1", "/v1/addresses/j***@shop.example?x=1"),
        ("jane@[192.0.2.1]", "j***@[192.0.2.1]"),
        ("a@b.example,c@d.example;e@f.example", "a***@b.example,c***@d.example;e***@f.example"),
        ("redis://user:pa55word@cache.example/0", "redis://***@cache.example/0"),
        ('{"email":"jane@shop.example"}', '{"email":"j***@shop.example"}'),
        ("250 2.1.5 Ok", "250 2.1.5 Ok"),
        ("user@", "user@"),
    ],
)
def test_addresses_are_masked(text: str, masked: str) -> None:
    """The first letter and the domain are left, whatever stands around it."""
    assert mask_addresses(text) == masked


@given(
    st.from_regex(r"[a-z][a-z0-9.!#$&*+_=?^`{}~'-]{3,20}", fullmatch=True),
    st.text(max_size=20),
    st.text(max_size=20),
)
@example("a000", "0@", "")
@example("a000", "", "@")
def test_no_local_part_survives(local: str, before: str, after: str) -> None:
    """Law: whatever is around an address, its local part does not come out whole."""
    assert f"{local}@shop.example" not in mask_addresses(f"{before}{local}@shop.example{after}")


def test_long_texts_are_masked_in_no_time() -> None:
    """A megabyte without a word's end, with one "@" at its far end, costs one pass."""
    begun = time.monotonic()
    mask_addresses("@ " + "a" * 1_000_000 + " " + '"' * 100_000)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("form", ["json", "console"])
def test_every_field_is_masked(capsys: pytest.CaptureFixture[str], form: Literal["json", "console"]) -> None:
    """Event, fields, nested values, keys, tracebacks and other libraries' records go to stderr without an address."""
    configure("info", form)
    address = "jane.doe@shop.example"
    log = structlog.get_logger("test")
    log.debug("not shown")
    log.info(f"checked {address}", email=address, many=[{address: (address,)}], error=ValueError(address), count=3)
    try:
        raise ValueError(f"cannot read {address}")
    except ValueError:
        log.exception("failed")
        logging.getLogger("library").exception("library failed for %s", address)
    out, err = capsys.readouterr()
    assert out == ""
    assert "jane.doe" not in err
    assert err.count("j***@shop.example") >= 8
    assert "Traceback" in err
    assert "not shown" not in err
    assert "\x1b[" not in err


def test_json_lines_can_be_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object a line, numbers as numbers."""
    configure("warning", "json")
    structlog.get_logger().warning("slow", seconds=1.5, host="mx1.shop.example")
    line = json.loads(capsys.readouterr().err)
    assert {key: line[key] for key in ("event", "level", "seconds", "host")} == {
        "event": "slow",
        "level": "warning",
        "seconds": 1.5,
        "host": "mx1.shop.example",
    }


@pytest.mark.parametrize("form", ["json", "console"])
async def test_every_request_has_its_line(capsys: pytest.CaptureFixture[str], form: Literal["json", "console"]) -> None:
    """In their order, none lost, however many come at once: within a moment, and none while the log shows less."""
    configure("info", form)
    for number in range(300):
        write_request(
            RequestLine("POST", "/v1/verify", 200, 0.1, None, f"r{number}", datetime(2026, 11, 22, tzinfo=UTC))
        )
    await asyncio.sleep(0.1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 300
    assert all(f"r{number}" in line for number, line in enumerate(lines))
    if form == "json":
        assert json.loads(lines[0]) == {
            "method": "POST",
            "route": "/v1/verify",
            "status": 200,
            "ms": 0.1,
            "key": None,
            "request_id": "r0",
            "timestamp": "2026-11-22T00:00:00Z",
            "event": "request",
            "level": "info",
        }
    configure("warning", form)
    write_request(RequestLine("GET", "/", 200, 0.1, None, "quiet", MOMENT))
    await asyncio.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_written_hurts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the line is lost, and whoever wrote it goes on."""
    tried: list[bool] = []

    class Full:
        encoding = "utf-8"
        buffer: "Full"

        def write(self, *_: object) -> None:
            tried.append(True)
            raise OSError(28, "No space left on device")

        flush = write

        def isatty(self) -> bool:
            return False

    full = Full()
    full.buffer = full
    monkeypatch.setattr("sys.stderr", full)
    configure("info", "json")
    structlog.get_logger("test").info("a line", email="jane@shop.example")
    assert tried
