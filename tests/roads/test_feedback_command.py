"""`verifier feedback` as it is used: a message on standard input, logs, secrets; by itself and beside a service."""

import gzip
import os
import sqlite3
import time
from pathlib import Path

from tests.core.feedback.test_logs import EXIM, POSTFIX
from tests.core.feedback.test_reports import ARF, POSTFIX_DSN
from tests.roads.test_serve import ask, serving
from tests.support.command import Command
from tests.support.feedback_vectors import MAILGUN_KEY
from tests.support.mail_stores import imap, pop3, served
from verifier.adapters.folder_lock import FolderLock
from verifier.adapters.system_clock import SystemClock

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
    assert (other.code, "neither a bounce nor an abuse report" in other.err) == (65, True)


def test_forgetting_an_address_ends_what_was_told_of_it(offline: Command) -> None:
    """Its events and its outcomes; another's stay, and so does the hash of a suppression, which names nobody."""
    offline.run("feedback", stdin=POSTFIX_DSN)
    assert mailboxes(offline) == 2
    assert offline.run("forget", "jane@example.com").code == 0
    assert mailboxes(offline) == 1
    assert listed(offline) == {(None, None)}


def mailboxes(command: Command) -> int:
    """How many mailboxes the events are about."""
    with sqlite3.connect(command.data_dir / "events.sqlite") as connection:
        found: int = connection.execute("SELECT count(DISTINCT mailbox) FROM events").fetchone()[0]
        return found


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


def test_files_of_several_kinds_are_each_taken_as_what_they_are(offline: Command) -> None:
    """None is passed over for having come with others; a log in which nothing stands yet is no fault."""
    files = [
        offline.write("mail.log", POSTFIX),
        offline.write("mainlog", EXIM),
        offline.write("gone.csv", "Email,Status\njoe@example.org,unsubscribed\n"),
        offline.write("mail.log.0", ""),
    ]
    taken = offline.run("feedback", "import", *files)
    assert (taken.code, [line[:5] for line in taken.out.splitlines()]) == (0, ["6 new", "6 new", "1 new"])
    assert ("joe@example.org", None) in listed(offline)


def test_a_log_of_another_mail_server_is_no_export(offline: Command) -> None:
    """What --event says of all rows would be said of everybody in it: whoever got his mail would be suppressed."""
    line = "Nov 22 09:00:0{0} mx {1}[123]: xAM900: to=<j{0}@example.com>, dsn=2.0.0, stat=Sent\n"
    log = offline.write("maillog", "".join(line.format(number, "sendmail") for number in range(9)))
    refused = offline.run("feedback", "import", log, "--event", "hard")
    assert (refused.code, "is a log, but none of Postfix or Exim" in refused.err) == (65, True)
    assert not (offline.data_dir / "suppressions.sqlite").exists() or listed(offline) == set()
    also = offline.write("mail.log", POSTFIX)
    assert offline.run("feedback", "import", log, also).out.startswith("6 new")


def test_bounces_that_come_at_once_are_all_kept(offline: Command) -> None:
    """Whoever holds the folder meanwhile; the next one does what they change. Where nothing can be kept, the mail
    server is told to try again (75), or it would throw the bounce away.
    """
    lock = FolderLock.acquire(offline.data_dir, "verifier clean", SystemClock())
    kept = offline.run("feedback", stdin=POSTFIX_DSN)
    assert (kept.code, kept.out, "the next `verifier feedback`" in kept.err) == (
        0,
        "2 new, 0 known before, 0 of no address\n",
        True,
    )
    lock.release()
    assert offline.run("feedback", stdin=ARF).code == 0
    assert listed(offline) == {("jane@example.com", None), ("user@example.com", None)}
    for part in offline.data_dir.glob("events.sqlite*"):
        part.unlink()
    (offline.data_dir / "events.sqlite").write_bytes(b"no database " * 1000)
    lost = offline.run("feedback", stdin=POSTFIX_DSN)
    assert (lost.code, "events.sqlite" in lost.err) == (75, True)


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
        wrong = offline.run("feedback", "secret", "sendgrid", stdin=b"no key")
        assert (wrong.code, "That is not the verification key" in wrong.err) == (65, True)
        assert offline.run("feedback", "secret", "mailgun", "--remove").code == 0
        assert ask(f"{url}/v1/webhooks/mailgun", {})[1]["code"] == "source_unconfigured"


def test_exports_and_mailboxes_are_taken_by_the_same_command(offline: Command, tmp_path: Path) -> None:
    """A table says what happened by a column or by --event; a mailbox is read over TLS, its reports once; replies of
    people are passed over.
    """
    cleaned = offline.write("cleaned.csv", "Email Address,CLEAN_TIME\njane@example.com,2026-05-01 10:00:00\n")
    command = ("feedback", "import", "--source", "mailchimp", cleaned)
    assert [offline.run(*command).out[:5] for _ in range(2)] == ["1 new", "0 new"]
    plain = offline.write("gone.csv", "Email;Name\njoe@example.org;Joe\n")
    refused = offline.run("feedback", "import", plain)
    assert (refused.code, "--event" in refused.err) == (65, True)
    gone = offline.run("feedback", "import", plain, "--source", "brevo", "--event", "unsubscribed", "--sender", "shop")
    assert (gone.code, gone.out[:5]) == (0, "1 new")
    assert listed(offline) == {("jane@example.com", None), ("joe@example.org", "shop")}
    odd = offline.run("feedback", "import", offline.write("odd.csv", "Email,Status\nann@example.org,active\n"))
    assert (odd.out[:5], "1 rows were left out, for nothing is known here of 'active'" in odd.err) == ("0 new", True)
    password = offline.write("password", "secret\n")
    for scheme, server in (("imaps", imap), ("pop3s", pop3)):
        messages = [POSTFIX_DSN.replace(b"A1B2C3@", scheme.encode() + b"@"), b"Subject: Thanks\n\nBye\n"]
        with served(tmp_path, server(messages)) as (port, certificate, _):
            url = f"{scheme}://bounces%40example.net@127.0.0.1:{port}"
            taken = [
                offline.run("feedback", "import", url, "--password-file", password, SSL_CERT_FILE=str(certificate))
                for _ in range(2)
            ]
        assert [each.out[:5] for each in taken] == ["2 new", "0 new"], taken[0].err
        assert "1 messages are neither bounces nor abuse reports" in taken[0].err
    mbox = offline.write(
        "bounces", b"From MAILER-DAEMON Sun Nov 22 09:00:00 2026\n" + POSTFIX_DSN.replace(b"A1B2C3@", b"mbox@")
    )
    maildir = tmp_path / "Maildir" / "new"
    maildir.mkdir(parents=True)
    (maildir / "1.host").write_bytes(POSTFIX_DSN.replace(b"A1B2C3@", b"maildir@"))
    both = [offline.run("feedback", "import", mbox, str(maildir.parent)).out.splitlines() for _ in range(2)]
    assert [[line[:5] for line in each] for each in both] == [["2 new", "2 new"], ["0 new", "0 new"]]
    nothing = offline.run("feedback", "import", str(tmp_path))
    assert (nothing.code, "is a folder, and no Maildir" in nothing.err) == (65, True)
    bad = offline.run("feedback", "import", "imap://jane@mail.example.com")
    assert (bad.code, "imaps://USER@HOST" in bad.err) == (65, True)
