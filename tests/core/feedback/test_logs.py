"""Mail logs: what happened to each mail, told once, and by whom."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.feedback.exim_log import EximLog, note_exim_relay
from verifier.core.feedback.log_lines import LogTime, Relay, Relays, is_inside
from verifier.core.feedback.postfix_log import PostfixLog, note_postfix_relay
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

LOGS = Path(__file__).parents[2] / "logs"
NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
PARIS = timezone(timedelta(hours=1))
POSTFIX = (LOGS / "postfix.log").read_bytes()
EXIM = (LOGS / "exim.log").read_bytes()


def relays(*named: str) -> Relays:
    return Relays(lambda host: host.endswith(".provider.example"), named)


def read(log: bytes, reader: PostfixLog | EximLog | None = None) -> list[MailEvent]:
    reader = reader or PostfixLog(LogTime(NOW, PARIS), relays())
    return [event for line in log.splitlines(keepends=True) for event in reader.events(line)]


def exim() -> EximLog:
    return EximLog(LogTime(NOW, PARIS), relays())


def test_postfix_tells_what_became_of_each_recipient() -> None:
    """Delivered, bounced with the server's words, deferred, delivered here, and given up at last; what a filter took is
    told by the line that follows.
    """
    events = read(POSTFIX)
    assert [(e.kind, e.email, e.proven) for e in events] == [
        (EventKind.DELIVERED, "ann@example.org", True),
        (EventKind.BOUNCED, "jane@example.com", True),
        (EventKind.BOUNCED, "bob@nowhere.example", False),
        (EventKind.DEFERRED, "full@example.com", True),
        (EventKind.DELIVERED, "postmaster@example.net", True),
        (EventKind.BOUNCED, "full@example.com", False),
    ]
    assert {e.message_id for e in events} == {"<order-1@example.net>"}
    assert [e.bounce_class for e in events if e.kind is EventKind.BOUNCED] == [
        BounceClass.HARD,
        BounceClass.SOFT,
        BounceClass.SOFT,
    ]
    assert events[1].mx_host == "mx.example.com"
    assert events[1].reply is not None and "User unknown" in events[1].reply
    assert events[0].at == datetime(2026, 11, 22, 9, 0, 2, tzinfo=UTC)


def test_exim_tells_what_became_of_each_recipient() -> None:
    """The same, in its own words; a router's own refusal is not the exchange's."""
    events = read(EXIM, exim())
    assert [(e.kind, e.email, e.proven) for e in events] == [
        (EventKind.DELIVERED, "ann@example.org", True),
        (EventKind.DELIVERED, "eve@example.org", True),
        (EventKind.BOUNCED, "jane@example.com", True),
        (EventKind.BOUNCED, "bob@nowhere.example", False),
        (EventKind.DEFERRED, "full@example.com", True),
        (EventKind.DELIVERED, "postmaster@example.net", True),
    ]
    assert {e.message_id for e in events} == {"order-2@example.net"}
    assert [e.reply for e in events if e.kind is EventKind.BOUNCED] == [
        "SMTP error from remote mail server after RCPT TO:<jane@example.com>: 550 5.1.1 User unknown",
        "all relevant MX records point to non-existent hosts",
    ]


@pytest.mark.parametrize(("log", "make"), [(POSTFIX, None), (EXIM, exim)])
def test_a_line_that_is_read_again_is_the_same_event(log: bytes, make: object) -> None:
    """From another file, a year later's reader aside; and no two lines are one."""
    first, second = (read(log, make() if callable(make) else None) for _ in range(2))
    assert first == second
    assert len({event.id for event in first}) == len(first)


def test_what_a_smarthost_takes_proves_nothing() -> None:
    """Who takes nearly everything of many domains is one; who is named is; a provider's exchange is not; and another
    port than 25 belongs to none's exchange.
    """
    line = (
        b"Nov 22 10:00:02 mail postfix/smtp[1]: 4XyZ1a2b3cz: to=<a@d%d.example>, relay=%b[8.8.8.8]:%d, delay=1,"
        b" delays=1/0/0/0, dsn=2.0.0, status=sent (250 Ok)\n"
    )
    for host, port, named, proven in (
        (b"smtp.isp.example", 25, (), False),
        (b"mx.provider.example", 25, (), True),
        (b"mx.provider.example", 587, (), False),
        (b"mx.provider.example", 25, ("MX.provider.example",), False),
    ):
        known = relays(*named)
        lines = [line % (number, host, port) for number in range(20)]
        for each in lines:
            note_postfix_relay(each, known)
        known.learn()
        events = read(b"".join(lines), PostfixLog(LogTime(NOW, UTC), known))
        assert {event.proven for event in events} == {proven}, host
    few = relays()
    for number in range(5):
        note_postfix_relay(line % (number, b"mx.host.example", 25), few)
    few.learn()
    assert few.smarthosts == frozenset()


def test_exim_s_smarthost_is_known_by_its_router_or_by_what_it_takes() -> None:
    """Debian calls the router so."""
    line = b"2026-11-22 10:00:01 1qXyZa-000001-AB => a@d%d.example R=%b T=remote_smtp H=out.isp.example [8.8.8.8]\n"
    known = relays()
    for number in range(20):
        note_exim_relay(line % (number, b"route"), known)
    known.learn()
    assert known.smarthosts == {"out.isp.example"}
    assert [e.proven for e in read(line % (1, b"smarthost"), exim())] == [False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nov 22 10:00:00", datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("Dec  1 10:00:00", datetime(2025, 12, 1, 9, tzinfo=UTC)),
        ("2026-11-22T10:00:00.5+02:00", datetime(2026, 11, 22, 8, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-11-22 10:00:00", datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("Feb 29 10:00:00", datetime(2024, 2, 29, 9, tzinfo=UTC)),
        ("Nov 31 10:00:00", None),
        ("yesterday", None),
    ],
)
def test_times_without_a_year_or_a_zone_are_the_latest_that_can_be(text: str, expected: datetime | None) -> None:
    """A log of December that is read in November is last year's."""
    assert LogTime(NOW, PARIS).read(text) == expected


def test_who_is_inside() -> None:
    """Filters and relays of the house."""
    assert is_inside(Relay("amavis", "127.0.0.1")) and is_inside(Relay("relay", "10.0.0.1"))
    assert is_inside(Relay("localhost")) and not is_inside(Relay("mx.example.com", "8.8.8.8"))
    assert not is_inside(Relay("mx.example.com", "no address"))


@given(st.integers(0, len(POSTFIX)), st.binary(max_size=30))
def test_no_line_makes_it_fail(place: int, noise: bytes) -> None:
    """Whatever stands in a log."""
    for log, reader, note in ((POSTFIX, None, note_postfix_relay), (EXIM, exim(), note_exim_relay)):
        mixed = log[:place] + noise + log[place:]
        for line in mixed.splitlines(keepends=True):
            note(line, relays())
        assert len(read(mixed, reader)) <= 7
