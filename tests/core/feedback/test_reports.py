"""DSN (RFC 3464) and ARF (RFC 5965) messages: read whole, or refused."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.feedback.hook import Refusal, RefusalKind, Told
from verifier.core.feedback.reports import read_report
from verifier.core.mail_events import BounceClass, EventKind

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)

POSTFIX_DSN = b"""\
Date: Sun, 22 Nov 2026 10:30:00 +0100 (CET)
From: MAILER-DAEMON@mail.example.net (Mail Delivery System)
To: shop@example.net
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="A1B2C3.1700000000/mail.example.net"
Message-Id: <20261122093000.A1B2C3@mail.example.net>

This is a MIME-encapsulated message.

--A1B2C3.1700000000/mail.example.net
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mail.example.net.

--A1B2C3.1700000000/mail.example.net
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.net
X-Postfix-Queue-ID: A1B2C3
Arrival-Date: Sun, 22 Nov 2026 10:29:58 +0100 (CET)

Final-Recipient: rfc822; jane@forwarded.example.org
Original-Recipient: rfc822;jane@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 550 5.1.1 <jane@example.com>: Recipient address
    rejected: User unknown in virtual mailbox table

Final-Recipient: rfc822; joe@example.com
Action: delayed
Status: 4.4.1
Diagnostic-Code: X-Postfix; connect to mx.example.com[192.0.2.1]:25: Connection timed out

--A1B2C3.1700000000/mail.example.net
Content-Description: Undelivered Message
Content-Type: message/rfc822

Message-ID: <order-1@example.net>
From: shop@example.net
To: jane@example.com
Subject: Your order

Hello
--A1B2C3.1700000000/mail.example.net--
"""

ARF = b"""\
From: <abusedesk@example.com>
Date: Sun, 22 Nov 2026 09:00:00 +0000
Subject: FW: Earn money
To: <abuse@example.net>
Message-ID: <arf-1@example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

This is an email abuse report.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <somespammer@example.net>
Original-Rcpt-To: <user@example.com>
Source-IP: 192.0.2.1

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

From: <somespammer@example.net>
To: <Undisclosed Recipients>
Subject: Earn money
Message-ID: 8787KJKJ3K4J3K4J3K4J3.mail@example.net

Spam
--part1_13d.2e68ed54_boundary--
"""

EXIM = b"""\
Message-Id: <E1x-0001@mail.example.net>
Date: Sun, 22 Nov 2026 09:00:00 +0000
X-Failed-Recipients: jane@example.com
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mail.example.net>
To: shop@example.net
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

  jane@example.com
    host mx.example.com [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<jane@example.com>:
    550 No such user here

------ This is a copy of the message, including all the headers. ------
"""


def told(raw: bytes) -> Told:
    outcome = read_report(raw, NOW)
    assert isinstance(outcome, Told), outcome
    return outcome


def test_a_delivery_status_names_whom_it_was_sent_to_and_what_was_said() -> None:
    """The original recipient, for that is whom we know; the server's words on one line, and who spoke them."""
    failed, delayed = told(POSTFIX_DSN).events
    assert (failed.kind, failed.email, failed.bounce_class) == (
        EventKind.BOUNCED,
        "jane@example.com",
        BounceClass.HARD,
    )
    assert failed.reply == (
        "550 5.1.1 <jane@example.com>: Recipient address rejected: User unknown in virtual mailbox table"
    )
    assert (failed.mx_host, failed.message_id) == ("mx.example.com", "<order-1@example.net>")
    assert failed.at == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert (delayed.kind, delayed.email, delayed.source) == (EventKind.DEFERRED, "joe@example.com", "dsn")


def test_the_same_report_has_the_same_names_and_another_has_others() -> None:
    """Idempotent by Message-ID; a message without one is named by its content."""
    assert read_report(POSTFIX_DSN, NOW) == read_report(POSTFIX_DSN, NOW)
    other = told(POSTFIX_DSN.replace(b"A1B2C3@mail", b"A1B2C4@mail"))
    assert {e.id for e in other.events}.isdisjoint(e.id for e in told(POSTFIX_DSN).events)
    nameless = POSTFIX_DSN.replace(b"Message-Id: <2026", b"X-Was: <2026")
    assert told(nameless) == told(nameless)
    assert told(nameless).events[0].id != told(nameless.replace(b"Hello", b"Salve")).events[0].id


def test_an_abuse_report_is_a_complaint_of_whom_it_names() -> None:
    """The recipient of the field; without it the one of the mail itself; neither: refused with what to do."""
    (event,) = told(ARF).events
    assert (event.kind, event.email, event.source) == (EventKind.COMPLAINED, "user@example.com", "arf")
    assert event.message_id == "8787KJKJ3K4J3K4J3K4J3.mail@example.net"
    by_mail = ARF.replace(b"Original-Rcpt-To: <user@example.com>\n", b"").replace(
        b"To: <Undisclosed Recipients>", b"To: Jane <jane@example.com>"
    )
    assert [e.email for e in told(by_mail).events] == ["jane@example.com"]
    redacted = read_report(ARF.replace(b"Original-Rcpt-To: <user@example.com>\n", b""), NOW)
    assert isinstance(redacted, Refusal) and "recipient" in redacted.sentence


@pytest.mark.parametrize(("word", "kinds"), [(b"opt-out", [EventKind.UNSUBSCRIBED]), (b"not-spam", []), (b"virus", [])])
def test_the_type_of_a_report_says_what_it_is(word: bytes, kinds: list[EventKind]) -> None:
    """Who says that it is not spam has not complained."""
    assert [e.kind for e in told(ARF.replace(b"abuse\nUser", word + b"\nUser")).events] == kinds


def test_an_exim_bounce_is_read_by_its_header() -> None:
    """It is no report by its form, and there are many of them."""
    (event,) = told(EXIM).events
    assert (event.kind, event.email) == (EventKind.BOUNCED, "jane@example.com")
    assert event.reply is not None and "550 No such user here" in event.reply


def test_a_report_that_was_cut_off_is_refused() -> None:
    """Before its fields are there nothing is known; a holiday reply is none."""
    for raw in (b"", POSTFIX_DSN[:900], ARF[:600], b"Subject: I am away\n\nBack on Monday\n"):
        outcome = read_report(raw, NOW)
        assert isinstance(outcome, Refusal) and outcome.kind is RefusalKind.MALFORMED


def test_a_report_of_fifty_megabytes_is_refused_unread() -> None:
    """Its size is looked at first."""
    outcome = read_report(b"x" * (50 << 20), NOW)
    assert isinstance(outcome, Refusal) and outcome.kind is RefusalKind.TOO_LARGE


def test_a_date_in_the_future_is_now() -> None:
    """A report cannot be newer than what comes after it."""
    (event,) = told(ARF.replace(b"22 Nov 2026", b"22 Nov 2036")).events
    assert event.at == NOW


@given(st.integers(0, len(POSTFIX_DSN)), st.binary(max_size=40))
def test_no_message_makes_it_fail(place: int, noise: bytes) -> None:
    """Whatever stands where: events or a refusal."""
    for raw in (POSTFIX_DSN, ARF, EXIM):
        assert isinstance(read_report(raw[:place] + noise + raw[place + len(noise) :], NOW), Told | Refusal)


def test_parts_within_parts_do_not_exhaust_it() -> None:
    """A message nested thousands deep is refused."""
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(3000))
    assert isinstance(read_report(nested, NOW), Refusal)
