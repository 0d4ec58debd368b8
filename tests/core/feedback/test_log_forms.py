"""Logs as syslog daemons, journals, containers and instances write them: the same line in many dresses."""

import json
from datetime import UTC, datetime, timedelta
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.feedback.exim_log import EximLog, is_exim_line
from verifier.core.feedback.journal_lines import plain_lines
from verifier.core.feedback.log_lines import LogTime, Relays
from verifier.core.feedback.postfix_log import PostfixLog, is_postfix_line
from verifier.core.mail_events import BounceClass, EventKind, MailEvent

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
AT = datetime(2026, 11, 22, 10, 0, 2, tzinfo=UTC)
DELIVERY = (
    "4XyZ1a2b3cz: to=<jane@example.com>, relay=mx.example.com[8.8.4.4]:25, delay=1, delays=0.1/0/0.5/0.4, dsn=5.1.1,"
    " status=bounced (host mx.example.com[8.8.4.4] said: 550 5.1.1 User unknown (in reply to RCPT TO command))"
)
QUEUE = "1qXyZa-000001-AB"
REFUSED = "SMTP error from remote mail server after RCPT TO:<jane@example.com>: 550 5.1.1 User unknown"
BOUNCE = f"** jane@example.com R=dnslookup T=remote_smtp H=mx.example.com [8.8.4.4]: {REFUSED}"


def postfix(*lines: str) -> list[MailEvent]:
    log = PostfixLog(LogTime(NOW, UTC), Relays(lambda _: False))
    return [event for line in plain_lines(line.encode() + b"\n" for line in lines) for event in log.events(line)]


def exim(*lines: str) -> list[MailEvent]:
    log = EximLog(LogTime(NOW, UTC), Relays(lambda _: False))
    return [event for line in plain_lines(line.encode() + b"\n" for line in lines) for event in log.events(line)]


@pytest.mark.parametrize(
    "head",
    [
        "Nov 22 10:00:02 mail postfix/smtp[103]: ",
        "Nov 22 2026 10:00:02 mail postfix/smtp[103]: ",
        "Nov 22 10:00:02 postfix/smtp[103]: ",
        "Nov 22 10:00:02.000 mail postfix/smtp[103]: ",
        "<22>Nov 22 10:00:02 mail postfix/smtp[103]: ",
        "Nov 22 10:00:02 mail mail.info postfix/smtp[103]: ",
        "Nov 22 10:00:02 mail postfix/smtp[103]: [ID 197553 mail.info] ",
        "<22>1 2026-11-22T10:00:02.000000+00:00 mail postfix/smtp 103 - - ",
        '<22>1 2026-11-22T11:00:02+01:00 mail postfix/smtp 103 - [meta sequenceId="29"][x y="z"] ',
        "1 2026-11-22T10:00:02Z mail postfix/smtp 103 - - \ufeff",
        "2026-11-22T11:00:02+0100 mail postfix/smtp[103]: ",
        "2026-11-22 10:00:02 mail postfix/smtp[103]: ",
        "Sun 2026-11-22 10:00:02 UTC mail postfix/smtp[103]: ",
        f"{AT.timestamp():.6f} mail postfix/smtp[103]: ",
        "mail-1  | Nov 22 10:00:02 mail postfix/smtp[103]: ",
        "Nov 22 10:00:02 mail postfix-out/smtp[103]: ",
        "Nov 22 10:00:02 mail mta-out/smtp[103]: ",
        "Nov 22 10:00:02 mail postfix/slow.big/smtp[103]: ",
        "Nov 22 10:00:02 mail postfix/relay/smtp[103]: info: ",
    ],
)
def test_a_line_of_postfix_is_known_in_every_dress(head: str) -> None:
    """Syslog old and new, the journal, a container, several instances, transports with names of their own."""
    assert is_postfix_line((head + DELIVERY).encode())
    (event,) = postfix(head + DELIVERY)
    assert (event.kind, event.email, event.at) == (EventKind.BOUNCED, "jane@example.com", AT)
    assert (event.bounce_class, event.mx_host, event.proven) == (BounceClass.HARD, "mx.example.com", True)


@pytest.mark.parametrize(
    "head",
    [
        f"2026-11-22 10:00:02 {QUEUE} ",
        "2026-11-22 10:00:02 1qXyZa-00000000001-AbCd ",
        f"2026-11-22 10:00:02.000 {QUEUE} ",
        f"2026-11-22 11:00:02.000 +0100 [1234] {QUEUE} ",
        f"Nov 22 10:00:02 mail exim[1234]: {QUEUE} ",
        f"Nov 22 10:00:02 mail exim4[1234]: [1/2] {QUEUE} ",
        f"2026-11-22T10:00:09+00:00 mail exim4[1234]: 2026-11-22 10:00:02 {QUEUE} ",
        f"<22>1 2026-11-22T10:00:02Z mail exim 12 - - {QUEUE} ",
    ],
)
def test_a_line_of_exim_is_known_in_every_dress(head: str) -> None:
    """Its own log, with zones, milliseconds and process numbers, or syslog, with or without its own time."""
    assert is_exim_line((head + BOUNCE).encode())
    (event,) = exim(head + BOUNCE)
    assert (event.kind, event.email, event.at) == (EventKind.BOUNCED, "jane@example.com", AT)
    assert (event.reply, event.mx_host, event.proven) == (REFUSED, "mx.example.com", True)


@pytest.mark.parametrize(
    ("rest", "email", "reply"),
    [
        (f"** jane@example.com F=<s@x> R=dnslookup T=remote_smtp H=mx.example.com [8.8.4.4]:25 I=[10.0.0.1]:44322"
         f" X=TLS1.3:AES256:256 CV=yes DN=\"/CN=mx\" DT=0.1s: {REFUSED}", "jane@example.com", REFUSED),
        ("** jane@example.com: Unrouteable address", "jane@example.com", "Unrouteable address"),
        ("** jane@example.com <j@alias.example>: Unrouteable address", "jane@example.com", "Unrouteable address"),
        ('** "j d"@example.com R=r T=t: retry timeout exceeded', '"j d"@example.com', "retry timeout exceeded"),
        (">> jane@example.com R=dnslookup T=remote_smtp H=mx.example.com [8.8.8.8]", "jane@example.com", None),
    ],
)  # fmt: skip
def test_exim_s_lines_have_many_fields_or_few(rest: str, email: str, reply: str | None) -> None:
    """Interfaces, TLS, times; a router's refusal without any; quoted local parts; what went through at once."""
    (event,) = exim(f"2026-11-22 10:00:02 {QUEUE} {rest}")
    assert (event.email, event.reply) == (email, reply)


def test_behind_an_alias_the_address_that_refused_has_bounced() -> None:
    """Of a hundred to whom an alias leads one is gone: it still reaches the others, and each delivery proves it."""
    behind = "to=<{0}@example.com>, orig_to=<all@example.net>, relay=mx.example.com[8.8.4.4]:25, delay=1, dsn={1}"
    line = "Nov 22 10:00:02 mail postfix/{0}[1]: 4XyZ1a2b3cz: {1}"
    events = postfix(
        line.format("smtp", behind.format("ann", "5.1.1") + ", status=bounced (host mx said: 550 5.1.1 User unknown)"),
        line.format("smtp", behind.format("bob", "2.0.0") + ", status=sent (250 2.0.0 Ok)"),
        line.format("smtp", behind.format("eve", "4.2.2") + ", status=deferred (full)"),
        line.format("qmgr", "from=<s@example.net>, status=expired, returned to sender"),
    )
    told = [(event.kind, event.email) for event in events if event.kind is not EventKind.DEFERRED]
    assert told == [
        (EventKind.BOUNCED, "ann@example.com"),
        (EventKind.DELIVERED, "all@example.net"),
        (EventKind.BOUNCED, "eve@example.com"),
    ]
    log = (f"** ann@example.com <all@example.net> R=r T=t: {REFUSED}", "=> bob@example.com <all@example.net> R=r T=t")
    found = exim(*(f"2026-11-22 10:00:02 {QUEUE} {rest}" for rest in log))
    assert [(e.kind, e.email) for e in found] == told[:2]
    (piped,) = exim(f"2026-11-22 10:00:02 {QUEUE} ** |/bin/x <all@example.net> R=r T=t: {REFUSED}")
    assert piped.email == "all@example.net"


@pytest.mark.parametrize("rest", ["=> :blackhole: <jane@example.com> R=a", "*> jane@example.com R=r T=t", "Frozen"])
def test_what_was_thrown_away_was_not_delivered(rest: str) -> None:
    """Nor was what Exim only tried out (-N)."""
    assert exim(f"2026-11-22 10:00:02 {QUEUE} {rest}") == []


def test_only_who_still_waits_bounces_when_the_queue_gives_up() -> None:
    """Whoever got the mail after all has not; and giving up by hand (postsuper -f) is giving up."""
    line = "Nov 22 10:0{0}:02 mail postfix/{1}: 4XyZ1a2b3cz: {2}"
    waits = "to=<{0}@example.com>, relay=mx.example.com[8.8.4.4]:25, delay=1, dsn={1}, status={2} (x)"
    for word in ("expired", "force-expired"):
        events = postfix(
            line.format(0, "smtp[1]", waits.format("ann", "4.2.2", "deferred")),
            line.format(0, "smtp[1]", waits.format("bob", "4.2.2", "deferred")),
            line.format(1, "smtp[1]", waits.format("ann", "2.0.0", "sent")),
            line.format(2, "qmgr[1]", f"from=<s@example.net>, status={word}, returned to sender"),
        )
        assert [event.email for event in events if event.kind is EventKind.BOUNCED] == ["bob@example.com"]


def test_a_bounce_that_stays_in_the_queue_is_none() -> None:
    """soft_bounce = yes is for trying a configuration out."""
    soft = DELIVERY.replace("=bounced", "=SOFTBOUNCE")
    assert [e.kind for e in postfix(f"Nov 22 10:00:02 mail postfix/smtp[1]: {soft}")] == [EventKind.DEFERRED]


def test_a_quoted_recipient_may_have_any_sign_in_it() -> None:
    """RFC 5321 §4.1.2."""
    odd = DELIVERY.replace("<jane@example.com>,", '<"a>, relay=b"@example.com>,')
    assert [e.email for e in postfix(f"Nov 22 10:00:02 mail postfix/smtp[1]: {odd}")] == ['"a>, relay=b"@example.com']


def journal(**more: object) -> str:
    fields: dict[str, object] = {
        "__CURSOR": "s=1",
        "__REALTIME_TIMESTAMP": f"{int(AT.timestamp())}000000",
        "_HOSTNAME": "mail",
        "SYSLOG_IDENTIFIER": "postfix/smtp",
        "_PID": "103",
        "MESSAGE": DELIVERY,
    }
    return json.dumps(fields | more)


@pytest.mark.parametrize(
    "lines",
    [
        [journal()],
        ["\x1e" + journal()],
        [journal(MESSAGE=list(DELIVERY.encode()))],
        [journal(SYSLOG_PID="7", SYSLOG_FACILITY="2")],
        ["__CURSOR=s=1", *journal()[1:-1].replace('": "', "=").replace('", "', "\n").strip('"').split("\n"), ""],
        ["__CURSOR=s=1", *journal()[1:-1].replace('": "', "=").replace('", "', "\n").strip('"').split("\n")],
        [json.dumps({"log": f"Nov 22 10:00:02 mail postfix/smtp[103]: {DELIVERY}\n", "stream": "stdout", "time": "x"})],
    ],
)
def test_a_journal_is_read_as_it_is_exported(lines: list[str]) -> None:
    """`journalctl -o json`, `-o json-seq` and `-o export`, and the files of a container."""
    (event,) = postfix(*lines)
    assert (event.kind, event.email, event.at) == (EventKind.BOUNCED, "jane@example.com", AT)


@pytest.mark.parametrize(
    "line", ["{", "{}", '{"MESSAGE": [999]}', journal(__REALTIME_TIMESTAMP="soon"), journal(MESSAGE=None), "\x1e", "[]"]
)
def test_a_wrapping_that_is_broken_tells_nothing(line: str) -> None:
    """And stops nothing: the next line is read."""
    assert len(postfix(line, journal())) == 1


def test_a_time_of_summer_is_summer_s_all_year() -> None:
    """A log of July that is read in November names the same moments, and the same events, as it did in July."""
    paris = ZoneInfo("Europe/Paris")
    assert LogTime(NOW, paris).read("Jul  1 12:00:00") == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert LogTime(NOW, paris).read("2026-11-01 11:00:00") == datetime(2026, 11, 1, 10, tzinfo=UTC)


@given(st.text(alphabet="Nov 22210:.+-TZUTC<>[]|", max_size=40))
def test_no_time_makes_it_fail(text: str) -> None:
    """Whatever stands where the time should: one that is not in the future, or none."""
    found = LogTime(NOW, UTC).read(text)
    assert found is None or found.tzinfo is not None


@pytest.mark.parametrize(
    "filler", ["a ", "[", "| ", "<1>", "x/", '"', "1qXyZa-", "Nov 22 10:00:02 ", "to=<", "dsn=2.0.0, "]
)
def test_a_line_of_nothing_but_noise_is_read_in_no_time(filler: str) -> None:
    """The longest line, made to be hard: 64 KB of the same take less than a second of CPU."""
    for head in ("", "Nov 22 10:00:02 mail postfix/smtp[1]: 4XyZ1a2b3cz: status= ", f"2026-11-22 10:00:02 {QUEUE} ** "):
        line = head + filler * (65_536 // len(filler))
        before = process_time()
        postfix(line + "status=", line + ": removed")
        exim(line)
        assert process_time() - before < 1, (head, filler)


def test_what_is_read_of_a_time_is_kept_for_the_next_line() -> None:
    """Thousands of lines have the same one."""
    times = LogTime(NOW, UTC)
    assert times.read("Nov 22 10:00:00") is times.read("Nov 22 10:00:00")
    assert times.read("Nov 22 10:00:01") == AT - timedelta(seconds=1)
