"""Bounces and abuse reports as mail systems of the world write them, RFC 3464 or not; and what only looks like one."""

from base64 import encodebytes
from datetime import UTC, datetime
from time import process_time

import pytest

from verifier.adapters.reply_rule_file import shipped_rules
from verifier.core.feedback.bounces import classified
from verifier.core.feedback.hook import Refusal, Told
from verifier.core.feedback.reports import read_report
from verifier.core.mail_events import BounceClass, EventKind
from verifier.core.unsubscribe_token import Leaving, leaving_of, make_unsubscribe_token

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
HARD, SOFT, BLOCK = BounceClass.HARD, BounceClass.SOFT, BounceClass.BLOCK

STATUS = b"""\
Reporting-MTA: dns; mail.example.net
Arrival-Date: Sun, 22 Nov 2026 10:29:59 +0100

Final-Recipient: RFC822; jane@example.com
Action: failed
Status: 5.1.1
Remote-MTA: DNS; mx.example.com
Diagnostic-Code: SMTP; 550 5.1.1 <jane@example.com>... User unknown

"""
SENDMAIL = (
    b"""\
Date: Sun, 22 Nov 2026 10:30:00 +0100
From: Mail Delivery Subsystem <MAILER-DAEMON@mail.example.net>
Message-Id: <202611220930.x@mail.example.net>
To: <shop@example.net>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="x.1/mail"
Subject: Returned mail: see transcript for details

--x.1/mail
Content-Type: text/plain

   ----- The following addresses had permanent fatal errors -----
<jane@example.com>

--x.1/mail
Content-Type: message/delivery-status

"""
    + STATUS
    + b"""\
--x.1/mail
Content-Type: text/rfc822-headers

Message-ID: <order-1@example.net>
To: jane@example.com

--x.1/mail--
"""
)
QMAIL = b"""\
Date: 22 Nov 2026 09:30:00 -0000
From: MAILER-DAEMON@mail.example.net
To: shop@example.net
Subject: failure notice

Hi. This is the qmail-send program at mail.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<jane@example.com>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 <jane@example.com>: Recipient address rejected: User unknown
Giving up on 192.0.2.1.

<joe@example.org>:
Connected to 192.0.2.2 but sender was rejected.
Remote host said: 550 5.7.1 Your address is on a block list

--- Below this line is a copy of the message.

Return-Path: <shop@example.net>
From: shop@example.net
To: <ann@example.com>:

<ann@example.com>:
is no recipient that has failed.
"""
YAHOO = b"""\
From: MAILER-DAEMON@yahoo.example
To: shop@example.net
Subject: Delivery failure
Date: Sun, 22 Nov 2026 09:30:00 -0000

Unable to deliver message to the following address(es).

<jane@yahoo.example>:
550 5.1.1 This user doesn't have an account here

--- Original message follows.
"""
IONOS = b"""\
From: Mail Delivery System <mailer-daemon@ionos.example>
To: shop@example.net
Subject: Mail delivery failed: returning message to sender
Message-ID: <i@x>
Date: Sun, 22 Nov 2026 09:00:00 +0000

A message that you sent could not be delivered to one or more of
its recipients. This is a permanent error.

The following address failed:

jane@example.com:
SMTP error from remote server for RCPT TO command, host: mx.example.com (192.0.2.1) reason: 550 5.1.1
 <jane@example.com>:
 Recipient address rejected: User unknown

--- The header of the original message is following. ---
"""
EXIM = b"""\
Message-Id: <E1x-0001@mail.example.net>
Date: Sun, 22 Nov 2026 09:00:00 +0000
X-Failed-Recipients: jane@example.com,
  joe@example.org
From: Mail Delivery System <Mailer-Daemon@mail.example.net>
To: shop@example.net
Subject: Mail delivery failed: returning message to sender

A message that you sent could not be delivered. The following address(es) failed:

  jane@example.com
    host mx.example.com [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<jane@example.com>:
    550 No such user here
  joe@example.org
    host mx.example.org [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<joe@example.org>:
    550 5.7.1 blocked using a block list

------ This is a copy of the message, including all the headers. ------
"""


def written(sender: str, words: str, charset: str = "utf-8") -> bytes:
    """A bounce in nothing but words, of a charset."""
    head = f"From: {sender}\nSubject: x\nMessage-ID: <w@x>\nMIME-Version: 1.0\n"
    return f"{head}Content-Type: text/plain; charset={charset}\n\n".encode() + words.encode(charset)


GMX = written(
    "GMX Mailer Daemon <mailer-daemon@gmx.example>",
    """\
The following address failed:

"jane@example.com":
SMTP error from remote server for RCPT TO command, host: mx.example.com reason: 550 5.1.1 User unknown

--- The header of the original message is following. ---
""",
)
OLD_SENDMAIL = written(
    "MAILER-DAEMON@example.net",
    """\
   ----- The following addresses had permanent fatal errors -----
<jane@example.com>
    (reason: 550 5.1.1 <jane@example.com>... User unknown)

   ----- Transcript of session follows -----
""",
)
DOCOMO = written(
    "MAILER-DAEMON@docomo.example",
    """\
次のあて先へのメッセージはエラーのため送信できませんでした。

<jane@docomo.example>
550 Unknown user
""",
    "iso-2022-jp",
)
FRENCH = written(
    "MAILER-DAEMON@smtp.example",
    """\
Votre message n'a pas pu être remis aux destinataires suivants :

<jane@example.com>: 550 5.1.1 Adresse inconnue
""",
    "iso-8859-1",
)
GERMAN = written(
    "mailer-daemon@mx.example",
    """\
Ihre Nachricht konnte nicht zugestellt werden.

<jane@example.com>: 552 5.2.2 Postfach voll

<postmaster@mx.example>
Bei Fragen antworten Sie bitte.
""",
)
GMAIL_WAITS = written(
    "mailer-daemon@googlemail.example",
    """\
THIS IS A WARNING MESSAGE ONLY.

Delivery to the following recipient has been delayed:

     jane@example.com

Message will be retried for 2 more day(s)
""",
).replace(b"Subject: x", b"Subject: Delivery Status Notification (Delay)\nX-Failed-Recipients: jane@example.com")
REPORT = b"""\
Feedback-Type: abuse
User-Agent: Somebody/2.0
Version: 1
Original-Rcpt-To: jane@example.com
"""
ARF = (
    b"""\
From: <feedback@example.com>
Date: Sun, 22 Nov 2026 09:00:00 +0000
To: fbl@example.net
Message-ID: <arf-1@example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: message/feedback-report

"""
    + REPORT
    + b"""
--b1
Content-Type: message/rfc822

From: shop@example.net
To: jane@example.com
Message-ID: <order-1@example.net>

x
--b1--
"""
)
JUNK_REPORT = b"""\
From: staff@outlook.example
To: fbl@example.net
Subject: complaint about message from 192.0.2.9
Date: Sun, 22 Nov 2026 09:00:00 +0000
Message-ID: <j1@outlook>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=jj

--jj
Content-Type: message/rfc822

X-HmXmrOriginalRecipient: <jane@outlook.example>
From: shop@example.net
To: somebody@example.org
Message-ID: <order-1@example.net>

x
--jj--
"""


def encoded(message: bytes, part: bytes) -> bytes:
    """The message with that part of it in base64."""
    content_type, content = (
        (b"message/delivery-status", STATUS) if part == STATUS else (b"message/feedback-report", part)
    )
    return message.replace(
        content_type + b"\n\n" + content,
        content_type + b"\nContent-Transfer-Encoding: base64\n\n" + encodebytes(content) + b"\n",
    )


def bounces(raw: bytes) -> list[tuple[str, BounceClass | None]]:
    outcome = read_report(raw, NOW)
    assert isinstance(outcome, Told), outcome
    assert {event.kind for event in outcome.events} == {EventKind.BOUNCED}
    return [(event.email, classified(event, shipped_rules()).bounce_class) for event in outcome.events]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (SENDMAIL, [("jane@example.com", HARD)]),
        (SENDMAIL.replace(b"\n", b"\r\n"), [("jane@example.com", HARD)]),
        (encoded(SENDMAIL, STATUS), [("jane@example.com", HARD)]),
        (SENDMAIL.replace(b"Status: 5.1.1\n", b"Status: 5.0.0 (permanent failure)\n"), [("jane@example.com", HARD)]),
        (SENDMAIL.replace(b"Action: failed", b"Action: Failed (fatal)"), [("jane@example.com", HARD)]),
        (SENDMAIL.replace(b"\nFinal-Recipient: RFC822;", b"Final-Recipient:"), [("jane@example.com", HARD)]),
        (
            SENDMAIL.replace(b"Final-", b"Original-Recipient: X400;c=us;a= ;p=x;\nFinal-"),
            [("jane@example.com", HARD)],
        ),
        (
            SENDMAIL.replace(b"/delivery-status\n", b"/global-delivery-status\n").replace(
                b"RFC822; jane@", "utf-8; jäne@".encode()
            ),
            [("jäne@example.com", HARD)],
        ),
        (SENDMAIL.replace(b"RFC822; jane@", rb"utf-8; j\x{E4}ne@"), [("jäne@example.com", HARD)]),
        (QMAIL, [("jane@example.com", HARD), ("joe@example.org", BLOCK)]),
        (YAHOO, [("jane@yahoo.example", HARD)]),
        (IONOS, [("jane@example.com", HARD)]),
        (EXIM, [("jane@example.com", HARD), ("joe@example.org", BLOCK)]),
        (GMX, [("jane@example.com", HARD)]),
        (OLD_SENDMAIL, [("jane@example.com", HARD)]),
        (DOCOMO, [("jane@docomo.example", HARD)]),
        (FRENCH, [("jane@example.com", HARD)]),
        (GERMAN, [("jane@example.com", SOFT)]),
        (GERMAN.replace(b"utf-8", b"no-such-charset"), [("jane@example.com", SOFT)]),
    ],
)
def test_a_bounce_names_who_failed_and_why(raw: bytes, expected: list[tuple[str, BounceClass | None]]) -> None:
    """Encoded or not, in UTF-8, with comments, of another kind of address, or written for people, whatever they speak;
    an address that stands in it for another reason has not failed.
    """
    assert bounces(raw) == expected


def test_the_words_about_one_recipient_are_not_another_s() -> None:
    """Nor are they what stands below them."""
    outcome = read_report(EXIM, NOW)
    assert isinstance(outcome, Told)
    first, last = (event.reply or "" for event in outcome.events)
    assert first.endswith("550 No such user here") and last.endswith("550 5.7.1 blocked using a block list")


def test_the_exchange_that_spoke_is_known_by_its_name() -> None:
    """Gmail writes its address behind it."""
    named = SENDMAIL.replace(b"DNS; mx.example.com", b"dns; mx.example.com. (203.0.113.5, the server for example.com.)")
    outcome = read_report(named, NOW)
    assert isinstance(outcome, Told)
    assert [event.mx_host for event in outcome.events] == ["mx.example.com"]


def test_a_bounce_that_was_passed_on_is_about_the_mail_that_bounced() -> None:
    """The message-id is that mail's, not the bounce's, so that one mail does not count twice."""
    passed_on = (
        b"From: me@example.net\nMessage-ID: <fwd@x>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=fw\n\n"
        b"--fw\nContent-Type: text/plain\n\nlook\n--fw\nContent-Type: message/rfc822\n\n" + SENDMAIL + b"\n--fw--\n"
    )
    outcome = read_report(passed_on, NOW)
    assert isinstance(outcome, Told)
    assert [event.message_id for event in outcome.events] == ["<order-1@example.net>"]


@pytest.mark.parametrize(
    "raw",
    [
        b"From: jane@example.com\nSubject: Out of office\nAuto-Submitted: auto-replied\n\n550 5.1.1 user unknown\n",
        b"From: jane@example.com\nSubject: Re: failure notice\n\nIt failed:\n\n<joe@example.org>:\n550 no\n",
        b"From: Mailer-Daemon@example.net\nSubject: Warning: delayed 24 hours\n\nA message that you sent has not"
        b" yet been delivered, delivery failed for now:\n\n<jane@example.com>:\nConnection timed out\n",
        b"From: MAILER-DAEMON@example.net\nSubject: warning\n\nNot delivered at the first attempt failed.\n\n"
        b"<jane@example.com>:\n421 Try later. Delivery will be retried.\n",
        GMAIL_WAITS,
        b"From: jane@example.com\nMIME-Version: 1.0\nContent-Type: multipart/report;"
        b" report-type=disposition-notification; boundary=q\n\n--q\nContent-Type: message/disposition-notification\n\n"
        b"Final-Recipient: rfc822;j@example.com\n"
        b"Disposition: automatic-action/MDN-sent-automatically; deleted\n\n--q--\n",
    ],
)
def test_what_is_no_bounce_counts_against_nobody(raw: bytes) -> None:
    """Holiday replies, people who write about a bounce, warnings that it takes longer, and receipts (RFC 8098)."""
    assert isinstance(read_report(raw, NOW), Refusal)


@pytest.mark.parametrize(
    ("raw", "email"),
    [
        (ARF, "jane@example.com"),
        (encoded(ARF, REPORT), "jane@example.com"),
        (ARF.replace(b"Rcpt-To: jane@example.com", b"Rcpt-To: rfc822; <jane@example.com>"), "jane@example.com"),
        (ARF.replace(b"Original-Rcpt-To: jane@example.com", b"Original-Rcpt-To: [redacted]"), "jane@example.com"),
        (JUNK_REPORT, "jane@outlook.example"),
    ],
)
def test_an_abuse_report_names_who_complained(raw: bytes, email: str) -> None:
    """Encoded or not; where the provider hides the address by the mail itself; and in Outlook.com's own form."""
    outcome = read_report(raw, NOW)
    assert isinstance(outcome, Told), outcome
    assert [(e.kind, e.email, e.message_id) for e in outcome.events] == [
        (EventKind.COMPLAINED, email, "<order-1@example.net>")
    ]


def test_whose_mail_it_was_is_told_by_its_own_link() -> None:
    """Where the provider hides the address everywhere: the token of the link is sealed, so nobody can make one up; one
    that is nobody's tells nothing.
    """
    secret = b"secret"
    token = make_unsubscribe_token(secret, Leaving("jane@example.com", "shop"))
    hidden = ARF.replace(b"jane@example.com", b"redacted").replace(
        b"Message-ID: <order-1", b"List-Unsubscribe: <https://v.example/unsubscribe/%s>\nMessage-ID: <order-1"
    )

    def recipient_of(token: str) -> str:
        leaving = leaving_of(secret, token)
        return leaving.email if leaving is not None else ""

    outcome = read_report(hidden.replace(b"%s", token.encode()), NOW, recipient_of)
    assert isinstance(outcome, Told), outcome
    assert [(e.kind, e.email) for e in outcome.events] == [(EventKind.COMPLAINED, "jane@example.com")]
    forged = read_report(hidden.replace(b"%s", token[::-1].encode()), NOW, recipient_of)
    assert isinstance(forged, Refusal) and "unsubscribe link" in forged.sentence


def test_who_of_several_complained_is_not_guessed() -> None:
    """Where the report hides it and the mail had two recipients, neither has complained."""
    hidden = ARF.replace(b"Original-Rcpt-To: jane@example.com", b"Original-Rcpt-To: redacted").replace(
        b"To: jane@example.com", b"To: jane@example.com, joe@example.com"
    )
    outcome = read_report(hidden, NOW)
    assert isinstance(outcome, Refusal) and "which" in outcome.sentence


@pytest.mark.parametrize("filler", [b"\n", b"@", b"<a@", b"- ", b" \t", b"a@b:", b"failed "])
def test_a_body_of_nothing_but_noise_is_read_in_no_time(filler: bytes) -> None:
    """No form of text makes the reading quadratic: a megabyte of one sign takes less than a second of CPU."""
    raw = b"From: MAILER-DAEMON@x.example\n\npermanent\n" + filler * (1_000_000 // len(filler))
    before = process_time()
    assert isinstance(read_report(raw, NOW), Told | Refusal)
    assert process_time() - before < 1
