"""What the road tests share: commands that reach nothing beyond loopback, and one open world for all that needs one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.roads.worlds import quick_world
from tests.support.command import Command
from verifier.world.process import WorldProcess

NOBODY = {"VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1", "VERIFIER_SMTP_PORT": "2525"}
"""Settings under which every question to the network fails at once."""


@pytest.fixture
def offline(tmp_path: Path) -> Command:
    """The command without a network."""
    return Command(tmp_path, NOBODY)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def town() -> Iterator[WorldProcess]:
    """An open, honest world whose hosts do not dawdle."""
    with WorldProcess(quick_world(77)) as running:
        yield running


@pytest.fixture
def inside(tmp_path: Path, town: WorldProcess) -> Command:
    """The command in that world."""
    return Command(tmp_path, town.environment)
