"""Test addresses state their own verdict."""

import pytest

from verifier.core.address import Address, parse_address
from verifier.core.reasons import Reason
from verifier.core.test_addresses import TEST_DOMAIN, stated_reason


def stated(text: str) -> Reason | None:
    address = parse_address(text)
    assert isinstance(address, Address)
    return stated_reason(address)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_can_be_stated(reason: Reason) -> None:
    """There is a test address for every reason, in any case."""
    assert [reason, reason] == [stated(f"{reason}@{TEST_DOMAIN}"), stated(f"{reason.upper()}@Verifier.TEST")]


@pytest.mark.parametrize("text", ["jane@verifier.test", "accepted@example.com", "accepted@a.verifier.example"])
def test_other_addresses_state_nothing(text: str) -> None:
    """Only a reason's name at the test domain itself is a test address."""
    assert stated(text) is None
