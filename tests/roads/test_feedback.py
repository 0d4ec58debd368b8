"""Feedback over a real service that is killed in the middle: what was answered is there, and done."""

import json
import re
import signal
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from itertools import count
from pathlib import Path

from tests.roads.test_serve import ask, serving
from tests.support.command import Command
from tests.support.feedback_vectors import VECTORS

ROOT = Path(__file__).resolve().parents[2]
SENDERS = 4
KILLS = 3
BATCH = 50
SETTINGS = {"VERIFIER_SMTP_ENABLED": "false", "VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1"}


class Sender(threading.Thread):
    """Posts batches one after the other until it cannot; keeps those that were answered 2xx."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__()
        self.url = f"{url}/v1/events"
        self.label = name
        self.answered: list[list[dict[str, str]]] = []

    def run(self) -> None:
        for number in count():
            batch = [
                {
                    "source": "road",
                    "id": f"{self.label}-{number}-{place}",
                    "event": "bounced" if place % 2 else "delivered",
                    "email": f"u{self.label}-{number}-{place}@shop.example",
                    "at": "2026-11-20T10:00:00Z",
                    **({"bounce_class": "hard"} if place % 2 else {}),
                }
                for place in range(BATCH)
            ]
            request = urllib.request.Request(
                self.url, json.dumps(batch).encode(), {"Content-Type": "application/json"}, method="POST"
            )
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    if response.status == 200:
                        self.answered.append(batch)
            except (OSError, HTTPException, urllib.error.URLError):
                return


def test_kill_9_loses_nothing_that_was_answered(offline: Command) -> None:
    """Several senders at once, the service killed at any moment, thrice: each batch that was answered is known whole,
    and everybody in it who bounced is on the list.
    """
    answered: list[list[dict[str, str]]] = []
    for life in range(KILLS):
        with serving(offline, **SETTINGS) as (service, url):
            senders = [Sender(url, f"{life}-{number}") for number in range(SENDERS)]
            for sender in senders:
                sender.start()
            time.sleep(0.6 + 0.37 * life)
            service.send(signal.SIGKILL)
            for sender in senders:
                sender.join()
                answered += sender.answered
    assert len(answered) > KILLS
    with serving(offline, **SETTINGS) as (service, url):
        for batch in answered:
            assert ask(f"{url}/v1/events", batch) == (200, {"new": 0, "repeated": BATCH, "ignored": 0})
        bounced = {(event["email"], "") for batch in answered for event in batch if event["event"] == "bounced"}
        deadline = time.monotonic() + 60
        while not bounced <= (listed := suppressed(offline)):
            assert time.monotonic() < deadline, len(bounced - listed)
            time.sleep(0.1)


def suppressed(command: Command) -> set[tuple[str, str]]:
    """Addresses and senders of the list, as another process reads them."""
    with sqlite3.connect(command.data_dir / "suppressions.sqlite") as connection:
        return set(connection.execute("SELECT address, sender FROM suppressions"))


def test_the_recipes_of_the_documentation_run_as_they_stand(offline: Command) -> None:
    """The command for own events in docs/feedback.md; the addresses for Mailjet and Brevo there and in the README, with
    a key that the documented command has made and with messages as these services send them.
    """
    page, readme = (ROOT / "docs" / "feedback.md").read_text(), (ROOT / "README.md").read_text()
    made = re.search(r"^verifier (keys create feedback .*)$", page, re.MULTILINE)
    curl = re.search(r"^curl (\S+)/v1/events -H '([^']*)' -d '(.*?)'$", page, re.MULTILINE | re.DOTALL)
    assert made is not None and curl is not None and made[0] in readme
    token = re.search(r"vfk_\w+", offline.run(*made[1].split()).out)
    assert token is not None
    with serving(offline, **SETTINGS) as (_, url):
        name, _, value = curl[2].partition(": ")
        assert ask(f"{url}/v1/events", json.loads(curl[3]), headers={name: value})[1]["new"] == 1
        for source in ("mailjet", "brevo"):
            address = re.search(rf"https://\S+?(/v1/webhooks/{source}\?key=vfk_…\S*?)(?=[`\s])", readme + page)
            assert address is not None
            body = next(vector.body for vector in VECTORS if vector.source == source)
            status, answer = ask(url + address[1].replace("vfk_…", token[0]), json.loads(body))
            assert (status, answer["ignored"]) == (200, 0) and answer["new"] > 0
    assert ("angry@example.com", "shop") in suppressed(offline)


def test_a_link_that_the_command_makes_unsubscribes_by_one_click(offline: Command) -> None:
    """A line for each address, given or on standard input; what is no address is refused."""
    scope = ("--sender", "shop", "--topic", "offers")
    given = offline.run("feedback", "link", "Jane@example.com", *scope, VERIFIER_HTTP_PUBLIC_URL="http://127.0.0.1:9")
    piped = offline.run(
        "feedback", "link", *scope, stdin=b"jane@example.com\n", VERIFIER_HTTP_PUBLIC_URL="http://127.0.0.1:9"
    )
    assert (given.code, given.out) == (0, piped.out)
    assert offline.run("feedback", "link", "nobody").code == 65
    with serving(offline, **SETTINGS) as (_, url):
        click = urllib.request.Request(
            given.out.strip().replace("http://127.0.0.1:9", url), b"List-Unsubscribe=One-Click", method="POST"
        )
        with urllib.request.urlopen(click, timeout=30) as response:
            assert response.status == 200
    assert suppressed(offline) == {("jane@example.com", "shop")}
