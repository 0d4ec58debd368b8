"""Tokens that a browser carries from the widget to the form's server."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.support.facts import at
from verifier.core.signup import Decision, SignupPolicy
from verifier.core.widget_token import HOLDS, decision_of, make_widget_token

NOW = at(1000)
_KEYS = st.binary(min_size=32, max_size=32)
_MAILBOXES = st.text("0123456789abcdef", min_size=32, max_size=32)
_POLICIES = st.sampled_from(SignupPolicy)
_DECISIONS = st.sampled_from(Decision)


@given(_KEYS, _MAILBOXES, _POLICIES, _DECISIONS)
def test_a_token_says_what_was_decided(key: bytes, mailbox: str, policy: SignupPolicy, decision: Decision) -> None:
    """From when it is made until just before it expires, and no longer."""
    token = make_widget_token(key, mailbox, policy, decision, NOW + HOLDS)
    assert decision_of(key, token, mailbox, policy, NOW) is decision
    assert decision_of(key, token, mailbox, policy, NOW + HOLDS - timedelta(seconds=1)) is decision
    assert decision_of(key, token, mailbox, policy, NOW + HOLDS) is None


@given(_KEYS, _KEYS, _MAILBOXES, _MAILBOXES, _POLICIES, _DECISIONS)
def test_a_token_is_for_one_purpose(
    key: bytes, other_key: bytes, mailbox: str, other: str, policy: SignupPolicy, decision: Decision
) -> None:
    """Another key, mailbox or policy: it says nothing."""
    token = make_widget_token(key, mailbox, policy, decision, NOW + HOLDS)
    other_policy = next(each for each in SignupPolicy if each is not policy)
    assert (decision_of(other_key, token, mailbox, policy, NOW) is decision) == (key == other_key)
    assert (decision_of(key, token, other, policy, NOW) is decision) == (mailbox == other)
    assert decision_of(key, token, mailbox, other_policy, NOW) is None


@given(_KEYS, _MAILBOXES, _POLICIES, _DECISIONS, st.data())
def test_a_token_cannot_be_changed(
    key: bytes, mailbox: str, policy: SignupPolicy, decision: Decision, data: st.DataObject
) -> None:
    """Any one character that is another, missing or more; a later expiry too."""
    token = make_widget_token(key, mailbox, policy, decision, NOW + HOLDS)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda letter: letter != token[place]))
    for changed in (token[:place] + other + token[place + 1 :], token[:place] + token[place + 1 :], token + other):
        assert decision_of(key, changed, mailbox, policy, NOW) is None
    later = int(token.split(".")[1]) + 600
    assert decision_of(key, f"1.{later}.{token.split('.')[2]}", mailbox, policy, NOW) is None


@given(_KEYS, _MAILBOXES, _POLICIES)
def test_a_token_does_not_show_its_decision(key: bytes, mailbox: str, policy: SignupPolicy) -> None:
    """All look alike but for the code that only the key can make."""
    tokens = [make_widget_token(key, mailbox, policy, decision, NOW) for decision in Decision]
    assert len({(token.rpartition(".")[0], len(token)) for token in tokens}) == 1
    assert len(set(tokens)) == len(Decision)


@given(st.text(max_size=120))
def test_any_text_may_come_as_a_token(text: str) -> None:
    """Nothing is raised, and nothing believed."""
    assert decision_of(b"k" * 32, text, "0" * 32, SignupPolicy.SIGNUP, NOW) is None
