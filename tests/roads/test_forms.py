"""The README's examples for sign-up forms, each run as it stands: they refuse who is refused, and nobody else, ever."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.roads.conftest import NOBODY
from tests.roads.test_serve import README, serving
from tests.support.command import ROOT, Command

_SECTION = README.read_text(encoding="utf-8").split("## Sign-up forms")[1].split("\n## ")[0]
_EXAMPLES = dict(re.findall(r"```(sh|php|js|python)\n(.*?)```", _SECTION, re.DOTALL))
_INTERPRETERS = {"sh": ["sh"], "php": ["php"], "js": ["node"], "python": [sys.executable]}
PATIENCE = 10.0
"""Seconds: the examples wait for 4, Python's for 5; the interpreter has to start as well."""


def refusal(language: str, folder: Path, url: str, key: str, email: str) -> str:
    """What the example prints about an address."""
    script = folder / f"signup.{language}"
    script.write_text(_EXAMPLES[language].replace("http://127.0.0.1:8080", url), encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "SIGNUP_KEY": key, "PYTHONPATH": str(ROOT)}
    command = [*_INTERPRETERS[language], str(script), email]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@contextmanager
def nonsense() -> Iterator[str]:
    """A server that answers 200 with something else than JSON."""

    class Nonsense(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>decision refuse</html>")

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Nonsense)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_there_is_one_for_each_language() -> None:
    """curl, PHP, Node and Python."""
    assert list(_EXAMPLES) == list(_INTERPRETERS)


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A running service's URL, and a key for it."""
    command = Command(tmp_path_factory.mktemp("service"), NOBODY)
    key = command.run("keys", "create", "form").out.strip()
    with serving(command) as (_, url):
        yield url, key


@pytest.mark.parametrize("language", _INTERPRETERS)
def test_who_is_refused_is_told_and_nobody_else(form: tuple[str, str], tmp_path: Path, language: str) -> None:
    """Whatever was typed; with a key that holds no more everybody gets in."""
    url, key = form
    told = {
        email: refusal(language, tmp_path, url, key, email)
        for email in ("mailbox_not_found@verifier.test", "accepted@verifier.test", "greylisted@verifier.test")
    }
    assert [bool(sentence) for sentence in told.values()] == [True, False, False]
    assert refusal(language, tmp_path, url, key, 'a"b\\c $HOME `id` é@') != ""
    assert refusal(language, tmp_path, url, "vfk_old", "mailbox_not_found@verifier.test") == ""


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], tuple[str, float]]:
    """What each example prints, and after how many seconds, where the verifier is silent, dead or talks nonsense; all
    languages at the same time, for most of it is waiting.
    """

    def timed(language: str, url: str) -> tuple[str, float]:
        folder, began = tmp_path_factory.mktemp(language), time.monotonic()
        return refusal(language, folder, url, "vfk_x", "mailbox_not_found@verifier.test"), time.monotonic() - began

    with (
        nonsense() as url,
        socket.create_server(("127.0.0.1", 0)) as silence,
        ThreadPoolExecutor(len(_INTERPRETERS)) as pool,
    ):
        silent = f"http://127.0.0.1:{silence.getsockname()[1]}"
        urls = {"silent": silent, "dead": "http://127.0.0.1:1", "nonsense": url}
        begun = {
            (way, language): pool.submit(timed, language, where)
            for way, where in urls.items()
            for language in _INTERPRETERS
        }
        return {name: told.result() for name, told in begun.items()}


@pytest.mark.parametrize("language", _INTERPRETERS)
@pytest.mark.parametrize("way", ["silent", "dead", "nonsense"])
def test_everybody_gets_in_where_the_verifier_is_gone(
    without: dict[tuple[str, str], tuple[str, float]], way: str, language: str
) -> None:
    """Dead, silent or talking nonsense: nothing is printed, and nobody waits for long."""
    told, seconds = without[way, language]
    assert told == ""
    assert seconds < PATIENCE
