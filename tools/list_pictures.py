"""Takes docs/images/list-*.png: the pages of a list in Debian's Chromium, over the mail world in a box."""

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
    """The preview, and the result: light, dark, and on a phone."""
    with tempfile.TemporaryDirectory() as folder, WorldProcess(_WORLD) as running, sync_playwright() as playwright:
        source = Path(folder) / "customers.csv"
        source.write_text("".join(write_list(_WORLD, _ROWS)), encoding="utf-8", newline="")
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        with _service(dict(running.environment), Path(folder) / "data") as url:
            _follow(browser, url, source, images)
        browser.close()


def _follow(browser: Browser, url: str, source: Path, images: Path) -> None:
    page = _page(browser, "light")
    page.goto(url)
    page.set_input_files("#file", source)
    page.get_by_role("button", name="Look at it").click()
    page.wait_for_selector("#column")
    page.screenshot(path=images / "list-preview.png", full_page=True)
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("#state:has-text('finished')", timeout=180_000)
    address = page.url
    page.screenshot(path=images / "list-light.png")
    for scheme, width, height, locale, name in (
        ("dark", 1000, 1250, "en", "list-dark.png"),
        ("light", 390, 844, "fr", "list-phone.png"),
    ):
        other = _page(browser, "dark" if scheme == "dark" else "light", width, height, locale)
        other.goto(address)
        if width < 500:
            other.locator("#rows h2").evaluate("heading => heading.scrollIntoView()")
        other.screenshot(path=images / name)
        other.context.close()
    page.context.close()


def _page(browser: Browser, scheme: Scheme, width: int = 1000, height: int = 1250, locale: str = "en") -> Page:
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": height}, locale=locale, device_scale_factor=1
    )
    return context.new_page()


if __name__ == "__main__":
    take_pictures(Path(__file__).resolve().parent.parent / "docs" / "images")
