"""A shop's sign-up page on an origin of its own, and whatever its form sent to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from tests.support.command import Command

_PAGE = """<!doctype html>
<html lang="{lang}"><meta charset="utf-8"><title>Shop</title>
<form method="post" action="/sent">
  <label for="email">E-mail</label> <input id="email" name="email" type="email"> <button id="send">Sign up</button>
</form>
<script src="{script}" data-key="{key}" data-timeout="2000" async></script>
</html>"""


class FormPage:
    """Serves the page at `origin`; `sent` are the fields of each form that came."""

    def __init__(self) -> None:
        self.script = self.key = ""
        self.lang = "en"
        self.sent: list[dict[str, list[str]]] = []
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(_PAGE.format(lang=page.lang, script=page.script, key=page.key))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                page.sent.append(parse_qs(body, keep_blank_values=True))
                self._answer("<!doctype html><title>Thanks</title>")

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

            def _answer(self, text: str) -> None:
                body = text.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def form_page() -> Iterator[FormPage]:
    """The page, served as long as the context."""
    page = FormPage()
    thread = threading.Thread(target=page.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield page
    finally:
        page.server.shutdown()
        page.server.server_close()
        thread.join()


def publishable_key(command: Command, origin: str, rate: int = 0) -> str:
    """A key for the widget on pages of that origin."""
    made = command.run("keys", "create", "shop", "--scope", "widget", "--origin", origin, "--rate", str(rate))
    assert made.code == 0, made.err
    return made.out.strip()
