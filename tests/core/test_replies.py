"""Replies are read into code, enhanced code and text; texts are masked before they are kept."""

import re
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.adapters.reply_rule_file import shipped_rules
from verifier.core.replies import (
    OWN_ADDRESS,
    RAW_LIMIT,
    TEXT_LIMIT,
    Reply,
    ReplyClass,
    SmtpStage,
    mask,
    parse_reply,
    retry_after_s,
)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["250 2.1.5 Ok"], Reply(250, "2.1.5", "Ok")),
        (["550 5.1.1 User unknown"], Reply(550, "5.1.1", "User unknown")),
        (
            ["550-5.1.1 The account", "550-5.1.1 does not", "550 5.1.1 exist"],
            Reply(550, "5.1.1", "The account does not exist"),
        ),
        (["550-first", "550 5.1.1 second"], Reply(550, "5.1.1", "first second")),
        (["550 #5.1.0 Address rejected"], Reply(550, "5.1.0", "Address rejected")),
        (["550 sorry (#5.1.1)"], Reply(550, "5.1.1", "sorry (#5.1.1)")),
        (["550 gw 5.1.1 <a@b.example>... unknown"], Reply(550, "5.1.1", "gw 5.1.1 <a@b.example>... unknown")),
        (["550-5.1.1 one line only"], Reply(550, "5.1.1", "one line only")),
        (["550User unknown"], Reply(550, None, "User unknown")),
        (["550"], Reply(550, None, "")),
        (["550 "], Reply(550, None, "")),
        (["550-", "550 done"], Reply(550, None, "done")),
        (["550-said", "by another server", "550 end"], Reply(550, None, "said by another server end")),
        (["550 see 10.5.1.1 here"], Reply(550, None, "see 10.5.1.1 here")),
        (["451 4.16.55.1 is no code"], Reply(451, None, "4.16.55.1 is no code")),
        (["550 see https://b.example/?e=5.1.1 here"], Reply(550, None, "see https://b.example/?e=5.1.1 here")),
        (["what?"], Reply(0, None, "what?")),
        (["192.0.2.1 said so"], Reply(0, None, "192.0.2.1 said so")),
        (["213.0.113.9 is listed"], Reply(0, None, "213.0.113.9 is listed")),
        (["5500 recipients"], Reply(0, None, "5500 recipients")),
        ([], Reply(0, None, "")),
    ],
)
def test_wire_lines(lines: list[str], expected: Reply) -> None:
    """A reply is its code, its enhanced code wherever the server put it, and its lines joined by a space."""
    assert expected == parse_reply(lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<jane.doe@b.example>: unknown", "<*>: unknown"),
        ("unknown jane+x@sub.b.example.", "unknown <*>"),
        ('"jane doe"@b.example gone', "<*> gone"),
        ("jörg@exämple.example", "<*>"),
        ("a@[192.0.2.1] b", "<*> b"),
        ("client [192.0.2.77] listed", "client [<ip>] listed"),
        ("client [2001:db8::25] listed", "client [<ip>] listed"),
        ("5.7.1 and 4.16.55.1 and OFR004_405 and S3150", "5.7.1 and <ip> and OFR004_405 and S3150"),
        ("gone c18si2365148hub", "gone <id>"),
        ("gone q12-20020a05600c000c00b003f1e3f1e3f1.123 - gsmtp", "gone <id> - gsmtp"),
        ("gone (c18si2365148hub.93)", "gone (<id>)"),
        ("id=00a-22-225 over", "id=<id> over"),
        ("queued as 4XyZ1234abcd", "queued as <id>"),
        ("1qAbCd-0001Xy-2Z gone", "<id> gone"),
        ("bell\x07 and\r\nline\x00end", "bell and line end"),
    ],
)
def test_masking(text: str, expected: str) -> None:
    """What changes from one recipient, client or session to the next is masked; documented tags stay."""
    assert expected == mask(text)


def test_masking_marks_our_address() -> None:
    """An address of ours is told apart from others, also from one that it is a part of."""
    assert f"from {OWN_ADDRESS}, not <ip>" == mask("from 192.0.2.7, not 192.0.2.77", ("192.0.2.7",))


@given(st.text(max_size=5000))
def test_masked_texts_are_short_and_printable(text: str) -> None:
    """No control character and at most TEXT_LIMIT characters are kept."""
    masked = mask(text)
    assert (len(masked) <= TEXT_LIMIT, re.search(r"[\x00-\x1f\x7f-\x9f]", masked)) == (True, None)


@given(st.text(max_size=300), st.emails(), st.text(max_size=300))
def test_masking_leaves_no_address(before: str, address: str, after: str) -> None:
    """Whatever stands around it, no part of a text that holds an @ survives."""
    assert "@" not in mask(before + address + after)


@given(st.text(max_size=400))
def test_masking_twice_changes_nothing(text: str) -> None:
    """A masked text may be masked again."""
    assert mask(text) == mask(mask(text))


@given(st.lists(st.text(max_size=80), max_size=6))
def test_parsing_never_fails(lines: list[str]) -> None:
    """Any lines make a reply, whose code is three digits or none."""
    code = parse_reply(lines).code
    assert True is (code == 0 or 200 <= code <= 599)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("try again in 300 seconds", 300),
        ("please come back in 00:05:00", 300),
        ("greylisted for 5 minutes", 300),
        ("retry after 2 hours", 7200),
        ("wait 90s please", 90),
        ("try again in an hour", 3600),
        ("please try again in 5 min", 300),
        ("retry=30s", 30),
        ("try again in 90000 minutes", 86400),
        ("try again later", None),
        ("5 messages in 12 sessions", None),
        ("in 0 seconds", None),
    ],
)
def test_waits(text: str, expected: int | None) -> None:
    """A wait that the reply names is read, in seconds, a day at most."""
    assert expected == retry_after_s(text)


@pytest.mark.parametrize(
    "text", ["x" * 3990 + " @", "x@[" * 1330, "@" * 4000, "a@" * 2000, "1:" * 2000, "5.1.1 " * 660, "a1-" * 1300]
)
def test_no_text_costs_much_to_mask(text: str) -> None:
    """A host answers a hundred recipients at a time with whatever it likes: a text is masked within some 10 ms."""
    fastest = min(timeit.repeat(lambda: mask(text), number=1, repeat=5))
    assert fastest < 0.015


def test_a_reply_keeps_no_more_than_is_looked_at() -> None:
    """Replies are kept until a domain's controls have spoken: a host cannot fill the memory with long ones."""
    for lines in (["250 " + "x" * 8000], ["250-" + "x" * 5000, "250 " + "x" * 5000], ["x" * 9000]):
        assert len(parse_reply(lines).text) == RAW_LIMIT


@pytest.mark.parametrize(
    ("line", "reply_class"),
    [
        ("250 5.1.1 User unknown", ReplyClass.PROTOCOL_ERROR),
        ("251 4.2.0 later", ReplyClass.PROTOCOL_ERROR),
        ("250 2.1.5 OK", ReplyClass.ACCEPTED),
        ("250 OK (sendmail 5.6.3)", ReplyClass.ACCEPTED),
        ("550 2.1.5 OK", ReplyClass.UNRECOGNISED),
        ("450 5.1.1 User unknown", ReplyClass.TEMP_ERROR),
        ("550 4.1.1 User unknown", ReplyClass.TEMP_ERROR),
        ("354 go ahead", ReplyClass.PROTOCOL_ERROR),
    ],
)
def test_contradictions_are_read_weakly(line: str, reply_class: ReplyClass) -> None:
    """Where code and enhanced code contradict each other, nothing is known of the mailbox."""
    assert shipped_rules().classify(parse_reply([line]), SmtpStage.RCPT).reply_class is reply_class
