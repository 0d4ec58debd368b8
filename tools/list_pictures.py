"""Takes docs/images/list-*.png and page-*.png: the pages in Debian's Chromium, over the mail world in a box."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from verifier.world import World
from verifier.world.process import WorldProcess
from verifier.world.sample import write_list

_ROWS = 2000
_WORLD = World(5, hosts=60, domains=900, rtt=0.02, grey_delay=8.0, slowness=0.05, hang=1.0)
_PATIENCE = 30.0
Scheme = Literal["light", "dark"]


@contextmanager
def _service(environment: dict[str, str], folder: Path) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = {**os.environ, **environment, "VERIFIER_DATA_DIR": str(folder), "VERIFIER_HTTP_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "verifier", "serve"], env=settings, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"{url}/healthz", timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def take_pictures(images: Path) -> None:
    """The preview after a closer look, a list while it runs and when done, a row, an address, health."""
    with tempfile.TemporaryDirectory() as folder, WorldProcess(_WORLD) as running, sync_playwright() as playwright:
        source = Path(folder) / "customers.csv"
        source.write_text("".join(write_list(_WORLD, _ROWS)), encoding="utf-8", newline="")
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        with _service(dict(running.environment), Path(folder) / "data") as url:
            address = _follow(browser, url, source, images)
            _rows(browser, address, images)
            _address(browser, url, images)
            _health(browser, url, images)
        browser.close()


def _follow(browser: Browser, url: str, source: Path, images: Path) -> str:
    """From the file to the end; the finished list's address."""
    page = _page(browser, "light")
    page.goto(url)
    page.set_input_files("#file", source)
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Look closer").click()
    page.wait_for_selector("p.sample", timeout=60_000)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=images / "list-preview.png")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("#progress canvas")
    page.screenshot(path=images / "list-running.png")
    page.wait_for_selector("#state:has-text('finished')", timeout=180_000)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=images / "list-light.png")
    page.context.close()
    return page.url


def _rows(browser: Browser, address: str, images: Path) -> None:
    """The list in the dark, and a row's evidence on a phone, in French."""
    page = _page(browser, "dark")
    page.goto(address)
    page.wait_for_selector("#progress canvas")
    page.screenshot(path=images / "list-dark.png")
    page.context.close()
    page = _page(browser, "light", 390, 844, "fr")
    page.goto(f"{address}?reason=mailbox_not_found#rows")
    page.locator("details.why summary").first.click()
    page.locator("#rows-found").evaluate("found => found.scrollIntoView()")
    page.screenshot(path=images / "list-phone.png")
    page.context.close()


def _address(browser: Browser, url: str, images: Path) -> None:
    page = _page(browser, "light", 760, 1000)
    page.goto(f"{url}/check")
    page.fill("#email", f"nobody.of.this.name@{_WORLD.domain('postfix')}")
    page.get_by_role("button", name="Check", exact=True).click()
    page.wait_for_selector("pre[aria-label]")
    page.screenshot(path=images / "page-address.png")
    page.context.close()


def _health(browser: Browser, url: str, images: Path) -> None:
    page = _page(browser, "dark", 1000, 900)
    page.goto(f"{url}/health")
    page.get_by_role("button", name="Examine this host").click()
    page.wait_for_selector("ul.checks", timeout=60_000)
    page.screenshot(path=images / "page-health.png")
    page.context.close()


def _page(browser: Browser, scheme: Scheme, width: int = 1000, height: int = 1250, locale: str = "en") -> Page:
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": height}, locale=locale, device_scale_factor=1
    )
    return context.new_page()


if __name__ == "__main__":
    take_pictures(Path(__file__).resolve().parent.parent / "docs" / "images")
