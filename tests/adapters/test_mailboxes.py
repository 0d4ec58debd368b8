"""Mailboxes of bounces over IMAP and POP3: read whole, changed in nothing, and only from whom is trusted."""

import gzip
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.feedback.test_reports import ARF, POSTFIX_DSN
from tests.support.clock import START
from tests.support.mail_stores import Speak, imap, pop3, served
from verifier.adapters.imaplib_mailbox import ImaplibMailbox
from verifier.adapters.mail_folder import MailFolder, is_mail_folder
from verifier.adapters.poplib_mailbox import PoplibMailbox
from verifier.core.faults import InputError, ServiceUnavailable
from verifier.core.feedback.hook import Told
from verifier.core.feedback.reports import read_report

MESSAGES = [POSTFIX_DSN, b"x" * 5000, ARF, b"Subject: .\n\n.hidden\n"]
Mailbox = type[ImaplibMailbox] | type[PoplibMailbox]
KINDS = pytest.mark.parametrize(("mailbox", "server"), [(ImaplibMailbox, imap), (PoplibMailbox, pop3)])
_CHANGES = ("STORE", "EXPUNGE", "COPY", "MOVE", "APPEND", "DELE", "SELECT", " BODY[]")


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def lines(message: bytes) -> list[bytes]:
    return message.splitlines()


def test_a_mailbox_of_this_machine_is_read_as_it_stands(tmp_path: Path) -> None:
    """Each message whole, a quoted From of its own unquoted; in an mbox, gzipped too, and in a Maildir; what is larger
    than a report is passed over, and nothing is written.
    """
    stamp = b"From MAILER-DAEMON Sun Nov 22 09:00:00 2026\n"
    quoted = b"Subject: x\n\n>From here on\nFrom us all\n"
    parts = [POSTFIX_DSN.rstrip() + b"\n\n", b"x" * 5000 + b"\n\n", quoted + b"\n"]
    whole = b"".join(stamp + part for part in parts)
    mbox, packed = tmp_path / "mbox", tmp_path / "mbox.gz"
    mbox.write_bytes(whole)
    packed.write_bytes(gzip.compress(whole))
    for path in (mbox, packed):
        assert is_mail_folder(path)
        assert list(MailFolder(path).messages(4000)) == [parts[0], b"Subject: x\n\nFrom here on\nFrom us all\n\n"]
    assert mbox.read_bytes() == whole
    (tmp_path / "cur").mkdir()
    for number, part in enumerate(parts):
        (tmp_path / "cur" / f"{number}.host:2,S").write_bytes(part)
    assert is_mail_folder(tmp_path)
    assert list(MailFolder(tmp_path).messages(4000)) == [parts[0], parts[2]]
    plain = tmp_path / "list.csv"
    plain.write_bytes(b"From whom,email\n")
    assert not is_mail_folder(plain)
    with pytest.raises(InputError, match="is a folder, and no Maildir"):
        is_mail_folder(tmp_path / "cur")


@KINDS
def test_every_message_that_can_be_a_report_comes_whole(
    tmp_path: Path, mailbox: Mailbox, server: Callable[..., Speak]
) -> None:
    """What is larger is passed over unread, and nothing is changed: neither deleted nor marked as seen."""
    with served(tmp_path, server(MESSAGES)) as (port, certificate, heard):
        made = mailbox("127.0.0.1", "bounces", "secret", port=port, trust=trusting(certificate))
        found = list(made.messages(4000))
    assert [lines(message) for message in found] == [lines(m) for m in MESSAGES if len(m) <= 4000]
    assert not any(change in line.upper() for line in heard for change in _CHANGES)
    assert isinstance(read_report(found[0], START), Told) and isinstance(read_report(found[1], START), Told)


@KINDS
def test_a_wrong_password_and_a_stranger_s_certificate_are_said(
    tmp_path: Path, mailbox: Mailbox, server: Callable[..., Speak]
) -> None:
    """With the server's words, and without the password; nothing is sent to whom is not trusted."""
    with served(tmp_path, server(MESSAGES)) as (port, certificate, heard):
        wrong = mailbox("127.0.0.1", "bounces", "guessed-word", port=port, trust=trusting(certificate))
        with pytest.raises(ServiceUnavailable, match=r"(?i)wrong password") as said:
            list(wrong.messages(4000))
        assert "guessed-word" not in str(said.value)
        heard.clear()
        with pytest.raises(ServiceUnavailable, match="certificate"):
            list(mailbox("127.0.0.1", "bounces", "secret", port=port).messages(4000))
        assert heard == []
