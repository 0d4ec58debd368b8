"""Our cells: what an assessment says, in words that no spreadsheet runs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from verifier.core.reasons import Reason, Verdict
from verifier.core.replies import ReplyClass, SmtpStage
from verifier.core.table import OUR_COLUMNS
from verifier.core.verdict import Assessment, Flags, SmtpEvidence
from verifier.writers.columns import cells_of, harmless, reply_line

NOW = datetime(2026, 11, 22, 10, 0, 0, 999, tzinfo=UTC)
PLAIN = Assessment(
    email="a@x.test",
    normalized=None,
    verdict=Verdict.UNDELIVERABLE,
    reason=Reason.INVALID_SYNTAX,
    bounce_risk=1.0,
    score=0,
    flags=Flags(),
    stages=(),
    checked_at=NOW,
)
FULL = structs.replace(
    PLAIN,
    normalized="a@x.test",
    verdict=Verdict.UNKNOWN,
    reason=Reason.GREYLISTED,
    score=87,
    did_you_mean="=a@y.test",
    flags=Flags(disposable=True, role=True, free=True, catch_all=False),
    provider="postfix-host",
    smtp=SmtpEvidence(SmtpStage.RCPT, 450, "4.2.0", ReplyClass.GREYLISTED, "rule", "<*>: Greylisted"),
    retry_after=NOW.astimezone(timezone(timedelta(hours=2))),
)


def test_what_is_not_known_is_empty() -> None:
    """Without evidence there are few words; every heading has its cell."""
    expected = ["undeliverable", "invalid_syntax", "0", "", "", "false", "false", "false", *[""] * 5]
    assert [*expected, "2026-11-22T10:00:00Z"] == cells_of(PLAIN)
    assert len(OUR_COLUMNS) == len(cells_of(PLAIN))


def test_everything_that_is_known_is_said() -> None:
    """Flags as true and false, the reply as the server wrote it, times in UTC."""
    expected = ["unknown", "greylisted", "87", "'=a@y.test", "a@x.test", "true", "true", "true", "false", "12"]
    rest = ["postfix-host", "450 4.2.0 <*>: Greylisted", "2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"]
    assert expected + rest == cells_of(FULL, 12)


@pytest.mark.parametrize("start", list("=+-@\t\r"))
def test_formulas_are_disarmed(start: str) -> None:
    """What a spreadsheet would run gets a ' before it."""
    assert f"'{start}cmd" == harmless(f"{start}cmd")


@given(st.text())
def test_other_text_is_left_alone(text: str) -> None:
    """A guarded cell never begins like a formula, and hides at most one character more than it was."""
    assert text == harmless(text).removeprefix("'") or text == harmless(text)
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_reply_without_an_enhanced_code() -> None:
    """Missing parts leave no gap."""
    assert reply_line(SmtpEvidence(None, 550, None, ReplyClass.MAILBOX_NOT_FOUND, "rule", "no")) == "550 no"
