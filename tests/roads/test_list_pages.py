"""The pages for people with a spreadsheet, in a browser: from the file to the download, in English and French."""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.world_lists import list_text
from tests.roads.test_serve import free_port, serving
from tests.roads.worlds import untouched
from tests.support.command import Command
from verifier.world.process import WorldProcess

ROWS = 300
WORDS = {
    "en": ("Look at it", "Start", "finished", "undeliverable", "Show", "Further rows", "Check", "Delete for good"),
    "fr": (
        "Voir l’aperçu",
        "Démarrer",
        "terminée",
        "non délivrable",
        "Afficher",
        "Lignes suivantes",
        "Vérifier",
        "Supprimer définitivement",
    ),
}


def opened(browser: Browser, language: str, *, scripts: bool = True) -> tuple[Page, list[str]]:
    """A page, and what its console complained of."""
    context = browser.new_context(locale=language, accept_downloads=True, java_script_enabled=scripts)
    page = context.new_page()
    page.set_default_timeout(30_000)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def start_list(page: Page, url: str, source: Path) -> None:
    """The page of a list that has just been started, in English."""
    page.goto(url)
    page.set_input_files("#file", source)
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#state")).to_have_text("being verified")


@pytest.mark.parametrize(("language", "scripts"), [("en", True), ("fr", True), ("en", False)])
def test_from_the_file_to_the_download(
    tmp_path: Path, town: WorldProcess, browser: Browser, language: str, scripts: bool
) -> None:
    """Preview, start, progress, verdicts, search, download, delete: by keyboard where it is a key's work, without a
    complaint of the browser (its content policy included), and without scripts too.
    """
    look, start, finished, undeliverable, show, further, check, delete = WORDS[language]
    text = list_text(town.world, ROWS, 40)
    command = Command(tmp_path, town.environment)
    source = command.write("customers.csv", text)
    page, complaints = opened(browser, language, scripts=scripts)
    with serving(command) as (_, url):
        page.goto(url)
        assert page.locator("html").get_attribute("lang") == language
        page.set_input_files("#file", source)
        page.get_by_role("button", name=look).click()
        expect(page.locator("#column option:checked")).to_have_text("email")
        expect(page.locator("dl.numbers dd").first).to_have_text(str(ROWS))
        page.select_option("#wait", "1200")
        page.get_by_role("button", name=start, exact=True).press("Enter")
        expect(page.locator("#state")).to_have_text(finished, timeout=90_000)

        expect(page.locator("#rows tbody tr")).to_have_count(50)
        page.get_by_role("link", name=further).click()
        expect(page.locator("#rows tbody td.n").first).to_have_text("51")
        page.select_option("#verdict", "undeliverable")
        page.get_by_role("button", name=show, exact=True).click()
        expect(page.locator("#rows .badge:not(.undeliverable)")).to_have_count(0)
        assert set(page.locator("#rows .badge").all_inner_texts()) == {undeliverable}
        address = page.locator("#rows tbody th").first.inner_text()
        page.fill("#q", address)
        page.locator("#q").press("Enter")
        expect(page.locator("#rows tbody th").first).to_have_text(address)
        expect(page.locator("#rows tbody tr:nth-child(5)")).to_have_count(0)

        with page.expect_download() as got:
            page.locator("a[href*='/download?bom=']").click()
        cleaned = Path(got.value.path()).read_bytes().decode("utf-8-sig")
        assert Path(got.value.path()).read_bytes().startswith(b"\xef\xbb\xbf")  # or Excel shows é as Ã©
        assert got.value.suggested_filename == "customers.clean.csv"
        assert untouched(text, cleaned) == []
        with page.expect_download() as got:
            page.get_by_role("link", name="Brevo").click()
        sendable = list(csv.reader(io.StringIO(Path(got.value.path()).read_text(encoding="utf-8"))))
        assert sendable[0][0] == "EMAIL" and 0 < len(sendable) - 1 < ROWS

        page.goto(url)
        page.fill("#email", "mailbox_full@verifier.test")
        page.get_by_role("button", name=check, exact=True).click()
        expect(page.locator("h1")).to_have_text("mailbox_full@verifier.test")
        page.goto(url)
        page.locator("table.lists summary").press("Enter")
        page.get_by_role("button", name=delete).click()
        expect(page.locator("table.lists")).to_have_count(0)
    assert complaints == []
    page.context.close()


def test_a_list_is_read_while_it_runs(tmp_path: Path, town: WorldProcess, browser: Browser) -> None:
    """Rows, charts and counts come by themselves, without the page being loaded again; a panel that somebody opened
    stays open, and the keyboard where it was; a filter holds, and going back undoes it.
    """
    command = Command(tmp_path, town.environment)
    source = command.write("customers.csv", list_text(town.world, 2000, 60))
    page, complaints = opened(browser, "en")
    with serving(command) as (_, url):
        start_list(page, url, source)
        page.evaluate("window.loadedOnce = true")
        panel = page.locator("#rows details.why").first
        panel.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(panel).to_have_attribute("open", "")
        focused = page.evaluate("document.activeElement.id")
        assert "What was done" in panel.inner_text()
        expect(page.locator("#state")).to_have_text("finished", timeout=90_000)
        assert page.evaluate("window.loadedOnce") is True
        assert page.evaluate("document.activeElement.id") == focused
        expect(page.locator(f"details:has(#{focused})")).to_have_attribute("open", "")
        expect(page.locator("#progress canvas")).to_have_count(2)
        expect(page.locator("#verdicts tbody tr")).to_have_count(4)
        panel.locator("form button").press("Enter")
        expect(page.locator("pre.exchange")).to_have_count(1)
        page.go_back()
        page.select_option("#verdict", "undeliverable")
        expect(page).to_have_url(re.compile(r"\?verdict=undeliverable$"))
        expect(page.locator("#rows .badge").first).to_have_text("undeliverable")
        page.go_back()
        expect(page.locator("#rows .badge.deliverable").first).to_be_visible()
        assert page.locator("#verdict").input_value() == ""
    assert complaints == []
    page.context.close()


def test_a_row_far_down_is_found(tmp_path: Path, town: WorldProcess, browser: Browser) -> None:
    """One part of a long list that is looked at holds some 100,000 rows: the page goes on to the next by itself, and
    shows the column that was chosen.
    """
    command = Command(tmp_path, town.environment)
    rows = "".join(f"{n},user{n}@shop{n % 50}.example\n" for n in range(120_000))
    source = command.write("customers.csv", f"id,email\n{rows}")
    page, complaints = opened(browser, "en")
    with serving(command) as (_, url):
        page.goto(url)
        page.set_input_files("#file", source)
        page.get_by_role("button", name="Look at it").click()
        expect(page.locator("table.asis th.chosen")).to_have_text("email")
        page.select_option("#column", "1")
        expect(page.locator("table.asis th.chosen")).to_have_text("id")
        page.select_option("#column", "2")
        page.select_option("#stages", "disposable")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.locator("#state")).to_have_text("finished", timeout=90_000)
        page.fill("#q", "user119999@")
        expect(page.locator("#rows tbody th")).to_have_count(1, timeout=30_000)
        expect(page.locator("#rows tbody th")).to_have_text("user119999@shop49.example")
        page.fill("#q", "nobody-is-called-so")
        expect(page.locator("#rows-found")).to_contain_text("No row is so.", timeout=30_000)
    assert complaints == []
    page.context.close()


def test_a_page_goes_on_after_the_service_was_away(tmp_path: Path, town: WorldProcess, browser: Browser) -> None:
    """Killed in the middle, it is said to be out of reach; started again, the page follows to the end by itself; and
    when somebody deletes the list, the page says that it is gone.
    """
    port = str(free_port())
    command = Command(tmp_path, town.environment)
    source = command.write("customers.csv", list_text(town.world, 2000, 60))
    page, _ = opened(browser, "fr")
    with command.start("serve", VERIFIER_HTTP_PORT=port) as service:
        service.wait_until_said("Listening at")
        page.goto(f"http://127.0.0.1:{port}")
        page.set_input_files("#file", source)
        page.get_by_role("button", name="Voir l’aperçu").click()
        page.get_by_role("button", name="Démarrer", exact=True).click()
        expect(page.locator("#state")).to_have_text("vérification en cours")
        service.kill()
    lost = page.locator("#lost")
    expect(lost).to_contain_text("injoignable pour l’instant")
    expect(lost).to_be_visible()
    with command.start("serve", VERIFIER_HTTP_PORT=port) as service:
        service.wait_until_said("Listening at")
        expect(lost).to_be_hidden()
        expect(page.locator("#state")).to_contain_text("terminée", timeout=90_000)
    page.context.close()


def test_a_list_that_is_deleted_meanwhile_is_said_to_be_gone(
    tmp_path: Path, town: WorldProcess, browser: Browser
) -> None:
    """A page that follows a list does not stand still when another tab deletes it."""
    command = Command(tmp_path, town.environment)
    source = command.write("customers.csv", list_text(town.world, 2000, 60))
    page, _ = opened(browser, "en")
    with serving(command) as (_, url):
        start_list(page, url, source)
        other = page.context.new_page()
        other.goto(page.url)
        other.locator(".foot .delete summary").click()
        other.get_by_role("button", name="Delete for good").click()
        expect(page.locator("h1")).to_have_text("There is nothing here", timeout=30_000)
        expect(page.locator("main")).to_contain_text("There is no such list.")
    page.context.close()


def test_a_conversation_is_shown(tmp_path: Path, town: WorldProcess, browser: Browser) -> None:
    """Of an address that is asked for the first time, and of a known one when it is asked for anew."""
    page, complaints = opened(browser, "en")
    address = f"info@{town.world.domain('postfix')}"
    with serving(Command(tmp_path, town.environment)) as (_, url):
        page.goto(f"{url}/check")
        page.fill("#email", address)
        page.locator("#email").press("Enter")
        for _ in range(2):
            conversation = page.locator("pre[aria-label]").inner_text()
            assert f"C: RCPT TO:<{address}>" in conversation and "DATA" not in conversation
            page.goto(f"{url}/check")
            page.fill("#email", address)
            page.get_by_role("button", name="Check", exact=True).click()
            expect(page.locator("pre[aria-label]")).to_have_count(0)
            page.get_by_role("button", name="Ask its server now").press("Enter")
    assert complaints == []
    page.context.close()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_list_that_is_too_large_is_said_on_the_page(offline: Command, browser: Browser, language: str) -> None:
    """Whatever the browser makes of an upload that is not read to its end, its sender learns what to do, and hands in
    another file on the same page.
    """
    page, _ = opened(browser, language)
    source = offline.write("large.csv", "email\n" + "somebody@shop.example\n" * 200_000)
    with serving(offline, VERIFIER_LISTS_MAX_UPLOAD="1MB") as (_, url):
        page.goto(url)
        page.set_input_files("#file", source)
        page.locator("form.drop button").click()
        told = {"en": r"larger than 1MB|broke off", "fr": r"dépasse 1\u202fMo|interrompu"}[language]
        expect(page.locator(".bad:visible")).to_have_text(re.compile(told))
        page.set_input_files("#file", offline.write("small.csv", "email\nsomebody@shop.example\n"))
        page.locator("form.drop button").click()
        expect(page.locator("h1")).to_have_text("small.csv")
    page.context.close()


def test_a_language_that_was_chosen_stays(tmp_path: Path, offline: Command, browser: Browser) -> None:
    """Over all pages; and a page that is not there says so in it."""
    page, _ = opened(browser, "en")
    with serving(offline) as (_, url):
        page.goto(url)
        page.get_by_role("link", name="Français").click()
        page.goto(f"{url}/lists/{'a' * 26}")
        expect(page.locator("h1")).to_have_text(re.compile("Il n’y a rien ici"))
    page.context.close()


def test_a_file_is_dropped_and_a_phone_scrolls_no_page_sideways(offline: Command, browser: Browser) -> None:
    """Dropping hands the file in; beginning, preview and one address fit into 390 pixels."""
    page, complaints = opened(browser, "en")
    page.set_viewport_size({"width": 390, "height": 844})

    def fits() -> bool:
        return int(page.evaluate("document.documentElement.scrollWidth")) <= 390

    with serving(offline) as (_, url):
        page.goto(url)
        dropped = page.evaluate_handle(
            """() => {
                const files = new DataTransfer();
                files.items.add(new File(["name,email\\nJane,jane@shop.example\\n"], "dropped.csv"));
                return files;
            }"""
        )
        page.dispatch_event("body", "drop", {"dataTransfer": dropped})
        expect(page.locator("h1")).to_have_text("dropped.csv")
        assert fits()
        page.goto(url)
        expect(page.locator("table.lists th a")).to_have_text("dropped.csv")
        assert fits()
        page.fill("#email", "mailbox_full@verifier.test")
        page.get_by_role("button", name="Check", exact=True).click()
        expect(page.locator("h1")).to_have_text("mailbox_full@verifier.test")
        assert fits()
    assert complaints == []
    page.context.close()
