"""Suppressions: under which hashes they stand, and which of them a removal ends."""

from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.support.facts import at
from verifier.core.address import Address, parse_address
from verifier.core.suppression_keys import SuppressionKeys
from verifier.core.suppressions import Removal, Suppression, SuppressionKind

KEYS = SuppressionKeys(b"k" * 32)
BY_MAILBOX = (SuppressionKind.UNSUBSCRIBED, SuppressionKind.COMPLAINT)


def address(text: str) -> Address:
    parsed = parse_address(text)
    assert isinstance(parsed, Address)
    return parsed


@pytest.mark.parametrize("kind", SuppressionKind)
@pytest.mark.parametrize("text", ["jane@shop.example", "j.ane+x@gmail.com", "jane@googlemail.com"])
def test_who_is_suppressed_is_found(kind: SuppressionKind, text: str) -> None:
    """Whatever the kind, case aside."""
    assert KEYS.kept(address(text), kind) in KEYS.sought(address(text.upper()))


@pytest.mark.parametrize("kind", SuppressionKind)
def test_gmail_spellings_meet_for_opt_outs_alone(kind: SuppressionKind) -> None:
    """Whoever unsubscribed or complained did so as a person; a bounce is about exactly one address."""
    found = KEYS.kept(address("jane@gmail.com"), kind) in KEYS.sought(address("j.a.n.e+news@googlemail.com"))
    assert found == (kind in BY_MAILBOX)
    assert KEYS.kept(address("jane+a@shop.example"), kind) not in KEYS.sought(address("jane@shop.example"))


def test_domains_and_digests() -> None:
    """A whole domain, and an address that came as its SHA-256, are found by the address."""
    sought = KEYS.sought(address("Jane@Shop.example"))
    assert KEYS.domain("SHOP.example") in sought
    assert KEYS.digest(sha256(b"jane@shop.example").hexdigest().upper()) in sought
    assert KEYS.domain("other.example") not in sought


@given(st.from_regex(r"[a-z]{1,6}@[a-z]{1,5}\.example", fullmatch=True))
def test_no_two_kinds_of_key_meet(text: str) -> None:
    """What stands for an address is no domain's, and another secret's hashes are others."""
    sought = KEYS.sought(address(text))
    assert len(set(sought)) == len(sought)
    assert not set(sought) & set(SuppressionKeys(b"other").sought(address(text)))


ENTRY = Suppression("k", SuppressionKind.UNSUBSCRIBED, at(0), "manual", sender="shop", topic="news")


@pytest.mark.parametrize(
    ("removal", "ends"),
    [
        (Removal("k", sender="shop", topic="news"), True),
        (Removal("other", sender="shop", topic="news"), False),
        (Removal("k", sender="shop"), False),
        (Removal("k"), False),
        (Removal("k", any_scope=True), True),
        (Removal("k", any_scope=True, sender="shop"), True),
        (Removal("k", any_scope=True, sender="other"), False),
        (Removal("k", any_scope=True, kinds=frozenset({SuppressionKind.COMPLAINT})), False),
        (Removal("k", any_scope=True, before=at(0)), False),
        (Removal("k", any_scope=True, before=at(1)), True),
    ],
)
def test_a_removal_ends_what_it_names(removal: Removal, ends: bool) -> None:
    """Key, kind, scope, and only what was told of before: a subscription ends the unsubscriptions older than it."""
    assert removal.ends(ENTRY) == ends


def test_an_entry_expires() -> None:
    """At its time, and never where it has none."""
    limited = structs.replace(ENTRY, expires=at(10))
    assert [limited.holds(at(9)), limited.holds(at(10))] == [True, False]
    assert ENTRY.holds(at(0) + timedelta(days=9999))
