"""Exports of sending services: each row is what its columns say, once, at its time."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from verifier.core.faults import InputError
from verifier.core.feedback.exports import export_events, shape_of, time_of
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

EXPORTED = datetime(2026, 11, 25, 12, tzinfo=UTC)
HARD, SOFT = BounceClass.HARD, BounceClass.SOFT


def read(header: Sequence[str], rows: Sequence[Sequence[str]], email: int, word: str = "") -> list[MailEvent]:
    return list(export_events(rows, shape_of(header, email, word), "export", EXPORTED))


def test_mailchimp_s_cleaned_and_unsubscribed_contacts() -> None:
    """Told by the columns that only these files have, at the time that stands there."""
    cleaned = read(
        ["Email Address", "First Name", "CLEAN_TIME", "CLEAN_CAMPAIGN_TITLE"],
        [["jane@example.com", "Jane", "2026-05-01 10:00:00", "May"]],
        0,
    )
    assert [(e.kind, e.bounce_class, e.at) for e in cleaned] == [
        (EventKind.BOUNCED, HARD, datetime(2026, 5, 1, 10, tzinfo=UTC))
    ]
    gone = read(
        ["Email Address", "UNSUB_TIME", "UNSUB_REASON"], [["jane@example.com", "2026-05-02 09:30:00", "N/A"]], 0
    )
    assert [(e.kind, e.at) for e in gone] == [(EventKind.UNSUBSCRIBED, datetime(2026, 5, 2, 9, 30, tzinfo=UTC))]


def test_brevo_s_log_of_events() -> None:
    """Each row by its word; words of no event are left out."""
    header = ["st_text", "ts", "sub", "frm", "email", "tag", "mid", "link"]
    words = ["Delivered", "Hard bounce", "Soft bounce", "Complaint", "Unsubscribed", "First opening", "Sent", "Blocked"]
    rows = [
        [word, "22-11-2026 10:00:00", "Hello", "shop@example.net", f"p{n}@example.com", "", f"<{n}@x>", ""]
        for n, word in enumerate(words)
    ]
    events = read(header, rows, 4)
    assert [(e.kind, e.bounce_class) for e in events] == [
        (EventKind.DELIVERED, None),
        (EventKind.BOUNCED, HARD),
        (EventKind.BOUNCED, SOFT),
        (EventKind.COMPLAINED, None),
        (EventKind.UNSUBSCRIBED, None),
        (EventKind.OPENED, None),
        (EventKind.REJECTED, None),
    ]
    assert {e.at for e in events} == {datetime(2026, 11, 22, 10, tzinfo=UTC)}
    assert events[0].message_id == "<0@x>"


def test_an_export_without_a_telling_column_says_what_it_is_told() -> None:
    """And without being told it is refused, with what to do; without a time the export's own counts."""
    assert [(e.kind, e.at) for e in read(["Email"], [["jane@example.com"], ["", "x"]], 0, "unsubscribed")] == [
        (EventKind.UNSUBSCRIBED, EXPORTED)
    ]
    with pytest.raises(InputError, match="--event"):
        read(["Email", "Name"], [], 0)
    hard = read(["Email", "Status", "Comment"], [["a@example.com", "active", "550 5.1.1 unknown"]], 0, "hard")
    assert [(e.bounce_class, e.reply) for e in hard] == [(HARD, "550 5.1.1 unknown")]


def test_a_status_code_stands_for_what_happened() -> None:
    """SendGrid's list of bounces has it, with a reason, and seconds for a time; what is about the sender is no word of
    the mailbox.
    """
    header = ["status", "reason", "email", "created"]
    rows = [["5.1.1", "550 5.1.1 unknown", "a@example.com", "1795341602"], ["5.7.1", "", "b@example.com", "1795341602"]]
    assert [(e.email, e.bounce_class, e.at.year) for e in read(header, rows, 2)] == [
        ("a@example.com", HARD, 2026),
        ("b@example.com", BounceClass.BLOCK, 2026),
    ]


def test_words_that_are_none_of_ours_are_counted() -> None:
    """So that nobody takes an export for read that was not."""
    left_out = Counter[str]()
    rows = [["a@example.com", "Rebond définitif"], ["b@example.com", "active"], ["c@example.com", "active"], ["", "x"]]
    events = list(export_events(rows, shape_of(["Email", "Statut"], 0), "mailjet", EXPORTED, left_out))
    assert [e.bounce_class for e in events] == [HARD]
    assert left_out == {"active": 2}


def test_read_again_it_is_the_same() -> None:
    """Whenever, and in whatever case the address is written; what an export says is nobody's own exchange's word."""
    once, again = (
        [e.id for e in export_events([[email, "hardbounced"]], shape_of(["Email", "Status"], 0), "mailjet", at)]
        for email, at in (("Jane@example.com", EXPORTED), ("jane@EXAMPLE.com", EXPORTED.replace(year=2027)))
    )
    assert once == again
    assert not any(e.proven for e in read(["Email", "Status"], [["a@example.com", "delivered"]], 0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T10:00:00+01:00", datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("22/11/2026 10:05", datetime(2026, 11, 22, 10, 5, tzinfo=UTC)),
        ("03.04.2026", datetime(2026, 4, 3, tzinfo=UTC)),
        ("11/22/2026 01:05 PM", datetime(2026, 11, 22, 13, 5, tzinfo=UTC)),
        ("03/04/2026 12:00:01 AM", datetime(2026, 3, 4, 0, 0, 1, tzinfo=UTC)),
        ("11/22/2026", datetime(2026, 11, 22, tzinfo=UTC)),
        ("31/02/2026", None),
        ("", None),
        ("yesterday", None),
        ("1795341602", datetime(2026, 11, 22, 10, 0, 2, tzinfo=UTC)),
        ("1795341602123", datetime(2026, 11, 22, 10, 0, 2, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 11:00:02 +0100", datetime(2026, 11, 22, 10, 0, 2, tzinfo=UTC)),
        ("Sun, 22 Nov", None),
    ],
)
def test_times_as_exports_write_them(text: str, expected: datetime | None) -> None:
    """The day first, but for Americans, who say AM and PM or name a thirteenth month."""
    assert time_of(text) == expected
