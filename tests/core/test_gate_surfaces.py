"""The small tables between a decision and a mail server: contexts, lines, replies, holds."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import START
from verifier.core.gate_context import GateContext, parse_context
from verifier.core.gate_line import LineQuestion, line_answer, parse_line
from verifier.core.gate_replies import gate_reply, postfix_action, postfix_transport
from verifier.core.gate_words import GateDecision, MessageClass
from verifier.core.holding import Holds


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("", GateContext()),
        ("marketing", GateContext(MessageClass.MARKETING, fails_closed=True)),
        ("transactional", GateContext(MessageClass.TRANSACTIONAL)),
        ("Marketing/Fail-Closed", GateContext(MessageClass.MARKETING, fails_closed=True)),
        ("strict", GateContext(policy="strict")),
        ("marketing/strict", GateContext(MessageClass.MARKETING, "strict", fails_closed=True)),
        ("strict, marketing strict", GateContext(MessageClass.MARKETING, "strict", fails_closed=True)),
        ("fail-closed", GateContext(fails_closed=True)),
        ("sender=shop triggered", GateContext(sender="shop")),
        ("one-click", GateContext(one_click=True)),
        ("sender=news@shop.example", GateContext(sender="news@shop.example")),
    ],
)
def test_a_context_is_made_of_words(text: str, context: GateContext) -> None:
    """Class, policy, sender and what happens when we fail, in any order; without a class it is triggered."""
    assert context == parse_context(text)


@pytest.mark.parametrize("text", ["marketing triggered", "strict lenient", "what?", "x" * 300, "sender='; DROP'"])
def test_a_context_that_cannot_be_meant_is_refused(text: str) -> None:
    """Two classes, two policies, other characters, or no end."""
    with pytest.raises(ValueError, match="a context"):
        parse_context(text)


@pytest.mark.parametrize(
    ("line", "question"),
    [
        (b"CHECK jane@there.example", LineQuestion("jane@there.example", "")),
        (b"check jane@there.example marketing\r", LineQuestion("jane@there.example", "marketing")),
        (b'CHECK "jane doe"@there.example strict', LineQuestion('"jane doe"@there.example', "strict")),
        (b"CHECK  j@x  strict marketing ", LineQuestion("j@x", "strict marketing")),
    ],
)
def test_a_line_is_read(line: bytes, question: LineQuestion) -> None:
    """An address, quoted or not, and perhaps a context."""
    assert question == parse_line(line)


@pytest.mark.parametrize("line", [b"", b"CHECK", b"CHECK ", b"GET / HTTP/1.1", b"CHECK a@b two! words?"])
def test_a_line_that_asks_nothing_is_refused(line: bytes) -> None:
    """The sentence says what to write."""
    with pytest.raises(ValueError, match=r"write CHECK|a context"):
        parse_line(line)


@given(st.text())
def test_a_lines_answer_is_one_line(text: str) -> None:
    """Whatever stands in it."""
    assert 1 == line_answer("ERROR", text).count(b"\n")


@pytest.mark.parametrize(
    ("decision", "rule", "reply", "action", "transport"),
    [
        (GateDecision.ALLOW, "otherwise", None, "DUNNO", None),
        (
            GateDecision.BLOCK,
            "hard_bounce",
            "550 5.1.1 gate: hard_bounce",
            "550 5.1.1 gate: hard_bounce",
            "error:5.1.1 gate: hard_bounce",
        ),
        (
            GateDecision.BLOCK,
            "unsubscribed",
            "550 5.7.1 gate: unsubscribed",
            "550 5.7.1 gate: unsubscribed",
            "error:5.7.1 gate: unsubscribed",
        ),
        (
            GateDecision.HOLD,
            "unknown",
            "450 4.7.1 gate: unknown, try again later",
            "DEFER_IF_PERMIT 4.7.1 gate: unknown, try again later",
            "retry:4.7.1 gate: unknown, try again later",
        ),
    ],
)
def test_each_decision_has_its_reply(
    decision: GateDecision, rule: str, reply: str | None, action: str, transport: str | None
) -> None:
    """What is allowed says nothing that would skip other restrictions; the others refuse, for good or for now."""
    found = gate_reply(decision, rule)
    assert (reply, action, transport) == (found and str(found), postfix_action(found), postfix_transport(found))


def test_a_hold_ends() -> None:
    """Four hours after the first question, for the rest of a day; then a new one begins."""
    holds, hour = Holds(), timedelta(hours=1)
    asked = [(0, False), (3.99, False), (4, True), (23, True), (24, False), (27, False), (28, True)]
    assert [over for _, over in asked] == [holds.is_over(("mail",), START + hours * hour) for hours, _ in asked]


def test_each_mail_is_held_by_itself_and_the_oldest_are_forgotten() -> None:
    """No more is remembered than was granted; who is forgotten is held anew."""
    holds, later = Holds(most=2), START + timedelta(hours=5)
    assert [False] * 3 == [holds.is_over((mail,), START) for mail in ("a", "b", "c")]
    assert [True, True, False] == [holds.is_over((mail,), later) for mail in ("c", "b", "a")]
