"""The reply in a pasted bounce, log line or traceback is found, and the command that it answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.bounce_text import reply_from_text, stage_from_text
from verifier.core.replies import Reply, SmtpStage


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 5.1.1 User unknown", Reply(550, "5.1.1", "User unknown")),
        ("550-5.1.1 The account\n550 5.1.1 is gone\n", Reply(550, "5.1.1", "The account is gone")),
        ("550 5.1.1 The account\n   is gone", Reply(550, "5.1.1", "The account is gone")),
        ("host mx.b.example[192.0.2.1] said: 550 5.1.1 no (in reply to RCPT TO command)", Reply(550, "5.1.1", "no")),
        ("smtp; 550 5.1.1 no", Reply(550, "5.1.1", "no")),
        ("Diagnostic-Code: smtp;550 5.1.1 no", Reply(550, "5.1.1", "no")),
        ("<a@b.example>: 550 no", Reply(550, None, "no")),
        ("a@b.example\nRemote Server returned '550 5.1.10 gone'", Reply(550, "5.1.10", "gone")),
        (
            "192.0.2.1 does not like recipient.\nRemote host said: 550 no\nGiving up on 192.0.2.1.",
            Reply(550, None, "no"),
        ),
        (
            "SMTP error after MAIL FROM:<a@b.example> SIZE=1543: host h [192.0.2.1]: 450 4.1.8 no",
            Reply(450, "4.1.8", "no"),
        ),
        ("550 5.1.1 no 503 5.5.1 Need RCPT (recipient) 550 5.1.1 no", Reply(550, "5.1.1", "no")),
        ("450 busy 551 moved away 503 need RCPT command", Reply(551, None, "moved away")),
        ("450 4.1.1 unverified: host h said: 550 no", Reply(450, "4.1.1", "unverified: host h said: 550 no")),
        ("smtp; 503 5.5.1 Bad sequence of commands", Reply(503, "5.5.1", "Bad sequence of commands")),
        ("error_code: 550, error_code : 5.1.1 no", Reply(550, "5.1.1", "no")),
        ("550 no, status 255 at node 3", Reply(550, None, "no, status 255 at node 3")),
        ("no, status 255 at node 3", Reply(550, None, "no, status 255 at node 3")),
        ("status=bounced (host h[192.0.2.1] said: 550 no (in reply to RCPT TO command))", Reply(550, None, "no")),
        (
            "reject: RCPT from h: 550 5.1.1 no; from=<a@b.example> to=<c@d.example> proto=ESMTP",
            Reply(550, "5.1.1", "no"),
        ),
        ("{'c@d.example': (451, b'4.3.0 Hm')}", Reply(451, "4.3.0", "Hm')}")),
        (
            "203.0.113.5_does_not_like_recipient./Remote_host_said:_550_no_such_name/Giving_up_on_203.0.113.5./",
            Reply(550, None, "no such name/"),
        ),
        ("User unknown", Reply(550, None, "User unknown")),
        ("Sorry, no mailbox. (#5.1.1)", Reply(550, "5.1.1", "Sorry, no mailbox. (#5.1.1)")),
        ("Come back (#4.4.1)", Reply(450, "4.4.1", "Come back (#4.4.1)")),
        ("", Reply(550, None, "")),
    ],
)
def test_pasted_texts(text: str, expected: Reply) -> None:
    """People paste a reply with whatever their mail program wrote around it."""
    assert expected == reply_from_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host h said: 550 no (in reply to RCPT TO command)", SmtpStage.RCPT),
        ("host h said: 550 no (in reply to end of DATA command)", SmtpStage.DATA),
        ("SMTP error from remote mail server after MAIL FROM:<a@b.example>: 550 no", SmtpStage.MAIL),
        ("SMTP error from remote mail server after initial connection: 554 no", SmtpStage.BANNER),
        ("Connected to 192.0.2.1 but my name was rejected. Remote host said: 501 no", SmtpStage.EHLO),
        ("SMTP error from remote server for RCPT TO command, host: h (192.0.2.1) reason: 550 no", SmtpStage.RCPT),
        ("SMTP error from remote server for MAIL FROM command, host: h reason: 550 no", SmtpStage.MAIL),
        ("550 Not fit for MAIL FROM this host", None),
        ("550 no 554 5.5.1 Error: no valid recipients", SmtpStage.RCPT),
        ("550 no", None),
    ],
)
def test_stage_in_the_text(text: str, expected: SmtpStage | None) -> None:
    """A bounce text that names the refused command is believed."""
    assert expected == stage_from_text(text)


@given(st.text(max_size=600))
def test_reading_pasted_text_never_fails(text: str) -> None:
    """Any text makes a refusal or what its number says."""
    assert True is (200 <= reply_from_text(text).code <= 599)
