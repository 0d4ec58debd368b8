"""`verifier feedback` as it is used: a message on standard input, logs, secrets; by itself and beside a service."""

import gzip
import os
import sqlite3
import time

from tests.core.feedback.test_logs import EXIM, POSTFIX
from tests.core.feedback.test_reports import ARF, POSTFIX_DSN
from tests.roads.test_serve import ask, serving
from tests.support.command import Command
from tests.support.feedback_vectors import MAILGUN_KEY

SETTINGS = {"VERIFIER_SMTP_ENABLED": "false", "VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1"}


def listed(command: Command) -> set[tuple[str, str | None]]:
    """Addresses and senders of the suppressions."""
    with sqlite3.connect(command.data_dir / "suppressions.sqlite") as connection:
        return {
            (address, sender or None)
            for address, sender in connection.execute("SELECT address, sender FROM suppressions")
        }


def test_a_message_is_taken_from_standard_input(offline: Command) -> None:
    """A bounce for everybody, a complaint for its sender; the same again is known; of anything else is said what it is
    not.
    """
    assert offline.run("feedback", stdin=POSTFIX_DSN).out == "2 new, 0 known before, 0 of no address\n"
    assert offline.run("feedback", stdin=POSTFIX_DSN).out == "0 new, 2 known before, 0 of no address\n"
    assert offline.run("feedback", "--sender", "shop", stdin=ARF).code == 0
    assert listed(offline) == {("jane@example.com", None), ("user@example.com", "shop")}
    other = offline.run("feedback", stdin=b"Subject: I am away\n\nBack on Monday\n")
    assert (other.code, "neither a delivery status notification nor an abuse report" in other.err) == (65, True)


def test_logs_are_taken_rotated_gzipped_and_twice(offline: Command) -> None:
    """Told from each other by their lines; twice counts once, whatever the files are called."""
    lines = POSTFIX.splitlines(keepends=True)
    old = offline.write("mail.log.1.gz", gzip.compress(b"".join(lines[:5])))
    new = offline.write("mail.log", b"".join(lines[5:]))
    os.utime(old, (1, 1))
    first = offline.run("feedback", "import", new, old)
    assert (first.code, first.out) == (0, "6 new, 0 known before, 0 of no address\n")
    again = offline.run("feedback", "import", offline.write("copy", POSTFIX))
    assert again.out == "0 new, 6 known before, 0 of no address\n"
    assert offline.run("feedback", "import", offline.write("exim", EXIM)).out.startswith("6 new")
    assert listed(offline) == {("jane@example.com", None), ("bob@nowhere.example", None)}
    broken = offline.run("feedback", "import", offline.write("broken.gz", gzip.compress(POSTFIX)[:200]))
    assert (broken.code, "cannot be read to its end" in broken.err) == (65, True)
    nothing = offline.run("feedback", "import", offline.write("list.csv", "email\nx@example.com\n"))
    assert (nothing.code, "--format" in nothing.err) == (65, True)


def test_beside_a_service_it_is_kept_at_once_and_done_by_the_service(offline: Command) -> None:
    """The command does not wait for it; a secret that is set holds at once."""
    with serving(offline, **SETTINGS) as (_, url):
        assert offline.run("feedback", stdin=POSTFIX_DSN).out == "2 new, 0 known before, 0 of no address\n"
        deadline = time.monotonic() + 30
        while ("jane@example.com", None) not in listed(offline):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert ask(f"{url}/v1/webhooks/mailgun", {})[1]["code"] == "source_unconfigured"
        set_ = offline.run("feedback", "secret", "mailgun", stdin=MAILGUN_KEY.encode())
        assert (set_.code, MAILGUN_KEY in set_.out + set_.err) == (0, False)
        assert ask(f"{url}/v1/webhooks/mailgun", {})[1]["code"] == "event_malformed"
        assert offline.run("feedback", "secret", "mailgun", "--remove").code == 0
        assert ask(f"{url}/v1/webhooks/mailgun", {})[1]["code"] == "source_unconfigured"
