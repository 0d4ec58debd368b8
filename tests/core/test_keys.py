"""Keyed hashes: equal texts meet, different ones do not, and without the secret neither can be told."""

import re

from hypothesis import given
from hypothesis import strategies as st

from verifier.core.keys import keyed_hash, mailbox_key, subkey


@given(st.binary(), st.text())
def test_a_key_is_32_hex_digits_and_stable(secret: bytes, text: str) -> None:
    """Any secret and any text give the same key twice, in the form that stores expect."""
    key = mailbox_key(secret, text)
    assert re.fullmatch(r"[0-9a-f]{32}", key) is not None
    assert mailbox_key(secret, text) == key


def test_the_key_is_fixed_for_ever() -> None:
    """What was stored by one version is found by the next."""
    assert mailbox_key(b"secret", "jane@shop.example") == "d66fedaf19ddbb537946cf7bf1cd26e6"


@given(st.text(), st.text())
def test_secret_purpose_and_text_all_count(one: str, two: str) -> None:
    """A change of the secret, the purpose or the text changes the hash."""
    assert (mailbox_key(b"s", one) == mailbox_key(b"s", two)) == (one == two)
    assert mailbox_key(b"s", one) != mailbox_key(b"t", one)
    assert keyed_hash(subkey(b"s", "cookie"), one) != mailbox_key(b"s", one)
