"""The sign-up widget as it is used: in a browser, on a page of another origin."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.roads.test_serve import ask, serving
from tests.support.command import Command
from tests.support.form_page import FormPage, form_page, publishable_key

_ADVICE = ".verifier-advice"


@pytest.fixture(scope="module")
def browser_page(browser: Browser) -> Page:
    """One page for all."""
    page = browser.new_page()
    page.set_default_timeout(15_000)
    return page


@pytest.fixture
def shop() -> Iterator[FormPage]:
    with form_page() as page:
        yield page


@contextmanager
def serving_the_shop(command: Command, shop: FormPage) -> Iterator[str]:
    shop.key = publishable_key(command, shop.origin)
    with serving(command) as (service, url):
        shop.script = f"{url}/widget.js"
        yield url
        service.send(signal.SIGTERM)
        service.wait()


def send(page: Page, shop: FormPage) -> dict[str, list[str]]:
    """What the shop gets when the button is pressed."""
    before = len(shop.sent)
    page.click("#send")
    expect(page).to_have_title("Thanks")
    assert len(shop.sent) == before + 1
    return shop.sent[-1]


def test_a_typing_error_is_put_right_by_the_keyboard(offline: Command, shop: FormPage, browser_page: Page) -> None:
    """The sentence is announced, the button is the next stop of the Tab key; the form's server gets a valid token."""
    page = browser_page
    with serving_the_shop(offline, shop) as url:
        page.goto(shop.origin)
        page.fill("#email", "jane@gmial.com")
        page.keyboard.press("Tab")
        button = page.locator(f"{_ADVICE} button")
        expect(button).to_have_text("jane@gmail.com")
        advice = page.locator(_ADVICE)
        expect(advice).to_have_attribute("aria-live", "polite")
        assert page.get_attribute("#email", "aria-describedby") == advice.get_attribute("id")
        assert (advice.text_content() or "").startswith("Did you mean")
        page.focus("#email")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#email")).to_have_value("jane@gmail.com")
        expect(page.locator("#email")).to_be_focused()
        expect(button).to_have_count(0)
        expect(page.locator("input[name=verifier_token]")).to_have_count(1)
        fields = send(page, shop)
        token = {"token": fields["verifier_token"][0], "email": fields["email"][0]}
        status, told = ask(f"{url}/v1/widget/token", token)
        assert (fields["email"], status, told["valid"]) == (["jane@gmail.com"], 200, True)


def test_a_refusal_is_said_and_the_form_goes_all_the_same(offline: Command, shop: FormPage, browser_page: Page) -> None:
    """In the page's language; whether to take the address is the shop's to decide."""
    page, shop.lang = browser_page, "fr"
    with serving_the_shop(offline, shop):
        page.goto(shop.origin)
        page.fill("#email", "mailbox_not_found@verifier.test")
        page.dispatch_event("#email", "change")
        expect(page.locator(_ADVICE)).to_have_text("Un message à cette adresse n’arriverait pas ; vérifiez-la.")
        expect(page.locator(_ADVICE)).to_have_attribute("data-decision", "refuse")
        page.fill("#email", "accepted@verifier.test")
        expect(page.locator(_ADVICE)).to_have_text("")
        expect(page.locator("input[name=verifier_token]")).to_have_count(0)
        page.fill("#email", "mailbox_not_found@verifier.test")
        assert send(page, shop)["email"] == ["mailbox_not_found@verifier.test"]


def test_no_click_is_lost_to_a_sentence(offline: Command, shop: FormPage, browser_page: Page) -> None:
    """What would move the button is said once it has been let go."""
    page = browser_page
    with serving_the_shop(offline, shop):
        page.goto(shop.origin)
        page.evaluate("document.querySelector('form').addEventListener('submit', event => event.preventDefault())")
        page.fill("#email", "mailbox_not_found@verifier.test")
        page.hover("#send")
        with page.expect_response("**/v1/widget/verify"):
            page.mouse.down()
        page.wait_for_timeout(200)
        assert page.locator(_ADVICE).inner_text() == ""
        page.mouse.up()
        expect(page.locator(_ADVICE)).to_have_attribute("data-decision", "refuse")


def test_other_pages_get_nothing(offline: Command, shop: FormPage, browser_page: Page) -> None:
    """A page that took the key from another page's source is not answered, and its form works."""
    page = browser_page
    with form_page() as thief, serving_the_shop(offline, shop):
        thief.key, thief.script = shop.key, shop.script
        page.goto(thief.origin)
        page.fill("#email", "jane@gmial.com")
        with page.expect_event("requestfailed") as failed:
            page.dispatch_event("#email", "change")
        assert failed.value.url.endswith("/v1/widget/verify")
        expect(page.locator(_ADVICE)).to_have_text("")
        assert send(page, thief) == {"email": ["jane@gmial.com"]}


@pytest.mark.parametrize("way", ["gone", "gone_later", "silent"])
def test_a_dead_service_keeps_nobody_out(offline: Command, shop: FormPage, browser_page: Page, way: str) -> None:
    """Not there from the start, gone while the page is open, or silent for ever: the form is sent as ever."""
    page, errors = browser_page, list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    with socket.create_server(("127.0.0.1", 0)) as silence:
        if way == "gone_later":
            with serving_the_shop(offline, shop):
                page.goto(shop.origin)
                page.wait_for_load_state("networkidle")
        elif way == "silent":
            with serving_the_shop(offline, shop):
                page.goto(shop.origin)
                page.wait_for_load_state("networkidle")
                nowhere = f"http://127.0.0.1:{silence.getsockname()[1]}/v1/widget/verify"
                page.route("**/v1/widget/verify", lambda route: route.continue_(url=nowhere))
        else:
            shop.script = "http://127.0.0.1:1/widget.js"
            page.goto(shop.origin)
        page.fill("#email", "jane@gmial.com")
        page.dispatch_event("#email", "change")
        assert send(page, shop) == {"email": ["jane@gmial.com"]}
        page.unroute_all(behavior="ignoreErrors")
    assert errors == []


_TRACKED = """() => {
  const input = document.getElementById('email');
  const own = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
  let known = '';
  window.state = '';
  Object.defineProperty(input, 'value', {
    configurable: true,
    get() { return own.get.call(this); },
    set(text) { known = String(text); own.set.call(this, text); },
  });
  input.addEventListener('input', () => {
    const now = own.get.call(input);
    if (now !== known) { known = now; window.state = now; }
    input.value = window.state;
  });
}"""
"""What React does with an input whose value is its own: it hears of no change that was written through its property."""


def test_a_suggestion_reaches_the_framework_of_the_page(offline: Command, shop: FormPage, browser_page: Page) -> None:
    """Else the form would show the address that was put right, and send the one that was typed."""
    page = browser_page
    with serving_the_shop(offline, shop):
        page.goto(shop.origin)
        page.evaluate(_TRACKED)
        page.fill("#email", "jane@gmial.com")
        page.keyboard.press("Tab")
        page.click(f"{_ADVICE} button")
        assert page.evaluate("window.state") == "jane@gmail.com"
        expect(page.locator("#email")).to_have_value("jane@gmail.com")


def test_one_sentence_and_one_token_stand_in_a_form(offline: Command, shop: FormPage, browser_page: Page) -> None:
    """However often the page brings the script; none when the form is emptied; and none when its input is taken away
    and another one put there. An input for several addresses is none of ours.
    """
    page = browser_page
    with serving_the_shop(offline, shop):
        page.goto(shop.origin)
        page.evaluate(
            "() => document.body.append(...[1, 2].map(() => Object.assign("
            "document.createElement('script'), {src: document.querySelector('script').src})))"
        )
        page.wait_for_load_state("networkidle")
        token = page.locator("input[name=verifier_token]")
        page.fill("#email", "jane@gmial.com")
        page.keyboard.press("Tab")
        expect(page.locator(_ADVICE)).to_have_count(1)
        expect(token).to_have_count(1)
        page.evaluate("document.querySelector('form').reset()")
        expect(page.locator(_ADVICE)).to_have_text("")
        expect(token).to_have_count(0)
        page.fill("#email", "jane@gmial.com")
        page.keyboard.press("Tab")
        expect(token).to_have_count(1)
        page.evaluate("() => { const old = document.getElementById('email'); old.replaceWith(old.cloneNode()); }")
        expect(page.locator(_ADVICE)).to_have_count(0)
        expect(token).to_have_count(0)
        page.evaluate("document.getElementById('email').multiple = true")
        page.fill("#email", "jane@gmial.com, joe@gmial.com")
        page.keyboard.press("Tab")
        expect(page.locator(_ADVICE)).to_have_count(0)
