"""A list of a million rows through the page in a real browser: does it work, what does it cost, does the page live?

    python -m bench.list_page [--rows 1000000] [--stages disposable]

Debian's Chromium chooses the file on the page, sees the preview, starts, and watches it to its end; then it downloads
the cleaned file, which is held against the list row for row. Meanwhile a ticker in the page measures by how much it is
late (what a person feels as a page that hangs), and the service is asked for its health ten times a second. Peaks are
what the kernel says (VmHWM) of the service's two processes.
"""

import argparse
import csv
import tempfile
import threading
import time
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench import lists
from bench.service import NOBODY, Service, peak_megabytes

MOST_MEGABYTES = 400.0
MOST_LATE_MS = 500.0
_PATIENCE = 60.0
_WHOLE_MS = 1_800_000
_STEPS = ("upload and preview", "run", "download")
_TICKER = """() => {
  window.late = 0;
  let before = performance.now();
  setInterval(() => {
    const now = performance.now();
    window.late = Math.max(window.late, now - before - 50);
    before = now;
  }, 50);
}"""


class Pulse(threading.Thread):
    """Asks for /healthz ten times a second; how long the answers took, in seconds."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.took: list[float] = []
        self._url = url
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.1):
            begun = time.perf_counter()
            urllib.request.urlopen(f"{self._url}/healthz", timeout=_PATIENCE).close()
            self.took.append(time.perf_counter() - begun)

    def stop(self) -> list[float]:
        self._over.set()
        self.join()
        return sorted(self.took)


def follow(page: Page, url: str, source: Path, stages: str, target: Path) -> tuple[list[float], float, int]:
    """The marks between the steps, by how much the page was late at most (ms), and how often its rows were seen."""
    page.set_default_timeout(_WHOLE_MS)
    page.goto(url)
    late = 0.0
    marks = [time.perf_counter()]
    page.set_input_files("#file", source)
    page.get_by_role("button", name="Look at it").click()
    page.wait_for_selector("#column, #progress")
    page.evaluate(_TICKER)
    page.wait_for_selector("#column")
    late = max(late, float(page.evaluate("window.late ?? 0")))
    marks.append(time.perf_counter())
    page.select_option("#stages", stages)
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("#state:has-text('being verified'), #state:has-text('finished')")
    page.evaluate(_TICKER)
    seen = 0
    while page.locator("#state").inner_text() != "finished":
        seen += page.locator("#rows tbody tr").count() > 0
        page.wait_for_timeout(500)
    late = max(late, float(page.evaluate("window.late ?? 0")))
    marks.append(time.perf_counter())
    with page.expect_download() as got:
        page.locator("a[href*='/download?bom=']").click()
    got.value.save_as(target)
    marks.append(time.perf_counter())
    return marks, late, seen


def untouched(source: Path, cleaned: Path) -> bool:
    """Every row came out, in order, with its own cells as they were."""
    width = len(lists.HEADER)
    with source.open(newline="", encoding="utf-8") as given, cleaned.open(newline="", encoding="utf-8-sig") as found:
        ours, theirs = csv.reader(given), csv.reader(found)
        return all(a == b[:width] and len(b) > width for a, b in zip(ours, theirs, strict=True))


def measure(rows: int, stages: str) -> dict[str, Any]:
    """One run."""
    with tempfile.TemporaryDirectory(prefix="verifier-bench-") as name, sync_playwright() as playwright:
        folder = Path(name)
        source, target = folder / "large.csv", folder / "cleaned.csv"
        lists.write_list(source, rows)
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(locale="en", accept_downloads=True).new_page()
        with Service(folder, NOBODY) as service:
            pulse = Pulse(service.url)
            pulse.start()
            marks, late, seen = follow(page, service.url, source, stages, target)
            took = pulse.stop()
            assert service.worker is not None
            memory = {"service": peak_megabytes(service.pid), "worker": peak_megabytes(service.worker)}
        browser.close()
        return {
            "megabytes": source.stat().st_size / 1e6,
            "steps": dict(zip(_STEPS, (b - a for a, b in pairwise(marks)), strict=True)),
            "late_ms": late,
            "seen": seen,
            "health_ms": {"p50": 1000 * took[len(took) // 2], "max": 1000 * took[-1]},
            "peaks": memory,
            "untouched": untouched(source, target),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=lists.ROWS)
    parser.add_argument("--stages", default="disposable", choices=("disposable", "mx", "smtp"))
    given = parser.parse_args()
    found = measure(given.rows, given.stages)
    print(f"{given.rows:,} rows, {found['megabytes']:.0f} MB")
    print("  ".join(f"{name} {seconds:.1f} s" for name, seconds in found["steps"].items()))
    print("peaks:", "  ".join(f"{name} {size:.0f} MB" for name, size in found["peaks"].items()))
    print(f"/healthz beside it: p50 {found['health_ms']['p50']:.1f} ms, max {found['health_ms']['max']:.0f} ms")
    print(f"the page came late by {found['late_ms']:.0f} ms at most; rows were there in {found['seen']} looks")
    memory = sum(found["peaks"].values())
    claims = [
        (f"both processes below {MOST_MEGABYTES:.0f} MB ({memory:.0f})", memory < MOST_MEGABYTES),
        (f"the page late by at most {MOST_LATE_MS:.0f} ms ({found['late_ms']:.0f})", found["late_ms"] <= MOST_LATE_MS),
        ("the cleaned file has every row as it was", found["untouched"]),
    ]
    for claim, holds in claims:
        print("met   " if holds else "MISSED", claim)
    return 0 if all(holds for _, holds in claims) else 1


if __name__ == "__main__":
    raise SystemExit(main())
