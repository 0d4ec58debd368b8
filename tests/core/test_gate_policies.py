"""Policies of one's own: total, of known words, and bounded by what no policy may say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.faults import ConfigError
from verifier.core.gate_policies import BALANCED, BUILT_IN, Outcome, policy_of
from verifier.core.gate_rules import Rule
from verifier.core.gate_words import MessageClass

MAY_ALLOW = {Rule.MANUAL_ALLOW, Rule.UNAVAILABLE, Rule.OTHERWISE}


def spelled(policy_name: str) -> dict[str, Any]:
    policy = BUILT_IN[policy_name]
    return {each.value: {rule.value: out.value for rule, out in policy.cells[each].items()} for each in MessageClass}


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_policy_can_be_spelled_out(name: str) -> None:
    """What is built in, written as TOML has it, is read as the same table."""
    assert policy_of("own", spelled(name)).cells == BUILT_IN[name].cells


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_policies_are_total(name: str) -> None:
    """Each class and rule has its cell, only three rules can allow, and the last always concludes."""
    for cells in BUILT_IN[name].cells.values():
        assert list(cells) == list(Rule)
        assert {rule for rule, outcome in cells.items() if outcome is Outcome.ALLOW} <= MAY_ALLOW
        assert cells[Rule.OTHERWISE] is not Outcome.NEXT


def test_a_policy_changes_another() -> None:
    """What it does not say is as in the one that it is based on."""
    own = policy_of("own", {"based_on": "balanced", "marketing": {"role": "block"}, "ages": {"inactive": 365}})
    assert own.cells[MessageClass.MARKETING][Rule.ROLE] is Outcome.BLOCK
    assert own.cells[MessageClass.TRIGGERED] == BALANCED.cells[MessageClass.TRIGGERED]
    assert (own.name, own.ages.inactive, own.ages.stale) == ("own", 365, BALANCED.ages.stale)


def test_ages_by_class_or_for_all() -> None:
    """One number is everybody's; a table says it class by class."""
    by_class = policy_of("own", {"based_on": "strict", "ages": {"stale": {"marketing": 30}}}).ages.stale
    assert by_class == dict(BALANCED.ages.stale) | {MessageClass.MARKETING: 30}
    assert set(policy_of("own", {"based_on": "strict", "ages": {"stale": 7}}).ages.stale.values()) == {7}


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({}, "says nothing of manual_block for marketing: add it"),
        ({"based_on": "mine"}, "based_on can be strict, balanced, lenient, not 'mine'"),
        ({"based_on": ["balanced"]}, "based_on can be strict, balanced, lenient, not"),
        ({"based_on": "balanced", "mail": {}}, "'mail' is none of them"),
        ({"based_on": "balanced", "marketing": 1}, "marketing is a table"),
        ({"based_on": "balanced", "marketing": {"roles": "hold"}}, "'roles' is none of them"),
        ({"based_on": "balanced", "marketing": {"role": "allow"}}, "role for marketing can be hold, block, next"),
        ({"based_on": "balanced", "triggered": {"otherwise": "next"}}, "otherwise for triggered can be allow, hold"),
        ({"based_on": "balanced", "triggered": {"manual_block": "hold"}}, "manual_block for triggered can be block"),
        ({"based_on": "balanced", "marketing": {"role": ["hold"]}}, "not ['hold']"),
        ({"based_on": "balanced", "ages": {"stale": 0}}, "a number of days from 1 to 3650, not 0"),
        ({"based_on": "balanced", "ages": {"stale": {"marketing": True}}}, "not True"),
        ({"based_on": "balanced", "ages": {"inactive": "1y"}}, "not '1y'"),
        ({"based_on": "balanced", "ages": {"old": 1}}, "'old' is none of them"),
        ({"based_on": "balanced", "ages": {"stale": {"mail": 1}}}, "'mail' is none of them"),
    ],
)
def test_a_policy_that_cannot_be(table: dict[str, Any], sentence: str) -> None:
    """One sentence names the policy and what is wrong."""
    with pytest.raises(ConfigError) as raised:
        policy_of("own", table)
    assert sentence in str(raised.value) and "own" in str(raised.value)


@given(st.sampled_from(Rule), st.sampled_from(MessageClass))
def test_a_missing_cell_is_found(rule: Rule, message_class: MessageClass) -> None:
    """Without a base, every single cell has to be there."""
    table = spelled("balanced")
    del table[message_class][rule]
    with pytest.raises(ConfigError, match=f"{rule} for {message_class}"):
        policy_of("own", table)
