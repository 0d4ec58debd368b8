"""Feedback over a real service that is killed in the middle: what was answered is there, and done."""

import json
import signal
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from itertools import count

from tests.roads.test_serve import ask, serving
from tests.support.command import Command

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
        bounced = {event["email"] for batch in answered for event in batch if event["event"] == "bounced"}
        deadline = time.monotonic() + 60
        while not bounced <= (listed := suppressed(offline)):
            assert time.monotonic() < deadline, len(bounced - listed)
            time.sleep(0.1)


def suppressed(command: Command) -> set[str]:
    """The addresses of the list, as another process reads them."""
    with sqlite3.connect(command.data_dir / "suppressions.sqlite") as connection:
        return {address for (address,) in connection.execute("SELECT address FROM suppressions")}
