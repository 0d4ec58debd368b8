"""Nobody is shut out of the pages: axe finds nothing serious on any of them, and a keyboard is enough for the path."""

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.roads.test_serve import serving
from tests.support.command import Command
from tools.npm_files import PINS
from verifier.core.reasons import Reason

AXE = PINS["axe-core"].target
LIST = "name,email\r\n" + "".join(f"{reason},{reason}@verifier.test\r\n" for reason in Reason) + "x,no address\r\n"
LOOKS: dict[Literal["light", "dark"], tuple[int, int]] = {"light": (1000, 900), "dark": (390, 844)}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MOST_TABS = 60


class Visit:
    """A browser's page that is examined wherever it is, and complaints about it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: list[str] = []
        page.set_default_timeout(30_000)
        page.on(
            "console", lambda said: self.found.append(f"{said.text} {said.location}") if said.type == "error" else None
        )

    def examine(self, name: str) -> None:
        """What axe calls serious or critical, and whether the page has to be scrolled sideways: in the light on a
        desktop, and in the dark on a phone.
        """
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        for scheme, (width, height) in LOOKS.items():
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size({"width": width, "height": height})
            result: dict[str, Any] = self.page.evaluate(
                "rules => axe.run({ runOnly: rules, resultTypes: ['violations'] })", RULES
            )
            for each in result["violations"]:
                if each["impact"] in ("serious", "critical"):
                    self.found += [
                        f"{name}, {scheme}: {each['id']}: {node['html'][:150]}" for node in each["nodes"][:3]
                    ]
            if int(self.page.evaluate("document.documentElement.scrollWidth")) > width:
                self.found.append(f"{name}: wider than {width} pixels")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_page_shuts_anybody_out(tmp_path: Path, offline: Command, browser: Browser, language: str) -> None:
    """No serious or critical finding of axe on any page and in any state of one, in both languages, in the light on a
    desktop and in the dark on a phone, and no page is wider than the screen. Of the documentation's operations, which
    are made alike, the first few.
    """
    source = tmp_path / "customers.csv"
    source.write_text(LIST, encoding="utf-8", newline="")
    context = browser.new_context(locale=language)
    visit = Visit(context.new_page())
    page = visit.page
    with serving(offline) as (_, url):
        offline.run("suppress", "add", "jane@shop.example", "@shop.example")
        for path in (
            "/",
            "/check",
            "/suppressions",
            "/keys",
            "/health",
            "/docs",
            "/about-probes",
            "/login",
            "/login?invite=x",
        ):
            page.goto(url + path)
            assert page.locator("html").get_attribute("lang") == language
            page.evaluate("document.querySelectorAll('article:nth-of-type(n+6)').forEach(each => each.remove())")
            visit.examine(path)
        page.goto(f"{url}/check")
        page.fill("#email", "mailbox_full@verifier.test")
        page.locator("#email").press("Enter")
        expect(page.locator("h1")).to_have_text("mailbox_full@verifier.test")
        visit.examine("one address")
        page.goto(f"{url}/keys")
        page.fill("#name", "shop")
        page.locator("#name").press("Enter")
        expect(page.locator("#token")).to_be_visible()
        page.locator("table summary").click()
        visit.examine("a new key")
        page.fill("#person", "Zoe")
        page.locator("#person").press("Enter")
        expect(page.locator("#link")).to_be_visible()
        visit.examine("a new link")
        page.goto(url)
        page.set_input_files("#file", source)
        page.locator("form.drop button").click()
        expect(page.locator("#column")).to_be_visible()
        expect(page.locator("canvas")).to_have_count(1)
        visit.examine("preview")
        page.locator("form[action$='/start'] button").click()
        expect(page.locator("#progress canvas")).to_have_count(2)
        expect(page.locator("progress")).to_have_count(0)
        for summary in page.locator("details:not(.why) > summary").all():
            summary.click()
        for summary in page.locator("details.why > summary").all()[:6]:
            summary.click()
        visit.examine("a list")
        page.goto(url)
        visit.examine("lists")
        page.goto(f"{url}/lists/{'a' * 26}")
        visit.found = [each for each in visit.found if "404" not in each]
        visit.examine("nothing there")
    assert visit.found == []
    context.close()


def tab_to(page: Page, selector: str) -> None:
    """Presses Tab until the element has the keyboard; whatever has it on the way can be seen to have it."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or page.evaluate("document.activeElement === document.body"), page.evaluate(
            "document.activeElement.outerHTML.slice(0, 200)"
        )
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by the Tab key")


def test_a_keyboard_is_enough(tmp_path: Path, offline: Command, browser: Browser) -> None:
    """From the file to a row's evidence and the download, by Tab, Enter, Space and letters alone."""
    source = tmp_path / "customers.csv"
    source.write_text(LIST, encoding="utf-8", newline="")
    page = browser.new_context(locale="en", accept_downloads=True).new_page()
    page.set_default_timeout(30_000)
    with serving(offline) as (_, url):
        page.goto(url)
        tab_to(page, ".skip")
        page.keyboard.press("Enter")
        tab_to(page, "#file")
        page.set_input_files("#file", source)  # what opens at a key there is the browser's own
        tab_to(page, "form.drop button")
        page.keyboard.press("Enter")
        page.wait_for_url("**/lists/*")
        tab_to(page, "form[action$='/start'] button")
        page.keyboard.press("Enter")
        expect(page.locator("#state")).to_have_text("finished")
        expect(page.locator("progress")).to_have_count(0)
        tab_to(page, "a[href$='&format=csv']")
        with page.expect_download() as got:
            page.keyboard.press("Enter")
        assert Path(got.value.path()).read_text(encoding="utf-8").count("\n") > 1
        tab_to(page, "#q")
        page.keyboard.type("full")
        expect(page.locator("#rows tbody tr")).to_have_count(1)
        expect(page.locator("#rows [role=status]")).to_contain_text("Shown: 1 row, from row")
        tab_to(page, "details.why summary")
        page.keyboard.press("Space")
        expect(page.locator("details.why[open] dl")).to_be_visible()
        tab_to(page, ".delete summary")
        page.keyboard.press("Enter")
        tab_to(page, "button.danger")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{url}/")
        expect(page.locator("table.lists")).to_have_count(0)
    page.context.close()
