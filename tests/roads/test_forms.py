"""The README's examples for sign-up forms, each run as it stands: they refuse who is refused, and nobody else, ever."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("language", _INTERPRETERS)
def test_who_is_refused_is_told_and_nobody_else(offline: Command, tmp_path: Path, language: str) -> None:
    """Whatever was typed; with a key that holds no more everybody gets in."""
    key = offline.run("keys", "create", "form").out.strip()
    with serving(offline) as (_, url):
        told = {
            email: refusal(language, tmp_path, url, key, email)
            for email in ("mailbox_not_found@verifier.test", "accepted@verifier.test", "greylisted@verifier.test")
        }
        assert [bool(sentence) for sentence in told.values()] == [True, False, False]
        assert refusal(language, tmp_path, url, key, 'a"b\\c $HOME `id` é@') != ""
        assert refusal(language, tmp_path, url, "vfk_old", "mailbox_not_found@verifier.test") == ""


@pytest.mark.parametrize("language", _INTERPRETERS)
def test_everybody_gets_in_where_the_verifier_is_gone(tmp_path: Path, language: str) -> None:
    """Dead, silent or talking nonsense: nothing is printed, and nobody waits for long."""
    with nonsense() as url:
        assert refusal(language, tmp_path, url, "vfk_x", "mailbox_not_found@verifier.test") == ""
    with socket.create_server(("127.0.0.1", 0)) as silence:
        for port in (1, silence.getsockname()[1]):
            began = time.monotonic()
            assert refusal(language, tmp_path, f"http://127.0.0.1:{port}", "vfk_x", "nope") == ""
            assert time.monotonic() - began < PATIENCE
